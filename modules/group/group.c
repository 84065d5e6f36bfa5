/* SPDX-License-Identifier: MIT */
/*
 * Groups and channels: conversations with members who come and go, have roles and can be muted.
 * Each is a log like every other; what the group is stands in one record beside it, who is in it in
 * the store's members, and both change only together with an event in that log, in one transaction.
 * So other devices, other nodes and those who were away all learn of changes the way they learn of
 * messages. A message costs one row, whatever the size of the group; who is online gets it through
 * the live side of the conversation.
 *
 * enter.c the kind; here.c, arrive.c the members who are online; task.c, crowd.c how a request
 * goes; rules.c who may what; ops_*.c, tables.c ops and routes; record.c, news.c the forms.
 * Thread: logic.
 */
#include "group.h"

#include <stdlib.h>

#include <nuncio/conf.h>
#include <nuncio/hooks.h>
#include <nuncio/json.h>
#include <nuncio/session.h>

static void on_did_event(const struct nuncio_told *told, void *user)
{
	struct news_event news;
	struct nuncio_str id;
	if (group_id_read(told->event->conversation, &id) < 0)
		return;
	if (news_read(told->event, &news) == 0) {
		arrive_tell(user, told->event, &news);
		here_tell(user, told->event, &news);
	}
	check_event(user, told->event);
}

static void on_did_recover(const struct nuncio_recovery *what, void *user)
{
	(void)what;
	check_all(user);
}

static void read_options(struct group *g)
{
	struct nuncio_module *self = g->self;
	struct group_options *o = &g->options;
	o->max_members = (uint64_t)nuncio_conf_int(self, "max_members");
	o->mention_all = (uint32_t)nuncio_conf_int(self, "mention_all");
	o->max_admins = (uint32_t)nuncio_conf_int(self, "max_admins");
	o->max_groups_per_user = (uint32_t)nuncio_conf_int(self, "max_groups_per_user");
	o->max_requests = (uint32_t)nuncio_conf_int(self, "max_requests");
	o->max_invites = (uint32_t)nuncio_conf_int(self, "max_invites");
	o->name_bytes = (uint32_t)nuncio_conf_int(self, "name_bytes");
	o->announcement_bytes = (uint32_t)nuncio_conf_int(self, "announcement_bytes");
	o->invite_ttl_ms = nuncio_conf_int(self, "invite_ttl");
	o->adds_at_once =
		nuncio_text_same(nuncio_text(nuncio_conf_text(self, "add")), nuncio_text("direct"));
}

static int add_hooks(struct nuncio_module *self, struct group *g)
{
	int rc = nuncio_slot_take(self, NUNCIO_PER_SESSION, arrive_free, &g->of_session);
	if (rc == 0)
		rc = nuncio_slot_take(self, NUNCIO_PER_USER, here_free_user, &g->of_user);
	if (rc == 0)
		rc = nuncio_slot_take(
			self, NUNCIO_PER_CONVERSATION, here_free_group, &g->of_conversation);
	if (rc == 0)
		rc = nuncio_hook_may_login(self, NUNCIO_PRIO_LAST, arrive_may_login, g);
	if (rc == 0)
		rc = nuncio_hook_did_login(self, NUNCIO_PRIO_FIRST, arrive_did_login, g);
	if (rc == 0)
		rc = nuncio_hook_may_send(self, NUNCIO_PRIO_FIRST, everybody_may_send, g);
	if (rc == 0)
		rc = nuncio_hook_did_event(self, NUNCIO_PRIO_FIRST, on_did_event, g);
	if (rc == 0)
		rc = nuncio_hook_did_recover(self, NUNCIO_PRIO_FIRST, on_did_recover, g);
	return rc;
}

static int group_init(struct nuncio_module *self, struct nuncio_error *err)
{
	struct group *g = nuncio_alloc(sizeof *g);
	g->self = self;
	nuncio_module_set_data(self, g);
	read_options(g);
	g->changes = nuncio_counter_new(
		self, "changes_total", NULL, "Changes to groups and their members.");
	g->conflicts = nuncio_counter_new(self, "conflicts_total", NULL,
		"Changes that were decided again, because somebody else was faster.");
	g->checks_total = nuncio_counter_new(self, "checks_total", NULL,
		"Users whose groups were looked up again, because another node may not have been heard.");
	g->live_members = nuncio_gauge_new(self, "live_members", NULL,
		"Pairs of a group and a member of it who is online here.");
	int rc = nuncio_kind_add(self, &enter_kind, g);
	if (rc == 0)
		rc = add_hooks(self, g);
	if (rc == 0)
		rc = tables_add(g);
	if (rc == 0)
		rc = service_offer(g);
	if (rc < 0) {
		nuncio_error_set(
			err, "its kind, hooks and ops cannot be added: %s", nuncio_status_name(rc));
		free(g);
	}
	return rc;
}

static int group_reload(struct nuncio_module *self, struct nuncio_error *err)
{
	(void)err;
	read_options(nuncio_module_data(self));
	return 0;
}

static void group_fini(struct nuncio_module *self)
{
	struct group *g = nuncio_module_data(self);
	if (!g)
		return;
	arrive_fini(g);
	check_fini(g);
	free(g);
}

static const char *const group_needs[] = { "store", NULL };

static const struct nuncio_option group_options[] = {
	{ "max_members", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "100000", 2, 10000000, NULL,
		"Members that one group or channel can have." },
	{ "max_admins", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "50", 0, 900, NULL,
		"Admins that one group can have, besides its owner." },
	{ "mention_all", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "200", 0, 10000000, NULL,
		"In a group with more members only its owner and admins may call everybody. 0: only they, always." },
	{ "max_groups_per_user", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "500", 1, 1000, NULL,
		"Groups and channels that one user can be in." },
	{ "max_requests", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "200", 1, 1000, NULL,
		"Requests to join one group that can wait for an answer." },
	{ "max_invites", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "100", 1, 1000, NULL,
		"Invitations of one user that can wait for an answer." },
	{ "invite_ttl", NUNCIO_OPT_MSEC, NUNCIO_OPT_LIVE, "30d", 60000, INT64_C(31622400000), NULL,
		"After this time without an answer an invitation or a request to join is gone." },
	{ "name_bytes", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "128", 1, RECORD_NAME_BYTES, NULL,
		"Length of a group's name, in bytes of UTF-8." },
	{ "announcement_bytes", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "2048", 0,
		RECORD_ANNOUNCEMENT_BYTES, NULL, "Length of a group's announcement." },
	{ "add", NUNCIO_OPT_CHOICE, NUNCIO_OPT_LIVE, "direct", 0, 0, "direct invite",
		"direct: who is added to a group is in it at once. invite: they are invited, and accept first." },
	{ "creators", NUNCIO_OPT_LIST, NUNCIO_OPT_LIVE, "", 0, 1000, NULL,
		"Users who may make groups and channels. Empty: everybody." },
	{ 0 },
};

NUNCIO_MODULE("group", .version = "1.0", .summary = "Groups and channels.", .needs = group_needs,
	.options = group_options, .init = group_init, .reload = group_reload, .fini = group_fini)

/* SPDX-License-Identifier: MIT */
/*
 * Who is signed in on which node, shared through Redis: the service roster.v1, which the modules
 * presence and devices ask. A session costs two commands when it begins and two when it ends,
 * nothing while it lasts: it belongs to its node's lease, and a node that dies takes its sessions
 * along when that runs out. While Redis is down, each node goes on with what it knows.
 * Thread: logic.
 */
#include "presence_redis.h"

#include <stdlib.h>

#include <nuncio/conf.h>
#include <nuncio/hooks.h>
#include <nuncio/service.h>

struct nuncio_str roster_user_key(struct roster *roster, struct nuncio_str user)
{
	return redis_member_key(&roster->member, "user:", user);
}

struct nuncio_str roster_user_channel(struct roster *roster, struct nuncio_str user)
{
	return redis_member_key(&roster->member, "of:", user);
}

/* ---- coming and going ---- */

static void on_did_login(const struct nuncio_login *login, void *user)
{
	struct roster *roster = user;
	if (!roster->member.is_stopping)
		seats_take(roster, login->session);
}

static void on_did_disconnect(const struct nuncio_leave *leave, void *user)
{
	struct roster *roster = user;
	if (!roster->member.is_stopping)
		seats_leave(roster, nuncio_session_id(leave->session));
}

/* ---- the group of nodes ---- */

static void on_held(void *user)
{
	seats_write_all(user);
	watches_ask_all(user);
}

static void on_left(void *user)
{
	seats_forget(user);
	watches_forget(user);
}

static void on_there(int again, void *user)
{
	(void)again, (void)user;
}

static void on_died(uint16_t node, void *user)
{
	sweep_node(user, node);
}

static void on_subscribed(struct nuncio_str channel, void *user)
{
	watches_subscribed(user, channel);
}

static void on_message(struct nuncio_str channel, struct nuncio_str text, void *user)
{
	struct roster *roster = user;
	/* What we have written ourselves does not concern those elsewhere. */
	if (!nuncio_text_same(text, nuncio_text(redis_lease_id(roster->member.lease))))
		watches_changed(roster, channel, text.n == REDIS_ID_BYTES);
}

/* ---- the service ---- */

static void service_list(
	void *impl, struct nuncio_str user, nuncio_roster_rows_fn *done, void *context)
{
	seats_flush(impl); /* so that the answer has them */
	watches_list(impl, user, done, context);
}

static void service_elsewhere(void *impl, const struct nuncio_str *users, size_t n,
	nuncio_roster_states_fn *done, void *context)
{
	watches_elsewhere(impl, users, n, done, context);
}

static void service_watch(void *impl, struct nuncio_str user, int on)
{
	struct roster *roster = impl;
	if (!roster->member.is_stopping)
		watches_set(roster, user, on != 0);
}

static void service_listen(void *impl, nuncio_roster_changed_fn *changed, void *context)
{
	struct roster *roster = impl;
	roster->watches.changed = changed;
	roster->watches.context = context;
}

static void service_state(void *impl, nuncio_sid session, uint32_t state)
{
	struct roster *roster = impl;
	if (!roster->member.is_stopping)
		seats_state(roster, session, state);
}

static const struct nuncio_roster_v1 service = {
	.size = sizeof service,
	.list = service_list,
	.elsewhere = service_elsewhere,
	.watch = service_watch,
	.listen = service_listen,
	.state = service_state,
};

/* ---- life ---- */

static void add_counts(struct roster *roster)
{
	struct nuncio_module *self = roster->self;
	roster->written = nuncio_counter_new(self, "sessions_written_total", NULL,
		"Sessions written to Redis: begun, changed, ended.");
	roster->asked = nuncio_counter_new(self, "users_read_total", NULL,
		"Users who are watched, read from Redis after a change.");
	roster->told = nuncio_counter_new(
		self, "changes_total", NULL, "Changes on other nodes that were told.");
	roster->sessions = nuncio_gauge_new(
		self, "sessions", NULL, "Sessions of this node that are, or are to be, in Redis.");
	roster->watched = nuncio_gauge_new(
		self, "watched_users", NULL, "Users whose sessions elsewhere are told of.");
}

static int add_all(struct roster *roster)
{
	struct nuncio_module *self = roster->self;
	int rc = nuncio_service_offer(self, NUNCIO_ROSTER_V1, &service, roster);
	/* Before those who ask for lists when somebody comes. */
	if (rc == 0)
		rc = nuncio_hook_did_login(self, NUNCIO_PRIO_FIRST, on_did_login, roster);
	if (rc == 0)
		rc = nuncio_hook_did_disconnect(self, NUNCIO_PRIO_FIRST, on_did_disconnect, roster);
	return rc;
}

static void roster_free(struct roster *roster)
{
	redis_member_fini(&roster->member);
	if (roster->seats.users.buckets)
		seats_fini(&roster->seats);
	if (roster->watches.all.buckets)
		watches_fini(&roster->watches);
	free(roster);
}

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	static const struct redis_member_events events = { .held = on_held,
		.left = on_left,
		.there = on_there,
		.died = on_died,
		.subscribed = on_subscribed,
		.message = on_message };
	struct roster *roster = nuncio_alloc(sizeof *roster);
	roster->self = self;
	int rc = redis_member_init(&roster->member, self, "presence", false, &events, roster, err);
	if (rc < 0) {
		roster_free(roster);
		return rc;
	}
	seats_init(&roster->seats);
	watches_init(&roster->watches);
	add_counts(roster);
	rc = add_all(roster);
	if (rc == 0) {
		nuncio_module_set_data(self, roster);
		return 0;
	}
	nuncio_error_set(err, "its hooks cannot be added: %s", nuncio_status_name(rc));
	roster_free(roster);
	return rc;
}

static int start(struct nuncio_module *self, struct nuncio_error *err)
{
	struct roster *roster = nuncio_module_data(self);
	return redis_member_start(&roster->member, err);
}

static void stop(struct nuncio_module *self)
{
	struct roster *roster = nuncio_module_data(self);
	seats_flush(roster);
	redis_member_stop(&roster->member);
}

static void fini(struct nuncio_module *self)
{
	struct roster *roster = nuncio_module_data(self);
	if (roster)
		roster_free(roster);
	nuncio_module_set_data(self, NULL);
}

static const struct nuncio_option options[] = {
	REDIS_MEMBER_OPTIONS,
	{ 0 },
};

NUNCIO_MODULE("presence_redis", .version = "1.0",
	.summary = "Who is signed in on which node, shared through Redis.", .options = options,
	.init = init, .start = start, .stop = stop, .fini = fini)

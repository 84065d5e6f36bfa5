/* SPDX-License-Identifier: MIT */
/*
 * What other modules do with groups: the ops groupapi.standing and groupapi.info ask group.v1, and
 * may_join keeps zoe out of everything, a moment later.
 */
#include <nuncio/hooks.h>
#include <nuncio/json.h>
#include <nuncio/request.h>
#include <nuncio/service.h>
#include <nuncio/services/group.h>
#include <nuncio/timer.h>

#include <string.h>

static const struct nuncio_group_v1 *groups;
static void *groups_impl;

static void put(struct nuncio_json *json, const char *key, uint64_t number)
{
	nuncio_json_key(json, key);
	nuncio_json_put_int(json, (int64_t)number);
}

static void reply(struct nuncio_request *rq, struct nuncio_json *json)
{
	nuncio_json_object_end(json);
	nuncio_reply(&rq, 200, nuncio_json_str(json));
	nuncio_json_free(&json);
}

static void on_standing(int status, const struct nuncio_group_standing *s, void *user)
{
	struct nuncio_request *rq = user;
	if (status < 0) {
		nuncio_reply_status(&rq, status);
		return;
	}
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	put(json, "is_member", s->is_member);
	put(json, "role", s->role);
	put(json, "may_write", s->may_write);
	put(json, "since", s->since);
	put(json, "until", s->until);
	reply(rq, json);
}

static void on_info(int status, const struct nuncio_group_info *info, void *user)
{
	struct nuncio_request *rq = user;
	if (status < 0) {
		nuncio_reply_status(&rq, status);
		return;
	}
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "name");
	nuncio_json_put_text(json, info->name);
	nuncio_json_key(json, "owner");
	nuncio_json_put_text(json, info->owner);
	put(json, "is_channel", info->is_channel);
	put(json, "is_muted", info->is_muted);
	reply(rq, json);
}

static void ask_standing(struct nuncio_request *rq, void *user)
{
	struct nuncio_str conversation, who;
	(void)user;
	nuncio_request_text(rq, "conversation", &conversation);
	nuncio_request_text(rq, "user", &who);
	int rc = groups->standing(groups_impl, conversation, who, on_standing, rq);
	if (rc < 0)
		nuncio_reply_status(&rq, rc);
}

static void ask_info(struct nuncio_request *rq, void *user)
{
	struct nuncio_str conversation;
	(void)user;
	nuncio_request_text(rq, "conversation", &conversation);
	int rc = groups->info(groups_impl, conversation, on_info, rq);
	if (rc < 0)
		nuncio_reply_status(&rq, rc);
}

static void on_later(void *user)
{
	struct nuncio_ticket *ticket = user;
	nuncio_resume(&ticket, NUNCIO_REJECT, NUNCIO_CODE_denied, "zoe stays out",
		(struct nuncio_str){ NULL, 0 });
}

static enum nuncio_verdict on_may_join(
	struct nuncio_ask *ask, const struct nuncio_join *what, void *user)
{
	if (what->user.n != 3 || memcmp(what->user.p, "zoe", 3) != 0)
		return NUNCIO_PASS;
	struct nuncio_ticket *ticket = nuncio_defer(ask, 5000, NULL, NULL);
	nuncio_timer_start(user, 1, 0, on_later, ticket);
	return NUNCIO_LATER;
}

static const struct nuncio_field fields[] = {
	{ "conversation", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_REQUIRED, 1, 100, "which" },
	{ "user", NUNCIO_FIELD_TEXT, 0, 1, 64, "who" },
	{ 0 },
};
static const struct nuncio_command commands[] = {
	{ .size = sizeof commands[0],
		.op = "groupapi.standing",
		.help = "Of the test.",
		.fields = fields,
		.field_size = sizeof fields[0],
		.fn = ask_standing },
	{ .size = sizeof commands[0],
		.op = "groupapi.info",
		.help = "Of the test.",
		.fields = fields,
		.field_size = sizeof fields[0],
		.fn = ask_info },
};

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	(void)err;
	int rc = nuncio_hook_may_join(self, 0, on_may_join, self);
	for (size_t i = 0; rc == 0 && i < 2; i++)
		rc = nuncio_command_add(self, &commands[i], NULL);
	return rc;
}

static int start(struct nuncio_module *self, struct nuncio_error *err)
{
	groups = nuncio_service_find(self, NUNCIO_GROUP_V1, &groups_impl);
	if (groups && groups->is_group(groups_impl, (struct nuncio_str){ "g:x", 3 }) &&
		!groups->is_group(groups_impl, (struct nuncio_str){ "d:x", 3 }))
		return 0;
	nuncio_error_set(err, "no group.v1");
	return NUNCIO_E_FAIL;
}

static const char *const needs[] = { NUNCIO_GROUP_V1, NULL };

NUNCIO_MODULE(
	"api_group", .summary = "asks of groups", .needs = needs, .init = init, .start = start)

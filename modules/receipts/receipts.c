/* SPDX-License-Identifier: MIT */
/*
 * How far messages have come, in conversations of more than two: the notify `receipt` and the op
 * message.receipts. (direct tells its two members by itself.)
 *
 * In a small conversation everybody who is online is told whose cursors have moved, all that came
 * together within `delay` in one notify: a message to a hundred members costs each of them a few
 * notifies, not a hundred. In a larger one only the user's own other devices are told (at once when
 * more than a hundred have moved within `delay`, so that no more have to be kept), and whoever
 * wants to know asks for the counts. Whether it is small is what the store says of its members,
 * once per notify. In a channel nobody is told of others, because who reads it may not know them
 * (names.c). Thread: logic.
 */
#include <stdlib.h>
#include <string.h>

#include <nuncio/bus.h>
#include <nuncio/conf.h>
#include <nuncio/conversation.h>
#include <nuncio/hooks.h>
#include <nuncio/json.h>
#include <nuncio/metric.h>
#include <nuncio/request.h>
#include <nuncio/service.h>
#include <nuncio/session.h>
#include <nuncio/store.h>
#include <nuncio/timer.h>

#include "counting.h"
#include "pending.h"

struct receipts {
	struct nuncio_module *self;
	struct counter counter;
	struct pending pending;
	struct nuncio_timer *timer;
	struct nuncio_counter *notifies;
	int is_stopped;
};

/* One conversation whose members are being counted. */
struct telling {
	struct receipts *receipts;
	struct pending_conversation *conversation;
};

static struct nuncio_str id_of(const struct pending_conversation *conversation)
{
	return (struct nuncio_str){ conversation->id, conversation->id_bytes };
}

static struct nuncio_str user_of(const struct pending_mark *mark)
{
	return (struct nuncio_str){ mark->user, mark->user_bytes };
}

/* ---- telling ---- */

static struct nuncio_json *begin(const struct pending_conversation *conversation)
{
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "conversation");
	nuncio_json_put_text(json, id_of(conversation));
	nuncio_json_key(json, "members");
	nuncio_json_array_begin(json);
	return json;
}

static void put_mark(struct nuncio_json *json, const struct pending_mark *mark)
{
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "user");
	nuncio_json_put_text(json, user_of(mark));
	nuncio_json_key(json, "delivered");
	nuncio_json_put_int(json, (int64_t)mark->delivered);
	nuncio_json_key(json, "read");
	nuncio_json_put_int(json, (int64_t)mark->read);
	nuncio_json_object_end(json);
}

static void end(struct nuncio_json *json)
{
	nuncio_json_array_end(json);
	nuncio_json_object_end(json);
}

static void tell_all(struct receipts *receipts, const struct pending_conversation *conversation)
{
	struct nuncio_json *json = begin(conversation);
	for (const struct pending_mark *mark = conversation->marks; mark; mark = mark->next)
		put_mark(json, mark);
	end(json);
	nuncio_conversation_notify(
		receipts->self, id_of(conversation), "receipt", nuncio_json_str(json), 0);
	nuncio_counter_add(receipts->notifies, 1);
	nuncio_json_free(&json);
}

/* Other devices than the one that has read: here, or on other nodes. */
static int may_have_others(struct nuncio_str user)
{
	return nuncio_user_session_count(user) > 1 || nuncio_bus_is_there();
}

/* Which device has confirmed is not known any more, so all are told if there are several. */
static void tell_own(struct receipts *receipts, const struct pending_conversation *conversation,
	const struct pending_mark *mark)
{
	if (!may_have_others(user_of(mark)))
		return;
	struct nuncio_json *json = begin(conversation);
	put_mark(json, mark);
	end(json);
	nuncio_user_notify(user_of(mark), "receipt", nuncio_json_str(json), 0);
	nuncio_counter_add(receipts->notifies, 1);
	nuncio_json_free(&json);
}

static void tell_own_devices(
	struct receipts *receipts, const struct pending_conversation *conversation)
{
	for (const struct pending_mark *mark = conversation->marks; mark; mark = mark->next)
		tell_own(receipts, conversation, mark);
}

static void telling_end(struct telling *telling)
{
	pending_free(&telling->conversation);
	free(telling);
}

static void on_names(int status, int may, void *user)
{
	struct telling *telling = user;
	if (status == 0 && may)
		tell_all(telling->receipts, telling->conversation);
	else
		tell_own_devices(telling->receipts, telling->conversation);
	telling_end(telling);
}

static void on_counted(int status, const struct nuncio_member *rows, size_t n, int more, void *user)
{
	struct telling *telling = user;
	(void)more;
	if (status == 0 && n == 1 && rows->member_count <= RECEIPTS_SMALL)
		status = names_ask(&telling->receipts->counter.names, id_of(telling->conversation),
			(struct nuncio_str){ "", 0 }, on_names, telling);
	else
		status = NUNCIO_E_TOOBIG;
	if (status < 0)
		on_names(status, 0, telling);
}

static void tell(struct receipts *receipts, struct pending_conversation *conversation)
{
	struct telling *telling = nuncio_alloc(sizeof *telling);
	*telling = (struct telling){ receipts, conversation };
	int rc = NUNCIO_E_TOOBIG;
	if (!conversation->is_over)
		rc = nuncio_store_member(receipts->self, id_of(conversation),
			user_of(conversation->marks), on_counted, telling);
	if (rc < 0)
		on_names(rc, 0, telling);
}

static void on_timer(void *user)
{
	struct receipts *receipts = user;
	struct pending_conversation *all = pending_take(&receipts->pending);
	receipts->timer = NULL;
	while (all) {
		struct pending_conversation *one = all;
		all = one->next;
		if (one->marks)
			tell(receipts, one);
		else
			pending_free(&one);
	}
}

static int is_ours(struct nuncio_str conversation)
{
	const char *kind = nuncio_conversation_kind(conversation);
	return kind && strcmp(kind, "direct") != 0;
}

/*
 * With more members online than a small one has, only own devices are of interest, which few have;
 * and when more than that have moved, theirs are told at once. The node where a cursor has moved
 * tells those on all nodes.
 */
static void on_did_mark(const struct nuncio_mark *what, void *user)
{
	struct receipts *receipts = user;
	if (what->is_remote || !is_ours(what->conversation) || receipts->is_stopped)
		return;
	if (nuncio_live_count(what->conversation) > RECEIPTS_SMALL && !may_have_others(what->user))
		return;
	struct pending_conversation *over = pending_note(
		&receipts->pending, what->conversation, what->user, what->delivered, what->read);
	if (over)
		tell(receipts, over);
	if (!receipts->timer)
		receipts->timer = nuncio_timer_start(receipts->self,
			(uint32_t)nuncio_conf_int(receipts->self, "delay"), 0, on_timer, receipts);
}

/* ---- the module ---- */

static const struct nuncio_field op_fields[] = {
	{ "conversation", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_REQUIRED, 1, 192, "its id" },
	{ "seq", NUNCIO_FIELD_INT, NUNCIO_FIELD_REQUIRED, 1, INT64_MAX, "of the message" },
	{ 0 },
};
static const struct nuncio_field route_fields[] = {
	{ "id", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_PATH, 0, 0, "the conversation's" },
	{ "seq", NUNCIO_FIELD_INT, NUNCIO_FIELD_REQUIRED | NUNCIO_FIELD_QUERY, 1, INT64_MAX,
		"of the message" },
	{ 0 },
};
#define ANSWER_SHAPE \
	"{count: int, delivered: int, read: int, members?: [{user: text, delivered: bool, read: bool}]}"
#define ERRORS "not_found not_member denied"
static const struct nuncio_command receipts_op = {
	.size = sizeof receipts_op,
	.op = "message.receipts",
	.help = "Who has received and read a message; in large conversations, how many.",
	.fields = op_fields,
	.field_size = sizeof op_fields[0],
	.fn = counting_start,
	.answer = ANSWER_SHAPE,
	.errors = ERRORS,
};
static const struct nuncio_route receipts_route = {
	.size = sizeof receipts_route,
	.method = "GET",
	.path = "/api/v1/conversations/:id/receipts",
	.help = "Who has received and read a message; in large conversations, how many.",
	.fields = route_fields,
	.field_size = sizeof route_fields[0],
	.fn = counting_start,
	.answer = "200 " ANSWER_SHAPE,
	.errors = ERRORS,
};

static int receipts_init(struct nuncio_module *self, struct nuncio_error *err)
{
	struct receipts *receipts = nuncio_alloc(sizeof *receipts);
	receipts->self = receipts->counter.self = self;
	pending_init(&receipts->pending, RECEIPTS_SMALL);
	nuncio_module_set_data(self, receipts);
	receipts->notifies =
		nuncio_counter_new(self, "notifies_total", NULL, "Receipts that were told.");
	int rc = nuncio_hook_did_mark(self, NUNCIO_PRIO_NORMAL, on_did_mark, receipts);
	if (rc == 0)
		rc = nuncio_command_add(self, &receipts_op, &receipts->counter);
	if (rc == 0)
		rc = nuncio_route_add(self, &receipts_route, &receipts->counter);
	if (rc < 0) {
		nuncio_error_set(
			err, "its op and route cannot be added: %s", nuncio_status_name(rc));
		free(receipts);
	}
	return rc;
}

static int receipts_start(struct nuncio_module *self, struct nuncio_error *err)
{
	struct receipts *receipts = nuncio_module_data(self);
	struct names *names = &receipts->counter.names;
	(void)err;
	names->group = nuncio_service_find(self, NUNCIO_GROUP_V1, &names->group_impl);
	return 0;
}

static void receipts_stop(struct nuncio_module *self)
{
	struct receipts *receipts = nuncio_module_data(self);
	receipts->is_stopped = 1;
	nuncio_timer_stop(&receipts->timer);
}

static void receipts_fini(struct nuncio_module *self)
{
	struct receipts *receipts = nuncio_module_data(self);
	if (!receipts)
		return;
	pending_fini(&receipts->pending);
	free(receipts);
}

static const char *const receipts_wants[] = { "store", NUNCIO_GROUP_V1, NULL };

static const struct nuncio_option receipts_options[] = {
	{ "delay", NUNCIO_OPT_MSEC, NUNCIO_OPT_LIVE, "300ms", 0, 60000, NULL,
		"Cursors that move within this time are told together." },
	{ 0 },
};

NUNCIO_MODULE("receipts", .version = "1.0", .summary = "Who has received and read what, in groups.",
	.wants = receipts_wants, .options = receipts_options, .init = receipts_init,
	.start = receipts_start, .stop = receipts_stop, .fini = receipts_fini)

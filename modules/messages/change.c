/* SPDX-License-Identifier: MIT */
/*
 * The way of every change to a message:
 *
 *   may they enter? -> has nobody blocked anybody? -> are they a member who sees it? -> the message
 *   as it is -> what the verb makes of it -> an event that tells of it, and the message, in one
 *   transaction
 *
 * Two changes at once to one message are found by the store (expect_changed): whoever comes second
 * begins again with the message as it is then. Input is copied at the start, because the core may
 * answer `timeout` meanwhile.
 */
#include "messages.h"

#include <nuncio/codes.h>

#include <stdlib.h>

enum { TRIES_MAX = 8 };

void change_drop(struct change **change)
{
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): it is never NULL */
	free((*change)->body);
	free(*change);
	*change = NULL;
}

int change_refuse(struct change *change, int code, const char *text)
{
	nuncio_reply_error(&change->rq, code, "%s", text);
	return -1;
}

void change_fail(struct change *change, int status)
{
	nuncio_reply_store_status(&change->rq, status);
	change_drop(&change);
}

bool change_is_own(const struct change *change, const struct nuncio_event *target)
{
	return nuncio_text_same(target->from, nuncio_text(change->user));
}

bool change_has_role(const struct change *change)
{
	return change->role > 0;
}

/* ---- the answer ---- */

static void reply(
	struct change *change, const struct nuncio_event *event, const struct nuncio_event *message)
{
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "conversation");
	nuncio_json_put_text(json, nuncio_text(change->conversation));
	if (event) {
		nuncio_json_key(json, "seq");
		nuncio_json_put_int(json, (int64_t)event->seq);
		nuncio_json_key(json, "id");
		nuncio_json_put_id(json, event->id);
		nuncio_json_key(json, "sent_at");
		nuncio_json_put_time(json, event->sent_at_ms);
	}
	nuncio_json_key(json, "message");
	nuncio_event_write(json, message);
	nuncio_json_object_end(json);
	nuncio_reply(&change->rq, 200, nuncio_json_str(json));
	nuncio_json_free(&json);
	change_drop(&change);
}

/* ---- append ---- */

static void on_appended(int status, const struct nuncio_event *event, int duplicate, void *user)
{
	struct change *change = user;
	(void)duplicate;
	if (status == NUNCIO_E_CONFLICT && ++change->tries < TRIES_MAX) {
		change_go_on(change);
		return;
	}
	/* They were in, and might write, when they were asked for. */
	if (status == NUNCIO_E_DENIED)
		change_refuse(change, NUNCIO_CODE_not_member,
			"only members of the conversation may do this");
	else if (status == NUNCIO_E_EXPIRED)
		change_refuse(change, NUNCIO_CODE_muted, "you were muted here for a time");
	if (!change->rq)
		change_drop(&change);
	else if (status < 0)
		change_fail(change, status);
	else
		reply(change, event, event->now ? event->now : event);
}

static int append(
	struct change *change, const struct nuncio_event *target, const struct amendment *amendment)
{
	struct nuncio_append append = {
		.size = sizeof append,
		.flags = change->verb->access == NUNCIO_ACCESS_WRITE ? NUNCIO_AS_WRITTEN : 0,
		.conversation = nuncio_text(change->conversation),
		.type = nuncio_text(change->verb->type),
		.from = nuncio_text(change->user),
		.kind = target->kind,
		.body = amendment->body.n ? amendment->body : (struct nuncio_str){ "null", 4 },
		.target = target->seq,
		.expect_changed = target->changed,
		.target_body = amendment->target_body,
		.target_state = { NULL, 0 },
		.target_flags = amendment->target_flags,
	};
	if (amendment->state) {
		append.target_state = state_text(amendment->state);
		if (!append.target_state.n)
			append.target_state.p = "";
	}
	if (amendment->write.size) {
		append.writes = &amendment->write;
		append.writes_count = 1;
	}
	struct nuncio_str body = append.target_body.p ? append.target_body : target->body;
	if (append.target_state.n > STATE_BYTES ||
		body.n + target->extra.n + append.target_state.n > NUNCIO_EVENT_BYTES)
		return NUNCIO_E_TOOBIG;
	return nuncio_append(change->m->self, &append, on_appended, change);
}

/* ---- the message ---- */

static void amend(struct change *change, const struct nuncio_event *target)
{
	struct amendment amendment = { .target_body = { NULL, 0 } };
	int verdict = change->verb->apply(change, target, &amendment);
	int rc = verdict == 1 ? append(change, target, &amendment) : 0;
	nuncio_json_free(&amendment.state);
	nuncio_json_free(&amendment.told);
	if (verdict < 0)
		change_drop(&change);
	else if (verdict == 0)
		reply(change, NULL, target);
	else if (rc < 0)
		change_fail(change, rc);
}

static void on_target(int status, const struct nuncio_event *rows, size_t n, int more, void *user)
{
	struct change *change = user;
	(void)more;
	if (status < 0) {
		change_fail(change, status);
		return;
	}
	if (n != 1 || rows->seq != change->seq)
		change_refuse(change, NUNCIO_CODE_not_found, "seq: there is no such event");
	else if (!nuncio_text_same(rows->type, nuncio_text("message")))
		change_refuse(change, NUNCIO_CODE_invalid_field, "seq: is not that of a message");
	else if (rows->flags & NUNCIO_EVENT_VOID)
		change_refuse(change, NUNCIO_CODE_conflict, "seq: the message was recalled");
	if (change->rq)
		amend(change, rows);
	else
		change_drop(&change);
}

void change_go_on(struct change *change)
{
	const struct nuncio_events_query query = {
		.size = sizeof query,
		.flags = NUNCIO_EVENTS_FORWARD,
		.conversation = nuncio_text(change->conversation),
		.after = change->seq - 1,
		.limit = 1,
	};
	int rc = nuncio_store_events(change->m->self, &query, on_target, change);
	if (rc < 0)
		change_fail(change, rc);
}

/* ---- the member ---- */

static void on_member(int status, const struct nuncio_member *rows, size_t n, int more, void *user)
{
	struct change *change = user;
	(void)more;
	if (status == NUNCIO_E_NOTFOUND || (status == 0 && n == 1 && rows->until)) {
		change_refuse(change, NUNCIO_CODE_not_member,
			"only members of the conversation may do this");
		change_drop(&change);
		return;
	}
	if (status < 0) {
		change_fail(change, status);
		return;
	}
	change->role = rows->role;
	if (change->seq <= rows->since) {
		change_refuse(change, NUNCIO_CODE_not_found, "seq: there is no such event");
		change_drop(&change);
		return;
	}
	change_go_on(change);
}

void change_ask_member(struct change *change)
{
	int rc = nuncio_store_member(change->m->self, nuncio_text(change->conversation),
		nuncio_text(change->user), on_member, change);
	if (rc < 0)
		change_fail(change, rc);
}

/* The refusal is the kind's own, as it is for sending: muted, read_only ... */
static void on_entered(int status, const struct nuncio_entry *entry, void *user)
{
	struct change *change = user;
	if (status == NUNCIO_E_NOTFOUND)
		change_refuse(change, NUNCIO_CODE_not_found,
			"conversation: there is no such conversation");
	else if (status < 0 && entry && entry->code)
		change_refuse(change, entry->code, entry->text);
	if (status == 0)
		blocked_ask(change);
	else if (!change->rq)
		change_drop(&change);
	else
		change_fail(change, status);
}

void change_go(struct change *change)
{
	const struct nuncio_access what = {
		.session = nuncio_request_session(change->rq),
		.user = nuncio_text(change->user),
		.conversation = nuncio_text(change->conversation),
		.access = change->verb->access,
	};
	nuncio_conversation_ask(change->m->self, &what, on_entered, change);
}

struct change *change_new(struct messages *m, struct nuncio_request *rq, const struct verb *verb)
{
	struct change *change = nuncio_alloc(sizeof *change);
	struct nuncio_str conversation = { "", 0 };
	int64_t seq = 0;
	*change = (struct change){ .m = m, .rq = rq, .verb = verb };
	nuncio_request_text(rq, nuncio_request_is_http(rq) ? "id" : "conversation", &conversation);
	nuncio_request_int(rq, "seq", &seq);
	change->seq = (uint64_t)seq;
	if (seq < 1)
		change_refuse(change, NUNCIO_CODE_invalid_field, "seq: must be a number from 1");
	else if (nuncio_text_copy(conversation, change->conversation, sizeof change->conversation) <
			 0 ||
		 nuncio_text_copy(nuncio_request_user(rq), change->user, sizeof change->user) < 0)
		change_refuse(change, NUNCIO_CODE_not_found,
			"conversation: there is no such conversation");
	if (!change->rq)
		change_drop(&change);
	return change;
}

/* SPDX-License-Identifier: MIT */
#include "logic/send.h"

/*
 * The road of a message: where to -> is it well formed -> the kind's may_enter and may_send -> the
 * store gives it its seq and makes it durable -> answer to the sender, audience, did_store. While
 * may_send is parked the session's next packets wait, so the order of a sender's messages is the
 * order of their seq; while the store works they do not wait, so many can be under way. Logic
 * thread only.
 */

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/slice.h"
#include "hook/chain.h"
#include "hook/write_list.h"
#include "logic/deliver.h"
#include "logic/event.h"
#include "logic/logic.h"
#include "logic/op.h"
#include "logic/request_input.h"
#include "logic/told.h"
#include "provide/sized.h"
#include "provide/store.h"
#include "wire/json.h"
#include "wire/json_out.h"
#include "wire/limits.h"

enum { MENTIONS_MAX = 100, FOUNDERS_MAX = 16 };

const struct nuncio_field send_fields[] = {
	{ "to", NUNCIO_FIELD_OBJECT, NUNCIO_FIELD_REQUIRED, 0, 0, "where to: one of these",
		"{user: text}|{group: text}|{conversation: text}" },
	{ "client_id", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_REQUIRED, 1, LIMIT_CLIENT_ID_BYTES,
		"the sender's own name for the message; sending it again is safe" },
	{ "kind", NUNCIO_FIELD_TEXT, 0, 1, LIMIT_KIND_BYTES,
		"text (default), image, file or the app's own" },
	{ "body", NUNCIO_FIELD_ANY, NUNCIO_FIELD_REQUIRED, 0, LIMIT_BODY_BYTES,
		"a string for text, else any JSON" },
	{ "reply_to", NUNCIO_FIELD_INT, 0, 1, INT64_MAX, "seq of the message that this answers" },
	{ "mentions", NUNCIO_FIELD_TEXTS, 0, 0, MENTIONS_MAX, "users to be called" },
	{ "mention_all", NUNCIO_FIELD_BOOL, 0, 0, 0, "true calls everybody in the conversation" },
	{ 0 },
};

struct sending {
	struct logic *logic;
	struct nuncio_request *rq; /* NULL for a module's event */
	nuncio_sid from;           /* the sender's session, 0 over HTTP */
	const struct kind *kind;
	struct nuncio_event event; /* texts in the request, or the caller's until it is queued */
	const struct nuncio_str *mentions;
	size_t mentions_count;
	struct nuncio_str *called; /* a copy of them for told.c, NULL if it needs none */
	struct nuncio_send facts;
	struct nuncio_access access;
	struct chain_first first;
	nuncio_appended_fn *done;
	void *user;
	char conversation[LIMIT_CONVERSATION_BYTES + 1];
};

/* A client's sending lives in its request and goes with it; a module's one is its own. */
static void sending_end_with_error(struct sending *sending, int code, const char *text)
{
	struct nuncio_request *rq = sending->rq;
	if (!rq)
		alloc_free(sending);
	else if (text)
		request_error(&rq, code, "%s", text);
	else
		request_error(&rq, code, NULL);
}

/* ---- where to ---- */

static int find_by_id(struct sending *sending, struct nuncio_str id, struct nuncio_error *err)
{
	sending->kind = kind_of(&sending->logic->kinds, id);
	if (!sending->kind) {
		nuncio_error_set(err, "to.conversation: no such conversation");
		return NUNCIO_E_NOTFOUND;
	}
	memcpy(sending->conversation, id.p, id.n); /* kind_of has looked at its length */
	return 0;
}

static int find_by_target(struct sending *sending, struct nuncio_str target,
	struct nuncio_str value, struct nuncio_error *err)
{
	const struct kind *kind = kind_by_target(&sending->logic->kinds, target);
	if (!kind) {
		nuncio_error_set(err,
			"to." STR_FMT ": no module that is switched on knows this target",
			STR_ARG(target));
		return NUNCIO_E_INVAL;
	}
	sending->kind = kind;
	int rc = kind->ops->resolve(request_user(sending->rq), value, sending->conversation,
		sizeof sending->conversation, kind->user, err);
	return rc < 0 ? rc : 0;
}

static bool has_controls(struct nuncio_str text)
{
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
			return true;
	return false;
}

/*
 * `to` has exactly one member, a string. No id of a user or conversation holds control characters,
 * so kinds need not think of them.
 */
static int find_conversation(struct sending *sending, struct nuncio_error *err)
{
	struct nuncio_request *rq = sending->rq;
	struct nuncio_str to, key, json, value;
	struct json_iter members;
	request_raw(rq, "to", &to);
	members = json_members(to);
	if (json_count(to) != 1 || !json_next_member(&members, &key, &json) ||
		json_text(json, &rq->arena, &value) < 0) {
		nuncio_error_set(
			err, "to: must have exactly one of user, group, conversation, a string");
		return NUNCIO_E_INVAL;
	}
	key = json_key_text(key, &rq->arena);
	if (has_controls(value)) {
		nuncio_error_set(err, "to." STR_FMT ": has control characters", STR_ARG(key));
		return NUNCIO_E_INVAL;
	}
	if (str_eq_text(key, "conversation"))
		return find_by_id(sending, value, err);
	return find_by_target(sending, key, value, err);
}

/* ---- is it well formed ---- */

static bool is_kind(struct nuncio_str kind)
{
	for (size_t i = 0; i < kind.n; i++) {
		char c = kind.p[i];
		bool is_mark = c == '.' || c == '_' || c == '-';
		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && !is_mark)
			return false;
	}
	return kind.n > 0;
}

static int check_body(struct sending *sending, struct nuncio_error *err)
{
	struct nuncio_event *event = &sending->event;
	/*
	 * What an event has besides these two is short, so whatever is taken here can be delivered
	 * in one packet.
	 */
	if (event->body.n + event->extra.n > sending->logic->settings.body_bytes) {
		nuncio_error_set(err, "body: with mentions larger than %u bytes",
			sending->logic->settings.body_bytes);
		return NUNCIO_E_TOOBIG;
	}
	if (!is_kind(event->kind)) {
		nuncio_error_set(err, "kind: must be 1 to %d of a-z 0-9 . _ -", LIMIT_KIND_BYTES);
		return NUNCIO_E_INVAL;
	}
	if (str_eq_text(event->kind, "system")) {
		nuncio_error_set(err, "kind: system is for the server's own messages");
		return NUNCIO_E_INVAL;
	}
	if (!str_eq_text(event->kind, "text"))
		return 0;
	if (json_type(event->body) != JSON_TEXT || event->body.n <= 2) {
		nuncio_error_set(err, "body: must be a string, not empty, for the kind text");
		return NUNCIO_E_INVAL;
	}
	return 0;
}

static int read_mentions(struct sending *sending, struct nuncio_error *err)
{
	struct nuncio_request *rq = sending->rq;
	struct nuncio_str json, item;
	int all = 0;
	if (request_bool(rq, "mention_all", &all) && all)
		sending->event.flags |= NUNCIO_EVENT_MENTIONS_ALL;
	if (!request_raw(rq, "mentions", &json) || json_count(json) == 0)
		return 0;
	struct nuncio_str *users = arena_get(&rq->arena, json_count(json) * sizeof *users);
	struct json_iter items = json_items(json);
	for (size_t n = 0; json_next_item(&items, &item); n++) {
		if (json_word(item, LIMIT_USER_BYTES, &rq->arena, &users[n]) < 0) {
			nuncio_error_set(err, "mentions: item %zu can be no user's id", n + 1);
			return NUNCIO_E_INVAL;
		}
		sending->mentions_count = n + 1;
	}
	sending->mentions = users;
	return 0;
}

/* The optional members as they will stand in the event. */
static struct nuncio_str write_extra(const struct sending *sending)
{
	struct nuncio_request *rq = sending->rq;
	struct nuncio_str mentions, copy;
	struct buf extra = { 0 };
	int64_t reply_to;
	if (request_int(rq, "reply_to", &reply_to))
		buf_printf(&extra, "\"reply_to\":%lld", (long long)reply_to);
	if (request_raw(rq, "mentions", &mentions) && sending->mentions_count > 0)
		buf_printf(&extra, "%s\"mentions\":" STR_FMT, extra.used ? "," : "",
			STR_ARG(mentions));
	if (sending->event.flags & NUNCIO_EVENT_MENTIONS_ALL)
		buf_printf(&extra, "%s\"mention_all\":true", extra.used ? "," : "");
	if (rq->inner && rq->inner->extra.n)
		buf_printf(&extra, "%s" STR_FMT, extra.used ? "," : "", STR_ARG(rq->inner->extra));
	copy = extra.used ? arena_str(&rq->arena, buf_str(&extra)) : STR("");
	buf_fini(&extra);
	return copy;
}

static int read_message(struct sending *sending, struct nuncio_error *err)
{
	struct nuncio_request *rq = sending->rq;
	struct nuncio_event *event = &sending->event;
	event->size = sizeof *event;
	event->conversation = str_of(sending->conversation);
	event->type = STR("message");
	event->from = request_user(rq);
	request_text(rq, "client_id", &event->client_id);
	if (!request_text(rq, "kind", &event->kind))
		event->kind = STR("text");
	request_raw(rq, "body", &event->body);
	int rc = read_mentions(sending, err);
	event->extra = write_extra(sending);
	return rc < 0 ? rc : check_body(sending, err);
}

/* ---- stored ---- */

static struct nuncio_str write_answer(
	struct buf *to, const struct nuncio_event *event, int duplicate)
{
	char at[CLOCK_RFC3339_SIZE];
	struct json_out out;
	clock_format_rfc3339(event->sent_at_ms, at);
	buf_reset(to);
	json_out_init(&out, to);
	json_out_object_begin(&out);
	json_out_key_text(&out, "conversation", event->conversation);
	json_out_key_uint(&out, "seq", event->seq);
	json_out_key_id(&out, "id", event->id);
	json_out_key_cstr(&out, "sent_at", at);
	json_out_key_cstr(&out, "durability", "stored");
	json_out_key_bool(&out, "duplicate", duplicate != 0);
	json_out_object_end(&out);
	return buf_str(to);
}

static const char *text_of_failure(int status)
{
	switch (status) {
	case NUNCIO_E_CONFLICT:
		return "client_id: was used for another message in this conversation";
	case NUNCIO_E_UNSUPPORTED:
		return "no store module is switched on";
	case NUNCIO_E_FAIL:
		return "the store could not write it";
	case NUNCIO_E_NOSPACE:
		return "the store's disk is full";
	case NUNCIO_E_TOOBIG:
		return "body and mentions: together larger than a packet to the receivers can be";
	case NUNCIO_E_DENIED:
		return "not a member of this conversation";
	case NUNCIO_E_EXPIRED:
		return "muted in this conversation for a time";
	default:
		return NULL;
	}
}

static void sending_fail(struct sending *sending, int status)
{
	int code = request_code_of_status(status);
	if (status == NUNCIO_E_CONFLICT)
		code = NUNCIO_CODE_client_id_conflict;
	if (status == NUNCIO_E_FAIL)
		code = NUNCIO_CODE_store_failed;
	if (status == NUNCIO_E_DENIED)
		code = NUNCIO_CODE_not_member;
	if (status == NUNCIO_E_EXPIRED)
		code = NUNCIO_CODE_muted;
	sending_end_with_error(sending, code, text_of_failure(status));
}

static void sending_end_stored(
	struct sending *sending, const struct nuncio_event *event, int duplicate)
{
	struct logic *logic = sending->logic;
	struct nuncio_request *rq = sending->rq;
	struct told told = { .event = event, .from = sending->from, .called = sending->called };
	told.called_count = sending->called ? sending->mentions_count : 0;
	if (rq)
		request_reply(&rq, duplicate ? 200 : 201,
			write_answer(&logic->scratch, event, duplicate));
	else
		alloc_free(sending);
	metric_add(duplicate ? logic->count.duplicates : logic->count.messages, 1);
	if (!duplicate)
		told_stored(logic, &told);
}

static void on_appended(int status, const struct nuncio_event *event, int duplicate, void *user)
{
	struct sending *sending = user;
	struct nuncio_str *called = sending->called;
	if (status < 0) /* before anybody hears of it, and looks */
		told_failed(sending->logic, str_of(sending->conversation), status);
	if (sending->done)
		sending->done(status, event, duplicate, sending->user);
	if (status < 0)
		sending_fail(sending, status);
	else
		sending_end_stored(sending, event, duplicate);
	alloc_free(called);
}

static void copy_called(struct sending *sending)
{
	size_t bytes = sending->mentions_count * sizeof(struct nuncio_str);
	for (size_t i = 0; i < sending->mentions_count; i++)
		bytes += sending->mentions[i].n;
	sending->called = alloc_get(bytes);
	char *at = (char *)(sending->called + sending->mentions_count);
	for (size_t i = 0; i < sending->mentions_count; i++) {
		struct nuncio_str user = sending->mentions[i];
		if (user.n)
			memcpy(at, user.p, user.n);
		sending->called[i] = (struct nuncio_str){ at, user.n };
		at += user.n;
	}
}

/* ---- the last word before the store ---- */

/* The writes of the append, then those of may_store, in one array of our size. NULL: none added. */
static struct nuncio_record_write *join_writes(
	struct store_append *append, const struct write_list *added)
{
	if (!added->count)
		return NULL;
	struct nuncio_record_write *all =
		ALLOC_ARRAY(struct nuncio_record_write, append->writes_count + added->count);
	for (size_t i = 0; i < append->writes_count; i++) {
		sized_take(&all[i], sizeof all[i],
			sized_at(append->writes, append->writes->size, i), append->writes->size);
		all[i].size = sizeof all[i];
	}
	memcpy(all + append->writes_count, added->all, added->count * sizeof all[0]);
	append->writes = all;
	append->writes_count += added->count;
	return all;
}

static int append_asked(struct sending *sending, struct store_append *append)
{
	struct hook_table *hooks = sending->logic->parts.hooks;
	struct write_list added = { NULL, 0 };
	const struct nuncio_storing facts = { .event = &sending->event,
		.writes = (struct nuncio_writes *)&added };
	int rc = NUNCIO_E_BUSY;
	if (!hook_has(hooks, NUNCIO_HOOK_may_store))
		return store_append(sending->logic->parts.store, append, on_appended, sending);
	if (hook_filter(hooks, NUNCIO_HOOK_may_store, &facts)) {
		struct nuncio_record_write *joined = join_writes(append, &added);
		rc = store_append(sending->logic->parts.store, append, on_appended, sending);
		alloc_free(joined);
	}
	write_list_fini(&added);
	return rc;
}

_Static_assert(LIMIT_EVENT_BYTES == NUNCIO_EVENT_BYTES, "modules and clients have one limit");

/* `append` has what belongs to the transaction; the event and its kind's part come here. */
static int sending_store(struct sending *sending, struct store_append *append)
{
	const struct nuncio_event *event = &sending->event;
	const struct kind *kind = sending->kind;
	struct nuncio_str founders[FOUNDERS_MAX];
	if (event->body.n + event->extra.n >
		(event->target ? NUNCIO_CHANGE_BYTES : NUNCIO_EVENT_BYTES))
		return NUNCIO_E_TOOBIG;
	append->conversation = event->conversation;
	append->type = event->type;
	append->from = event->from;
	append->client_id = event->client_id;
	append->kind = event->kind;
	append->body = event->body;
	append->extra = event->extra;
	append->target = event->target;
	append->event_flags = event->flags;
	append->mentions = sending->mentions;
	append->mentions_count = sending->mentions_count;
	append->founders = founders;
	if (kind->ops->founders)
		append->founders_count = kind->ops->founders(
			event->conversation, founders, FOUNDERS_MAX, kind->user);
	CHECK(append->founders_count <= FOUNDERS_MAX); /* else it has written behind the array */
	if (kind->ops->flags & NUNCIO_KIND_MEMBERS_ONLY)
		append->flags |= NUNCIO_APPEND_MEMBERS_ONLY;
	int rc = append_asked(sending, append);
	append->founders = NULL; /* copied, and gone with this frame */
	append->founders_count = 0;
	if (rc == 0 && sending->mentions_count && told_needs_called(sending->logic))
		copy_called(sending);
	return rc;
}

/* ---- may it be sent ---- */

static void on_may_send(const struct chain_answer *answer, void *user)
{
	struct sending *sending = user;
	struct logic *logic = sending->logic;
	struct nuncio_request *rq = sending->rq;
	nuncio_sid parked = request_unpark(rq) ? sending->from : 0;
	if (!answer->yes || rq->is_answered) {
		sending_end_with_error(sending, answer->code, answer->text);
	} else {
		if (answer->body.p)
			sending->event.body = arena_str(&rq->arena, answer->body);
		struct store_append append = { .writes = answer->writes,
			.writes_count = answer->writes_count };
		if (sending->kind->ops->flags & NUNCIO_KIND_UNMUTED_ONLY)
			append.flags |= NUNCIO_APPEND_UNMUTED;
		int rc = sending_store(sending, &append);
		if (rc < 0)
			sending_fail(sending, rc);
	}
	if (parked)
		op_resume_session(logic, parked);
}

static void sending_ask(struct sending *sending)
{
	struct session *session =
		sending->from ? session_find(&sending->logic->sessions, sending->from) : NULL;
	sending->facts.session = (struct nuncio_session *)session;
	sending->facts.event = &sending->event;
	sending->access = (struct nuncio_access){
		.session = (struct nuncio_session *)session,
		.user = sending->event.from,
		.conversation = sending->event.conversation,
		.access = NUNCIO_ACCESS_WRITE,
	};
	sending->first = (struct chain_first){
		.fn = kind_ask_enter,
		.what = &sending->access,
		.user = (void *)sending->kind,
		.stats = sending->kind->stats,
	};
	struct chain *chain = chain_ask(sending->logic->parts.hooks, NUNCIO_HOOK_may_send,
		&sending->facts, &sending->first, on_may_send, sending);
	if (chain)
		request_park(sending->rq, chain);
}

static int code_of_fault(int status)
{
	if (status == NUNCIO_E_TOOBIG)
		return NUNCIO_CODE_too_large;
	return status == NUNCIO_E_NOTFOUND ? NUNCIO_CODE_not_found : NUNCIO_CODE_invalid_field;
}

void send_message(struct nuncio_request *rq, void *user)
{
	struct sending *sending = arena_zero(&rq->arena, sizeof *sending);
	struct nuncio_error err;
	(void)user;
	sending->logic = rq->logic;
	sending->rq = rq;
	sending->from = rq->is_http ? 0 : rq->id;
	int rc = find_conversation(sending, &err);
	if (rc == 0)
		rc = read_message(sending, &err);
	if (rc < 0)
		sending_end_with_error(sending, code_of_fault(rc), err.text);
	else
		sending_ask(sending);
}

/* ---- a module's event ---- */

static bool has_good_members(const struct nuncio_append *what)
{
	for (size_t i = 0; i < what->members_count; i++) {
		struct nuncio_member_change m;
		sized_take(&m, sizeof m, sized_at(what->members, what->members->size, i),
			what->members->size);
		if (!json_are_members(m.extra))
			return false;
	}
	return true;
}

static int check_append(const struct nuncio_append *what)
{
	if (what->body.n > NUNCIO_EVENT_BYTES || what->extra.n > NUNCIO_EVENT_BYTES ||
		what->target_body.n > NUNCIO_EVENT_BYTES ||
		what->target_body.n + what->target_state.n > NUNCIO_EVENT_BYTES)
		return NUNCIO_E_TOOBIG;
	if ((what->flags & ~NUNCIO_AS_WRITTEN) || json_check(what->body, NULL, NULL, NULL) < 0 ||
		!event_has_good_names(what->type, what->from, what->client_id, what->kind))
		return NUNCIO_E_INVAL;
	if (what->target_body.p && json_check(what->target_body, NULL, NULL, NULL) < 0)
		return NUNCIO_E_INVAL;
	if (!json_are_members(what->extra) || !json_are_members(what->target_state) ||
		!has_good_members(what))
		return NUNCIO_E_INVAL;
	return 0;
}

int send_append(
	struct logic *logic, const struct nuncio_append *what, nuncio_appended_fn *done, void *user)
{
	const struct kind *kind = kind_of(&logic->kinds, what->conversation);
	int rc = kind ? check_append(what) : NUNCIO_E_INVAL;
	if (rc < 0)
		return rc;
	struct sending *sending = ALLOC_NEW(struct sending);
	sending->logic = logic;
	sending->kind = kind;
	sending->done = done;
	sending->user = user;
	sending->mentions = what->mentions;
	sending->mentions_count = what->mentions_count;
	memcpy(sending->conversation, what->conversation.p, what->conversation.n);
	sending->event = (struct nuncio_event){
		.size = sizeof sending->event,
		.flags = what->event_flags,
		.conversation = what->conversation,
		.type = what->type,
		.from = what->from,
		.client_id = what->client_id,
		.kind = what->kind,
		.body = what->body,
		.extra = what->extra,
		.target = what->target,
	};
	struct store_append append = {
		.writes = what->writes,
		.writes_count = what->writes_count,
		.expect_changed = what->expect_changed,
		.target_body = what->target_body,
		.target_state = what->target_state,
		.target_flags = what->target_flags,
		.members = what->members,
		.members_count = what->members_count,
		.members_max = what->members_max,
	};
	if (what->flags & NUNCIO_AS_WRITTEN && kind->ops->flags & NUNCIO_KIND_UNMUTED_ONLY)
		append.flags |= NUNCIO_APPEND_UNMUTED;
	rc = sending_store(sending, &append);
	if (rc < 0)
		alloc_free(sending);
	return rc;
}

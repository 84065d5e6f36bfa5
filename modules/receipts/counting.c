/* SPDX-License-Identifier: MIT */
#include "counting.h"

/*
 * How far one message has come: may they read it -> may they know who else does -> whose is it ->
 * its members by name, if they may and there are few; else their number, from which the sender is
 * taken out. Who has left is not told who is there.
 */

#include <stdlib.h>
#include <string.h>

#include <nuncio/conversation.h>
#include <nuncio/json.h>
#include <nuncio/store.h>
#include <nuncio/text.h>

enum { CONVERSATION_BYTES = 192, USER_BYTES = 64 };

struct counting {
	const struct counter *counter;
	struct nuncio_module *self;
	struct nuncio_request *rq;
	int shows_names;
	uint64_t seq, delivered, read;
	uint32_t member_count;
	size_t conversation_bytes, from_bytes, asker_bytes;
	char conversation[CONVERSATION_BYTES], from[USER_BYTES], asker[USER_BYTES];
};

static struct nuncio_str conversation_of(const struct counting *counting)
{
	return (struct nuncio_str){ counting->conversation, counting->conversation_bytes };
}

static struct nuncio_str from_of(const struct counting *counting)
{
	return (struct nuncio_str){ counting->from, counting->from_bytes };
}

static void refuse(struct counting *counting, int code, const char *text)
{
	nuncio_reply_error(&counting->rq, code, "%s", text);
	free(counting);
}

static void fail(struct counting *counting, int status)
{
	nuncio_reply_store_status(&counting->rq, status);
	free(counting);
}

static void put_number(struct nuncio_json *json, const char *key, uint64_t number)
{
	nuncio_json_key(json, key);
	nuncio_json_put_int(json, (int64_t)number);
}

static void put_yes(struct nuncio_json *json, const char *key, int yes)
{
	nuncio_json_key(json, key);
	nuncio_json_put_bool(json, yes);
}

static void reply_counts(struct counting *counting)
{
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	put_number(json, "count", counting->member_count);
	put_number(json, "delivered", counting->delivered);
	put_number(json, "read", counting->read);
	nuncio_json_object_end(json);
	nuncio_reply(&counting->rq, 200, nuncio_json_str(json));
	nuncio_json_free(&json);
	free(counting);
}

/* ---- many ---- */

static uint64_t without(uint64_t all, uint64_t sender)
{
	return all > sender ? all - sender : 0;
}

static void on_reached(int status, uint64_t delivered, uint64_t read, void *user)
{
	struct counting *counting = user;
	if (status < 0) {
		fail(counting, status);
		return;
	}
	counting->delivered = without(delivered, counting->delivered);
	counting->read = without(read, counting->read);
	reply_counts(counting);
}

/* Of the sender: one of those who are counted, if they are there and have marked it. */
static void on_sender(int status, const struct nuncio_member *rows, size_t n, int more, void *user)
{
	struct counting *counting = user;
	(void)more;
	if (status == 0 && n == 1) {
		int is_there = rows->until == 0;
		counting->delivered = is_there && rows->delivered >= counting->seq;
		counting->read = is_there && rows->read >= counting->seq;
		counting->member_count = rows->member_count - (uint32_t)is_there;
	}
	if (status == 0 || status == NUNCIO_E_NOTFOUND)
		status = nuncio_store_reached(counting->self, conversation_of(counting),
			counting->seq, on_reached, counting);
	if (status < 0)
		fail(counting, status);
}

/* ---- few ---- */

static int is_sender(const struct counting *counting, struct nuncio_str user)
{
	return user.n == counting->from_bytes && memcmp(user.p, counting->from, user.n) == 0;
}

static void reply_members(struct counting *counting, const struct nuncio_member *rows, size_t n)
{
	struct nuncio_json *json = nuncio_json_new();
	uint64_t delivered = 0, read = 0, count = 0;
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "members");
	nuncio_json_array_begin(json);
	for (size_t i = 0; i < n; i++) {
		if (is_sender(counting, rows[i].user) || rows[i].since >= counting->seq)
			continue;
		count++;
		delivered += rows[i].delivered >= counting->seq;
		read += rows[i].read >= counting->seq;
		nuncio_json_object_begin(json);
		nuncio_json_key(json, "user");
		nuncio_json_put_text(json, rows[i].user);
		put_yes(json, "delivered", rows[i].delivered >= counting->seq);
		put_yes(json, "read", rows[i].read >= counting->seq);
		nuncio_json_object_end(json);
	}
	nuncio_json_array_end(json);
	put_number(json, "count", count);
	put_number(json, "delivered", delivered);
	put_number(json, "read", read);
	nuncio_json_object_end(json);
	nuncio_reply(&counting->rq, 200, nuncio_json_str(json));
	nuncio_json_free(&json);
	free(counting);
}

static int ask_sender(struct counting *counting)
{
	return nuncio_store_member(
		counting->self, conversation_of(counting), from_of(counting), on_sender, counting);
}

static void on_members(int status, const struct nuncio_member *rows, size_t n, int more, void *user)
{
	struct counting *counting = user;
	if (status == 0 && !more) {
		reply_members(counting, rows, n);
		return;
	}
	if (status == 0)
		status = ask_sender(counting);
	if (status < 0)
		fail(counting, status);
}

/* ---- both ---- */

static int ask_members(struct counting *counting)
{
	return nuncio_store_members(counting->self, conversation_of(counting),
		(struct nuncio_str){ "", 0 }, RECEIPTS_SMALL, on_members, counting);
}

static void on_event(int status, const struct nuncio_event *rows, size_t n, int more, void *user)
{
	struct counting *counting = user;
	(void)more;
	if (status == 0 && (n == 0 || rows->seq != counting->seq)) {
		refuse(counting, NUNCIO_CODE_not_found, "seq: there is no such event");
		return;
	}
	if (status == 0) {
		counting->from_bytes = rows->from.n < USER_BYTES ? rows->from.n : USER_BYTES;
		memcpy(counting->from, rows->from.p, counting->from_bytes);
		status = counting->shows_names ? ask_members(counting) : ask_sender(counting);
	}
	if (status < 0)
		fail(counting, status);
}

static void ask_event(struct counting *counting)
{
	const struct nuncio_events_query query = { .size = sizeof query,
		.flags = NUNCIO_EVENTS_FORWARD,
		.conversation = conversation_of(counting),
		.after = counting->seq - 1,
		.limit = 1 };
	int rc = nuncio_store_events(counting->self, &query, on_event, counting);
	if (rc < 0)
		fail(counting, rc);
}

static void on_names(int status, int may, void *user)
{
	struct counting *counting = user;
	counting->shows_names = may;
	if (status < 0)
		fail(counting, status);
	else
		ask_event(counting);
}

static void on_entry(int status, const struct nuncio_entry *entry, void *user)
{
	struct counting *counting = user;
	if (status < 0) {
		refuse(counting, entry->code, entry->text);
		return;
	}
	if (counting->seq <= entry->since || (entry->until > 0 && counting->seq > entry->until)) {
		refuse(counting, NUNCIO_CODE_not_found, "seq: there is no such event");
		return;
	}
	if (entry->until > 0) {
		ask_event(counting);
		return;
	}
	int rc = names_ask(&counting->counter->names, conversation_of(counting),
		(struct nuncio_str){ counting->asker, counting->asker_bytes }, on_names, counting);
	if (rc < 0)
		fail(counting, rc);
}

void counting_start(struct nuncio_request *rq, void *user)
{
	const struct counter *counter = user;
	struct nuncio_str conversation = { "", 0 }, asker = nuncio_request_user(rq);
	int64_t seq = 0;
	if (!nuncio_request_is_http(rq) || !nuncio_request_param(rq, "id", &conversation))
		nuncio_request_text(rq, "conversation", &conversation);
	nuncio_request_int(rq, "seq", &seq);
	struct counting *counting = nuncio_alloc(sizeof *counting);
	counting->counter = counter;
	counting->self = counter->self;
	counting->rq = rq;
	counting->seq = (uint64_t)seq;
	counting->conversation_bytes =
		conversation.n <= CONVERSATION_BYTES ? conversation.n : CONVERSATION_BYTES;
	memcpy(counting->conversation, conversation.p, counting->conversation_bytes);
	counting->asker_bytes = asker.n <= USER_BYTES ? asker.n : USER_BYTES;
	memcpy(counting->asker, asker.p, counting->asker_bytes);
	const struct nuncio_access what = {
		.session = nuncio_request_session(rq),
		.user = asker,
		.conversation = conversation,
		.access = NUNCIO_ACCESS_READ,
	};
	nuncio_conversation_ask(counter->self, &what, on_entry, counting);
}

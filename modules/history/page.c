/* SPDX-License-Identifier: MIT */
/*
 * From a question to an answer of at most ANSWER_BYTES. The store is told how many bytes of text
 * may come, which is nearly always enough. When escapes and long names make the JSON larger after
 * all, the store is asked again for half as many rows: its `more`, `next` and cursor then belong to
 * what is sent. One row always fits, because a message is limited so that it can be delivered.
 */
#include "page.h"

#include <stdlib.h>

#include <nuncio/conversation.h>
#include <nuncio/json.h>
#include <nuncio/store.h>

enum {
	ANSWER_BYTES = 65000, /* of `data`; a packet has 65,535 */
	ROW_BYTES = 200       /* what the JSON of a row has besides its texts, usually */
};

struct page {
	struct nuncio_module *self;
	struct nuncio_request *rq;
	struct page_question question;
	struct nuncio_json *json;
	int (*ask)(struct page *page);
};

static void page_end(struct page *page)
{
	nuncio_json_free(&page->json);
	free(page);
}

static void page_fail(struct page *page, int status)
{
	if (status == NUNCIO_E_UNSUPPORTED)
		nuncio_reply_error(
			&page->rq, NUNCIO_CODE_unavailable, "no store module is switched on");
	else if (status == NUNCIO_E_FAIL)
		nuncio_reply_error(&page->rq, NUNCIO_CODE_store_failed, "the store could not read");
	else if (status == NUNCIO_E_INVAL)
		nuncio_reply_error(&page->rq, NUNCIO_CODE_invalid_field,
			"after: is not what an answer gave as `next`");
	else
		nuncio_reply_status(&page->rq, status);
	page_end(page);
}

static void page_ask(struct page *page)
{
	int rc = page->ask(page);
	if (rc < 0)
		page_fail(page, rc);
}

static void page_start(struct nuncio_module *self, struct nuncio_request *rq,
	const struct page_question *question, int (*ask)(struct page *page))
{
	struct page *page = calloc(1, sizeof *page);
	if (!page)
		abort();
	page->self = self;
	page->rq = rq;
	page->question = *question;
	page->ask = ask;
	page_ask(page);
}

static struct nuncio_json *page_write(struct page *page)
{
	nuncio_json_free(&page->json);
	page->json = nuncio_json_new();
	nuncio_json_object_begin(page->json);
	return page->json;
}

/* Sends what was written, or asks for half of the `rows` that were too much. */
static void page_send(struct page *page, size_t rows)
{
	nuncio_json_object_end(page->json);
	struct nuncio_str data = nuncio_json_str(page->json);
	if (data.n > ANSWER_BYTES && rows > 1) {
		page->question.limit = (uint32_t)(rows / 2);
		page_ask(page);
		return;
	}
	if (data.n > ANSWER_BYTES)
		nuncio_reply_error(&page->rq, NUNCIO_CODE_too_large,
			"an event here is too large to be sent in one packet");
	else
		nuncio_reply(&page->rq, 200, data);
	page_end(page);
}

static uint32_t text_bytes(const struct page *page)
{
	return ANSWER_BYTES - page->question.limit * ROW_BYTES;
}

static void write_events(struct nuncio_json *json, const struct nuncio_event *rows, size_t n)
{
	nuncio_json_key(json, "events");
	nuncio_json_array_begin(json);
	for (size_t i = 0; i < n; i++)
		nuncio_event_write(json, &rows[i]);
	nuncio_json_array_end(json);
}

static void write_text_or_null(struct nuncio_json *json, const char *key, struct nuncio_str text)
{
	nuncio_json_key(json, key);
	if (text.n > 0)
		nuncio_json_put_text(json, text);
	else
		nuncio_json_put_null(json);
}

static void write_number(struct nuncio_json *json, const char *key, uint64_t number)
{
	nuncio_json_key(json, key);
	nuncio_json_put_int(json, (int64_t)number);
}

static void write_bool(struct nuncio_json *json, const char *key, int yes)
{
	nuncio_json_key(json, key);
	nuncio_json_put_bool(json, yes);
}

/* ---- one conversation ---- */

static void on_events(int status, const struct nuncio_event *rows, size_t n, int more, void *user)
{
	struct page *page = user;
	if (status < 0) {
		page_fail(page, status);
		return;
	}
	struct nuncio_json *json = page_write(page);
	write_events(json, rows, n);
	write_bool(json, "more", more);
	page_send(page, n);
}

static int ask_events(struct page *page)
{
	const struct nuncio_events_query query = {
		.size = sizeof query,
		.flags = page->question.is_forward ? NUNCIO_EVENTS_FORWARD : 0,
		.conversation = page->question.conversation,
		.after = page->question.after,
		.before = page->question.before,
		.limit = page->question.limit,
		.max_bytes = text_bytes(page),
	};
	return nuncio_store_events(page->self, &query, on_events, page);
}

void page_of_events(
	struct nuncio_module *self, struct nuncio_request *rq, const struct page_question *question)
{
	page_start(self, rq, question, ask_events);
}

/* ---- the list of conversations ---- */

static void write_conversation(struct nuncio_json *json, const struct nuncio_conversation_row *row)
{
	const char *kind = nuncio_conversation_kind(row->conversation);
	struct nuncio_str kind_text = { kind, 0 };
	while (kind && kind[kind_text.n])
		kind_text.n++;
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "conversation");
	nuncio_json_put_text(json, row->conversation);
	write_text_or_null(json, "kind", kind_text);
	write_text_or_null(json, "peer", row->peer);
	if (row->peer.n > 0) {
		write_number(json, "peer_delivered", row->peer_delivered);
		write_number(json, "peer_read", row->peer_read);
	}
	write_number(json, "last_seq", row->last_seq);
	write_number(json, "delivered", row->delivered);
	write_number(json, "read", row->read);
	write_number(json, "unread", row->unread);
	nuncio_json_key(json, "last");
	if (row->last.seq > 0)
		nuncio_event_write(json, &row->last);
	else
		nuncio_json_put_null(json);
	nuncio_json_object_end(json);
}

static void on_conversations(int status, const struct nuncio_conversation_row *rows, size_t n,
	struct nuncio_str next, void *user)
{
	struct page *page = user;
	if (status < 0) {
		page_fail(page, status);
		return;
	}
	struct nuncio_json *json = page_write(page);
	nuncio_json_key(json, "conversations");
	nuncio_json_array_begin(json);
	for (size_t i = 0; i < n; i++)
		write_conversation(json, &rows[i]);
	nuncio_json_array_end(json);
	write_text_or_null(json, "next", next);
	page_send(page, n);
}

static int ask_conversations(struct page *page)
{
	return nuncio_store_conversations(page->self, nuncio_request_user(page->rq),
		page->question.from, page->question.limit, on_conversations, page);
}

void page_of_conversations(
	struct nuncio_module *self, struct nuncio_request *rq, const struct page_question *question)
{
	page_start(self, rq, question, ask_conversations);
}

/* ---- everything since a cursor ---- */

static void on_changes(int status, const struct nuncio_sync_answer *answer, void *user)
{
	struct page *page = user;
	if (status < 0) {
		page_fail(page, status);
		return;
	}
	struct nuncio_json *json = page_write(page);
	write_events(json, answer->rows, answer->count);
	nuncio_json_key(json, "cursor");
	nuncio_json_put_text(json, answer->cursor);
	write_bool(json, "more", answer->more != 0);
	write_bool(json, "gap", answer->gap != 0);
	page_send(page, answer->count);
}

static int ask_changes(struct page *page)
{
	const struct nuncio_sync_query query = {
		.size = sizeof query,
		.user = nuncio_request_user(page->rq),
		.cursor = page->question.from,
		.limit = page->question.limit,
		.max_bytes = text_bytes(page),
	};
	return nuncio_store_sync(page->self, &query, on_changes, page);
}

void page_of_changes(
	struct nuncio_module *self, struct nuncio_request *rq, const struct page_question *question)
{
	page_start(self, rq, question, ask_changes);
}

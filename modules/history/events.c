/* SPDX-License-Identifier: MIT */
/*
 * Pages of one conversation: newest, before or after a seq, around one, from a date on. The kind
 * says who may read and which part; what the reader has hidden is shown as an empty place.
 */
#include "history.h"

#include <nuncio/codes.h>

#include "recent.h"

enum way { WAY_BACK, WAY_FORWARD, WAY_AROUND };

struct reading {
	struct page page; /* first: it is freed through this */
	enum way way;
	uint64_t after, before, around;
	int64_t from_ms;
	struct view view;
	struct hidden hidden;
	char user[USER_BYTES + 1], conversation[CONVERSATION_BYTES + 1];
	bool is_second; /* of around: behind what is written */
	bool has_earlier;
	size_t written;
};

static void reading_end(struct page *page)
{
	hidden_fini(&((struct reading *)page)->hidden);
}

/* ---- the answer ---- */

/* Rows outside of what the reader sees can only be at the ends. */
static size_t write_rows(struct reading *r, const struct nuncio_event *rows, size_t n)
{
	size_t count = 0;
	for (size_t i = 0; i < n; i++) {
		if (!view_has(&r->view, rows[i].seq))
			continue;
		show_event(r->page.json, &rows[i], &r->view);
		count++;
	}
	return count;
}

/* More of the log is more for this reader only if it is within what they see. */
static bool is_more(const struct reading *r, const struct nuncio_event *rows, size_t n, int more)
{
	if (!more || n == 0)
		return false;
	if (r->way == WAY_BACK)
		return rows[0].seq > r->view.since + 1;
	return !r->view.until || rows[n - 1].seq < r->view.until;
}

static void on_events(int status, const struct nuncio_event *rows, size_t n, int more, void *user)
{
	struct reading *r = user;
	if (status < 0) {
		page_fail(&r->page, status);
		return;
	}
	struct nuncio_json *json = page_write(&r->page);
	nuncio_json_key(json, "events");
	nuncio_json_array_begin(json);
	write_rows(r, rows, n);
	nuncio_json_array_end(json);
	write_bool(json, "more", is_more(r, rows, n, more));
	page_send(&r->page, n);
}

static int ask(struct reading *r, uint64_t after, uint64_t before, uint32_t limit, bool is_forward,
	nuncio_events_fn *done)
{
	const struct nuncio_events_query query = {
		.size = sizeof query,
		.flags = is_forward ? NUNCIO_EVENTS_FORWARD : 0,
		.conversation = nuncio_text(r->conversation),
		.after = after,
		.before = before,
		.limit = limit,
		.max_bytes = page_text_bytes(&r->page),
		.from_ms = is_forward ? r->from_ms : 0,
	};
	return recent_events(((struct history *)nuncio_module_data(r->page.self))->recent,
		nuncio_text(r->user), &query, done, r);
}

static uint64_t end_of_view(const struct reading *r)
{
	return r->view.until ? r->view.until + 1 : 0;
}

static int ask_page(struct page *page)
{
	struct reading *r = (struct reading *)page;
	uint64_t end = end_of_view(r);
	if (r->way == WAY_FORWARD)
		return ask(r, r->after > r->view.since ? r->after : r->view.since, end, page->limit,
			true, on_events);
	if (!r->before || (end && r->before > end))
		r->before = end;
	return ask(r, 0, r->before, page->limit, false, on_events);
}

/* ---- around: up to and with it, then what follows ---- */

static void on_later(int status, const struct nuncio_event *rows, size_t n, int more, void *user)
{
	struct reading *r = user;
	if (status < 0) {
		page_fail(&r->page, status);
		return;
	}
	r->written += write_rows(r, rows, n);
	nuncio_json_array_end(r->page.json);
	write_bool(r->page.json, "more_before", r->has_earlier);
	write_bool(r->page.json, "more_after",
		more && n && (!r->view.until || rows[n - 1].seq < r->view.until));
	page_send(&r->page, r->written);
}

static void on_earlier(int status, const struct nuncio_event *rows, size_t n, int more, void *user)
{
	struct reading *r = user;
	if (status < 0) {
		page_fail(&r->page, status);
		return;
	}
	struct nuncio_json *json = page_write(&r->page);
	nuncio_json_key(json, "events");
	nuncio_json_array_begin(json);
	r->written = write_rows(r, rows, n);
	r->has_earlier = more && n && rows[0].seq > r->view.since + 1;
	uint32_t left = r->page.limit > n ? r->page.limit - (uint32_t)n : 1;
	int rc = ask(r, r->around, end_of_view(r), left, true, on_later);
	if (rc < 0)
		page_fail(&r->page, rc);
}

static int ask_around(struct page *page)
{
	struct reading *r = (struct reading *)page;
	uint64_t before = r->around + 1, end = end_of_view(r);
	if (end && before > end)
		before = end;
	return ask(r, 0, before, page->limit / 2 + 1, false, on_earlier);
}

/* ---- who may, and what is hidden ---- */

static void on_hidden(int status, struct nuncio_str value, void *user)
{
	struct reading *r = user;
	if (status < 0) {
		page_fail(&r->page, status);
		return;
	}
	hidden_read(&r->hidden, value);
	r->view.hidden = &r->hidden;
	page_ask(&r->page);
}

static void on_entered(int status, const struct nuncio_entry *entry, void *user)
{
	struct reading *r = user;
	if (status < 0) {
		nuncio_reply_error(&r->page.rq,
			entry && entry->code ? entry->code : NUNCIO_CODE_not_found, "%s",
			status == NUNCIO_E_NOTFOUND || !entry
				? "conversation: there is no such conversation"
				: entry->text);
		page_drop(&r->page);
		return;
	}
	r->view.since = entry->since;
	r->view.until = entry->until;
	int rc = recent_hidden(((struct history *)nuncio_module_data(r->page.self))->recent,
		nuncio_text(r->user), nuncio_text(r->conversation), on_hidden, r);
	if (rc < 0)
		page_fail(&r->page, rc);
}

/* ---- the question ---- */

/* 0, or -1 after a refusal. */
static int read_question(struct reading *r)
{
	struct nuncio_request *rq = r->page.rq;
	struct nuncio_str date;
	int64_t after = 0, before = 0, around = 0;
	int has_after = nuncio_request_int(rq, "after", &after);
	int has_before = nuncio_request_int(rq, "before", &before);
	int has_around = nuncio_request_int(rq, "around", &around);
	int has_date = nuncio_request_text(rq, "date", &date);
	r->after = (uint64_t)after;
	r->before = (uint64_t)before;
	r->around = (uint64_t)around;
	r->way = has_around ? WAY_AROUND : has_after || has_date ? WAY_FORWARD : WAY_BACK;
	r->page.ask = has_around ? ask_around : ask_page;
	if (has_after + has_before + has_around + has_date > 1) {
		nuncio_reply_error(&r->page.rq, NUNCIO_CODE_invalid_field,
			"before, after, around, date: only one of them may be given");
		return -1;
	}
	if (has_date && (r->from_ms = text_date_ms(date)) < 0) {
		nuncio_reply_error(&r->page.rq, NUNCIO_CODE_invalid_field,
			"date: must be like 2026-11-25 or 2026-11-25T08:30:00Z");
		return -1;
	}
	return 0;
}

/* Over WebSocket the conversation is a member of data, over HTTP a part of the path. */
void on_query(struct nuncio_request *rq, void *user)
{
	struct reading *r = nuncio_alloc(sizeof *r);
	struct nuncio_str conversation = { "", 0 };
	r->page = (struct page){
		.self = user, .rq = rq, .limit = page_limit(rq), .end = reading_end
	};
	nuncio_request_text(rq, nuncio_request_is_http(rq) ? "id" : "conversation", &conversation);
	nuncio_text_copy(nuncio_request_user(rq), r->user, sizeof r->user);
	if (nuncio_text_copy(conversation, r->conversation, sizeof r->conversation) < 0)
		r->conversation[0] = '\0'; /* no conversation has so long a name */
	if (read_question(r) < 0) {
		page_drop(&r->page);
		return;
	}
	const struct nuncio_access what = {
		.session = nuncio_request_session(rq),
		.user = nuncio_text(r->user),
		.conversation = nuncio_text(r->conversation),
		.access = NUNCIO_ACCESS_READ,
	};
	nuncio_conversation_ask(user, &what, on_entered, r);
}

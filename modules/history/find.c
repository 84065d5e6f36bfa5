/* SPDX-License-Identifier: MIT */
/*
 * Searching messages. The store finds what the asker may see; here hidden ones are left out, and it
 * is marked where the words stand.
 */
#include "history.h"

#include <nuncio/codes.h>
#include <nuncio/search.h>

#include <stdlib.h>

enum { MARKS_MAX = 50, SHOWN_BYTES = 64 * 1024 };

struct finding {
	struct page page; /* first: it is freed through this */
	struct records hidden;
	int64_t from_ms, to_ms;
	char user[USER_BYTES + 1], conversation[CONVERSATION_BYTES + 1], from[USER_BYTES + 1],
		text[TEXT_BYTES + 1], after[CURSOR_BYTES + 1];
};

static void finding_end(struct page *page)
{
	records_fini(&((struct finding *)page)->hidden);
}

/* ---- the answer ---- */

static bool is_hidden(const struct finding *f, const struct nuncio_event *row)
{
	struct hidden hidden;
	struct nuncio_str value = { NULL, 0 };
	if (!records_get(&f->hidden, row->conversation, &value))
		return false;
	hidden_read(&hidden, value);
	bool is = hidden_has(&hidden, row->seq);
	hidden_fini(&hidden);
	return is;
}

/* Bytes to characters: clients count in code points. */
static size_t points_before(const char *text, size_t bytes)
{
	size_t count = 0;
	for (size_t i = 0; i < bytes; i++)
		count += ((unsigned char)text[i] & 0xc0) != 0x80;
	return count;
}

static void write_marks(
	const struct finding *f, struct nuncio_json *json, const struct nuncio_event *row)
{
	size_t marks[MARKS_MAX][2], n = 0;
	char *shown = nuncio_alloc(SHOWN_BYTES);
	int bytes = nuncio_json_text(row->body, shown, SHOWN_BYTES);
	if (bytes > 0)
		n = nuncio_search_marks((struct nuncio_str){ shown, (size_t)bytes },
			nuncio_text(f->text), marks, MARKS_MAX);
	nuncio_json_key(json, "marks");
	nuncio_json_array_begin(json);
	for (size_t i = 0; i < n; i++) {
		nuncio_json_array_begin(json);
		nuncio_json_put_int(json, (int64_t)points_before(shown, marks[i][0]));
		nuncio_json_put_int(json, (int64_t)points_before(shown, marks[i][1]));
		nuncio_json_array_end(json);
	}
	nuncio_json_array_end(json);
	free(shown);
}

static void on_found(
	int status, const struct nuncio_event *rows, size_t n, struct nuncio_str next, void *user)
{
	struct finding *f = user;
	if (status == NUNCIO_E_UNSUPPORTED) {
		nuncio_reply_error(&f->page.rq, NUNCIO_CODE_unavailable,
			"the store has no search, or it is switched off");
		page_drop(&f->page);
		return;
	}
	if (status == NUNCIO_E_INVAL) {
		nuncio_reply_error(&f->page.rq, NUNCIO_CODE_invalid_field,
			"text, after: no word to look for, or not what an answer gave as `next`");
		page_drop(&f->page);
		return;
	}
	if (status < 0) {
		page_fail(&f->page, status);
		return;
	}
	struct nuncio_json *json = page_write(&f->page);
	nuncio_json_key(json, "found");
	nuncio_json_array_begin(json);
	for (size_t i = 0; i < n; i++) {
		if (is_hidden(f, &rows[i]))
			continue;
		nuncio_json_object_begin(json);
		nuncio_json_key(json, "message");
		nuncio_event_write(json, &rows[i]);
		write_marks(f, json, &rows[i]);
		nuncio_json_object_end(json);
	}
	nuncio_json_array_end(json);
	write_text_or_null(json, "next", next);
	page_send(&f->page, n);
}

static int ask_search(struct page *page)
{
	struct finding *f = (struct finding *)page;
	const struct nuncio_search_query query = {
		.size = sizeof query,
		.limit = page->limit,
		.user = nuncio_text(f->user),
		.conversation = nuncio_text(f->conversation),
		.from = nuncio_text(f->from),
		.text = nuncio_text(f->text),
		.after = nuncio_text(f->after),
		.from_ms = f->from_ms,
		.to_ms = f->to_ms,
		.max_bytes = page_text_bytes(page),
	};
	int rc = nuncio_store_search(page->self, &query, on_found, f);
	if (rc == NUNCIO_E_UNSUPPORTED || rc == NUNCIO_E_INVAL) {
		on_found(rc, NULL, 0, (struct nuncio_str){ "", 0 }, f);
		return 0;
	}
	return rc;
}

static void on_hidden(int status, void *user)
{
	struct finding *f = user;
	if (status < 0)
		page_fail(&f->page, status);
	else
		page_ask(&f->page);
}

/* ---- the question ---- */

static int read_text(struct finding *f, const char *key, char *out, size_t size)
{
	struct nuncio_str text;
	if (!nuncio_request_text(f->page.rq, key, &text))
		return 0;
	if (nuncio_text_copy(text, out, size) == 0)
		return 0;
	nuncio_reply_error(&f->page.rq, NUNCIO_CODE_invalid_field, "%s: too long", key);
	return -1;
}

static int read_date(struct finding *f, const char *key, int64_t *ms_r)
{
	struct nuncio_str text;
	if (!nuncio_request_text(f->page.rq, key, &text))
		return 0;
	*ms_r = text_date_ms(text);
	if (*ms_r >= 0)
		return 0;
	nuncio_reply_error(&f->page.rq, NUNCIO_CODE_invalid_field,
		"%s: must be like 2026-11-25 or 2026-11-25T08:30:00Z", key);
	return -1;
}

void on_search(struct nuncio_request *rq, void *user)
{
	struct finding *f = nuncio_alloc(sizeof *f);
	f->page = (struct page){ .self = user,
		.rq = rq,
		.limit = page_limit(rq),
		.ask = ask_search,
		.end = finding_end };
	nuncio_text_copy(nuncio_request_user(rq), f->user, sizeof f->user);
	if (read_text(f, "text", f->text, sizeof f->text) < 0 ||
		read_text(f, "conversation", f->conversation, sizeof f->conversation) < 0 ||
		read_text(f, "from", f->from, sizeof f->from) < 0 ||
		read_text(f, "after", f->after, sizeof f->after) < 0 ||
		read_date(f, "from_date", &f->from_ms) < 0 ||
		read_date(f, "to_date", &f->to_ms) < 0)
		page_drop(&f->page);
	else
		records_load(user, SPACE_HIDDEN, f->user, &f->hidden, on_hidden, f);
}

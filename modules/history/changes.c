/* SPDX-License-Identifier: MIT */
/*
 * Everything since a cursor: events of all conversations, how far people have got, and the user's
 * own records (settings, contacts, what is hidden ...).
 */
#include "history.h"

struct syncing {
	struct page page; /* first: it is freed through this */
	struct records hidden;
	struct marks marks;
	size_t rows; /* that the store gave, of all kinds */
	char user[USER_BYTES + 1], cursor[CURSOR_BYTES + 1];
};

static void syncing_end(struct page *page)
{
	struct syncing *s = (struct syncing *)page;
	records_fini(&s->hidden);
	marks_fini(&s->marks);
}

/* Rows of one conversation come one behind the other, so its hidden ones are read once. */
static void write_events(const struct syncing *s, struct nuncio_json *json,
	const struct nuncio_event *rows, size_t n)
{
	struct hidden hidden = { 0 };
	const struct view view = { 0, 0, &hidden };
	nuncio_json_key(json, "events");
	nuncio_json_array_begin(json);
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || !nuncio_text_same(rows[i].conversation, rows[i - 1].conversation)) {
			struct nuncio_str value = { NULL, 0 };
			records_get(&s->hidden, rows[i].conversation, &value);
			hidden_fini(&hidden);
			hidden_read(&hidden, value);
		}
		show_event(json, &rows[i], &view);
	}
	hidden_fini(&hidden);
	nuncio_json_array_end(json);
}

static void write_records(struct nuncio_json *json, const struct nuncio_record *rows, size_t n)
{
	nuncio_json_key(json, "records");
	nuncio_json_array_begin(json);
	for (size_t i = 0; i < n; i++) {
		nuncio_json_object_begin(json);
		nuncio_json_key(json, "space");
		nuncio_json_put_text(json, rows[i].space);
		nuncio_json_key(json, "key");
		nuncio_json_put_text(json, rows[i].key);
		nuncio_json_key(json, "value");
		/* A value is JSON by convention; what is not, is not synced. */
		if (rows[i].value.p && nuncio_json_check(rows[i].value, NULL) == 0)
			nuncio_json_put_raw(json, rows[i].value);
		else
			nuncio_json_put_null(json);
		nuncio_json_object_end(json);
	}
	nuncio_json_array_end(json);
}

static void on_receipts(int status, void *user)
{
	struct syncing *s = user;
	if (status < 0) {
		page_fail(&s->page, status);
		return;
	}
	marks_write(&s->marks, s->page.json);
	page_send(&s->page, s->rows);
}

static void on_changes(int status, const struct nuncio_sync_answer *answer, void *user)
{
	struct syncing *s = user;
	if (status < 0) {
		page_fail(&s->page, status);
		return;
	}
	struct nuncio_json *json = page_write(&s->page);
	write_events(s, json, answer->rows, answer->count);
	write_records(json, answer->records, answer->records_count);
	nuncio_json_key(json, "cursor");
	nuncio_json_put_text(json, answer->cursor);
	write_bool(json, "more", answer->more != 0);
	write_bool(json, "gap", answer->gap != 0);
	s->rows = answer->count + answer->records_count + answer->members_count;
	marks_screen(s->page.self, &s->marks, nuncio_text(s->user), answer->members,
		answer->members_count, on_receipts, s);
}

static int ask_changes(struct page *page)
{
	struct syncing *s = (struct syncing *)page;
	const struct nuncio_sync_query query = {
		.size = sizeof query,
		.user = nuncio_text(s->user),
		.cursor = nuncio_text(s->cursor),
		.limit = page->limit,
		.max_bytes = page_text_bytes(page),
	};
	return nuncio_store_sync(page->self, &query, on_changes, s);
}

static void on_hidden(int status, void *user)
{
	struct syncing *s = user;
	if (status < 0)
		page_fail(&s->page, status);
	else
		page_ask(&s->page);
}

void on_sync(struct nuncio_request *rq, void *user)
{
	struct syncing *s = nuncio_alloc(sizeof *s);
	struct nuncio_str cursor = { "", 0 };
	s->page = (struct page){ .self = user,
		.rq = rq,
		.limit = page_limit(rq),
		.ask = ask_changes,
		.end = syncing_end };
	nuncio_request_text(rq, "cursor", &cursor);
	nuncio_text_copy(cursor, s->cursor, sizeof s->cursor);
	nuncio_text_copy(nuncio_request_user(rq), s->user, sizeof s->user);
	records_load(user, SPACE_HIDDEN, s->user, &s->hidden, on_hidden, s);
}

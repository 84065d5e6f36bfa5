/* SPDX-License-Identifier: MIT */
/*
 * Searching, on a read lane. The index says which documents have all words, the newest first; each
 * is then looked up in the store and checked again: is it still so, may this user see it, does it
 * pass the filters? The index lags and knows nobody's rights, so it only proposes.
 *
 * What a user may see narrows the question itself while they are in up to CONVERSATIONS_MAX
 * conversations (their numbers are tokens); beyond that only the check does.
 *
 * Bounded work: documents are gone through in slices of their numbers, whose size follows the time
 * that the last one took. A page ends when it is full, or after PAGE_MS with what it has, perhaps
 * nothing; then `next` says where to go on, so asking until `next` is empty finds everything.
 */
#include "search.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CONVERSATIONS_MAX = 256,
	PAGE_MS = 100,
	SLICE_FIRST = 65536,
	SLICE_MIN = 4096,
	SLICE_MAX = 1 << 22,
	SLICE_SHORT_MS = 5,
	SLICE_LONG_MS = 20,
	LOOK_EVERY = 32, /* candidates between two looks at the clock */
	WINDOWS = 256,
	READER_CACHE_BYTES = 2 * 1024 * 1024
};

/* What the user may see of a conversation. */
struct window {
	int64_t number; /* 0: empty */
	uint64_t since, until;
};

struct find {
	struct store *store;
	struct db *db;
	struct search_db *index;
	uint64_t generation; /* of the index's file */
	struct nuncio_job *job;
	const struct nuncio_search_query *q;
	uint64_t low, high; /* documents that are left to look at */
	nuncio_id last;     /* the last message that is done with */
	int64_t until_ms;
	uint32_t count, looked;
	size_t bytes;
	bool is_full, is_late;
	struct asked asked;
	struct words expression;
	struct window windows[WINDOWS];
	char room[SEARCH_TEXT_BYTES];
};

/* --- the question --- */

/* SQLITE_ROW: narrowed; DONE: they are in none; OK: in too many. */
static int add_conversations(struct find *f)
{
	sqlite3_stmt *st = f->db->sql[SQL_SEARCH_WHERE];
	size_t start = f->expression.n, count = 0;
	int rc;
	db_bind(st, 1, f->q->user);
	sqlite3_bind_int64(st, 2, CONVERSATIONS_MAX + 1);
	words_add(&f->expression, "AND (");
	while ((rc = sqlite3_step(st)) == SQLITE_ROW && count <= CONVERSATIONS_MAX) {
		if (count++)
			words_add(&f->expression, "OR ");
		words_add_conversation(&f->expression, sqlite3_column_int64(st, 0));
	}
	sqlite3_reset(st);
	words_add(&f->expression, ")");
	if (count > CONVERSATIONS_MAX)
		f->expression.n = start;
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return rc;
	return count > CONVERSATIONS_MAX ? SQLITE_OK : count ? SQLITE_ROW : SQLITE_DONE;
}

/* The same; DONE: there is none. */
static int add_conversation(struct find *f)
{
	sqlite3_stmt *st = f->db->sql[SQL_CONVERSATION_FIND];
	db_bind(st, 1, f->q->conversation);
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		words_add(&f->expression, "AND ");
		words_add_conversation(&f->expression, sqlite3_column_int64(st, 0));
	}
	sqlite3_reset(st);
	return rc;
}

static int make_expression(struct find *f)
{
	asked_write(&f->asked, &f->expression);
	if (f->q->from.n) {
		words_add(&f->expression, "AND ");
		words_add_sender(&f->expression, f->q->from);
	}
	return f->q->conversation.n ? add_conversation(f) : add_conversations(f);
}

/* When the message of a document was sent; one that is not there any more counts as early. */
static int sent_at(struct find *f, uint64_t number, int64_t *sent_at_ms_r)
{
	sqlite3_stmt *st = f->db->sql[SQL_SEARCH_SENT];
	struct search_doc doc;
	*sent_at_ms_r = 0;
	int rc = search_db_doc(f->index, number, &doc);
	if (rc != SQLITE_ROW)
		return rc;
	sqlite3_bind_int64(st, 1, (sqlite3_int64)doc.id);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*sent_at_ms_r = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? SQLITE_ROW : rc;
}

/* The first document in low..high that was sent at or after a time; high + 1 if none. */
static int find_time(struct find *f, int64_t ms, uint64_t *number_r)
{
	uint64_t low = f->low, high = f->high + 1;
	int rc = SQLITE_ROW;
	while (rc == SQLITE_ROW && low < high) {
		uint64_t middle = low + (high - low) / 2;
		int64_t at_ms;
		rc = sent_at(f, middle, &at_ms);
		if (at_ms >= ms)
			high = middle;
		else
			low = middle + 1;
	}
	*number_r = low;
	return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
}

static int set_range(struct find *f, nuncio_id below)
{
	uint64_t number;
	int rc = search_db_docs(f->index, &f->high);
	f->low = 1;
	if (rc == SQLITE_OK && below <= INT64_MAX) {
		rc = search_db_find(f->index, f->high, below, &number);
		f->high = number - 1;
	}
	if (rc == SQLITE_OK && f->q->to_ms && f->q->to_ms < INT64_MAX) {
		rc = find_time(f, f->q->to_ms + 1, &number);
		f->high = number - 1;
	}
	if (rc == SQLITE_OK && f->q->from_ms)
		rc = find_time(f, f->q->from_ms, &f->low);
	return rc;
}

/* --- the answer --- */

static int read_window(struct find *f, struct window *window)
{
	sqlite3_stmt *member = f->db->sql[SQL_MEMBER_GET], *past = f->db->sql[SQL_PAST_GET];
	sqlite3_bind_int64(member, 1, window->number);
	db_bind(member, 2, f->q->user);
	window->since = UINT64_MAX;
	window->until = 0;
	int rc = sqlite3_step(member);
	if (rc == SQLITE_ROW) {
		window->since = db_uint(member, 4);
		window->until = UINT64_MAX;
	}
	sqlite3_reset(member);
	if (rc != SQLITE_DONE)
		return rc == SQLITE_ROW ? SQLITE_OK : rc;
	sqlite3_bind_int64(past, 1, window->number);
	db_bind(past, 2, f->q->user);
	rc = sqlite3_step(past);
	if (rc == SQLITE_ROW) {
		window->since = db_uint(past, 4);
		window->until = db_uint(past, 8);
	}
	sqlite3_reset(past);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int find_window(struct find *f, int64_t number, const struct window **window_r)
{
	struct window *window = &f->windows[(uint64_t)number % WINDOWS];
	int rc = SQLITE_OK;
	*window_r = window;
	if (window->number == number)
		return rc;
	window->number = number;
	rc = read_window(f, window);
	if (rc != SQLITE_OK)
		window->number = 0;
	return rc;
}

static bool same(struct nuncio_str a, struct nuncio_str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static bool is_wanted(struct find *f, const struct nuncio_event *e, const struct window *window)
{
	const struct nuncio_search_query *q = f->q;
	return e->seq > window->since && e->seq <= window->until &&
	       same(e->type, (struct nuncio_str){ "message", 7 }) &&
	       !(e->flags & NUNCIO_EVENT_VOID) && (!q->from.n || same(e->from, q->from)) &&
	       (!q->from_ms || e->sent_at_ms >= q->from_ms) &&
	       (!q->to_ms || e->sent_at_ms <= q->to_ms) &&
	       asked_are_in(&f->asked, e->body, f->room);
}

static void give(struct find *f, const struct nuncio_event *event)
{
	size_t bytes = f->bytes + event_bytes(event);
	uint32_t limit = f->q->limit ? f->q->limit : 1;
	f->is_full =
		f->count && (f->count == limit || (f->q->max_bytes && bytes > f->q->max_bytes));
	if (f->is_full)
		return;
	f->count++;
	f->bytes = bytes;
	nuncio_job_add_event(f->job, event);
}

/* SQL_EVENT_GET stands on the event; its conversation needs its name. */
static int show(struct find *f, int64_t number, struct nuncio_event *event, uint64_t since)
{
	sqlite3_stmt *name = f->db->sql[SQL_CONVERSATION_ID];
	struct nuncio_event now;
	sqlite3_bind_int64(name, 1, number);
	int rc = sqlite3_step(name);
	if (rc == SQLITE_ROW) {
		event->conversation = db_text(name, 0);
		rc = event_now(f->db, number, since, event, &now);
		if (rc == SQLITE_OK) {
			give(f, event);
			event_now_end(f->db, event);
		}
	}
	sqlite3_reset(name);
	return rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
}

static int check_event(struct find *f, const struct search_doc *doc, const struct window *window)
{
	sqlite3_stmt *st = f->db->sql[SQL_EVENT_GET];
	struct nuncio_event event;
	sqlite3_bind_int64(st, 1, (sqlite3_int64)doc->id);
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		event_from_row(st, (struct nuncio_str){ "", 0 }, &event);
		rc = is_wanted(f, &event, window)
			     ? show(f, doc->conversation, &event, window->since)
			     : SQLITE_OK;
	}
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* One that the index proposes. */
static int look_at(struct find *f, uint64_t number)
{
	const struct window *window;
	struct search_doc doc;
	int rc = search_db_doc(f->index, number, &doc);
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
	rc = find_window(f, doc.conversation, &window);
	if (rc == SQLITE_OK && window->until)
		rc = check_event(f, &doc, window);
	if (rc == SQLITE_OK && !f->is_full)
		f->last = doc.id;
	if (++f->looked % LOOK_EVERY == 0)
		f->is_late = nuncio_mono_ms() >= f->until_ms;
	return rc;
}

/* Documents from..high, the newest first. */
static int run_slice(struct find *f, uint64_t from)
{
	sqlite3_stmt *st = f->index->sql[SEARCH_FIND];
	struct words *e = &f->expression;
	sqlite3_bind_text64(st, 1, e->text, e->n, SQLITE_STATIC, SQLITE_UTF8);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)from);
	sqlite3_bind_int64(st, 3, (sqlite3_int64)f->high);
	int rc = SQLITE_OK;
	while (rc == SQLITE_OK && !f->is_full && !f->is_late &&
		(rc = sqlite3_step(st)) == SQLITE_ROW)
		rc = look_at(f, db_uint(st, 0));
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int end_slice(struct find *f, uint64_t from)
{
	struct search_doc doc;
	int rc = search_db_doc(f->index, from, &doc);
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
	f->last = doc.id;
	f->high = from - 1;
	return SQLITE_OK;
}

static int run_slices(struct find *f)
{
	uint64_t size = SLICE_FIRST;
	int rc = SQLITE_OK;
	while (rc == SQLITE_OK && f->high >= f->low && !f->is_full && !f->is_late) {
		int64_t start_ms = nuncio_mono_ms();
		uint64_t from = f->high - f->low >= size ? f->high - size + 1 : f->low;
		rc = run_slice(f, from);
		if (rc == SQLITE_OK && !f->is_full && !f->is_late)
			rc = end_slice(f, from);
		int64_t now_ms = nuncio_mono_ms();
		if (now_ms - start_ms < SLICE_SHORT_MS && size < SLICE_MAX)
			size *= 4;
		else if (now_ms - start_ms > SLICE_LONG_MS && size > SLICE_MIN)
			size /= 2;
		f->is_late |= now_ms >= f->until_ms;
	}
	return rc;
}

/* --- the job --- */

/* Everything of `after` must be digits; empty: no limit. */
static bool parse_after(struct nuncio_str after, nuncio_id *below_r)
{
	*below_r = after.n ? 0 : UINT64_MAX;
	if (after.n > 19)
		return false;
	for (size_t i = 0; i < after.n; i++) {
		if (after.p[i] < '0' || after.p[i] > '9')
			return false;
		*below_r = *below_r * 10 + (nuncio_id)(after.p[i] - '0');
	}
	return !after.n || *below_r <= INT64_MAX;
}

/* The lane's connection to the file that there is now. */
static int open_reader(struct search *x, uint32_t lane, struct search_reader **reader_r)
{
	struct search_reader *reader = &x->reader[lane];
	uint64_t generation = atomic_load(&x->generation);
	*reader_r = reader;
	if (reader->generation == generation && generation)
		return SQLITE_OK;
	search_db_close(&reader->db);
	reader->generation = 0;
	if (generation % 2 == 0)
		return SQLITE_BUSY;
	int rc = search_db_open(&reader->db, x->path, READER_CACHE_BYTES);
	if (rc == SQLITE_OK)
		reader->generation = generation;
	return rc;
}

static int run_find(struct find *f, struct search *x, nuncio_id below, uint32_t lane)
{
	struct search_reader *reader;
	int rc = open_reader(x, lane, &reader);
	if (rc != SQLITE_OK)
		return rc;
	f->index = &reader->db;
	f->generation = reader->generation;
	rc = make_expression(f);
	if (rc == SQLITE_DONE)
		return SQLITE_OK; /* nothing that they could see */
	if (rc == SQLITE_ROW)
		rc = SQLITE_OK;
	if (rc == SQLITE_OK)
		rc = search_db_run(&reader->db, SEARCH_BEGIN_READ);
	if (rc == SQLITE_OK)
		rc = set_range(f, below);
	if (rc == SQLITE_OK)
		rc = run_slices(f);
	if (!sqlite3_get_autocommit(reader->db.handle))
		search_db_run(&reader->db, SEARCH_COMMIT);
	return rc;
}

static int answer(struct find *f, int rc)
{
	char next[24];
	if (rc != SQLITE_OK)
		return search_failed(f->store->search, f->db, f->generation, rc);
	if (f->is_full || (f->is_late && f->high >= f->low)) {
		int n = snprintf(next, sizeof(next), "%" PRIu64, f->last);
		nuncio_job_set_cursor(f->job, (struct nuncio_str){ next, (size_t)n });
		nuncio_job_set_more(f->job, 1);
	}
	return 0;
}

int search_find(struct store *s, struct db *db, uint32_t lane, struct nuncio_job *job,
	const struct nuncio_search_query *q)
{
	nuncio_id below;
	if (!s->search)
		return NUNCIO_E_UNSUPPORTED;
	if (!parse_after(q->after, &below))
		return NUNCIO_E_INVAL;
	struct find *f = nuncio_alloc(sizeof(*f));
	memset(f, 0, sizeof(*f));
	f->store = s;
	f->db = db;
	f->job = job;
	f->q = q;
	f->last = below;
	f->until_ms = nuncio_mono_ms() + PAGE_MS;
	asked_cut(&f->asked, q->text);
	int status = f->asked.count ? 0 : NUNCIO_E_INVAL;
	if (status == 0)
		status = answer(f, run_find(f, s->search, below, lane));
	words_fini(&f->expression);
	free(f);
	return status;
}

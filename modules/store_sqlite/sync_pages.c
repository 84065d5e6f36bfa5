/* SPDX-License-Identifier: MIT */
/*
 * What changed for a user since a cursor. Event ids grow in the order of commits, so a position is
 * an event id: everything up to it was seen. A call goes from the cursor's position `from` to
 * `upto`, conversation by conversation; when the page is full, the place where it stopped goes into
 * the cursor. Events that arrive between two pages are above `upto`; when a pass is through and
 * there are such, the next pass begins in the same call, so that `more` 0 always means: nothing is
 * missing.
 *
 * Cost: one look at the head of each conversation of the user, and what changed.
 *
 *   uuid-position                               all up to position was seen
 *   uuid-from-upto-number-seq                   within a pass: go on with that conversation at seq
 *
 * Clients hold cursors, so every part of one is checked; a forged one shows nothing that history
 * does not.
 */
#include "store_sqlite.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct place {
	nuncio_id from, upto;
	uint64_t number, seq; /* number 0: at the beginning of the pass */
};

struct page {
	struct db *db;
	struct nuncio_job *job;
	const struct nuncio_sync_query *query;
	struct place place;
	uint32_t count;
	size_t bytes;
	bool is_full;
};

static bool take_number(struct nuncio_str *text, uint64_t *number_r)
{
	uint64_t number = 0;
	size_t digits = 0;
	if (!text->n || text->p[0] != '-')
		return false;
	for (digits = 1; digits < text->n && text->p[digits] >= '0' && text->p[digits] <= '9';
		digits++) {
		if (digits > 19)
			return false;
		number = number * 10 + (uint64_t)(text->p[digits] - '0');
	}
	if (digits == 1 || number > INT64_MAX)
		return false;
	text->p += digits;
	text->n -= digits;
	*number_r = number;
	return true;
}

static bool parse_cursor(
	const struct store *s, struct nuncio_str text, nuncio_id now, struct place *place_r)
{
	*place_r = (struct place){ 0 };
	if (text.n < STORE_UUID_CHARS || memcmp(text.p, s->uuid, STORE_UUID_CHARS) != 0)
		return false;
	text.p += STORE_UUID_CHARS;
	text.n -= STORE_UUID_CHARS;
	if (!take_number(&text, &place_r->from))
		return false;
	place_r->upto = now;
	if (text.n &&
		(!take_number(&text, &place_r->upto) || !take_number(&text, &place_r->number) ||
			!take_number(&text, &place_r->seq) || !place_r->seq))
		return false;
	/* A position that is not reached yet: the file was put back from a copy. */
	return text.n == 0 && place_r->from <= place_r->upto && place_r->upto <= now;
}

static void set_cursor(const struct store *s, struct nuncio_job *job, const struct place *place)
{
	char text[STORE_UUID_CHARS + 4 * 21 + 1];
	int n = place->number ? snprintf(text, sizeof(text),
					"%s-%" PRIu64 "-%" PRIu64 "-%" PRIu64 "-%" PRIu64, s->uuid,
					place->from, place->upto, place->number, place->seq)
			      : snprintf(text, sizeof(text), "%s-%" PRIu64, s->uuid, place->upto);
	nuncio_job_set_cursor(job, (struct nuncio_str){ text, (size_t)n });
}

static int id_at(struct db *db, uint64_t number, uint64_t seq, nuncio_id *id_r)
{
	sqlite3_stmt *st = db->sql[SQL_EVENT_ID];
	sqlite3_bind_int64(st, 1, (sqlite3_int64)number);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)seq);
	int rc = sqlite3_step(st);
	*id_r = rc == SQLITE_ROW ? db_uint(st, 0) : 0;
	sqlite3_reset(st);
	return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
}

/* The lowest seq whose id is above `from`: steps back from the end that double, then halving. */
static int first_news(
	struct db *db, uint64_t number, uint64_t last_seq, nuncio_id from, uint64_t *seq_r)
{
	uint64_t high = last_seq, low = 0; /* high is news, low is not */
	int rc = SQLITE_OK;
	nuncio_id id;
	for (uint64_t step = 1; rc == SQLITE_OK && step < high && low == 0; step *= 2) {
		rc = id_at(db, number, high - step, &id);
		*(id > from ? &high : &low) = high - step;
	}
	while (rc == SQLITE_OK && high - low > 1) {
		uint64_t middle = low + (high - low) / 2;
		rc = id_at(db, number, middle, &id);
		*(id > from ? &high : &low) = middle;
	}
	*seq_r = high;
	return rc;
}

/* Adds one, or notes that it must go onto the next page. */
static void add_event(struct page *page, const struct nuncio_event *event)
{
	uint32_t limit = page->query->limit ? page->query->limit : 1;
	size_t bytes = page->bytes + event_bytes(event);
	page->is_full =
		page->count && (page->count == limit ||
				       (page->query->max_bytes && bytes > page->query->max_bytes));
	if (page->is_full)
		return;
	page->bytes = bytes;
	page->count++;
	nuncio_job_add_event(page->job, event);
}

static int add_conversation(
	struct page *page, struct nuncio_str conversation, uint64_t seq, uint64_t last_seq)
{
	sqlite3_stmt *st = page->db->sql[SQL_EVENTS_FROM];
	struct nuncio_event event;
	sqlite3_bind_int64(st, 1, (sqlite3_int64)page->place.number);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)seq);
	sqlite3_bind_int64(st, 3, (sqlite3_int64)last_seq + 1);
	int rc;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		event_from_row(st, conversation, &event);
		if (event.id > page->place.upto)
			break;
		page->place.seq = event.seq;
		add_event(page, &event);
		if (page->is_full)
			break;
	}
	sqlite3_reset(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* From place.from to place.upto; when the page is full, place says where to go on. */
static int run_pass(struct page *page)
{
	sqlite3_stmt *st = page->db->sql[SQL_EVENTS_CHANGED];
	struct place start = page->place;
	db_bind(st, 1, page->query->user);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)start.number);
	sqlite3_bind_int64(st, 3, (sqlite3_int64)start.from);
	int rc = SQLITE_DONE;
	while (!page->is_full && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		uint64_t last_seq = db_uint(st, 1), seq = start.seq;
		page->place.number = db_uint(st, 0);
		if (page->place.number != start.number)
			rc = first_news(page->db, page->place.number, last_seq, start.from, &seq);
		else
			rc = SQLITE_OK;
		if (rc == SQLITE_OK)
			rc = add_conversation(page, db_text(st, 2), seq, last_seq);
		if (rc != SQLITE_OK)
			break;
		rc = SQLITE_DONE;
	}
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int sync_read(struct store *s, struct db *db, struct nuncio_job *job,
	const struct nuncio_sync_query *q, nuncio_id now)
{
	struct page page = { .db = db, .job = job, .query = q };
	if (!parse_cursor(s, q->cursor, now, &page.place)) {
		nuncio_job_set_gap(job, 1);
		set_cursor(s, job, &(struct place){ .upto = now });
		return 0;
	}
	for (;;) {
		if (page.place.from < page.place.upto && run_pass(&page) != SQLITE_OK)
			return READ_FAILED;
		if (page.is_full || page.place.upto == now)
			break;
		page.place = (struct place){ .from = page.place.upto, .upto = now };
	}
	if (!page.is_full)
		page.place = (struct place){ .upto = now };
	nuncio_job_set_more(job, page.is_full);
	set_cursor(s, job, &page.place);
	return 0;
}

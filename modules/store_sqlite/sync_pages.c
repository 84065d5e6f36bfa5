/* SPDX-License-Identifier: MIT */
/*
 * What changed for a user since a cursor. Ids of events, marks and synced writes grow in the order
 * of commits, so a position is such an id: everything up to it was seen. A call goes from the
 * position `from` to `upto`: the conversations they are in, in the order of their ids, each with
 * its events and then the cursors that moved; those they have left since; their records. When the
 * page is full, the place where it stopped goes into the cursor. What arrives between two pages is
 * above `upto`; when a pass is through and there is such, the next pass begins in the same call, so
 * that `more` 0 always means: nothing is missing.
 *
 * What moves between two pages (a member leaves, a cursor or a record changes again) gets an id
 * above `upto` with it, so the next pass has it; at worst something comes twice.
 *
 * Cost: one look at the head of each conversation of the user, and what changed.
 */
#include "store_sqlite.h"

struct page {
	struct db *db;
	struct nuncio_job *job;
	const struct nuncio_sync_query *query;
	struct sync_place place;
	uint32_t count;
	size_t bytes;
	bool is_full;
};

/* One conversation as the walk sees it. */
struct log {
	int64_t number;
	struct nuncio_str id;
	uint64_t since, until; /* window of what the user may see */
};

static int id_at(struct db *db, int64_t number, uint64_t seq, nuncio_id *id_r)
{
	sqlite3_stmt *st = db->sql[SQL_EVENT_ID];
	sqlite3_bind_int64(st, 1, number);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)seq);
	int rc = sqlite3_step(st);
	*id_r = rc == SQLITE_ROW ? db_uint(st, 0) : 0;
	sqlite3_reset(st);
	return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
}

/*
 * The lowest seq whose id is above `from`, when that of `last_seq` is: steps back from the end that
 * double, then halving.
 */
static int first_news(
	struct db *db, int64_t number, uint64_t last_seq, nuncio_id from, uint64_t *seq_r)
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

/* Room for one more row, or it must go onto the next page. */
static bool has_room(struct page *page, size_t bytes)
{
	uint32_t limit = page->query->limit ? page->query->limit : 1;
	size_t sum = page->bytes + bytes;
	page->is_full =
		page->count &&
		(page->count == limit || (page->query->max_bytes && sum > page->query->max_bytes));
	if (page->is_full)
		return false;
	page->bytes = sum;
	page->count++;
	return true;
}

static int add_event(struct page *page, const struct log *log, struct nuncio_event *event)
{
	struct nuncio_event now;
	int rc = event_now(page->db, log->number, log->since, event, &now);
	if (rc != SQLITE_OK)
		return rc;
	if (has_room(page, event_bytes(event)))
		nuncio_job_add_event(page->job, event);
	event_now_end(page->db, event);
	return rc;
}

/* From place.b on; moves it along. */
static int add_events(struct page *page, const struct log *log)
{
	sqlite3_stmt *st = page->db->sql[SQL_EVENTS_FROM];
	struct nuncio_event event;
	sqlite3_bind_int64(st, 1, log->number);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)page->place.b);
	sqlite3_bind_int64(st, 3, (sqlite3_int64)log->until + 1);
	int rc;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		event_from_row(st, log->id, &event);
		if (event.id > page->place.upto)
			break;
		page->place.b = event.seq;
		rc = add_event(page, log, &event);
		if (rc != SQLITE_OK || page->is_full)
			break;
	}
	sqlite3_reset(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Those that are news and in the window; `resume`: place.b says where to go on. */
static int news_of(struct page *page, const struct log *log, bool resume)
{
	int rc = SQLITE_OK;
	if (!resume)
		rc = first_news(
			page->db, log->number, log->until, page->place.from, &page->place.b);
	if (page->place.b <= log->since)
		page->place.b = log->since + 1;
	return rc == SQLITE_OK ? add_events(page, log) : rc;
}

/* A row of member columns and `marked`; false when the page is full. */
static bool add_mark(struct page *page, sqlite3_stmt *st, struct nuncio_str conversation)
{
	struct nuncio_member member;
	member_from_row(st, conversation, &member);
	if (!has_room(page, conversation.n + member.user.n + member.extra.n))
		return false;
	nuncio_job_add_member(page->job, &member);
	page->place.b = db_uint(st, 8);
	return true;
}

/* Everybody's in a small conversation. place.b: up to this one they were given. */
static int marks_of_all(struct page *page, const struct log *log)
{
	sqlite3_stmt *st = page->db->sql[SQL_MEMBERS_MARKED];
	int rc;
	sqlite3_bind_int64(st, 1, log->number);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)page->place.b);
	sqlite3_bind_int64(st, 3, (sqlite3_int64)page->place.upto);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW && add_mark(page, st, log->id))
		;
	sqlite3_reset(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int stand_on_member(struct page *page, const struct log *log)
{
	sqlite3_stmt *st = page->db->sql[SQL_MEMBER_GET];
	sqlite3_bind_int64(st, 1, log->number);
	db_bind(st, 2, page->query->user);
	int rc = sqlite3_step(st);
	return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
}

static int mark_of_self(struct page *page, const struct log *log)
{
	sqlite3_stmt *st = page->db->sql[SQL_MEMBER_GET];
	int rc = stand_on_member(page, log);
	if (rc == SQLITE_OK) {
		nuncio_id marked = db_uint(st, 8);
		if (marked > page->place.b && marked <= page->place.upto)
			add_mark(page, st, log->id);
	}
	sqlite3_reset(st);
	return rc;
}

static int read_since(struct page *page, const struct log *log, uint64_t *since_r)
{
	int rc = stand_on_member(page, log);
	if (rc == SQLITE_OK)
		*since_r = db_uint(page->db->sql[SQL_MEMBER_GET], 4);
	sqlite3_reset(page->db->sql[SQL_MEMBER_GET]);
	return rc;
}

/* A row of SQL_SYNC_PRESENT. `start` is where the page begins. */
static int add_present(struct page *page, sqlite3_stmt *row, const struct sync_place *start)
{
	struct log log = { .number = sqlite3_column_int64(row, 0),
		.id = db_text(row, 1),
		.until = db_uint(row, 2) };
	nuncio_id last_id = db_uint(row, 3), marked = db_uint(row, 4);
	bool resume = start->a == (uint64_t)log.number;
	int rc = SQLITE_OK;
	page->place.a = (uint64_t)log.number;
	page->place.part = SYNC_EVENTS;
	if (last_id > start->from && !(resume && start->part == SYNC_MARKS)) {
		rc = read_since(page, &log, &log.since);
		if (rc == SQLITE_OK)
			rc = news_of(page, &log, resume);
	}
	if (rc != SQLITE_OK || page->is_full || marked <= start->from)
		return rc;
	page->place.part = SYNC_MARKS;
	page->place.b = resume && start->part == SYNC_MARKS ? start->b : start->from;
	return sqlite3_column_int64(row, 5) <= NUNCIO_SYNC_MEMBERS ? marks_of_all(page, &log)
								   : mark_of_self(page, &log);
}

/* The walk is in the order of text ids; a number that is none starts at the beginning. */
static int bind_start(struct page *page, sqlite3_stmt *st, const struct sync_place *start)
{
	sqlite3_stmt *id = page->db->sql[SQL_CONVERSATION_ID];
	int rc = SQLITE_DONE;
	if (start->a) {
		sqlite3_bind_int64(id, 1, (sqlite3_int64)start->a);
		rc = sqlite3_step(id);
	}
	if (rc == SQLITE_ROW) {
		struct nuncio_str text = db_text(id, 0);
		sqlite3_bind_text64(st, 2, text.p, text.n, SQLITE_TRANSIENT, SQLITE_UTF8);
	} else {
		db_bind(st, 2, (struct nuncio_str){ "", 0 });
	}
	sqlite3_reset(id);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int walk_present(struct page *page, const struct sync_place *start)
{
	sqlite3_stmt *st = page->db->sql[SQL_SYNC_PRESENT];
	db_bind(st, 1, page->query->user);
	sqlite3_bind_int64(st, 3, (sqlite3_int64)start->from);
	int rc = bind_start(page, st, start);
	if (rc != SQLITE_OK)
		return rc;
	while (!page->is_full && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		rc = add_present(page, st, start);
		if (rc != SQLITE_OK)
			break;
	}
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* place.a: the event of their leaving, which tells one conversation from the other. */
static int walk_past(struct page *page, const struct sync_place *start)
{
	sqlite3_stmt *st = page->db->sql[SQL_SYNC_PAST];
	bool goes_on = start->part == SYNC_PAST;
	uint64_t lowest = goes_on && start->a > start->from ? start->a : start->from + 1;
	int rc = SQLITE_DONE;
	db_bind(st, 1, page->query->user);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)lowest);
	while (!page->is_full && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct log log = { .number = sqlite3_column_int64(st, 0),
			.id = db_text(st, 1),
			.since = db_uint(st, 2),
			.until = db_uint(st, 3) };
		bool resume = goes_on && start->a == db_uint(st, 4);
		page->place.part = SYNC_PAST;
		page->place.a = db_uint(st, 4);
		if (resume)
			page->place.b = start->b;
		rc = news_of(page, &log, resume);
		if (rc != SQLITE_OK)
			break;
	}
	sqlite3_reset(st);
	return rc == SQLITE_DONE || page->is_full ? SQLITE_OK : rc;
}

static int count_at(struct page *page, nuncio_id changed, uint64_t *count_r)
{
	sqlite3_stmt *st = page->db->sql[SQL_SYNC_RECORDS_AT];
	db_bind(st, 1, page->query->user);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)changed);
	int rc = sqlite3_step(st);
	*count_r = rc == SQLITE_ROW ? db_uint(st, 0) : 0;
	sqlite3_reset(st);
	return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

/* A tombstone says that it was deleted; what expired needs no word. */
static void add_record(struct page *page, sqlite3_stmt *st, int64_t now_ms)
{
	struct nuncio_record record;
	bool is_deleted = sqlite3_column_int(st, 5);
	if (!is_deleted && record_is_absent(st, now_ms))
		return;
	record_from_row(st, db_text(st, 6), &record);
	if (is_deleted)
		record.value = (struct nuncio_str){ NULL, 0 };
	if (has_room(page, record.space.n + record.owner.n + record.key.n + record.value.n))
		nuncio_job_add_record(page->job, &record);
}

/*
 * Writes of one job have one id. Where the page ends among them, place.b says how many of them are
 * left: rows can leave such a group (written again), never join it, so counting from its end misses
 * none.
 */
static int walk_records(struct page *page, const struct sync_place *start)
{
	sqlite3_stmt *st = page->db->sql[SQL_SYNC_RECORDS];
	uint64_t lowest = start->from + 1, skip = 0, given = 0, size = 0;
	int64_t now_ms = nuncio_wall_ms();
	int rc = SQLITE_OK;
	if (start->part == SYNC_RECORDS && start->a > start->from) {
		lowest = start->a;
		rc = count_at(page, start->a, &size);
		skip = size > start->b ? size - start->b : 0;
	}
	if (rc != SQLITE_OK)
		return rc;
	db_bind(st, 1, page->query->user);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)lowest);
	sqlite3_bind_int64(st, 3, (sqlite3_int64)page->place.upto);
	page->place.a = 0;
	while (!page->is_full && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		nuncio_id changed = db_uint(st, 7);
		given = changed == page->place.a ? given + 1 : 0;
		page->place.part = SYNC_RECORDS;
		page->place.a = changed;
		if (!skip)
			add_record(page, st, now_ms);
		else
			skip--;
	}
	sqlite3_reset(st);
	if (!page->is_full)
		return rc == SQLITE_DONE ? SQLITE_OK : rc;
	rc = count_at(page, page->place.a, &size);
	page->place.b = size - given;
	return rc;
}

/* From place.from to place.upto; when the page is full, place says where to go on. */
static int run_pass(struct page *page)
{
	struct sync_place start = page->place;
	int rc = SQLITE_OK;
	if (start.part <= SYNC_MARKS)
		rc = walk_present(page, &start);
	if (rc == SQLITE_OK && !page->is_full && start.part <= SYNC_PAST)
		rc = walk_past(page, &start);
	if (rc == SQLITE_OK && !page->is_full)
		rc = walk_records(page, &start);
	return rc;
}

/* Tombstones were removed up to this id: an older cursor cannot be told what was deleted. */
static int read_floor(struct db *db, nuncio_id *floor_r)
{
	sqlite3_stmt *st = db->sql[SQL_META_GET];
	sqlite3_bind_text(st, 1, "sync_floor", -1, SQLITE_STATIC);
	int rc = sqlite3_step(st);
	*floor_r = rc == SQLITE_ROW ? db_uint(st, 0) : 0;
	sqlite3_reset(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int sync_read(struct store *s, struct db *db, struct nuncio_job *job,
	const struct nuncio_sync_query *q, nuncio_id now)
{
	struct page page = { .db = db, .job = job, .query = q };
	nuncio_id floor;
	if (read_floor(db, &floor) != SQLITE_OK)
		return READ_FAILED;
	if (!sync_cursor_parse(s, q->cursor, now, &page.place) || page.place.from < floor) {
		nuncio_job_set_gap(job, 1);
		sync_cursor_set(s, job, &(struct sync_place){ .from = now });
		return 0;
	}
	for (;;) {
		if (page.place.from < page.place.upto && run_pass(&page) != SQLITE_OK)
			return READ_FAILED;
		if (page.is_full || page.place.upto == now)
			break;
		page.place = (struct sync_place){ .from = page.place.upto, .upto = now };
	}
	if (!page.is_full)
		page.place = (struct sync_place){ .from = now };
	nuncio_job_set_more(job, page.is_full);
	sync_cursor_set(s, job, &page.place);
	return 0;
}

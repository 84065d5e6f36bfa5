/* SPDX-License-Identifier: MIT */
/*
 * Pages of one log. seq has no holes, so the newest `limit` rows are a range known beforehand. With
 * a limit of bytes it is not known where the page must begin: then the range is walked backwards,
 * and rows are kept until their turn, since walking it twice costs more than the copies. Times do
 * not fall within a log, so the first event of a day is found by halving.
 */
#include "store_sqlite.h"

#include <stdlib.h>
#include <string.h>

void event_from_row(sqlite3_stmt *st, struct nuncio_str conversation, struct nuncio_event *event_r)
{
	*event_r = (struct nuncio_event){ .size = sizeof(*event_r),
		.conversation = conversation,
		.id = db_uint(st, 0),
		.seq = db_uint(st, 1),
		.sent_at_ms = sqlite3_column_int64(st, 2),
		.from = db_text(st, 3),
		.client_id = db_text(st, 4),
		.type = db_text(st, 5),
		.kind = db_text(st, 6),
		.body = db_text(st, 7),
		.extra = db_text(st, 8),
		.target = db_uint(st, 9),
		.changed = db_uint(st, 10),
		.flags = (uint32_t)db_uint(st, 11),
		.state = db_text(st, 12) };
}

size_t event_bytes(const struct nuncio_event *event)
{
	size_t now = event->now ? event_bytes(event->now) : 0;
	return event->conversation.n + event->type.n + event->from.n + event->client_id.n +
	       event->kind.n + event->body.n + event->extra.n + event->state.n + now;
}

char *event_take_texts(struct nuncio_event *event, char *room)
{
	struct nuncio_str *texts[] = { &event->conversation, &event->type, &event->from,
		&event->client_id, &event->kind, &event->body, &event->extra, &event->state };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i]->n)
			memcpy(room, texts[i]->p, texts[i]->n);
		texts[i]->p = room;
		room += texts[i]->n;
	}
	return room;
}

int event_now(struct db *db, int64_t number, uint64_t since, struct nuncio_event *event,
	struct nuncio_event *now_r)
{
	sqlite3_stmt *st = db->sql[SQL_EVENT_AT];
	if (!event->target || event->target <= since)
		return SQLITE_OK;
	sqlite3_bind_int64(st, 1, number);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)event->target);
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		event_from_row(st, event->conversation, now_r);
		event->now = now_r;
		return SQLITE_OK;
	}
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

void event_now_end(struct db *db, struct nuncio_event *event)
{
	if (event->now)
		sqlite3_reset(db->sql[SQL_EVENT_AT]);
	event->now = NULL;
}

/* A range of one log: from <= seq < end. */
struct range {
	int64_t number;
	uint64_t from, end;
};

static sqlite3_stmt *bind_range(struct db *db, enum db_sql which, const struct range *range)
{
	sqlite3_stmt *st = db->sql[which];
	sqlite3_bind_int64(st, 1, range->number);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)range->from);
	sqlite3_bind_int64(st, 3, (sqlite3_int64)range->end);
	return st;
}

/* A row that waits for those before it. */
struct kept {
	struct kept *next;
	struct nuncio_event event, now;
	char texts[];
};

/* In front of the others. */
static void keep(struct kept **first, const struct nuncio_event *event)
{
	struct kept *kept = nuncio_alloc(sizeof(*kept) + event_bytes(event));
	kept->next = *first;
	kept->event = *event;
	char *room = event_take_texts(&kept->event, kept->texts);
	if (event->now) {
		kept->now = *event->now;
		event_take_texts(&kept->now, room);
		kept->event.now = &kept->now;
	}
	*first = kept;
}

static void add_kept(struct nuncio_job *job, struct kept *first)
{
	while (first) {
		struct kept *kept = first;
		first = kept->next;
		nuncio_job_add_event(job, &kept->event);
		free(kept);
	}
}

/* As much of the range's end as fits into the limit of bytes, one row at least. */
static int add_end(struct db *db, struct nuncio_job *job, const struct nuncio_events_query *q,
	struct range *range)
{
	sqlite3_stmt *st = bind_range(db, SQL_EVENTS_BACK, range);
	struct nuncio_event event, now;
	struct kept *first = NULL;
	size_t bytes = 0;
	int rc;
	range->from = range->end;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		event_from_row(st, q->conversation, &event);
		rc = event_now(db, range->number, 0, &event, &now);
		if (rc != SQLITE_OK)
			break;
		bytes += event_bytes(&event);
		bool fits = !first || bytes <= q->max_bytes;
		if (fits) {
			keep(&first, &event);
			range->from = event.seq;
		}
		event_now_end(db, &event);
		if (!fits)
			break;
	}
	sqlite3_reset(st);
	add_kept(job, first);
	return rc == SQLITE_OK || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* 1 added, 0 it must go onto the next page, or negative: minus an SQLite code. */
static int add_row(struct db *db, struct nuncio_job *job, const struct nuncio_events_query *q,
	int64_t number, struct nuncio_event *event, size_t *bytes)
{
	struct nuncio_event now;
	int rc = event_now(db, number, 0, event, &now);
	if (rc != SQLITE_OK)
		return -rc;
	size_t sum = *bytes + event_bytes(event);
	bool fits = !q->max_bytes || !*bytes || sum <= q->max_bytes;
	if (fits) {
		nuncio_job_add_event(job, event);
		*bytes = sum;
	}
	event_now_end(db, event);
	return fits;
}

static int add_rows(struct db *db, struct nuncio_job *job, const struct nuncio_events_query *q,
	const struct range *range, uint64_t *next_r)
{
	sqlite3_stmt *st = bind_range(db, SQL_EVENTS_FROM, range);
	struct nuncio_event event;
	size_t bytes = 0;
	int rc, added = 1;
	*next_r = range->from;
	while (added > 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		event_from_row(st, q->conversation, &event);
		added = add_row(db, job, q, range->number, &event, &bytes);
		*next_r += added > 0;
	}
	sqlite3_reset(st);
	if (added < 0)
		return -added;
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Begins the range with the first event in it that was sent at or after a time; or empties it. */
static int skip_to_time(struct db *db, int64_t from_ms, struct range *range)
{
	sqlite3_stmt *st = db->sql[SQL_EVENT_TIME];
	uint64_t low = range->from, high = range->end;
	int rc = SQLITE_ROW;
	sqlite3_bind_int64(st, 1, range->number);
	while (rc == SQLITE_ROW && low < high) {
		uint64_t middle = low + (high - low) / 2;
		sqlite3_bind_int64(st, 2, (sqlite3_int64)middle);
		rc = sqlite3_step(st);
		if (rc == SQLITE_ROW && sqlite3_column_int64(st, 0) >= from_ms)
			high = middle;
		else
			low = middle + 1;
		sqlite3_reset(st);
	}
	range->from = low;
	return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
}

static int find_head(
	struct db *db, struct nuncio_str conversation, int64_t *number_r, uint64_t *last_seq_r)
{
	sqlite3_stmt *st = db->sql[SQL_CONVERSATION_FIND];
	db_bind(st, 1, conversation);
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		*number_r = sqlite3_column_int64(st, 0);
		*last_seq_r = db_uint(st, 1);
	}
	sqlite3_reset(st);
	return rc;
}

int event_page(struct db *db, struct nuncio_job *job, const struct nuncio_events_query *q)
{
	uint64_t last, next = 0, limit = q->limit ? q->limit : 1;
	struct range range;
	int rc = find_head(db, q->conversation, &range.number, &last);
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? 0 : READ_FAILED;
	range.from = q->after < last ? q->after + 1 : last + 1;
	range.end = q->before && q->before <= last ? q->before : last + 1;
	bool is_forward = q->after || q->from_ms || q->flags & NUNCIO_EVENTS_FORWARD;
	rc = q->from_ms && range.from < range.end ? skip_to_time(db, q->from_ms, &range)
						  : SQLITE_OK;
	if (rc != SQLITE_OK)
		return READ_FAILED;
	if (range.from >= range.end)
		return 0;
	uint64_t lowest = range.from, end = range.end;
	if (is_forward && end - lowest > limit)
		range.end = lowest + limit;
	if (!is_forward && end - lowest > limit)
		range.from = end - limit;
	if (is_forward || !q->max_bytes)
		rc = add_rows(db, job, q, &range, &next);
	else
		rc = add_end(db, job, q, &range);
	if (rc != SQLITE_OK)
		return READ_FAILED;
	nuncio_job_set_more(job, is_forward ? next < end : range.from > lowest);
	return 0;
}

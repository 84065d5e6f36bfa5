/* SPDX-License-Identifier: MIT */
/*
 * Pages of one log. seq has no holes, so the newest `limit` rows are a range known beforehand; only
 * when there is a limit of bytes a first walk backwards finds where the page must begin.
 */
#include "store_sqlite.h"

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
		.extra = db_text(st, 8) };
}

size_t event_bytes(const struct nuncio_event *event)
{
	return event->conversation.n + event->type.n + event->from.n + event->client_id.n +
	       event->kind.n + event->body.n + event->extra.n;
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

/* Raises range->from so that what is left, counted from the end, fits into the limit of bytes. */
static int narrow(struct db *db, const struct nuncio_events_query *q, struct range *range)
{
	sqlite3_stmt *st = bind_range(db, SQL_EVENTS_BACK, range);
	struct nuncio_event event;
	size_t bytes = 0;
	uint64_t from = range->end;
	int rc;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		event_from_row(st, q->conversation, &event);
		bytes += event_bytes(&event);
		if (bytes > q->max_bytes && from != range->end)
			break;
		from = event.seq;
	}
	sqlite3_reset(st);
	range->from = from;
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int add_rows(struct db *db, struct nuncio_job *job, const struct nuncio_events_query *q,
	const struct range *range, uint64_t *next_r)
{
	sqlite3_stmt *st = bind_range(db, SQL_EVENTS_FROM, range);
	struct nuncio_event event;
	size_t bytes = 0;
	int rc;
	*next_r = range->from;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		event_from_row(st, q->conversation, &event);
		bytes += event_bytes(&event);
		if (q->max_bytes && bytes > q->max_bytes && *next_r != range->from)
			break;
		nuncio_job_add_event(job, &event);
		*next_r = event.seq + 1;
	}
	sqlite3_reset(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
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
	uint64_t last, next, limit = q->limit ? q->limit : 1;
	struct range range;
	int rc = find_head(db, q->conversation, &range.number, &last);
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? 0 : READ_FAILED;
	uint64_t lowest = q->after < last ? q->after + 1 : last + 1;
	uint64_t end = q->before && q->before <= last ? q->before : last + 1;
	if (lowest >= end)
		return 0;
	bool is_forward = q->after != 0 || (q->flags & NUNCIO_EVENTS_FORWARD);
	range.from = lowest;
	range.end = end;
	if (is_forward && end - lowest > limit)
		range.end = lowest + limit;
	if (!is_forward && end - lowest > limit)
		range.from = end - limit;
	rc = !is_forward && q->max_bytes ? narrow(db, q, &range) : SQLITE_OK;
	if (rc == SQLITE_OK)
		rc = add_rows(db, job, q, &range, &next);
	if (rc != SQLITE_OK)
		return READ_FAILED;
	nuncio_job_set_more(job, is_forward ? next < end : range.from > lowest);
	return 0;
}

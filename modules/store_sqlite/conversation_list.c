/* SPDX-License-Identifier: MIT */
/*
 * A user's list of conversations, the most recently active first. `next` is the last event's id of
 * the last row: ids grow, so one that becomes active between two pages moves to the front and is
 * not repeated behind.
 */
#include "store_sqlite.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Everything of `after` must be digits; empty is the start. */
static bool parse_after(struct nuncio_str after, int64_t *below_r)
{
	uint64_t number = 0;
	*below_r = INT64_MAX;
	if (after.n > 19)
		return false;
	for (size_t i = 0; i < after.n; i++) {
		if (after.p[i] < '0' || after.p[i] > '9')
			return false;
		number = number * 10 + (uint64_t)(after.p[i] - '0');
	}
	if (after.n && number <= INT64_MAX)
		*below_r = (int64_t)number;
	return number <= INT64_MAX;
}

static uint64_t higher(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static int fill_unread(
	struct db *db, int64_t number, struct nuncio_str user, struct nuncio_conversation_row *row)
{
	uint64_t above = higher(row->read, row->since);
	if (above >= row->last_seq)
		return SQLITE_OK;
	sqlite3_stmt *st = db->sql[SQL_EVENTS_UNREAD];
	sqlite3_bind_int64(st, 1, number);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)above);
	db_bind(st, 3, user);
	sqlite3_bind_int64(st, 4, STORE_UNREAD_MAX);
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		row->unread = db_uint(st, 0);
	sqlite3_reset(st);
	return rc == SQLITE_ROW ? mention_count(db, number, user, above, &row->mentions) : rc;
}

/* Leaves SQL_MEMBERS_FROM standing, since row->peer borrows from it; the caller resets. */
static int fill_peer(
	struct db *db, int64_t number, struct nuncio_str user, struct nuncio_conversation_row *row)
{
	sqlite3_stmt *st = db->sql[SQL_MEMBERS_FROM];
	int rc;
	if (row->member_count != 2)
		return SQLITE_OK;
	sqlite3_bind_int64(st, 1, number);
	db_bind(st, 2, (struct nuncio_str){ "", 0 });
	sqlite3_bind_int64(st, 3, 2);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct nuncio_str other = db_text(st, 0);
		if (other.n == user.n && (other.n == 0 || memcmp(other.p, user.p, other.n) == 0))
			continue;
		row->peer = other;
		row->peer_delivered = db_uint(st, 1);
		row->peer_read = db_uint(st, 2);
		return SQLITE_OK;
	}
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int fill_member(
	struct db *db, int64_t number, struct nuncio_str user, struct nuncio_conversation_row *row)
{
	sqlite3_stmt *st = db->sql[SQL_MEMBER_GET];
	struct nuncio_member member;
	sqlite3_bind_int64(st, 1, number);
	db_bind(st, 2, user);
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		member_from_row(st, row->conversation, &member);
		row->delivered = member.delivered;
		row->read = member.read;
		row->since = member.since;
		row->role = member.role;
	}
	sqlite3_reset(st);
	return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
}

/* The newest event, if they may see it; SQL_EVENT_GET and SQL_EVENT_AT stay on it. */
static int fill_last(struct db *db, int64_t number, nuncio_id last_id,
	struct nuncio_conversation_row *row, struct nuncio_event *now)
{
	sqlite3_stmt *st = db->sql[SQL_EVENT_GET];
	if (row->last_seq <= row->since)
		return SQLITE_OK;
	sqlite3_bind_int64(st, 1, (sqlite3_int64)last_id);
	int rc = sqlite3_step(st);
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
	event_from_row(st, row->conversation, &row->last);
	return event_now(db, number, row->since, &row->last, now);
}

static int add_row(
	struct db *db, struct nuncio_job *job, struct nuncio_str user, sqlite3_stmt *list)
{
	struct nuncio_conversation_row row = { .size = sizeof(row),
		.conversation = db_text(list, 1),
		.last_seq = db_uint(list, 2),
		.member_count = (uint32_t)db_uint(list, 4) };
	struct nuncio_event now;
	int64_t number = sqlite3_column_int64(list, 0);
	int rc = fill_member(db, number, user, &row);
	if (rc == SQLITE_OK)
		rc = fill_last(db, number, db_uint(list, 3), &row, &now);
	if (rc == SQLITE_OK)
		rc = fill_unread(db, number, user, &row);
	if (rc == SQLITE_OK)
		rc = fill_peer(db, number, user, &row);
	if (rc == SQLITE_OK)
		nuncio_job_add_conversation(job, &row);
	sqlite3_reset(db->sql[SQL_MEMBERS_FROM]);
	sqlite3_reset(db->sql[SQL_EVENT_AT]);
	sqlite3_reset(db->sql[SQL_EVENT_GET]);
	return rc;
}

int conversation_list(
	struct db *db, struct nuncio_job *job, const struct nuncio_job_conversations *q)
{
	sqlite3_stmt *st = db->sql[SQL_CONVERSATIONS_OF];
	uint32_t limit = q->limit ? q->limit : 1, count = 0;
	nuncio_id last_id = 0;
	int64_t below;
	int rc;
	if (!parse_after(q->after, &below))
		return NUNCIO_E_INVAL;
	db_bind(st, 1, q->user);
	sqlite3_bind_int64(st, 2, below);
	sqlite3_bind_int64(st, 3, (int64_t)limit + 1);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW && count++ < limit) {
		last_id = db_uint(st, 3);
		rc = add_row(db, job, q->user, st);
		if (rc != SQLITE_OK)
			break;
	}
	sqlite3_reset(st);
	if (rc == SQLITE_ROW) {
		char next[24];
		int n = snprintf(next, sizeof(next), "%" PRIu64, last_id);
		nuncio_job_set_cursor(job, (struct nuncio_str){ next, (size_t)n });
		nuncio_job_set_more(job, 1);
	}
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : READ_FAILED;
}

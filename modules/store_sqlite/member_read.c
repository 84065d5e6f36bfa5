/* SPDX-License-Identifier: MIT */
/* Reads of members: who is in a conversation, in which conversations a user is. */
#include "store_sqlite.h"

#include <string.h>

void member_from_row(
	sqlite3_stmt *st, struct nuncio_str conversation, struct nuncio_member *member_r)
{
	*member_r = (struct nuncio_member){ .size = sizeof(*member_r),
		.conversation = conversation,
		.user = db_text(st, 0),
		.delivered = db_uint(st, 1),
		.read = db_uint(st, 2),
		.role = (uint32_t)db_uint(st, 3),
		.since = db_uint(st, 4),
		.muted_until_ms = sqlite3_column_int64(st, 5),
		.joined_at_ms = sqlite3_column_int64(st, 6),
		.extra = db_text(st, 7) };
}

/* What reads need of a conversation. */
struct place {
	int64_t number;
	uint64_t last_seq;
	uint32_t member_count;
};

/* SQLITE_ROW when it is there. */
static int find_place(struct db *db, struct nuncio_str conversation, struct place *place_r)
{
	sqlite3_stmt *st = db->sql[SQL_CONVERSATION_FIND];
	db_bind(st, 1, conversation);
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*place_r = (struct place){ .number = sqlite3_column_int64(st, 0),
			.last_seq = db_uint(st, 1),
			.member_count = (uint32_t)db_uint(st, 3) };
	sqlite3_reset(st);
	return rc;
}

int member_list(struct db *db, struct nuncio_job *job, const struct nuncio_job_members *q)
{
	sqlite3_stmt *st = db->sql[q->min_role ? SQL_MEMBERS_ROLE : SQL_MEMBERS_FROM];
	uint32_t limit = q->limit ? q->limit : 1, count = 0;
	struct nuncio_member member;
	struct place place;
	int rc = find_place(db, q->conversation, &place);
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? 0 : READ_FAILED;
	sqlite3_bind_int64(st, 1, place.number);
	db_bind(st, 2, q->after);
	sqlite3_bind_int64(st, 3, (int64_t)limit + 1);
	if (q->min_role)
		sqlite3_bind_int64(st, 4, q->min_role);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW && count++ < limit) {
		member_from_row(st, q->conversation, &member);
		nuncio_job_add_member(job, &member);
	}
	sqlite3_reset(st);
	if (rc == SQLITE_ROW)
		nuncio_job_set_more(job, 1);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : READ_FAILED;
}

/* SQLITE_ROW leaves the statement standing, since the member borrows from it. */
static int stand_on(struct db *db, enum db_sql which, int64_t number, struct nuncio_str user)
{
	sqlite3_bind_int64(db->sql[which], 1, number);
	db_bind(db->sql[which], 2, user);
	int rc = sqlite3_step(db->sql[which]);
	if (rc != SQLITE_ROW)
		sqlite3_reset(db->sql[which]);
	return rc;
}

static void answer(struct nuncio_job *job, sqlite3_stmt *st, struct nuncio_str conversation,
	const struct place *place, uint64_t until)
{
	struct nuncio_member member;
	member_from_row(st, conversation, &member);
	member.until = until;
	member.last_seq = place->last_seq;
	member.member_count = place->member_count;
	nuncio_job_add_member(job, &member);
}

int member_one(struct db *db, struct nuncio_job *job, const struct nuncio_job_member *q)
{
	enum db_sql which = SQL_MEMBER_GET;
	struct place place;
	int rc = find_place(db, q->conversation, &place);
	if (rc == SQLITE_ROW)
		rc = stand_on(db, which, place.number, q->user);
	else
		return rc == SQLITE_DONE ? NUNCIO_E_NOTFOUND : READ_FAILED;
	if (rc == SQLITE_DONE) {
		which = SQL_PAST_GET;
		rc = stand_on(db, which, place.number, q->user);
	}
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? NUNCIO_E_NOTFOUND : READ_FAILED;
	answer(job, db->sql[which], q->conversation, &place,
		which == SQL_PAST_GET ? db_uint(db->sql[which], 8) : 0);
	sqlite3_reset(db->sql[which]);
	return 0;
}

static bool has_prefix(struct nuncio_str text, struct nuncio_str prefix)
{
	return text.n >= prefix.n && (prefix.n == 0 || memcmp(text.p, prefix.p, prefix.n) == 0);
}

static int compare(struct nuncio_str a, struct nuncio_str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n ? memcmp(a.p, b.p, n) : 0;
	return order ? order : (a.n > b.n) - (a.n < b.n);
}

/* One row of SQL_MEMBERSHIPS with the member it belongs to. */
static int add_membership(
	struct db *db, struct nuncio_job *job, struct nuncio_str user, sqlite3_stmt *row)
{
	sqlite3_stmt *get = db->sql[SQL_MEMBER_GET];
	struct place place = { .number = sqlite3_column_int64(row, 1),
		.last_seq = db_uint(row, 2),
		.member_count = (uint32_t)db_uint(row, 3) };
	int rc = stand_on(db, SQL_MEMBER_GET, place.number, user);
	if (rc == SQLITE_ROW)
		answer(job, get, db_text(row, 0), &place, 0);
	sqlite3_reset(get);
	return rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
}

int member_ships(struct db *db, struct nuncio_job *job, const struct nuncio_job_memberships *q)
{
	sqlite3_stmt *st = db->sql[SQL_MEMBERSHIPS];
	uint32_t limit = q->limit ? q->limit : 1, count = 0;
	int rc;
	db_bind(st, 1, q->user);
	db_bind(st, 2, compare(q->after, q->prefix) > 0 ? q->after : q->prefix);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct nuncio_str id = db_text(st, 0);
		if (!has_prefix(id, q->prefix))
			break;
		if (q->after.n && compare(id, q->after) <= 0)
			continue;
		if (count++ == limit) {
			nuncio_job_set_more(job, 1);
			break;
		}
		rc = add_membership(db, job, q->user, st);
		if (rc != SQLITE_ROW)
			break;
	}
	sqlite3_reset(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : READ_FAILED;
}

/* In the index alone. */
int member_count_ships(
	struct db *db, struct nuncio_job *job, const struct nuncio_job_memberships *q)
{
	sqlite3_stmt *st = db->sql[SQL_MEMBERSHIP_IDS];
	uint64_t count = 0;
	int rc;
	db_bind(st, 1, q->user);
	db_bind(st, 2, q->prefix);
	sqlite3_bind_int64(st, 3, q->limit);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW && has_prefix(db_text(st, 0), q->prefix))
		count++;
	sqlite3_reset(st);
	nuncio_job_set_membership_count(job, count);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : READ_FAILED;
}

int member_reached(struct db *db, struct nuncio_job *job, const struct nuncio_job_reached *q)
{
	sqlite3_stmt *st = db->sql[SQL_MEMBERS_REACHED];
	struct place place;
	int rc = find_place(db, q->conversation, &place);
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? 0 : READ_FAILED;
	sqlite3_bind_int64(st, 1, place.number);
	sqlite3_bind_int64(st, 2, q->seq > INT64_MAX ? INT64_MAX : (sqlite3_int64)q->seq);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		nuncio_job_set_reached(job, db_uint(st, 0), db_uint(st, 1));
	sqlite3_reset(st);
	return rc == SQLITE_ROW ? 0 : READ_FAILED;
}

/* SPDX-License-Identifier: MIT */
/* Members and their two cursors. Marks only raise: written only when they change something. */
#include "store_sqlite.h"

static uint64_t at_most(uint64_t value, uint64_t limit)
{
	return value < limit ? value : limit;
}

int member_mark(struct store *s, const struct nuncio_job_mark *in, struct outcome *out)
{
	struct db *db = &s->writer;
	struct head *head;
	int rc = heads_find(s->heads, db, in->conversation, &head);
	if (rc != SQLITE_OK)
		return rc;
	if (!head) {
		out->status = NUNCIO_E_NOTFOUND;
		return SQLITE_OK;
	}
	uint64_t read = at_most(in->read, head->last_seq);
	uint64_t delivered = at_most(in->delivered > read ? in->delivered : read, head->last_seq);
	sqlite3_stmt *raise = db->sql[SQL_MEMBER_RAISE], *is = db->sql[SQL_MEMBER_IS];
	sqlite3_bind_int64(raise, 1, head->number);
	db_bind(raise, 2, in->user);
	sqlite3_bind_int64(raise, 3, (sqlite3_int64)delivered);
	sqlite3_bind_int64(raise, 4, (sqlite3_int64)read);
	rc = sqlite3_step(raise);
	if (rc == SQLITE_ROW) {
		out->raised = true;
		out->delivered = db_uint(raise, 0);
		out->read = db_uint(raise, 1);
	}
	sqlite3_reset(raise);
	if (rc != SQLITE_DONE)
		return rc == SQLITE_ROW ? SQLITE_OK : rc;
	sqlite3_bind_int64(is, 1, head->number);
	db_bind(is, 2, in->user);
	rc = sqlite3_step(is);
	sqlite3_reset(is);
	if (rc == SQLITE_DONE)
		out->status = NUNCIO_E_NOTFOUND;
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* 1 and *number_r, 0 for none, or READ_FAILED. */
static int find_number(struct db *db, struct nuncio_str conversation, int64_t *number_r)
{
	sqlite3_stmt *st = db->sql[SQL_CONVERSATION_FIND];
	db_bind(st, 1, conversation);
	int rc = sqlite3_step(st);
	*number_r = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
	sqlite3_reset(st);
	return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : READ_FAILED;
}

int member_list(struct db *db, struct nuncio_job *job, const struct nuncio_job_members *q)
{
	sqlite3_stmt *st = db->sql[SQL_MEMBERS_FROM];
	uint32_t limit = q->limit ? q->limit : 1, count = 0;
	int64_t number;
	int rc = find_number(db, q->conversation, &number);
	if (rc <= 0)
		return rc;
	sqlite3_bind_int64(st, 1, number);
	db_bind(st, 2, q->after);
	sqlite3_bind_int64(st, 3, (int64_t)limit + 1);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW && count++ < limit)
		nuncio_job_add_member(
			job, &(struct nuncio_member){ .size = sizeof(struct nuncio_member),
				     .user = db_text(st, 0),
				     .delivered = db_uint(st, 1),
				     .read = db_uint(st, 2) });
	sqlite3_reset(st);
	if (rc == SQLITE_ROW)
		nuncio_job_set_more(job, 1);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : READ_FAILED;
}

/* SPDX-License-Identifier: MIT */
/* Everything that there is, page by page, for a copy into another store. Read lanes. */
#include "store_sqlite.h"

enum { PAGE_BYTES_MAX = 1024 * 1024 };

static int end(struct nuncio_job *job, sqlite3_stmt *st, int rc)
{
	sqlite3_reset(st);
	if (rc == SQLITE_ROW)
		nuncio_job_set_more(job, 1);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : READ_FAILED;
}

static int conversations(struct db *db, struct nuncio_job *job, const struct nuncio_job_export *q)
{
	sqlite3_stmt *st = db->sql[SQL_EXPORT_CONVERSATIONS];
	uint32_t count = 0;
	int rc;
	db_bind(st, 1, q->conversation);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW && count++ < q->limit) {
		struct nuncio_conversation_row row = { .size = sizeof(row),
			.conversation = db_text(st, 0),
			.last_seq = db_uint(st, 1),
			.last = { .size = sizeof(row.last), .id = db_uint(st, 2) } };
		nuncio_job_add_conversation(job, &row);
	}
	return end(job, st, rc);
}

/* Both kinds in one order: who is there, and who has left. */
static int members(struct db *db, struct nuncio_job *job, const struct nuncio_job_export *q)
{
	sqlite3_stmt *st = db->sql[SQL_EXPORT_MEMBERS];
	uint32_t count = 0;
	int rc;
	db_bind(st, 1, q->conversation);
	db_bind(st, 2, q->user);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW && count++ < q->limit) {
		struct nuncio_member member;
		member_from_row(st, q->conversation, &member);
		member.until = db_uint(st, 8);
		nuncio_job_add_member(job, &member);
	}
	return end(job, st, rc);
}

static int mentions(struct db *db, struct nuncio_job *job, const struct nuncio_job_export *q)
{
	sqlite3_stmt *st = db->sql[SQL_EXPORT_MENTIONS];
	int rc;
	db_bind(st, 1, q->conversation);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)q->from);
	sqlite3_bind_int64(st, 3, (sqlite3_int64)q->upto);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct nuncio_member row = { .size = sizeof(row),
			.conversation = q->conversation,
			.user = db_text(st, 0),
			.since = db_uint(st, 1) };
		nuncio_job_add_member(job, &row);
	}
	return end(job, st, rc);
}

static void add_record(struct nuncio_job *job, sqlite3_stmt *st)
{
	struct nuncio_record record;
	record_from_row(st, db_text(st, 6), &record);
	record.flags = sqlite3_column_int64(st, 7) ? NUNCIO_RECORD_SYNCED : 0;
	nuncio_job_add_record(job, &record);
}

static int records(struct db *db, struct nuncio_job *job, const struct nuncio_job_export *q)
{
	bool is_one = q->what == NUNCIO_EXPORT_RECORD;
	sqlite3_stmt *st = db->sql[is_one ? SQL_EXPORT_RECORD : SQL_EXPORT_RECORDS];
	uint32_t count = 0, limit = is_one ? 1 : q->limit;
	size_t bytes = 0;
	int64_t now_ms = nuncio_wall_ms();
	int rc;
	db_bind(st, 1, q->space);
	db_bind(st, 2, q->owner);
	db_bind(st, 3, q->key);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		if (record_is_absent(st, now_ms))
			continue;
		bytes += (size_t)sqlite3_column_bytes(st, 2);
		if (count == limit || (count && bytes > PAGE_BYTES_MAX))
			break;
		add_record(job, st);
		count++;
	}
	return end(job, st, rc);
}

static int counts(struct db *db, struct nuncio_job *job, const struct nuncio_job_export *q)
{
	sqlite3_stmt *st = db->sql[SQL_EXPORT_COUNTS];
	sqlite3_bind_int64(st, 1, q->now_ms);
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		struct nuncio_store_counts counts = { .size = sizeof(counts),
			.conversations = db_uint(st, 0),
			.events = db_uint(st, 1),
			.members = db_uint(st, 2),
			.records = db_uint(st, 3) };
		nuncio_job_set_counts(job, &counts);
	}
	sqlite3_reset(st);
	return rc == SQLITE_ROW ? 0 : READ_FAILED;
}

int export_run(struct db *db, struct nuncio_job *job, const struct nuncio_job_export *q)
{
	switch (q->what) {
	case NUNCIO_EXPORT_CONVERSATIONS:
		return conversations(db, job, q);
	case NUNCIO_EXPORT_MEMBERS:
		return members(db, job, q);
	case NUNCIO_EXPORT_MENTIONS:
		return mentions(db, job, q);
	case NUNCIO_EXPORT_RECORDS:
	case NUNCIO_EXPORT_RECORD:
		return records(db, job, q);
	case NUNCIO_EXPORT_COUNTS:
		return counts(db, job, q);
	default:
		return NUNCIO_E_UNSUPPORTED;
	}
}

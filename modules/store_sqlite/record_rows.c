/* SPDX-License-Identifier: MIT */
/*
 * Records: small values of modules under (space, owner, key). One that has expired counts as absent
 * everywhere, whether or not it was removed yet; removing happens in small steps while the writer
 * lane is idle.
 */
#include "store_sqlite.h"

#include <string.h>

enum { EXPIRE_ROWS = 200, LIST_BYTES_MAX = 4 * 1024 * 1024 };

static bool is_expired(sqlite3_stmt *st, int64_t now_ms)
{
	int64_t expires_at_ms = sqlite3_column_int64(st, 4);
	return expires_at_ms > 0 && expires_at_ms <= now_ms;
}

static void bind_name(
	sqlite3_stmt *st, struct nuncio_str space, struct nuncio_str owner, struct nuncio_str key)
{
	db_bind(st, 1, space);
	db_bind(st, 2, owner);
	db_bind(st, 3, key);
}

static void record_from_row(
	sqlite3_stmt *st, struct nuncio_str space, struct nuncio_record *record_r)
{
	*record_r = (struct nuncio_record){ .size = sizeof(*record_r),
		.space = space,
		.owner = db_text(st, 0),
		.key = db_text(st, 1),
		.value = db_text(st, 2),
		.version = db_uint(st, 3),
		.expires_at_ms = sqlite3_column_int64(st, 4) };
}

/* The version that is there, 0 for none. */
static int read_version(
	struct db *db, const struct nuncio_record_write *w, int64_t now_ms, int64_t *version_r)
{
	sqlite3_stmt *st = db->sql[SQL_RECORD_GET];
	bind_name(st, w->space, w->owner, w->key);
	int rc = sqlite3_step(st);
	*version_r = rc == SQLITE_ROW && !is_expired(st, now_ms) ? sqlite3_column_int64(st, 3) : 0;
	sqlite3_reset(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int refuse(const struct nuncio_record_write *w, int64_t version)
{
	if (w->value.n > STORE_VALUE_BYTES_MAX)
		return NUNCIO_E_TOOBIG;
	if (w->expect < NUNCIO_EXPECT_ABSENT)
		return NUNCIO_E_INVAL;
	if (w->expect == NUNCIO_EXPECT_ABSENT && version)
		return NUNCIO_E_EXISTS;
	if (w->expect > 0 && w->expect != version)
		return NUNCIO_E_CONFLICT;
	return 0;
}

static int write_one(
	struct db *db, const struct nuncio_record_write *w, int64_t now_ms, int *status_r)
{
	int64_t version;
	int rc = read_version(db, w, now_ms, &version);
	if (rc != SQLITE_OK)
		return rc;
	*status_r = refuse(w, version);
	if (*status_r < 0)
		return SQLITE_OK;
	enum db_sql which = w->value.p ? SQL_RECORD_PUT : SQL_RECORD_DROP;
	sqlite3_stmt *st = db->sql[which];
	bind_name(st, w->space, w->owner, w->key);
	if (w->value.p) {
		sqlite3_bind_blob64(st, 4, w->value.p, w->value.n, SQLITE_STATIC);
		sqlite3_bind_int64(st, 5, version + 1);
		sqlite3_bind_int64(st, 6, w->expires_at_ms > 0 ? w->expires_at_ms : 0);
	}
	return db_run(db, which);
}

int record_write(
	struct store *s, const struct nuncio_record_write *writes, size_t n, struct outcome *out)
{
	struct db *db = &s->writer;
	int64_t now_ms = nuncio_wall_ms();
	int rc = n > 1 ? db_run(db, SQL_SAVEPOINT) : SQLITE_OK;
	for (size_t i = 0; i < n && rc == SQLITE_OK && out->status == 0; i++)
		rc = write_one(db, &writes[i], now_ms, &out->status);
	if (n <= 1 || rc != SQLITE_OK)
		return rc;
	if (out->status < 0)
		rc = db_run(db, SQL_SAVEPOINT_UNDO);
	return rc == SQLITE_OK ? db_run(db, SQL_SAVEPOINT_END) : rc;
}

int record_get(struct db *db, struct nuncio_job *job, const struct nuncio_record *q)
{
	sqlite3_stmt *st = db->sql[SQL_RECORD_GET];
	struct nuncio_record record;
	int status = NUNCIO_E_NOTFOUND;
	bind_name(st, q->space, q->owner, q->key);
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW && !is_expired(st, nuncio_wall_ms())) {
		record_from_row(st, q->space, &record);
		nuncio_job_add_record(job, &record);
		status = 0;
	}
	sqlite3_reset(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? status : READ_FAILED;
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

/* Where the walk begins, and what of the first row has been seen already. */
static sqlite3_stmt *bind_list(struct db *db, const struct nuncio_records_query *q)
{
	sqlite3_stmt *st = db->sql[q->owner.p ? SQL_RECORDS_OWNER : SQL_RECORDS_SPACE];
	bool goes_on = q->after_owner.n || q->after_key.n;
	if (q->owner.p) {
		bind_name(st, q->space, q->owner,
			goes_on && compare(q->after_key, q->key_prefix) > 0 ? q->after_key
									    : q->key_prefix);
		return st;
	}
	if (goes_on && compare(q->after_owner, q->owner_prefix) >= 0)
		bind_name(st, q->space, q->after_owner, q->after_key);
	else
		bind_name(st, q->space, q->owner_prefix, (struct nuncio_str){ "", 0 });
	return st;
}

static bool was_seen(const struct nuncio_records_query *q, const struct nuncio_record *record)
{
	if (!q->after_owner.n && !q->after_key.n)
		return false;
	int order = q->owner.p ? 0 : compare(record->owner, q->after_owner);
	return order < 0 || (order == 0 && compare(record->key, q->after_key) <= 0);
}

/* Behind the last row that can match: rows come in order of owner and key. */
static bool is_past(const struct nuncio_records_query *q, const struct nuncio_record *record)
{
	if (q->owner.p)
		return !has_prefix(record->key, q->key_prefix);
	return !has_prefix(record->owner, q->owner_prefix);
}

int record_list(struct db *db, struct nuncio_job *job, const struct nuncio_records_query *q)
{
	sqlite3_stmt *st = bind_list(db, q);
	int64_t now_ms = nuncio_wall_ms();
	struct nuncio_record record;
	uint32_t limit = q->limit ? q->limit : 1, count = 0;
	size_t bytes = 0;
	int rc;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		record_from_row(st, q->space, &record);
		if (is_past(q, &record))
			break;
		if (is_expired(st, now_ms) || was_seen(q, &record) ||
			!has_prefix(record.key, q->key_prefix))
			continue;
		bytes += record.value.n;
		if (count == limit || (count && bytes > LIST_BYTES_MAX)) {
			nuncio_job_set_more(job, 1);
			break;
		}
		nuncio_job_add_record(job, &record);
		count++;
	}
	sqlite3_reset(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : READ_FAILED;
}

/* One small step; returns how many went, or negative. */
int record_expire(struct store *s)
{
	sqlite3_stmt *st = s->writer.sql[SQL_RECORDS_EXPIRE];
	sqlite3_bind_int64(st, 1, nuncio_wall_ms());
	sqlite3_bind_int64(st, 2, EXPIRE_ROWS);
	int rc = db_run(&s->writer, SQL_RECORDS_EXPIRE);
	if (rc == SQLITE_OK)
		return sqlite3_changes(s->writer.handle);
	store_complain(s, &s->writer, rc, "removing expired records");
	return NUNCIO_E_FAIL;
}

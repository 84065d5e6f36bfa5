/* SPDX-License-Identifier: MIT */
/*
 * Records: small values of modules under (space, owner, key). One that has expired counts as absent
 * everywhere, whether or not it was removed yet; removing happens in small steps between the jobs
 * of the write lane.
 *
 * A synced record that is deleted leaves a tombstone, so that sync can tell; it counts as absent
 * too, and expires like a record. Cursors from before the newest tombstone that was removed are
 * told to reload (meta.sync_floor).
 */
#include "store_sqlite.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LIST_BYTES_MAX = 4 * 1024 * 1024 };
#define TOMBSTONE_MS (INT64_C(30) * 24 * 3600 * 1000)

bool record_is_absent(sqlite3_stmt *st, int64_t now_ms)
{
	int64_t expires_at_ms = sqlite3_column_int64(st, 4);
	return sqlite3_column_int(st, 5) || (expires_at_ms > 0 && expires_at_ms <= now_ms);
}

static void bind_name(
	sqlite3_stmt *st, struct nuncio_str space, struct nuncio_str owner, struct nuncio_str key)
{
	db_bind(st, 1, space);
	db_bind(st, 2, owner);
	db_bind(st, 3, key);
}

void record_from_row(sqlite3_stmt *st, struct nuncio_str space, struct nuncio_record *record_r)
{
	*record_r = (struct nuncio_record){ .size = sizeof(*record_r),
		.space = space,
		.owner = db_text(st, 0),
		.key = db_text(st, 1),
		.value = db_text(st, 2),
		.version = db_uint(st, 3),
		.expires_at_ms = sqlite3_column_int64(st, 4) };
}

/* One write, and the key that it goes to. */
struct target {
	const struct nuncio_record_write *w;
	struct nuncio_str key;
	nuncio_id id;    /* 0: not synced */
	int64_t version; /* that is there, 0 for none */
	bool has_row;    /* a tombstone or an expired one too */
	bool has_tombstone;
	char room[STORE_KEY_BYTES_MAX];
};

static int look(struct db *db, struct target *t, int64_t now_ms)
{
	sqlite3_stmt *st = db->sql[SQL_RECORD_GET];
	bind_name(st, t->w->space, t->w->owner, t->key);
	int rc = sqlite3_step(st);
	t->has_row = rc == SQLITE_ROW;
	t->has_tombstone = t->has_row && sqlite3_column_int(st, 5);
	t->version = t->has_row && !record_is_absent(st, now_ms) ? sqlite3_column_int64(st, 3) : 0;
	sqlite3_reset(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int refuse(const struct target *t)
{
	const struct nuncio_record_write *w = t->w;
	if (w->value.n > STORE_VALUE_BYTES_MAX)
		return NUNCIO_E_TOOBIG;
	if (w->expect < NUNCIO_EXPECT_ABSENT)
		return NUNCIO_E_INVAL;
	if (w->expect == NUNCIO_EXPECT_ABSENT && t->version)
		return NUNCIO_E_EXISTS;
	if (w->expect > 0 && w->expect != t->version)
		return NUNCIO_E_CONFLICT;
	return 0;
}

static int put(
	struct db *db, const struct target *t, struct nuncio_str value, int64_t expires_at_ms)
{
	sqlite3_stmt *st = db->sql[SQL_RECORD_PUT];
	bind_name(st, t->w->space, t->w->owner, t->key);
	sqlite3_bind_blob64(st, 4, value.n ? value.p : "", value.n, SQLITE_STATIC);
	sqlite3_bind_int64(st, 5, t->version + 1);
	sqlite3_bind_int64(st, 6, expires_at_ms > 0 ? expires_at_ms : 0);
	sqlite3_bind_int64(st, 7, (sqlite3_int64)t->id);
	sqlite3_bind_int(st, 8, !t->w->value.p);
	return db_run(db, SQL_RECORD_PUT);
}

static int carry_out(struct db *db, const struct target *t, int64_t now_ms)
{
	if (t->w->value.p)
		return put(db, t, t->w->value, t->w->expires_at_ms);
	if (!t->has_row || (t->id && t->has_tombstone))
		return SQLITE_OK;
	if (t->id)
		return put(db, t, (struct nuncio_str){ "", 0 }, now_ms + TOMBSTONE_MS);
	bind_name(db->sql[SQL_RECORD_DROP], t->w->space, t->w->owner, t->key);
	return db_run(db, SQL_RECORD_DROP);
}

/* False when it is too long with its digits. */
static bool make_key(struct target *t, uint64_t seq)
{
	char digits[24];
	t->key = t->w->key;
	if (!(t->w->flags & NUNCIO_WRITE_KEY_SEQ) || !seq)
		return true;
	int n = snprintf(digits, sizeof(digits), "%020" PRIu64, seq);
	if (t->key.n + (size_t)n > sizeof(t->room))
		return false;
	if (t->key.n)
		memcpy(t->room, t->key.p, t->key.n);
	memcpy(t->room + t->key.n, digits, (size_t)n);
	t->key = (struct nuncio_str){ t->room, t->key.n + (size_t)n };
	return true;
}

static int write_one(struct db *db, struct target *t, uint64_t seq, int64_t now_ms, int *status_r)
{
	if (!make_key(t, seq)) {
		*status_r = NUNCIO_E_TOOBIG;
		return SQLITE_OK;
	}
	int rc = look(db, t, now_ms);
	if (rc != SQLITE_OK)
		return rc;
	*status_r = refuse(t);
	if (*status_r < 0 || t->w->flags & NUNCIO_WRITE_CHECK)
		return SQLITE_OK;
	return carry_out(db, t, now_ms);
}

/* In what order a synced write stands must be known, or sync would miss it. */
static bool is_numbered(const struct store *s, const struct nuncio_record_write *writes, size_t n,
	nuncio_id id, bool *synced_r)
{
	*synced_r = false;
	for (size_t i = 0; i < n; i++)
		*synced_r |= (writes[i].flags & NUNCIO_WRITE_SYNCED) != 0;
	return !*synced_r || (id > s->highest && id <= INT64_MAX);
}

int record_write(struct store *s, const struct nuncio_record_write *writes, size_t n, nuncio_id id,
	uint64_t seq, struct outcome *out)
{
	struct db *db = &s->writer;
	int64_t now_ms = nuncio_wall_ms();
	bool is_synced;
	if (!is_numbered(s, writes, n, id, &is_synced)) {
		out->status = NUNCIO_E_INVAL;
		return SQLITE_OK;
	}
	int rc = n > 1 ? db_run(db, SQL_SAVEPOINT) : SQLITE_OK;
	for (size_t i = 0; i < n && rc == SQLITE_OK && out->status == 0; i++) {
		struct target t = { .w = &writes[i],
			.id = writes[i].flags & NUNCIO_WRITE_SYNCED ? id : 0 };
		rc = write_one(db, &t, seq, now_ms, &out->status);
	}
	if (n > 1 && rc == SQLITE_OK && out->status < 0)
		rc = db_run(db, SQL_SAVEPOINT_UNDO);
	if (n > 1 && rc == SQLITE_OK)
		rc = db_run(db, SQL_SAVEPOINT_END);
	if (rc == SQLITE_OK && out->status == 0 && is_synced && !seq)
		s->highest = id;
	return rc;
}

int record_get(struct db *db, struct nuncio_job *job, const struct nuncio_record *q)
{
	sqlite3_stmt *st = db->sql[SQL_RECORD_GET];
	struct nuncio_record record;
	int status = NUNCIO_E_NOTFOUND;
	bind_name(st, q->space, q->owner, q->key);
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW && !record_is_absent(st, nuncio_wall_ms())) {
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
		if (record_is_absent(st, now_ms) || was_seen(q, &record) ||
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

static int raise_floor(struct db *db, uint64_t removed)
{
	uint64_t floor = 0;
	sqlite3_bind_text(db->sql[SQL_META_GET], 1, "sync_floor", -1, SQLITE_STATIC);
	int rc = sqlite3_step(db->sql[SQL_META_GET]);
	if (rc == SQLITE_ROW)
		floor = db_uint(db->sql[SQL_META_GET], 0);
	sqlite3_reset(db->sql[SQL_META_GET]);
	if (removed <= floor || (rc != SQLITE_ROW && rc != SQLITE_DONE))
		return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
	sqlite3_bind_text(db->sql[SQL_META_SET], 1, "sync_floor", -1, SQLITE_STATIC);
	sqlite3_bind_int64(db->sql[SQL_META_SET], 2, (sqlite3_int64)removed);
	return db_run(db, SQL_META_SET);
}

int record_expire(struct store *s, int rows)
{
	sqlite3_stmt *st = s->writer.sql[SQL_RECORDS_EXPIRE];
	uint64_t removed = 0;
	int rc, count = 0;
	sqlite3_bind_int64(st, 1, nuncio_wall_ms());
	sqlite3_bind_int(st, 2, rows);
	for (; (rc = sqlite3_step(st)) == SQLITE_ROW; count++)
		if (db_uint(st, 0) > removed)
			removed = db_uint(st, 0); /* of a tombstone; 0 for any other */
	sqlite3_reset(st);
	if (rc != SQLITE_DONE)
		return rc;
	s->has_expired = count == rows;
	return removed ? raise_floor(&s->writer, removed) : SQLITE_OK;
}

bool record_idle(struct store *s)
{
	struct db *db = &s->writer;
	int rc = db_run(db, SQL_BEGIN_WRITE);
	if (rc == SQLITE_OK)
		rc = record_expire(s, STORE_TIDY_ROWS);
	if (rc == SQLITE_OK)
		rc = db_run(db, SQL_COMMIT);
	if (rc == SQLITE_OK)
		return s->has_expired;
	store_complain(s, db, rc, "removing expired records");
	if (!sqlite3_get_autocommit(db->handle))
		db_run(db, SQL_ROLLBACK);
	return false;
}

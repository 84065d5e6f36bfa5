/* SPDX-License-Identifier: MIT */
/*
 * One SQLite connection with all statements of the module prepared once. Every connection belongs
 * to one lane or to the checkpoint thread, so SQLite's own mutexes are off (NOMUTEX).
 *
 * No memory mapping: with it a disk error arrives as a signal and takes the whole server down;
 * without it, it is an error of one job.
 */
#include "store_sqlite.h"

#include <stdio.h>
#include <string.h>

#define EVENT_COLUMNS "id, seq, sent_at_ms, sender, client_id, type, kind, body, extra"
#define RECORD_COLUMNS "owner, key, value, version, expires_at_ms"

static const char *const texts[SQL_COUNT] = {
	[SQL_BEGIN_WRITE] = "BEGIN IMMEDIATE",
	[SQL_BEGIN_READ] = "BEGIN",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_SAVEPOINT] = "SAVEPOINT job",
	[SQL_SAVEPOINT_UNDO] = "ROLLBACK TO job",
	[SQL_SAVEPOINT_END] = "RELEASE job",
	[SQL_META_SET] = "INSERT INTO meta (name, value) VALUES (?1, ?2)"
			 " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
	[SQL_CONVERSATION_ADD] = "INSERT INTO conversation (id) VALUES (?1)",
	[SQL_CONVERSATION_FIND] = "SELECT number, last_seq, last_id FROM conversation"
				  " JOIN head USING (number) WHERE id = ?1",
	[SQL_CONVERSATION_ID] = "SELECT id FROM conversation WHERE number = ?1",
	[SQL_CONVERSATIONS_OF] =
		"SELECT m.conversation, m.delivered, m.read, h.last_seq, h.last_id"
		" FROM member AS m INDEXED BY member_user CROSS JOIN head AS h"
		" WHERE m.user = ?1 AND h.number = m.conversation AND h.last_id < ?2"
		" ORDER BY h.last_id DESC LIMIT ?3",
	[SQL_HEAD_ADD] = "INSERT INTO head (number, last_seq, last_id) VALUES (?1, 0, 0)",
	[SQL_HEAD_SET] = "UPDATE head SET last_seq = ?2, last_id = ?3 WHERE number = ?1",
	[SQL_EVENT_ADD] =
		"INSERT INTO event (id, conversation, seq, sent_at_ms, sender, client_id,"
		" type, kind, body, extra) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
	[SQL_EVENT_GET] = "SELECT " EVENT_COLUMNS ", conversation FROM event WHERE id = ?1",
	[SQL_EVENT_ID] = "SELECT id FROM event WHERE conversation = ?1 AND seq = ?2",
	[SQL_EVENTS_FROM] = "SELECT " EVENT_COLUMNS " FROM event"
			    " WHERE conversation = ?1 AND seq >= ?2 AND seq < ?3 ORDER BY seq",
	[SQL_EVENTS_BACK] = "SELECT " EVENT_COLUMNS " FROM event"
			    " WHERE conversation = ?1 AND seq >= ?2 AND seq < ?3 ORDER BY seq DESC",
	[SQL_EVENTS_UNREAD] = "SELECT count(*) FROM (SELECT 1 FROM event WHERE conversation = ?1"
			      " AND seq > ?2 AND sender <> ?3 AND type = 'message' LIMIT ?4)",
	/* What sync walks: only conversations with news are joined to their names. */
	[SQL_EVENTS_CHANGED] =
		"SELECT m.conversation, h.last_seq, c.id"
		" FROM member AS m INDEXED BY member_user CROSS JOIN head AS h"
		" CROSS JOIN conversation AS c"
		" WHERE m.user = ?1 AND m.conversation >= ?2 AND h.number = m.conversation"
		" AND h.last_id > ?3 AND c.number = m.conversation ORDER BY m.conversation",
	[SQL_EVENTS_KEYED] = "SELECT id, conversation, sender, client_id FROM event WHERE id > ?1",
	[SQL_ONCE_ADD] = "INSERT OR IGNORE INTO once (key, event) VALUES (?1, ?2)",
	[SQL_ONCE_FIND] = "SELECT event FROM once WHERE key = ?1",
	[SQL_MEMBER_ADD] = "INSERT OR IGNORE INTO member (conversation, user, delivered, read)"
			   " VALUES (?1, ?2, 0, 0)",
	[SQL_MEMBER_RAISE] =
		"UPDATE member SET delivered = max(delivered, ?3), read = max(read, ?4)"
		" WHERE conversation = ?1 AND user = ?2"
		" AND (delivered < ?3 OR read < ?4) RETURNING delivered, read",
	[SQL_MEMBER_IS] = "SELECT 1 FROM member WHERE conversation = ?1 AND user = ?2",
	[SQL_MEMBERS_FROM] = "SELECT user, delivered, read FROM member"
			     " WHERE conversation = ?1 AND user > ?2 ORDER BY user LIMIT ?3",
	[SQL_RECORD_GET] = "SELECT " RECORD_COLUMNS " FROM record"
			   " WHERE space = ?1 AND owner = ?2 AND key = ?3",
	[SQL_RECORD_PUT] = "INSERT OR REPLACE INTO record"
			   " (space, owner, key, value, version, expires_at_ms)"
			   " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	[SQL_RECORD_DROP] = "DELETE FROM record WHERE space = ?1 AND owner = ?2 AND key = ?3",
	[SQL_RECORDS_OWNER] = "SELECT " RECORD_COLUMNS " FROM record"
			      " WHERE space = ?1 AND owner = ?2 AND key >= ?3 ORDER BY key",
	[SQL_RECORDS_SPACE] = "SELECT " RECORD_COLUMNS " FROM record"
			      " WHERE space = ?1 AND (owner, key) >= (?2, ?3) ORDER BY owner, key",
	[SQL_RECORDS_EXPIRE] =
		"DELETE FROM record WHERE (space, owner, key) IN (SELECT space, owner, key"
		" FROM record WHERE expires_at_ms > 0 AND expires_at_ms <= ?1"
		" ORDER BY expires_at_ms LIMIT ?2)",
};

int db_exec(struct db *db, const char *sql)
{
	return sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
}

int db_open(struct db *db, const char *path, int64_t cache_bytes, struct nuncio_error *err)
{
	char pragmas[256];
	int rc = sqlite3_open_v2(
		path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_extended_result_codes(db->handle, 1);
		sqlite3_busy_timeout(db->handle, 5000);
		snprintf(pragmas, sizeof(pragmas),
			"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
			"PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 67108864;"
			"PRAGMA trusted_schema = OFF; PRAGMA cache_size = %lld;",
			(long long)(-cache_bytes / 1024));
		rc = db_exec(db, pragmas);
	}
	if (rc == SQLITE_OK)
		return 0;
	nuncio_error_set(
		err, "%s: %s", path, db->handle ? sqlite3_errmsg(db->handle) : sqlite3_errstr(rc));
	db_close(db);
	return NUNCIO_E_FAIL;
}

int db_prepare(struct db *db, const char *path, struct nuncio_error *err)
{
	for (int i = 0; i < SQL_COUNT; i++) {
		if (sqlite3_prepare_v3(db->handle, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
			    &db->sql[i], NULL) == SQLITE_OK)
			continue;
		nuncio_error_set(err, "%s: %s", path, sqlite3_errmsg(db->handle));
		return NUNCIO_E_FAIL;
	}
	return 0;
}

void db_close(struct db *db)
{
	for (int i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(db->sql[i]);
	sqlite3_close(db->handle);
	memset(db, 0, sizeof(*db));
}

int db_run(struct db *db, enum db_sql which)
{
	int rc = sqlite3_step(db->sql[which]);
	sqlite3_reset(db->sql[which]);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

void db_bind(sqlite3_stmt *st, int at, struct nuncio_str text)
{
	/* SQLite takes a NULL pointer for the value NULL; an empty text is not that. */
	sqlite3_bind_text64(st, at, text.n ? text.p : "", text.n, SQLITE_STATIC, SQLITE_UTF8);
}

struct nuncio_str db_text(sqlite3_stmt *st, int column)
{
	/* The order matters: asking for the value first fixes the form that the length is of. */
	const char *p = sqlite3_column_blob(st, column);
	return (struct nuncio_str){ p ? p : "", (size_t)sqlite3_column_bytes(st, column) };
}

uint64_t db_uint(sqlite3_stmt *st, int column)
{
	return (uint64_t)sqlite3_column_int64(st, column);
}

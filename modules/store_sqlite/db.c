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

#define EVENT_COLUMNS \
	"id, seq, sent_at_ms, sender, client_id, type, kind, body, extra, target, changed, flags," \
	" state"
#define MEMBER_COLUMNS "user, delivered, read, role, since, muted_until_ms, joined_at_ms, extra"
#define RECORD_COLUMNS "owner, key, value, version, expires_at_ms, deleted"

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
	[SQL_META_GET] = "SELECT value FROM meta WHERE name = ?1",
	/* --- conversations */
	[SQL_CONVERSATION_ADD] = "INSERT INTO conversation (id) VALUES (?1)",
	[SQL_CONVERSATION_FIND] =
		"SELECT number, last_seq, last_id, member_count, marked FROM conversation"
		" JOIN head USING (number) WHERE id = ?1",
	[SQL_CONVERSATION_ID] = "SELECT id FROM conversation WHERE number = ?1",
	/* Sorts what index and heads say; the rest is read for the rows of the page only. */
	[SQL_CONVERSATIONS_OF] =
		"SELECT m.conversation, m.id, h.last_seq, h.last_id, h.member_count"
		" FROM member AS m INDEXED BY member_user CROSS JOIN head AS h"
		" WHERE m.user = ?1 AND h.number = m.conversation AND h.last_id < ?2"
		" ORDER BY h.last_id DESC LIMIT ?3",
	[SQL_HEAD_ADD] = "INSERT INTO head (number, last_seq, last_id, member_count, marked)"
			 " VALUES (?1, 0, 0, 0, 0)",
	[SQL_HEAD_SET] = "UPDATE head SET last_seq = ?2, last_id = ?3, member_count = ?4,"
			 " marked = ?5 WHERE number = ?1",
	/* --- events */
	[SQL_EVENT_ADD] = "INSERT INTO event (id, conversation, seq, sent_at_ms, sender, client_id,"
			  " type, kind, body, extra, target, changed, flags, state)"
			  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, 0, 0, '')",
	/* One with a target or flags: most have none, and pay for what they have only. */
	[SQL_EVENT_ADD_MORE] =
		"INSERT INTO event (id, conversation, seq, sent_at_ms, sender, client_id,"
		" type, kind, body, extra, target, changed, flags, state)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, ?12, '')",
	[SQL_EVENT_GET] = "SELECT " EVENT_COLUMNS ", conversation FROM event WHERE id = ?1",
	[SQL_EVENT_AT] = "SELECT " EVENT_COLUMNS " FROM event WHERE conversation = ?1 AND seq = ?2",
	[SQL_EVENT_ID] = "SELECT id FROM event WHERE conversation = ?1 AND seq = ?2",
	[SQL_EVENT_TIME] = "SELECT sent_at_ms FROM event WHERE conversation = ?1 AND seq = ?2",
	[SQL_EVENT_AMEND] = "UPDATE event SET changed = ?2, flags = flags | ?3,"
			    " body = coalesce(?4, body), state = coalesce(?5, state) WHERE id = ?1",
	[SQL_EVENTS_FROM] = "SELECT " EVENT_COLUMNS " FROM event"
			    " WHERE conversation = ?1 AND seq >= ?2 AND seq < ?3 ORDER BY seq",
	[SQL_EVENTS_BACK] = "SELECT " EVENT_COLUMNS " FROM event"
			    " WHERE conversation = ?1 AND seq >= ?2 AND seq < ?3 ORDER BY seq DESC",
	[SQL_EVENTS_UNREAD] = "SELECT count(*) FROM (SELECT 1 FROM event WHERE conversation = ?1"
			      " AND seq > ?2 AND sender <> ?3 AND type = 'message'"
			      " AND flags & 1 = 0 LIMIT ?4)",
	[SQL_EVENTS_KEYED] = "SELECT id, conversation, sender, client_id FROM event WHERE id > ?1",
	[SQL_ONCE_ADD] = "INSERT OR IGNORE INTO once (key, event) VALUES (?1, ?2)",
	[SQL_ONCE_FIND] = "SELECT event FROM once WHERE key = ?1",
	/* --- members */
	[SQL_MEMBER_ADD] = "INSERT OR IGNORE INTO member (conversation, user, delivered, read,"
			   " marked, since, role, muted_until_ms, joined_at_ms, id, extra)"
			   " VALUES (?1, ?2, ?3, ?3, 0, ?3, ?4, ?5, ?6, ?7, ?8)",
	[SQL_MEMBER_RAISE] = "UPDATE member SET delivered = ?3, read = ?4, marked = ?5"
			     " WHERE conversation = ?1 AND user = ?2",
	[SQL_MEMBER_GET] = "SELECT " MEMBER_COLUMNS ", marked FROM member"
			   " WHERE conversation = ?1 AND user = ?2",
	[SQL_MEMBER_SET] = "UPDATE member SET role = ?3, muted_until_ms = ?4, extra = ?5"
			   " WHERE conversation = ?1 AND user = ?2",
	[SQL_MEMBER_DROP] = "DELETE FROM member WHERE conversation = ?1 AND user = ?2",
	[SQL_MEMBERS_DROP] = "DELETE FROM member WHERE conversation = ?1",
	[SQL_MEMBERS_FROM] = "SELECT " MEMBER_COLUMNS " FROM member"
			     " WHERE conversation = ?1 AND user > ?2 ORDER BY user LIMIT ?3",
	[SQL_MEMBERS_ROLE] = "SELECT " MEMBER_COLUMNS " FROM member INDEXED BY member_role"
			     " WHERE conversation = ?1 AND user > ?2 AND role > 0 AND role >= ?4"
			     " ORDER BY user LIMIT ?3",
	[SQL_MEMBERS_REACHED] = "SELECT coalesce(sum(delivered >= ?2), 0),"
				" coalesce(sum(read >= ?2), 0) FROM member WHERE conversation = ?1",
	/* Whose cursors moved; sorted here, so asked in small conversations only. */
	[SQL_MEMBERS_MARKED] = "SELECT " MEMBER_COLUMNS ", marked FROM member"
			       " WHERE conversation = ?1 AND marked > ?2 AND marked <= ?3"
			       " ORDER BY marked",
	[SQL_MEMBERSHIPS] =
		"SELECT m.id, m.conversation, h.last_seq, h.member_count"
		" FROM member AS m INDEXED BY member_user CROSS JOIN head AS h"
		" WHERE m.user = ?1 AND m.id >= ?2 AND h.number = m.conversation ORDER BY m.id",
	[SQL_MEMBERSHIP_IDS] = "SELECT id FROM member INDEXED BY member_user"
			       " WHERE user = ?1 AND id >= ?2 ORDER BY id LIMIT ?3",
	[SQL_PAST_KEEP] = "INSERT OR REPLACE INTO past (conversation, user, delivered, read, since,"
			  " until, left_id, role, muted_until_ms, joined_at_ms, extra)"
			  " SELECT conversation, user, delivered, read, since, ?3, ?4, role,"
			  " muted_until_ms, joined_at_ms, extra FROM member"
			  " WHERE conversation = ?1 AND user = ?2",
	[SQL_PAST_KEEP_ALL] =
		"INSERT OR REPLACE INTO past (conversation, user, delivered, read, since,"
		" until, left_id, role, muted_until_ms, joined_at_ms, extra)"
		" SELECT conversation, user, delivered, read, since, ?3, ?4, role,"
		" muted_until_ms, joined_at_ms, extra FROM member WHERE conversation = ?1",
	[SQL_PAST_DROP] = "DELETE FROM past WHERE conversation = ?1 AND user = ?2",
	[SQL_PAST_GET] = "SELECT " MEMBER_COLUMNS ", until FROM past"
			 " WHERE conversation = ?1 AND user = ?2",
	/* --- mentions */
	[SQL_MENTION_ADD] = "INSERT OR IGNORE INTO mention (conversation, user, seq, sender)"
			    " VALUES (?1, ?2, ?3, ?4)",
	[SQL_MENTIONS_DROP] = "DELETE FROM mention WHERE conversation = ?1 AND seq = ?2",
	/* An event calls everybody or some, so none is counted twice. */
	[SQL_MENTIONS_COUNT] =
		"SELECT (SELECT count(*) FROM (SELECT 1 FROM mention WHERE conversation = ?1"
		" AND user = ?2 AND seq > ?3 AND sender <> ?2 LIMIT ?4))"
		" + (SELECT count(*) FROM (SELECT 1 FROM mention WHERE conversation = ?1"
		" AND user = '' AND seq > ?3 AND sender <> ?2 LIMIT ?4))",
	/* --- sync: only conversations with news are looked at twice */
	[SQL_SYNC_PRESENT] =
		"SELECT m.conversation, m.id, h.last_seq, h.last_id, h.marked, h.member_count"
		" FROM member AS m INDEXED BY member_user CROSS JOIN head AS h"
		" WHERE m.user = ?1 AND m.id >= ?2 AND h.number = m.conversation"
		" AND (h.last_id > ?3 OR h.marked > ?3) ORDER BY m.id",
	[SQL_SYNC_PAST] = "SELECT p.conversation, c.id, p.since, p.until, p.left_id"
			  " FROM past AS p INDEXED BY past_user CROSS JOIN conversation AS c"
			  " WHERE p.user = ?1 AND p.left_id >= ?2 AND c.number = p.conversation"
			  " ORDER BY p.left_id",
	[SQL_SYNC_RECORDS] =
		"SELECT " RECORD_COLUMNS ", space, changed"
		" FROM record INDEXED BY record_changed WHERE owner = ?1 AND changed > 0"
		" AND changed >= ?2 AND changed <= ?3 ORDER BY changed, space, key",
	[SQL_SYNC_RECORDS_AT] = "SELECT count(*) FROM record INDEXED BY record_changed"
				" WHERE owner = ?1 AND changed > 0 AND changed = ?2",
	/* --- records */
	[SQL_RECORD_GET] = "SELECT " RECORD_COLUMNS " FROM record"
			   " WHERE space = ?1 AND owner = ?2 AND key = ?3",
	[SQL_RECORD_PUT] = "INSERT OR REPLACE INTO record"
			   " (space, owner, key, value, version, expires_at_ms, changed, deleted)"
			   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[SQL_RECORD_DROP] = "DELETE FROM record WHERE space = ?1 AND owner = ?2 AND key = ?3",
	[SQL_RECORDS_OWNER] = "SELECT " RECORD_COLUMNS " FROM record"
			      " WHERE space = ?1 AND owner = ?2 AND key >= ?3 ORDER BY key",
	[SQL_RECORDS_SPACE] = "SELECT " RECORD_COLUMNS " FROM record"
			      " WHERE space = ?1 AND (owner, key) >= (?2, ?3) ORDER BY owner, key",
	[SQL_RECORDS_EXPIRE] =
		"DELETE FROM record WHERE (space, owner, key) IN (SELECT space, owner, key"
		" FROM record WHERE expires_at_ms > 0 AND expires_at_ms <= ?1"
		" ORDER BY expires_at_ms LIMIT ?2) RETURNING changed * deleted",
	/* --- everything, for a copy */
	[SQL_EXPORT_CONVERSATIONS] = "SELECT id, last_seq, last_id FROM conversation"
				     " JOIN head USING (number)"
				     " WHERE id > ?1 AND last_seq > 0 ORDER BY id",
	[SQL_EXPORT_MEMBERS] =
		"SELECT " MEMBER_COLUMNS ", 0 FROM member"
		" WHERE conversation = (SELECT number FROM conversation WHERE id = ?1)"
		" AND user > ?2 UNION ALL SELECT " MEMBER_COLUMNS ", until FROM past"
		" WHERE conversation = (SELECT number FROM conversation WHERE id = ?1)"
		" AND user > ?2 ORDER BY user",
	[SQL_EXPORT_MENTIONS] =
		"SELECT user, seq FROM mention"
		" WHERE conversation = (SELECT number FROM conversation WHERE id = ?1)"
		" AND seq BETWEEN ?2 AND ?3",
	[SQL_EXPORT_RECORDS] = "SELECT " RECORD_COLUMNS ", space, changed FROM record"
			       " WHERE (space, owner, key) > (?1, ?2, ?3)"
			       " ORDER BY space, owner, key",
	[SQL_EXPORT_RECORD] = "SELECT " RECORD_COLUMNS ", space, changed FROM record"
			      " WHERE space = ?1 AND owner = ?2 AND key = ?3",
	[SQL_EXPORT_COUNTS] = "SELECT (SELECT count(*) FROM head WHERE last_seq > 0),"
			      " (SELECT count(*) FROM event),"
			      " (SELECT count(*) FROM member) + (SELECT count(*) FROM past),"
			      " (SELECT count(*) FROM record WHERE deleted = 0"
			      " AND (expires_at_ms = 0 OR expires_at_ms > ?1))",
	/* --- search */
	[SQL_SHED_ADD] = "INSERT INTO shed (event, body) VALUES (?1, ?2)",
	[SQL_SHED_DROP] = "DELETE FROM shed WHERE event IN (SELECT event FROM shed"
			  " WHERE event <= ?1 ORDER BY event LIMIT ?2)",
	[SQL_SEARCH_WHERE] =
		"SELECT conversation FROM member INDEXED BY member_user WHERE user = ?1"
		" UNION ALL SELECT conversation FROM past INDEXED BY past_user WHERE user = ?1"
		" LIMIT ?2",
	[SQL_SEARCH_SENT] = "SELECT sent_at_ms FROM event WHERE id = ?1",
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

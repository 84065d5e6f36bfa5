/* SPDX-License-Identifier: MIT */
/*
 * What the database file must be: ours (application_id), of a version we know (user_version), and
 * held by no other process. Migrations go forward only, one transaction each, when the store opens.
 *
 * The tables and why they are so:
 *  event         rowid is the event's id, which grows, so rows are appended to the end of the
 *                b-tree. A page of history is a range of UNIQUE (conversation, seq). Clustering by
 *                conversation was measured and is half as fast to write: rows land in the middle
 *                of many pages.
 *  conversation  gives text ids a number, so that the two are not repeated in every row and index.
 *  head          last seq and id; apart from conversation to be small: hundreds of them on a page.
 *  member        those who are there. It repeats the conversation's text id, because index
 *                member_user is walked in the order of it: the groups of somebody with thousands of
 *                other conversations are a range, not a sort of everything (memberships); and the
 *                index alone, with a look at `head`, says what is new for whom (sync).
 *  past          those who have left, with what they may still see. Apart, so that no read of
 *                members steps over them; by user and `left_id`, the event of their leaving, so
 *                that sync finds whom it still concerns and never meets the others again.
 *  mention       who was called where; user '' is everybody. A row only for what calls somebody.
 *  record        with `changed`, the id under which sync tells of it, and tombstones (`deleted`)
 *                that stay for 30 days.
 *  once          see once.c.
 *  shed          bodies that edits replaced, until the search index knows: see search_index.c.
 */
#include "store_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define APPLICATION_ID "1853189731" /* "nunc" */

static const char *const migrations[] = {
	/* 1: logs and members */
	"CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
	"INSERT INTO meta VALUES ('uuid', lower(hex(randomblob(16))));"
	"CREATE TABLE conversation (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);"
	"CREATE TABLE head (number INTEGER PRIMARY KEY, last_seq INTEGER NOT NULL,"
	" last_id INTEGER NOT NULL);"
	"CREATE TABLE event (id INTEGER PRIMARY KEY, conversation INTEGER NOT NULL,"
	" seq INTEGER NOT NULL, sent_at_ms INTEGER NOT NULL, sender TEXT NOT NULL,"
	" client_id TEXT NOT NULL, type TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL,"
	" extra TEXT NOT NULL, UNIQUE (conversation, seq));"
	"CREATE TABLE member (conversation INTEGER NOT NULL, user TEXT NOT NULL,"
	" delivered INTEGER NOT NULL, read INTEGER NOT NULL, PRIMARY KEY (conversation, user))"
	" WITHOUT ROWID;"
	"CREATE INDEX member_user ON member (user, conversation);"
	"CREATE TABLE record (space TEXT NOT NULL, owner TEXT NOT NULL, key TEXT NOT NULL,"
	" value BLOB NOT NULL, version INTEGER NOT NULL, expires_at_ms INTEGER NOT NULL,"
	" PRIMARY KEY (space, owner, key)) WITHOUT ROWID;"
	"CREATE INDEX record_expiry ON record (expires_at_ms) WHERE expires_at_ms > 0;",
	/* 2: keys of repeated sends; events from before are taken up when the store opens */
	"CREATE TABLE once (key INTEGER NOT NULL, event INTEGER NOT NULL,"
	" PRIMARY KEY (key, event)) WITHOUT ROWID;"
	"INSERT INTO meta VALUES ('once_secret', randomblob(16)), ('once_upto', 0);",
	/*
	 * 3: events that change others, members who come and go, mentions, synced records, search.
	 * Who was there before was there from the first event on.
	 */
	"ALTER TABLE event ADD COLUMN target INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE event ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE event ADD COLUMN flags INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE event ADD COLUMN state TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE head ADD COLUMN member_count INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE head ADD COLUMN marked INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE member RENAME TO member_2;"
	"DROP INDEX member_user;"
	"CREATE TABLE member (conversation INTEGER NOT NULL, user TEXT NOT NULL,"
	" delivered INTEGER NOT NULL, read INTEGER NOT NULL, marked INTEGER NOT NULL,"
	" since INTEGER NOT NULL, role INTEGER NOT NULL, muted_until_ms INTEGER NOT NULL,"
	" joined_at_ms INTEGER NOT NULL, id TEXT NOT NULL, extra TEXT NOT NULL,"
	" PRIMARY KEY (conversation, user)) WITHOUT ROWID;"
	"INSERT INTO member SELECT m.conversation, m.user, m.delivered, m.read, 0, 0, 0, 0,"
	" coalesce(e.sent_at_ms, 0), c.id, '' FROM member_2 AS m"
	" JOIN conversation AS c ON c.number = m.conversation"
	" LEFT JOIN event AS e ON e.conversation = m.conversation AND e.seq = 1"
	" ORDER BY m.conversation, m.user;"
	"DROP TABLE member_2;"
	"CREATE INDEX member_user ON member (user, id);"
	"CREATE INDEX member_role ON member (conversation, user) WHERE role > 0;"
	"UPDATE head SET member_count ="
	" (SELECT count(*) FROM member AS m WHERE m.conversation = head.number);"
	"CREATE TABLE past (conversation INTEGER NOT NULL, user TEXT NOT NULL,"
	" delivered INTEGER NOT NULL, read INTEGER NOT NULL, since INTEGER NOT NULL,"
	" until INTEGER NOT NULL, left_id INTEGER NOT NULL, role INTEGER NOT NULL,"
	" muted_until_ms INTEGER NOT NULL, joined_at_ms INTEGER NOT NULL, extra TEXT NOT NULL,"
	" PRIMARY KEY (conversation, user)) WITHOUT ROWID;"
	"CREATE INDEX past_user ON past (user, left_id);"
	"CREATE TABLE mention (conversation INTEGER NOT NULL, user TEXT NOT NULL,"
	" seq INTEGER NOT NULL, sender TEXT NOT NULL, PRIMARY KEY (conversation, user, seq))"
	" WITHOUT ROWID;"
	"CREATE INDEX mention_seq ON mention (conversation, seq);"
	"ALTER TABLE record ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE record ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX record_changed ON record (owner, changed) WHERE changed > 0;"
	"INSERT INTO meta VALUES ('sync_floor', 0);",
	/* 4: search. There was none, so there is nothing to bring up to date. */
	"CREATE TABLE shed (event INTEGER PRIMARY KEY, body TEXT NOT NULL);"
	"INSERT INTO meta VALUES ('search_off', 0), ('shed_dropped', 0);",
};
enum { SCHEMA_VERSION = (int)(sizeof(migrations) / sizeof(migrations[0])) };

int schema_lock(const char *path, int *fd_r, struct nuncio_error *err)
{
	/*
	 * SQLite locks with fcntl, which does not meet flock; so tools may read while the server
	 * runs.
	 */
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		nuncio_error_set(err, "cannot open %s: %s", path, strerror(errno));
		return NUNCIO_E_FAIL;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		*fd_r = fd;
		return 0;
	}
	nuncio_error_set(err, "%s is in use by another process: %s", path, strerror(errno));
	close(fd);
	return NUNCIO_E_BUSY;
}

static int read_pragma(struct db *db, const char *sql, int64_t *value_r)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db->handle, sql, -1, &st, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*value_r = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int migrate_step(struct db *db, int version)
{
	char mark[128];
	snprintf(mark, sizeof(mark),
		"PRAGMA application_id = " APPLICATION_ID "; PRAGMA user_version = %d; COMMIT",
		version + 1);
	int rc = db_exec(db, "BEGIN EXCLUSIVE");
	if (rc == SQLITE_OK)
		rc = db_exec(db, migrations[version]);
	if (rc == SQLITE_OK)
		rc = db_exec(db, mark);
	return rc;
}

/* An empty file may become ours; any other must say that it is. */
static int check_owner(
	struct db *db, const char *path, int64_t *version_r, struct nuncio_error *err)
{
	int64_t application = 0, tables = 0;
	int rc = read_pragma(db, "PRAGMA application_id", &application);
	if (rc == SQLITE_OK)
		rc = read_pragma(db, "PRAGMA user_version", version_r);
	if (rc == SQLITE_OK)
		rc = read_pragma(db, "SELECT count(*) FROM sqlite_schema", &tables);
	if (rc != SQLITE_OK) {
		nuncio_error_set(err, "%s: %s", path, sqlite3_errmsg(db->handle));
		return NUNCIO_E_FAIL;
	}
	if (tables && application != atoll(APPLICATION_ID)) {
		nuncio_error_set(err, "%s is a database of another program", path);
		return NUNCIO_E_INVAL;
	}
	if (*version_r <= SCHEMA_VERSION && *version_r >= 0)
		return 0;
	nuncio_error_set(err,
		"%s has schema version %lld, this server knows versions up to %d; use a newer nunciod",
		path, (long long)*version_r, SCHEMA_VERSION);
	return NUNCIO_E_UNSUPPORTED;
}

int schema_is_now(sqlite3 *handle, const char *path, struct nuncio_error *err)
{
	struct db db = { .handle = handle };
	int64_t version = 0;
	int status = check_owner(&db, path, &version, err);
	if (status < 0 || version == SCHEMA_VERSION)
		return status;
	nuncio_error_set(err,
		"%.150s has schema version %lld, this server works with %d; it becomes that when a server opens it",
		path, (long long)version, SCHEMA_VERSION);
	return NUNCIO_E_UNSUPPORTED;
}

int schema_migrate(struct db *db, const char *path, struct nuncio_error *err)
{
	int64_t version = 0;
	int status = check_owner(db, path, &version, err);
	for (; status == 0 && version < SCHEMA_VERSION; version++) {
		if (migrate_step(db, (int)version) == SQLITE_OK)
			continue;
		nuncio_error_set(err, "%s: migration to schema version %lld: %s", path,
			(long long)version + 1, sqlite3_errmsg(db->handle));
		db_exec(db, "ROLLBACK");
		status = NUNCIO_E_FAIL;
	}
	return status;
}

int schema_meta(struct db *db, const char *name, void *out, size_t size)
{
	sqlite3_stmt *st = NULL;
	int bytes = NUNCIO_E_FAIL;
	if (sqlite3_prepare_v2(db->handle, "SELECT value FROM meta WHERE name = ?1", -1, &st,
		    NULL) == SQLITE_OK) {
		sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
		if (sqlite3_step(st) == SQLITE_ROW) {
			struct nuncio_str value = db_text(st, 0);
			if (value.n <= size) {
				memcpy(out, value.p, value.n);
				bytes = (int)value.n;
			}
		}
	}
	sqlite3_finalize(st);
	return bytes;
}

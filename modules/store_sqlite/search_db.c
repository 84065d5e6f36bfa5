/* SPDX-License-Identifier: MIT */
/*
 * The index's database file. Everything in it can be made again from the store, so a commit need
 * not survive a power cut (synchronous=NORMAL: it is whole or not there), and a file that is
 * damaged, of another version, or of another store is removed and made anew.
 *
 *  doc   one row per message, in the order of ids: which event it is.
 *  word  FTS5 over the tokens of words_of_message. It keeps no texts (content=''), no positions
 *        (detail=none; nobody asks for phrases) and no lengths (no ranking: the newest first).
 *        To take a message out again its tokens must be given exactly: see search_index.c.
 */
#include "search.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * VERSION goes up when tables or tokens change: a message can only be taken out with the tokens
 * that it was put in with.
 */
#define APPLICATION_ID "1853189747" /* "nucs" */
#define VERSION "1"

static const char schema[] =
	"BEGIN EXCLUSIVE;"
	"CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
	"INSERT INTO meta VALUES ('uuid', '%s'), ('born', %" PRIu64 "), ('upto', 0);"
	"CREATE TABLE doc (number INTEGER PRIMARY KEY, event INTEGER NOT NULL,"
	" conversation INTEGER NOT NULL, changed INTEGER NOT NULL);"
	"CREATE VIRTUAL TABLE word USING fts5 (tokens, content = '', detail = 'none',"
	" columnsize = 0, tokenize = 'ascii');"
	"PRAGMA application_id = " APPLICATION_ID "; PRAGMA user_version = " VERSION ";"
	"COMMIT";

static const char find_sql[] =
	"SELECT rowid FROM word WHERE word MATCH ?1 AND rowid BETWEEN ?2 AND ?3"
	" ORDER BY rowid DESC";

static const char *const texts[SEARCH_SQL_COUNT] = {
	[SEARCH_BEGIN] = "BEGIN IMMEDIATE",
	[SEARCH_BEGIN_READ] = "BEGIN",
	[SEARCH_COMMIT] = "COMMIT",
	[SEARCH_ROLLBACK] = "ROLLBACK",
	[SEARCH_META_SET] = "UPDATE meta SET value = ?2 WHERE name = ?1",
	[SEARCH_DOC_ADD] =
		"INSERT INTO doc (number, event, conversation, changed) VALUES (?1, ?2, ?3, ?4)",
	[SEARCH_DOC_GET] = "SELECT event, conversation, changed FROM doc WHERE number = ?1",
	[SEARCH_DOC_LAST] = "SELECT coalesce(max(number), 0) FROM doc",
	[SEARCH_DOC_SET] = "UPDATE doc SET changed = ?2 WHERE number = ?1",
	[SEARCH_FIND] = find_sql,
	[SEARCH_WORDS_ADD] = "INSERT INTO word (rowid, tokens) VALUES (?1, ?2)",
	[SEARCH_WORDS_DROP] = "INSERT INTO word (word, rowid, tokens) VALUES ('delete', ?1, ?2)",
};

bool search_db_is_broken(int rc)
{
	return (rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB;
}

static int set_up(struct search_db *db, int64_t cache_bytes)
{
	char pragmas[200];
	sqlite3_extended_result_codes(db->handle, 1);
	sqlite3_busy_timeout(db->handle, 5000);
	snprintf(pragmas, sizeof(pragmas),
		"PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
		"PRAGMA journal_size_limit = 16777216; PRAGMA trusted_schema = OFF;"
		"PRAGMA cache_size = %lld;",
		(long long)(-cache_bytes / 1024));
	return sqlite3_exec(db->handle, pragmas, NULL, NULL, NULL);
}

int search_db_open(struct search_db *db, const char *path, int64_t cache_bytes)
{
	*db = (struct search_db){ 0 };
	int rc = sqlite3_open_v2(
		path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK)
		rc = set_up(db, cache_bytes);
	for (int i = 0; i < SEARCH_SQL_COUNT && rc == SQLITE_OK; i++)
		rc = sqlite3_prepare_v3(
			db->handle, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &db->sql[i], NULL);
	/* A table that is missing is what SQLite calls an error in the SQL. */
	if (rc == SQLITE_ERROR)
		rc = SQLITE_NOTADB;
	return rc;
}

void search_db_close(struct search_db *db)
{
	for (int i = 0; i < SEARCH_SQL_COUNT; i++)
		sqlite3_finalize(db->sql[i]);
	sqlite3_close(db->handle);
	*db = (struct search_db){ 0 };
}

/* The file exists already, empty: SQLite would make it readable for others. */
static int fill(const char *path, const char *uuid, nuncio_id born)
{
	struct search_db db = { 0 };
	char text[sizeof(schema) + STORE_UUID_CHARS + 24];
	snprintf(text, sizeof(text), schema, uuid, born);
	int rc = sqlite3_open_v2(
		path, &db.handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK)
		rc = set_up(&db, 1024 * 1024);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db.handle, text, NULL, NULL, NULL);
	search_db_close(&db);
	return rc;
}

int search_db_make(const char *path, const char *uuid, nuncio_id born)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno == EEXIST   ? SQLITE_OK
		       : errno == ENOSPC ? SQLITE_FULL
					 : SQLITE_CANTOPEN;
	close(fd);
	int rc = fill(path, uuid, born);
	if (rc != SQLITE_OK)
		search_db_remove(path);
	return rc;
}

void search_db_remove(const char *path)
{
	static const char *const ends[] = { "-wal", "-shm", "" };
	size_t size = strlen(path) + 5;
	char *name = nuncio_alloc(size);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(name, size, "%s%s", path, ends[i]);
		unlink(name);
	}
	free(name);
}

int search_db_run(struct search_db *db, enum search_sql which)
{
	int rc = sqlite3_step(db->sql[which]);
	sqlite3_reset(db->sql[which]);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int read_number(sqlite3 *handle, const char *sql, uint64_t *number_r)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(handle, sql, -1, &st, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*number_r = db_uint(st, 0);
	sqlite3_finalize(st);
	return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_NOTADB : rc;
}

bool search_db_is_foreign(const char *path)
{
	sqlite3 *handle = NULL;
	uint64_t application = 0, tables = 0;
	int rc = sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK)
		rc = read_number(handle, "PRAGMA application_id", &application);
	if (rc == SQLITE_OK)
		rc = read_number(handle, "SELECT count(*) FROM sqlite_schema", &tables);
	sqlite3_close(handle);
	return rc == SQLITE_OK && tables && application != strtoull(APPLICATION_ID, NULL, 10);
}

int search_db_check(struct search_db *db, const char *uuid, struct search_state *state_r)
{
	char same[100];
	uint64_t version = 0, is_same = 0;
	snprintf(same, sizeof(same), "SELECT value = '%s' FROM meta WHERE name = 'uuid'", uuid);
	const struct {
		const char *sql;
		uint64_t *number_r;
	} asked[] = {
		{ "PRAGMA user_version", &version },
		{ same, &is_same },
		{ "SELECT value FROM meta WHERE name = 'upto'", &state_r->upto },
		{ "SELECT value FROM meta WHERE name = 'born'", &state_r->born },
		{ "SELECT coalesce(max(number), 0) FROM doc", &state_r->docs },
	};
	int rc = SQLITE_OK;
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]) && rc == SQLITE_OK; i++)
		rc = read_number(db->handle, asked[i].sql, asked[i].number_r);
	if (rc == SQLITE_OK && (!is_same || version != strtoull(VERSION, NULL, 10)))
		rc = SQLITE_NOTADB;
	return rc;
}

int search_db_doc(struct search_db *db, uint64_t number, struct search_doc *doc_r)
{
	sqlite3_stmt *st = db->sql[SEARCH_DOC_GET];
	sqlite3_bind_int64(st, 1, (sqlite3_int64)number);
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*doc_r = (struct search_doc){ .id = db_uint(st, 0),
			.conversation = sqlite3_column_int64(st, 1),
			.changed = db_uint(st, 2) };
	sqlite3_reset(st);
	return rc;
}

int search_db_docs(struct search_db *db, uint64_t *docs_r)
{
	sqlite3_stmt *st = db->sql[SEARCH_DOC_LAST];
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*docs_r = db_uint(st, 0);
	sqlite3_reset(st);
	return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

int search_db_find(struct search_db *db, uint64_t docs, nuncio_id id, uint64_t *number_r)
{
	uint64_t low = 1, high = docs + 1;
	int rc = SQLITE_ROW;
	while (rc == SQLITE_ROW && low < high) {
		uint64_t middle = low + (high - low) / 2;
		struct search_doc doc;
		rc = search_db_doc(db, middle, &doc);
		if (rc == SQLITE_ROW && doc.id >= id)
			high = middle;
		else
			low = middle + 1;
	}
	*number_r = low;
	return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
}

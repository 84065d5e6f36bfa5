/* SPDX-License-Identifier: MIT */
/*
 * The tables of one server. Migrations go forward only and run when the store opens, under a lock
 * of the server, so several nodes may start at once. Statements that make tables cannot be undone,
 * so each step may be run again after it was cut short, and the version is written behind it.
 *
 *  meta          version, and what this database is: the store's uuid, which shards lie here
 *  lane          one row per writing lane of every node: who is in the middle of a transaction
 *                (position.c), and whether the last one was committed (batch.c)
 *  ticket        one row per transaction, in order of their numbers: what sync counts by, and what
 *                there is to index
 * and for every shard NN:
 *  head_NN       conversations: number, last seq, count of members, tickets of the last changes
 *  message_NN    events, in the order in which history reads them; the key `once` knows repeated
 *                sends
 *  member_NN     members with cursors; those who have left stay, for what they may still see
 *  mention_NN    who was called by which event; user '' is everybody
 *  user_conversation_NN  which conversations a user is or was in: lies with the user
 *  record_NN     records of modules
 *  synced_NN     which of them sync tells about, deleted ones too
 *  search_NN     words of messages; see search_index.c
 *
 * Names of people and conversations are bytes, so everything is VARBINARY: no collation has an
 * opinion on what is equal.
 */
#include "store_mysql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOCK_WAIT_S = 3600 };

#define TABLE_END " ENGINE=InnoDB ROW_FORMAT=DYNAMIC"
#define NUMBER " BIGINT UNSIGNED NOT NULL"
#define COUNTER NUMBER " DEFAULT 0"
#define NAME " VARBINARY(255) NOT NULL"

/* Once per server. */
static const char *const common_1[] = {
	"CREATE TABLE IF NOT EXISTS lane (id" NUMBER " AUTO_INCREMENT PRIMARY KEY,batch" COUNTER
	",since" COUNTER ",highest" COUNTER ",seen_at DATETIME NOT NULL)" TABLE_END,
	"CREATE TABLE IF NOT EXISTS ticket (id" NUMBER
	" AUTO_INCREMENT PRIMARY KEY,changes MEDIUMBLOB NOT NULL)" TABLE_END,
	NULL,
};
/* Once per shard; %n is its number. */
static const char *const shard_1[] = {
	"CREATE TABLE IF NOT EXISTS head_%n (number" NUMBER " AUTO_INCREMENT PRIMARY KEY,id" NAME
	",last_seq" COUNTER ",last_id" COUNTER
	",members INT UNSIGNED NOT NULL DEFAULT 0,changed" COUNTER ",marked" COUNTER
	",UNIQUE KEY id (id))" TABLE_END,
	"CREATE TABLE IF NOT EXISTS message_%n (conversation" NUMBER ",seq" NUMBER ",id" NUMBER
	",ticket" NUMBER ",sent_at DATETIME(6) NOT NULL,sender" NAME
	",client_id VARBINARY(255) NULL,type" NAME ",kind" NAME
	",flags INT UNSIGNED NOT NULL,target" NUMBER ",changed" NUMBER
	",body MEDIUMBLOB NOT NULL,extra MEDIUMBLOB NOT NULL,state MEDIUMBLOB NOT NULL"
	",PRIMARY KEY (conversation,seq),UNIQUE KEY once (conversation,sender,client_id))" TABLE_END,
	"CREATE TABLE IF NOT EXISTS member_%n (conversation" NUMBER ",user" NAME
	",role INT UNSIGNED NOT NULL,delivered" NUMBER ",read_" NUMBER ",since" NUMBER
	",until_" NUMBER ",joined_at DATETIME(6) NOT NULL,muted_until BIGINT NOT NULL"
	",extra VARBINARY(2048) NOT NULL,changed" COUNTER ",PRIMARY KEY (conversation,user)"
	",KEY role (conversation,role))" TABLE_END,
	"CREATE TABLE IF NOT EXISTS mention_%n (conversation" NUMBER ",user" NAME ",seq" NUMBER
	",PRIMARY KEY (conversation,user,seq))" TABLE_END,
	"CREATE TABLE IF NOT EXISTS user_conversation_%n (user" NAME ",conversation" NAME
	",PRIMARY KEY (user,conversation))" TABLE_END,
	"CREATE TABLE IF NOT EXISTS record_%n (space" NAME ",owner" NAME ",key_" NAME
	",value MEDIUMBLOB NOT NULL,version" NUMBER ",expires_at BIGINT NULL"
	",PRIMARY KEY (space,owner,key_),KEY expires_at (expires_at))" TABLE_END,
	"CREATE TABLE IF NOT EXISTS synced_%n (owner" NAME ",space" NAME ",key_" NAME
	",changed" NUMBER ",part INT UNSIGNED NOT NULL,deleted_at BIGINT NULL"
	",PRIMARY KEY (owner,space,key_),KEY changed (owner,changed,part)"
	",KEY deleted_at (deleted_at))" TABLE_END,
	"CREATE TABLE IF NOT EXISTS search_%n (FTS_DOC_ID" NUMBER
	" AUTO_INCREMENT PRIMARY KEY,conversation" NUMBER ",seq" NUMBER ",id" NUMBER
	",sent_at DATETIME(6) NOT NULL,sender" NAME
	",words MEDIUMTEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL"
	",UNIQUE KEY FTS_DOC_ID_INDEX (FTS_DOC_ID),UNIQUE KEY place (conversation,seq)"
	",FULLTEXT KEY words (words))" TABLE_END,
	NULL,
};

static const struct migration {
	const char *const *common, *const *shard;
} migrations[] = {
	{ common_1, shard_1 },
};
enum { SCHEMA_VERSION = (int)(sizeof(migrations) / sizeof(migrations[0])) };

static int say(const struct db *db, struct nuncio_error *err, const char *doing)
{
	nuncio_error_set(
		err, "%s: %s: %s (code %u)", db->server->address.name, doing, db->why, db->code);
	return NUNCIO_E_FAIL;
}

int schema_meta(struct db *db, const char *name, char *out, size_t size)
{
	struct row row;
	db_begin(db);
	sql_begin(&db->sql);
	sql_add(&db->sql, "SELECT value FROM meta WHERE name=%q",
		(struct nuncio_str){ name, strlen(name) });
	out[0] = '\0';
	if (db_run(db) != DB_OK)
		return NUNCIO_E_FAIL;
	if (db_next(db, 0, &row))
		snprintf(out, size, "%s", row.v[0] ? row.v[0] : "");
	return 0;
}

static int set_meta(struct db *db, const char *name, const char *value)
{
	db_begin(db);
	sql_begin(&db->sql);
	sql_add(&db->sql, "REPLACE INTO meta VALUES (%q,%q)",
		(struct nuncio_str){ name, strlen(name) },
		(struct nuncio_str){ value, strlen(value) });
	return db_run(db);
}

static int run_migration(struct db *db, const struct migration *m)
{
	const struct server *server = db->server;
	int rc = DB_OK;
	for (size_t i = 0; m->common[i] && rc == DB_OK; i++)
		rc = db_execute(db, m->common[i]);
	for (uint32_t shard = server->first_shard; shard < server->end_shard; shard++) {
		for (size_t i = 0; m->shard[i] && rc == DB_OK; i++) {
			db_begin(db);
			sql_begin(&db->sql);
			sql_add(&db->sql, m->shard[i], shard);
			rc = db_run(db);
		}
	}
	return rc;
}

static int migrate(struct db *db, struct nuncio_error *err)
{
	char text[32];
	if (schema_meta(db, "version", text, sizeof(text)) < 0)
		return say(db, err, "reading table meta");
	long version = strtol(text, NULL, 10);
	if (version > SCHEMA_VERSION) {
		nuncio_error_set(err,
			"%s has schema version %ld, this server knows versions up to %d; use a newer"
			" nunciod",
			db->server->address.name, version, SCHEMA_VERSION);
		return NUNCIO_E_UNSUPPORTED;
	}
	for (; version < SCHEMA_VERSION; version++) {
		snprintf(text, sizeof(text), "%ld", version + 1);
		if (run_migration(db, &migrations[version]) != DB_OK ||
			set_meta(db, "version", text) != DB_OK)
			return say(db, err, "migration of the tables");
	}
	return 0;
}

/* An empty database may become ours; any other must say that it is. */
static int check_owner(struct db *db, struct nuncio_error *err)
{
	struct row row;
	if (db_execute(db, "SELECT table_name FROM information_schema.tables"
			   " WHERE table_schema=DATABASE() AND table_name='meta'"
			   " UNION ALL SELECT '' FROM information_schema.tables"
			   " WHERE table_schema=DATABASE()") != DB_OK)
		return say(db, err, "looking at the tables");
	if (db_next(db, 0, &row) && !row.v[0][0]) {
		nuncio_error_set(err,
			"%s has tables of another program; give nuncio a database of its own",
			db->server->address.name);
		return NUNCIO_E_INVAL;
	}
	if (db_execute(db,
		    "CREATE TABLE IF NOT EXISTS meta (name VARBINARY(64) NOT NULL PRIMARY KEY,"
		    "value VARBINARY(255) NOT NULL)" TABLE_END ";"
		    "INSERT IGNORE INTO meta VALUES ('version','0'),('epoch',UUID()),"
		    "('server_id',@@server_id),('indexed','0'),('horizon','0'),('highest','0')") !=
		DB_OK)
		return say(db, err, "making table meta");
	return 0;
}

/* Writes what this database is, when it is new, and compares. */
static int check_place(struct db *db, const char *name, const char *wanted, const char *why,
	struct nuncio_error *err)
{
	char text[64];
	if (schema_meta(db, name, text, sizeof(text)) < 0)
		return say(db, err, "reading table meta");
	if (!text[0]) {
		if (set_meta(db, name, wanted) != DB_OK)
			return say(db, err, "writing table meta");
		return 0;
	}
	if (strcmp(text, wanted) == 0)
		return 0;
	nuncio_error_set(err, "%s: %s: it says %s, wanted is %s", db->server->address.name, why,
		text, wanted);
	return NUNCIO_E_INVAL;
}

static int make_uuid(struct db *db, struct nuncio_error *err)
{
	struct store *s = db->server->store;
	struct row row;
	if (db_execute(db, "INSERT IGNORE INTO meta VALUES ('uuid',REPLACE(UUID(),'-',''));"
			   "SELECT value FROM meta WHERE name='uuid'") != DB_OK)
		return say(db, err, "writing table meta");
	if (db_next(db, 1, &row) && row.v[0])
		snprintf(s->uuid, sizeof(s->uuid), "%s", row.v[0]);
	return 0;
}

static int check_whole(struct db *db, struct nuncio_error *err)
{
	char copying[8];
	if (db->server->store->is_target)
		return 0;
	if (schema_meta(db, "copying", copying, sizeof(copying)) < 0)
		return say(db, err, "reading table meta");
	if (!copying[0])
		return 0;
	nuncio_error_set(err, "%s: a copy into it did not come to its end; do it again",
		db->server->address.name);
	return NUNCIO_E_INVAL;
}

static int check_meta(struct db *db, struct nuncio_error *err)
{
	struct server *server = db->server;
	struct store *s = server->store;
	char shards[32];
	snprintf(shards, sizeof(shards), "%u-%u of %u", server->first_shard, server->end_shard - 1,
		s->shards);
	int status = check_place(db, "shards", shards,
		"shards or servers are not those the database was made with", err);
	if (status == 0)
		status = check_whole(db, err);
	if (status < 0)
		return status;
	if (server->index == 0)
		return make_uuid(db, err);
	return check_place(
		db, "uuid", s->uuid, "belongs to another store than the first server", err);
}

/*
 * What is committed must be on the disk, or acknowledged messages are lost with the power. It is
 * the operator's database, so we only say it.
 */
static int check_durable(struct db *db, struct nuncio_error *err)
{
	struct row row;
	if (db_execute(db, "SELECT @@innodb_flush_log_at_trx_commit,@@log_bin,@@sync_binlog") !=
		DB_OK)
		return say(db, err, "reading variables");
	if (!db_next(db, 0, &row))
		return 0;
	if (row_int(&row, 0) != 1)
		nuncio_log(db->server->store->self, NUNCIO_WARN,
			"%s: innodb_flush_log_at_trx_commit is %lld, not 1: a power cut loses"
			" acknowledged messages",
			db->server->address.name, (long long)row_int(&row, 0));
	if (row_int(&row, 1) == 1 && row_int(&row, 2) != 1)
		nuncio_log(db->server->store->self, NUNCIO_WARN,
			"%s: sync_binlog is %lld, not 1: a replica may lack acknowledged messages"
			" after a power cut",
			db->server->address.name, (long long)row_int(&row, 2));
	return 0;
}

static int lock(struct db *db, struct nuncio_error *err)
{
	struct row row;
	db_begin(db);
	sql_begin(&db->sql);
	sql_add(&db->sql, "SELECT GET_LOCK(CONCAT('nuncio_schema.',DATABASE()),%d)",
		(int64_t)LOCK_WAIT_S);
	if (db_run(db) != DB_OK)
		return say(db, err, "asking for the lock of the tables");
	if (db_next(db, 0, &row) && row_int(&row, 0) == 1)
		return 0;
	nuncio_error_set(err, "%s: another server has been changing the tables for an hour",
		db->server->address.name);
	return NUNCIO_E_BUSY;
}

/* What comes from now on is not indexed: whoever indexes again goes through everything. */
static int note_gap(struct db *db, struct nuncio_error *err)
{
	char first[32];
	snprintf(first, sizeof(first), "%u.0.0", db->server->first_shard);
	if (db->server->store->has_search || set_meta(db, "rebuild", first) == DB_OK)
		return 0;
	return say(db, err, "writing table meta");
}

/* The lock goes with the connection, which the caller closes. */
int schema_open(struct db *db, struct nuncio_error *err)
{
	int status = lock(db, err);
	if (status == 0)
		status = check_owner(db, err);
	if (status == 0)
		status = migrate(db, err);
	if (status == 0)
		status = check_meta(db, err);
	if (status == 0)
		status = note_gap(db, err);
	if (status == 0)
		status = check_durable(db, err);
	return status;
}

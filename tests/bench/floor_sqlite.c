/* SPDX-License-Identifier: MIT */
/*
 * The floor under stored messages: how many rows a second SQLite itself makes durable here.
 * One connection, WAL, synchronous=FULL, one prepared INSERT in transactions of 256 rows. A row is
 * what a chat event with a body of 200 bytes needs at the least: the log's key (conversation, seq),
 * a unique id, sender, client id, kind, body and time. -i adds the index that makes sending safe to
 * repeat (conversation, sender, client id), which a real store needs and a bare log does not.
 * The database lies in the given directory and is removed at the end.
 */
#include "bench.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONVERSATIONS_MAX 10000

struct floor_log {
	sqlite3 *db;
	sqlite3_stmt *begin, *insert, *commit;
	uint64_t rows;
	unsigned conversations;
	int64_t seqs[CONVERSATIONS_MAX];
};

static void run_sql(sqlite3 *db, const char *sql)
{
	char *why = NULL;

	errno = 0;
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		bench_die("%s: %s", sql, why);
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		bench_die("%s: %s", sql, sqlite3_errmsg(db));
	return statement;
}

static void step(sqlite3 *db, sqlite3_stmt *statement)
{
	errno = 0;
	if (sqlite3_step(statement) != SQLITE_DONE)
		bench_die("sqlite: %s", sqlite3_errmsg(db));
	sqlite3_reset(statement);
}

static void log_open(struct floor_log *log, const char *path, bool repeatable)
{
	if (sqlite3_open(path, &log->db) != SQLITE_OK)
		bench_die("%s: %s", path, sqlite3_errmsg(log->db));
	run_sql(log->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
			 "CREATE TABLE event (id INTEGER PRIMARY KEY, conversation TEXT NOT NULL,"
			 " seq INTEGER NOT NULL, sender TEXT NOT NULL, client_id TEXT NOT NULL,"
			 " kind TEXT NOT NULL, body TEXT NOT NULL, sent_at INTEGER NOT NULL,"
			 " UNIQUE (conversation, seq));");
	if (repeatable)
		run_sql(log->db, "CREATE UNIQUE INDEX event_once"
				 " ON event (conversation, sender, client_id);");
	log->begin = prepare(log->db, "BEGIN IMMEDIATE");
	log->commit = prepare(log->db, "COMMIT");
	log->insert = prepare(log->db, "INSERT INTO event VALUES (?, ?, ?, ?, ?, 'text', ?, ?)");
}

static void log_close(struct floor_log *log)
{
	sqlite3_finalize(log->begin);
	sqlite3_finalize(log->insert);
	sqlite3_finalize(log->commit);
	sqlite3_close(log->db);
}

static void insert_row(struct floor_log *log, const char *body)
{
	char conversation[32], sender[32], client_id[32];
	unsigned index = (unsigned)(log->rows % log->conversations);
	uint64_t row = log->rows++;

	snprintf(conversation, sizeof conversation, "d:from-%04u:to-%04u", index, index);
	snprintf(sender, sizeof sender, "from-%04u", index);
	snprintf(client_id, sizeof client_id, "m%llu", (unsigned long long)row);
	sqlite3_bind_int64(log->insert, 1, (sqlite3_int64)((row + 1) << 12));
	sqlite3_bind_text(log->insert, 2, conversation, -1, SQLITE_STATIC);
	sqlite3_bind_int64(log->insert, 3, ++log->seqs[index]);
	sqlite3_bind_text(log->insert, 4, sender, -1, SQLITE_STATIC);
	sqlite3_bind_text(log->insert, 5, client_id, -1, SQLITE_STATIC);
	sqlite3_bind_text(log->insert, 6, body, -1, SQLITE_STATIC);
	sqlite3_bind_int64(log->insert, 7, 1795000000000 + (sqlite3_int64)row);
	step(log->db, log->insert);
}

static void write_batch(struct floor_log *log, unsigned rows, const char *body)
{
	step(log->db, log->begin);
	for (unsigned i = 0; i < rows; i++)
		insert_row(log, body);
	step(log->db, log->commit);
}

static void remove_files(const char *path)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char name[4200];

	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		snprintf(name, sizeof name, "%s%s", path, ends[i]);
		unlink(name);
	}
}

int main(int argc, char **argv)
{
	static struct floor_log log;
	const char *dir = ".";
	unsigned batch = 256, body_bytes = 200;
	uint64_t seconds = 3;
	bool repeatable = false;
	static char body[65536];
	char path[4096];
	int option;

	log.conversations = 50;
	while ((option = getopt(argc, argv, "b:c:d:is:t:")) != -1) {
		switch (option) {
		case 'b':
			batch = (unsigned)bench_number(optarg, 1, 100000);
			break;
		case 'c':
			log.conversations = (unsigned)bench_number(optarg, 1, CONVERSATIONS_MAX);
			break;
		case 'd':
			dir = optarg;
			break;
		case 'i':
			repeatable = true;
			break;
		case 's':
			body_bytes = (unsigned)bench_number(optarg, 1, sizeof body - 1);
			break;
		case 't':
			seconds = bench_number(optarg, 1, 60);
			break;
		default:
			fprintf(stderr,
				"usage: floor_sqlite [-b rows a transaction] [-c conversations]"
				" [-d dir] [-i] [-s body bytes] [-t seconds]\n");
			return 2;
		}
	}
	memset(body, 'x', body_bytes);
	snprintf(path, sizeof path, "%s/floor_sqlite.%ld.db", dir, (long)getpid());
	log_open(&log, path, repeatable);
	uint64_t start = bench_now_ns(), now, end = start + seconds * 1000000000u;
	do
		write_batch(&log, batch, body);
	while ((now = bench_now_ns()) < end);
	log_close(&log);
	remove_files(path);
	printf("floor name=sqlite batch=%u body=%u conversations=%u repeatable=%d per_s=%.0f\n",
		batch, body_bytes, log.conversations, repeatable,
		(double)log.rows * 1e9 / (double)(now - start));
	return 0;
}

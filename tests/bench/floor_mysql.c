/* SPDX-License-Identifier: MIT */
/*
 * The floor under messages that are stored in MySQL or MariaDB: how many rows a second the server
 * itself makes durable for one connection, with one INSERT of 256 rows a transaction. The rows are
 * those of floor_sqlite. `-S` names the server's socket; the database `-D` must be there, and the
 * table is removed at the end.
 */
#include "bench.h"

#include <errno.h>
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONVERSATIONS = 50, BODY_BYTES_MAX = 8000, ROW_BYTES = 256 };

struct floor_log {
	MYSQL *db;
	char *text; /* of one INSERT */
	size_t size;
	uint64_t rows;
	uint64_t seqs[CONVERSATIONS];
};

static void run_text(struct floor_log *log, const char *sql, size_t n)
{
	errno = 0;
	if (mysql_real_query(log->db, sql, (unsigned long)n) != 0)
		bench_die("%.60s: %s", sql, mysql_error(log->db));
}

static void run_sql(struct floor_log *log, const char *sql)
{
	run_text(log, sql, strlen(sql));
}

static void log_open(struct floor_log *log, const char *socket, const char *database)
{
	static const char table[] =
		"CREATE TABLE floor (id BIGINT UNSIGNED NOT NULL UNIQUE, conversation VARCHAR(192)"
		" CHARACTER SET ascii COLLATE ascii_bin NOT NULL, seq BIGINT UNSIGNED NOT NULL,"
		" sender VARCHAR(64) NOT NULL, client_id VARCHAR(64) NOT NULL, kind VARCHAR(32) NOT"
		" NULL, body MEDIUMTEXT NOT NULL, sent_at TIMESTAMP(6) NOT NULL, PRIMARY KEY"
		" (conversation, seq)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4";

	log->db = mysql_init(NULL);
	errno = 0;
	if (log->db == NULL || mysql_real_connect(log->db, "localhost", "root", "", database, 0,
				       socket, 0) == NULL)
		bench_die("%s: %s", socket, log->db != NULL ? mysql_error(log->db) : "no memory");
	run_sql(log, "DROP TABLE IF EXISTS floor");
	run_sql(log, table);
}

static void log_close(struct floor_log *log)
{
	run_sql(log, "DROP TABLE floor");
	mysql_close(log->db);
	mysql_library_end();
	free(log->text);
}

static size_t add_row(struct floor_log *log, size_t used, const char *body)
{
	unsigned index = (unsigned)(log->rows % CONVERSATIONS);
	uint64_t row = log->rows++;

	int n = snprintf(log->text + used, log->size - used,
		"(%llu,'d:from-%04u:to-%04u',%llu,'from-%04u','m%llu','text','%s',"
		"'2026-11-26 01:02:03.456789'),",
		(unsigned long long)((row + 1) << 12), index, index,
		(unsigned long long)++log->seqs[index], index, (unsigned long long)row, body);
	return used + (size_t)n;
}

/* Commits by itself: one statement, one transaction. */
static void write_batch(struct floor_log *log, unsigned rows, const char *body)
{
	size_t used = (size_t)snprintf(log->text, log->size, "INSERT INTO floor VALUES ");

	for (unsigned i = 0; i < rows; i++)
		used = add_row(log, used, body);
	run_text(log, log->text, used - 1);
}

int main(int argc, char **argv)
{
	static struct floor_log log;
	static char body[BODY_BYTES_MAX + 1];
	const char *socket = NULL, *database = "bench";
	unsigned batch = 256, body_bytes = 200;
	uint64_t seconds = 3;
	int option;

	while ((option = getopt(argc, argv, "b:s:t:D:S:")) != -1) {
		switch (option) {
		case 'b':
			batch = (unsigned)bench_number(optarg, 1, 1024);
			break;
		case 's':
			body_bytes = (unsigned)bench_number(optarg, 1, BODY_BYTES_MAX);
			break;
		case 't':
			seconds = bench_number(optarg, 1, 60);
			break;
		case 'D':
			database = optarg;
			break;
		case 'S':
			socket = optarg;
			break;
		default:
			socket = NULL;
			optind = argc + 1;
		}
	}
	if (socket == NULL || optind != argc) {
		fprintf(stderr, "usage: floor_mysql -S socket [-D database] [-b rows a transaction]"
				" [-s body bytes] [-t seconds]\n");
		return 2;
	}
	memset(body, 'x', body_bytes);
	log.size = 64 + (size_t)batch * (ROW_BYTES + body_bytes);
	log.text = bench_grow(NULL, log.size);
	log_open(&log, socket, database);
	uint64_t start = bench_now_ns(), now, end = start + seconds * 1000000000u;
	do
		write_batch(&log, batch, body);
	while ((now = bench_now_ns()) < end);
	printf("floor name=mysql batch=%u body=%u conversations=%d per_s=%.0f\n", batch, body_bytes,
		CONVERSATIONS, (double)log.rows * 1e9 / (double)(now - start));
	log_close(&log);
	return 0;
}

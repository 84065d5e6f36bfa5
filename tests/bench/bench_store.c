/* SPDX-License-Identifier: MIT */
/*
 * How many events a second a store module makes durable: its .so is loaded into this process and
 * given batches through ops->run, as the core's lane does. Beside it, in turns of the same run, a
 * bare SQLite loop that commits 256 of the same rows at a time; ratios are to that. The rows:
 * bodies of `-s` bytes, `-c` conversations of two in turn, every event with a client_id of its own.
 * -m adds what a receiver causes: one mark per event in the same batch (counted in the time, not as
 * an event).
 */
#include "bench.h"

#include "lib/store_host.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONVERSATIONS_MAX = 10000, BATCH_MAX = 1024, ROUNDS_MAX = 9, SIZES = 4 };
static const unsigned sizes[SIZES] = { 1, 16, 64, 256 };

struct settings {
	const char *so, *dir;
	unsigned conversations, body_bytes, rounds, turn_ms;
	bool marks;
};

struct row {
	char conversation[40], from[16], to[16], client_id[24];
};

static char body[65536];

static void make_row(struct row *row, const struct settings *set, uint64_t n)
{
	unsigned pair = (unsigned)(n % set->conversations);
	snprintf(row->conversation, sizeof(row->conversation), "d:from-%04u:to-%04u", pair, pair);
	snprintf(row->from, sizeof(row->from), "from-%04u", pair);
	snprintf(row->to, sizeof(row->to), "to-%04u", pair);
	snprintf(row->client_id, sizeof(row->client_id), "m%llu", (unsigned long long)n);
}

/* --- the floor --- */

struct floor_db {
	sqlite3 *db;
	sqlite3_stmt *begin, *insert, *commit;
	uint64_t rows;
	int64_t seqs[CONVERSATIONS_MAX];
};

static void must(int rc, sqlite3 *db)
{
	if (rc != SQLITE_OK && rc != SQLITE_DONE)
		bench_die("sqlite: %s", sqlite3_errmsg(db));
}

static void step(struct floor_db *f, sqlite3_stmt *st)
{
	must(sqlite3_step(st), f->db);
	sqlite3_reset(st);
}

static void floor_open(struct floor_db *f, const char *path)
{
	must(sqlite3_open(path, &f->db), f->db);
	must(sqlite3_exec(f->db,
		     "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
		     "CREATE TABLE event (id INTEGER PRIMARY KEY, conversation TEXT NOT NULL,"
		     " seq INTEGER NOT NULL, sender TEXT NOT NULL, client_id TEXT NOT NULL,"
		     " kind TEXT NOT NULL, body TEXT NOT NULL, sent_at INTEGER NOT NULL,"
		     " UNIQUE (conversation, seq));",
		     NULL, NULL, NULL),
		f->db);
	must(sqlite3_prepare_v2(f->db, "BEGIN IMMEDIATE", -1, &f->begin, NULL), f->db);
	must(sqlite3_prepare_v2(f->db, "COMMIT", -1, &f->commit, NULL), f->db);
	must(sqlite3_prepare_v2(f->db, "INSERT INTO event VALUES (?, ?, ?, ?, ?, 'text', ?, ?)", -1,
		     &f->insert, NULL),
		f->db);
}

static void floor_batch(struct floor_db *f, const struct settings *set)
{
	struct row row;
	step(f, f->begin);
	for (unsigned i = 0; i < 256; i++, f->rows++) {
		make_row(&row, set, f->rows);
		sqlite3_bind_int64(f->insert, 1, (sqlite3_int64)((f->rows + 1) << 12));
		sqlite3_bind_text(f->insert, 2, row.conversation, -1, SQLITE_STATIC);
		sqlite3_bind_int64(f->insert, 3, ++f->seqs[f->rows % set->conversations]);
		sqlite3_bind_text(f->insert, 4, row.from, -1, SQLITE_STATIC);
		sqlite3_bind_text(f->insert, 5, row.client_id, -1, SQLITE_STATIC);
		sqlite3_bind_text(f->insert, 6, body, (int)set->body_bytes, SQLITE_STATIC);
		sqlite3_bind_int64(f->insert, 7, 1795000000000 + (sqlite3_int64)f->rows);
		step(f, f->insert);
	}
	step(f, f->commit);
}

static void floor_close(struct floor_db *f)
{
	sqlite3_finalize(f->begin);
	sqlite3_finalize(f->insert);
	sqlite3_finalize(f->commit);
	sqlite3_close(f->db);
}

/* --- the store --- */

struct batch {
	struct nuncio_job jobs[2 * BATCH_MAX];
	struct nuncio_job_append appends[BATCH_MAX];
	struct nuncio_job_mark marks[BATCH_MAX];
	struct nuncio_str founders[BATCH_MAX][2];
	struct row rows[BATCH_MAX];
};

static struct nuncio_str text(const char *s)
{
	return (struct nuncio_str){ s, strlen(s) };
}

static void add_append(struct batch *b, unsigned i, const struct settings *set, uint64_t n)
{
	struct row *row = &b->rows[i];
	make_row(row, set, n);
	b->founders[i][0] = text(row->from);
	b->founders[i][1] = text(row->to);
	b->appends[i] = (struct nuncio_job_append){ .size = sizeof(b->appends[i]),
		.founders = b->founders[i],
		.founders_count = 2,
		.event = { .size = sizeof(struct nuncio_event),
			.conversation = text(row->conversation),
			.id = (n + 1) << 12,
			.sent_at_ms = 1795000000000 + (int64_t)n,
			.type = text("message"),
			.from = b->founders[i][0],
			.client_id = text(row->client_id),
			.kind = text("text"),
			.body = { body, set->body_bytes } } };
	b->marks[i] = (struct nuncio_job_mark){ .size = sizeof(b->marks[i]),
		.conversation = text(row->conversation),
		.user = b->founders[i][1],
		.delivered = n / set->conversations + 1,
		.id = ((n + 1) << 12) + 1 };
}

static void store_batch(struct store_host *host, struct batch *b, const struct settings *set,
	unsigned size, uint64_t n)
{
	unsigned jobs = 0;
	for (unsigned i = 0; i < size; i++) {
		add_append(b, i, set, n + i);
		b->jobs[jobs++] =
			(struct nuncio_job){ .kind = NUNCIO_JOB_APPEND, .input = &b->appends[i] };
		if (set->marks)
			b->jobs[jobs++] = (struct nuncio_job){ .kind = NUNCIO_JOB_MARK,
				.input = &b->marks[i] };
	}
	store_host_run(host, b->jobs, jobs);
	for (unsigned i = 0; i < jobs; i++) {
		char why[512];
		if (b->jobs[i].status == 0)
			continue;
		store_host_complaints(why, sizeof(why));
		bench_die("a job failed with %d: %s", b->jobs[i].status, why);
	}
}

/* --- turns --- */

struct result {
	double floor[ROUNDS_MAX], store[SIZES][ROUNDS_MAX];
};

static double turn(struct floor_db *f, struct store_host *host, const struct settings *set,
	unsigned size, uint64_t *n)
{
	static struct batch batch;
	uint64_t start = bench_now_ns(), end = start + set->turn_ms * UINT64_C(1000000), now;
	uint64_t before = size ? *n : f->rows;
	do {
		if (size) {
			store_batch(host, &batch, set, size, *n);
			*n += size;
		} else {
			floor_batch(f, set);
		}
	} while ((now = bench_now_ns()) < end);
	return (double)((size ? *n : f->rows) - before) * 1e9 / (double)(now - start);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *values, unsigned count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

static void measure(const struct settings *set, const char *floor_path)
{
	static struct floor_db f;
	struct result result;
	struct nuncio_error err = { "" };
	uint64_t n = 0;
	struct store_host *host = store_host_open(set->so, set->dir, NULL, &err);
	if (!host)
		bench_die("%s: %s", set->so, err.text);
	floor_open(&f, floor_path);
	for (unsigned round = 0; round < set->rounds; round++) {
		result.floor[round] = turn(&f, host, set, 0, &n);
		for (unsigned i = 0; i < SIZES; i++)
			result.store[i][round] = turn(&f, host, set, sizes[i], &n);
	}
	floor_close(&f);
	store_host_close(&host);
	double floor = median(result.floor, set->rounds);
	printf("floor name=sqlite batch=256 body=%u conversations=%u per_s=%.0f\n", set->body_bytes,
		set->conversations, floor);
	for (unsigned i = 0; i < SIZES; i++) {
		double rate = median(result.store[i], set->rounds);
		printf("store batch=%u marks=%d per_s=%.0f ratio=%.2f\n", sizes[i], set->marks,
			rate, rate / floor);
	}
}

static void remove_files(const char *dir, const char *name)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char path[4200];
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s%s", dir, name, ends[i]);
		unlink(path);
	}
}

int main(int argc, char **argv)
{
	struct settings set = {
		.conversations = 50, .body_bytes = 200, .rounds = 3, .turn_ms = 700
	};
	char dir[4096] = "/var/tmp/bench_store.XXXXXX", path[4200];
	int option;
	while ((option = getopt(argc, argv, "c:ms:r:t:")) != -1) {
		if (option == 'c')
			set.conversations = (unsigned)bench_number(optarg, 1, CONVERSATIONS_MAX);
		else if (option == 's')
			set.body_bytes = (unsigned)bench_number(optarg, 2, 57344);
		else if (option == 'r')
			set.rounds = (unsigned)bench_number(optarg, 1, ROUNDS_MAX);
		else if (option == 't')
			set.turn_ms = (unsigned)bench_number(optarg, 50, 20000);
		else if (option == 'm')
			set.marks = true;
		else
			break;
	}
	if (option != -1 || optind + 1 != argc) {
		fprintf(stderr, "usage: bench_store [-c conversations] [-m] [-s body bytes]"
				" [-r rounds] [-t ms a turn] STORE.so\n");
		return 2;
	}
	memset(body, 'x', set.body_bytes);
	body[0] = body[set.body_bytes - 1] = '"';
	if (!mkdtemp(dir))
		bench_die("%s", dir);
	set.so = argv[optind];
	set.dir = dir;
	snprintf(path, sizeof(path), "%s/floor.db", dir);
	measure(&set, path);
	remove_files(dir, "floor.db");
	remove_files(dir, "nuncio.db");
	rmdir(dir);
	return 0;
}

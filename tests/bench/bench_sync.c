/* SPDX-License-Identifier: MIT */
/*
 * What coming back costs: a user in `-c` conversations missed `-n` messages, spread over them, and
 * the marks of whoever wrote them. All are read by sync, in pages of `-l` rows; beside it, in
 * turns of the same run, the same messages by one query for each conversation, which is the least
 * that reading them can cost. `-q` more conversations are quiet, and everything has a past of `-p`
 * messages. Last, what a sync costs that finds nothing new.
 *
 * The store module is loaded into this process; jobs go straight to one of its read lanes.
 */
#include "bench.h"

#include "lib/store_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BATCH = 1000, ROUNDS_MAX = 99, NAME = 32 };

struct settings {
	const char *so;
	unsigned conversations, quiet, past, missed, page, rounds, body_bytes;
};

struct bench {
	const struct settings *set;
	struct store_host *host;
	nuncio_id id;
	char (*names)[NAME];
	uint64_t *seqs;
	char cursor[300]; /* from before what was missed */
	struct nuncio_job jobs[BATCH];
	struct nuncio_job_append appends[BATCH];
	unsigned waiting;
};

static char body[4096];

static struct nuncio_str text(const char *s)
{
	return (struct nuncio_str){ s, strlen(s) };
}

static void check(const struct nuncio_job *job)
{
	char why[512];
	if (job->status == 0)
		return;
	store_host_complaints(why, sizeof(why));
	bench_die("a job failed with %d: %s", job->status, why);
}

/* --- writing --- */

static void flush(struct bench *b)
{
	if (b->waiting)
		store_host_run(b->host, b->jobs, b->waiting);
	for (unsigned i = 0; i < b->waiting; i++) {
		check(&b->jobs[i]);
		store_host_job_fini(&b->jobs[i]);
	}
	b->waiting = 0;
}

static const struct nuncio_str founders[] = { { "reader", 6 }, { "writer", 6 } };

static void append(struct bench *b, unsigned conversation)
{
	struct nuncio_job_append *in = &b->appends[b->waiting];
	b->id += 1 << 12;
	*in = (struct nuncio_job_append){ .size = sizeof(*in),
		.founders = founders,
		.founders_count = 2,
		.event = { .size = sizeof(struct nuncio_event),
			.conversation = text(b->names[conversation]),
			.id = b->id,
			.sent_at_ms = 1795000000000 + (int64_t)(b->id >> 12),
			.type = text("message"),
			.from = founders[1],
			.kind = text("text"),
			.body = { body, b->set->body_bytes } } };
	b->jobs[b->waiting++] = (struct nuncio_job){ .kind = NUNCIO_JOB_APPEND, .input = in };
	b->seqs[conversation]++;
	if (b->waiting == BATCH)
		flush(b);
}

static void mark(struct bench *b, unsigned conversation)
{
	b->id += 1 << 12;
	struct nuncio_job_mark in = { .size = sizeof(in),
		.conversation = text(b->names[conversation]),
		.user = text("writer"),
		.read = b->seqs[conversation],
		.id = b->id };
	struct nuncio_job job = { .kind = NUNCIO_JOB_MARK, .input = &in };
	store_host_run(b->host, &job, 1);
	check(&job);
	store_host_job_fini(&job);
}

static struct nuncio_job read_page(struct bench *b)
{
	struct nuncio_sync_query q = { .size = sizeof(q),
		.user = text("reader"),
		.cursor = text(b->cursor),
		.limit = b->set->page };
	struct nuncio_job job = { .kind = NUNCIO_JOB_SYNC, .input = &q };
	store_host_run(b->host, &job, 1);
	check(&job);
	snprintf(b->cursor, sizeof(b->cursor), "%s", job.cursor.p);
	return job;
}

/* Conversations take turns, so that rows of one lie far from each other, as they do in life. */
static void fill(struct bench *b)
{
	const struct settings *set = b->set;
	unsigned all = set->conversations + set->quiet;
	for (unsigned i = 0; i < all; i++)
		snprintf(b->names[i], NAME, "d:reader:%06u", i * 7919 % 1000003);
	for (unsigned n = 0; n < set->past; n++)
		for (unsigned i = 0; i < all; i++)
			append(b, i);
	flush(b);
	struct nuncio_job job = read_page(b);
	store_host_job_fini(&job);
	for (unsigned n = 0; n < set->missed; n++)
		append(b, n % set->conversations);
	flush(b);
	for (unsigned i = 0; i < set->conversations; i++)
		mark(b, i);
}

/* --- measuring --- */

static double read_rows(struct bench *b)
{
	uint64_t start = bench_now_ns(), count = 0;
	for (unsigned i = 0; i < b->set->conversations; i++) {
		struct nuncio_events_query q = { .size = sizeof(q),
			.conversation = text(b->names[i]),
			.after = b->set->past,
			.limit = 1000 };
		for (int more = 1; more;) {
			struct nuncio_job job = { .kind = NUNCIO_JOB_EVENTS, .input = &q };
			store_host_run(b->host, &job, 1);
			check(&job);
			count += job.event_count;
			q.after += job.event_count;
			more = job.more;
			store_host_job_fini(&job);
		}
	}
	if (count != b->set->missed)
		bench_die("read %llu of %u messages", (unsigned long long)count, b->set->missed);
	return (double)(bench_now_ns() - start) / 1000;
}

static double sync_all(struct bench *b, unsigned *pages_r)
{
	uint64_t start = bench_now_ns(), events = 0, members = 0;
	*pages_r = 0;
	for (int more = 1; more; ++*pages_r) {
		struct nuncio_job job = read_page(b);
		if (job.gap)
			bench_die("the cursor is a gap");
		events += job.event_count;
		members += job.member_count;
		more = job.more;
		store_host_job_fini(&job);
	}
	double us = (double)(bench_now_ns() - start) / 1000;
	if (events != b->set->missed || members != b->set->conversations)
		bench_die("sync gave %llu of %u messages, %llu of %u marks",
			(unsigned long long)events, b->set->missed, (unsigned long long)members,
			b->set->conversations);
	return us;
}

/* A message to somebody else, so that time has gone on. */
static void append_elsewhere(struct bench *b)
{
	b->id += 1 << 12;
	struct nuncio_job_append in = { .size = sizeof(in),
		.founders = founders + 1,
		.founders_count = 1,
		.event = { .size = sizeof(struct nuncio_event),
			.conversation = text("d:elsewhere"),
			.id = b->id,
			.type = text("message"),
			.from = founders[1],
			.kind = text("text"),
			.body = text("1") } };
	struct nuncio_job job = { .kind = NUNCIO_JOB_APPEND, .input = &in };
	store_host_run(b->host, &job, 1);
	check(&job);
	store_host_job_fini(&job);
}

static double sync_nothing(struct bench *b)
{
	append_elsewhere(b);
	uint64_t start = bench_now_ns();
	struct nuncio_job job = read_page(b);
	uint64_t end = bench_now_ns();
	if (job.event_count || job.more)
		bench_die("there was something new");
	store_host_job_fini(&job);
	return (double)(end - start) / 1000;
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

static void measure(struct bench *b)
{
	const struct settings *set = b->set;
	double rows[ROUNDS_MAX], sync[ROUNDS_MAX], ratio[ROUNDS_MAX], idle[ROUNDS_MAX];
	char start[sizeof(b->cursor)];
	unsigned pages = 0;
	memcpy(start, b->cursor, sizeof(start));
	for (unsigned i = 0; i < set->rounds; i++) {
		memcpy(b->cursor, start, sizeof(start));
		rows[i] = read_rows(b);
		sync[i] = sync_all(b, &pages);
		ratio[i] = sync[i] / rows[i];
		idle[i] = sync_nothing(b);
	}
	printf("sync conversations=%u quiet=%u rows=%u pages=%u rows_us=%.0f sync_us=%.0f ratio=%.2f"
	       " nothing_us=%.0f\n",
		set->conversations, set->quiet, set->missed, pages, median(rows, set->rounds),
		median(sync, set->rounds), median(ratio, set->rounds), median(idle, set->rounds));
}

static void remove_files(const char *dir)
{
	static const char *const names[] = { "nuncio.db", "nuncio-search.db" };
	static const char *const ends[] = { "", "-wal", "-shm" };
	char path[4200];
	for (size_t i = 0; i < 6; i++) {
		snprintf(path, sizeof(path), "%s/%s%s", dir, names[i / 3], ends[i % 3]);
		unlink(path);
	}
	rmdir(dir);
}

int main(int argc, char **argv)
{
	struct settings set = { .conversations = 500,
		.quiet = 0,
		.past = 20,
		.missed = 10000,
		.page = 200,
		.rounds = 9,
		.body_bytes = 200 };
	char dir[4096] = "/var/tmp/bench_sync.XXXXXX";
	struct nuncio_error err = { "" };
	int option;
	while ((option = getopt(argc, argv, "c:l:n:p:q:r:s:")) != -1) {
		if (option == 'c')
			set.conversations = (unsigned)bench_number(optarg, 1, 100000);
		else if (option == 'l')
			set.page = (unsigned)bench_number(optarg, 1, 1000);
		else if (option == 'n')
			set.missed = (unsigned)bench_number(optarg, 1, 10000000);
		else if (option == 'p')
			set.past = (unsigned)bench_number(optarg, 1, 10000);
		else if (option == 'q')
			set.quiet = (unsigned)bench_number(optarg, 0, 100000);
		else if (option == 'r')
			set.rounds = (unsigned)bench_number(optarg, 1, ROUNDS_MAX);
		else if (option == 's')
			set.body_bytes = (unsigned)bench_number(optarg, 2, sizeof(body));
		else
			break;
	}
	if (option != -1 || optind + 1 != argc || set.missed < set.conversations) {
		fprintf(stderr, "usage: bench_sync [-c conversations] [-n missed messages] [-l rows"
				" a page] [-q quiet conversations] [-p messages before] [-s body"
				" bytes] [-r rounds] STORE.so\n");
		return 2;
	}
	memset(body, 'x', set.body_bytes);
	body[0] = body[set.body_bytes - 1] = '"';
	if (!mkdtemp(dir))
		bench_die("%s", dir);
	struct bench *b = calloc(1, sizeof(*b));
	unsigned all = set.conversations + set.quiet;
	if (!b || !(b->names = calloc(all, NAME)) || !(b->seqs = calloc(all, sizeof(*b->seqs))))
		bench_die("out of memory");
	b->set = &set;
	b->host = store_host_open(argv[optind], dir, NULL, &err);
	if (!b->host)
		bench_die("%s: %s", argv[optind], err.text);
	fill(b);
	measure(b);
	store_host_close(&b->host);
	free(b->names);
	free(b->seqs);
	free(b);
	remove_files(dir);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * What grows with the members of a group: for each of the sizes in `-n` a store gets a group of so
 * many, and the same is asked of each:
 *   append_us   one message, until it is durable
 *   page_us     100 members, from somebody in the middle on
 *   mine_us     one's own groups, of a member who has this one
 *   reached_us  how many have received and read a message
 *   dissolve_us everybody is removed in one event; nothing else is written meanwhile
 * What is read is CPU time of this thread, in which the store works, or with `-w`, for a store that
 * works elsewhere, time; what is written is always time. Medians. One line for each size.
 *
 * The store module is loaded into this process; jobs go straight to its lanes.
 */
#include "bench.h"

#include "lib/store_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ADD_MAX = 1000, ROUNDS = 31, PAGE = 100, SIZES_MAX = 8, NAME = 32, ID_SHIFT = 12 };

struct bench {
	struct store_host *host;
	bool is_wall; /* the store works in another process */
	uint64_t id, seq;
	char conversation[NAME];
	char names[ADD_MAX][NAME];
	struct nuncio_member_change changes[ADD_MAX];
};

static struct nuncio_str text(const char *s)
{
	return (struct nuncio_str){ s, strlen(s) };
}

static void name_of(unsigned index, char name_r[NAME])
{
	snprintf(name_r, NAME, "member-%07u", index);
}

static void run(struct bench *b, struct nuncio_job *job)
{
	char why[512];

	store_host_run(b->host, job, 1);
	if (job->status == 0)
		return;
	store_host_complaints(why, sizeof why);
	bench_die("a job failed with %d: %s", job->status, why);
}

/* ---- writing ---- */

/* Time that the event took, with these changes of members. */
static uint64_t append(struct bench *b, const char *type, size_t changes)
{
	const struct nuncio_job_append in = { .size = sizeof in,
		.event = { .size = sizeof(struct nuncio_event),
			.conversation = text(b->conversation),
			.id = ++b->id << ID_SHIFT,
			.sent_at_ms = 1795000000000 + (int64_t)b->id,
			.type = text(type),
			.from = text("member-0000000"),
			.kind = text("text"),
			.body = text("\"hello\"") },
		.members = b->changes,
		.members_count = changes };
	struct nuncio_job job = { .kind = NUNCIO_JOB_APPEND, .input = &in };
	uint64_t start_ns = bench_now_ns();

	run(b, &job);
	uint64_t took_ns = bench_now_ns() - start_ns;
	b->seq = job.seq;
	store_host_job_fini(&job);
	return took_ns;
}

static void make_group(struct bench *b, unsigned members)
{
	snprintf(b->conversation, sizeof b->conversation, "g:%u", members);
	for (unsigned at = 0; at < members;) {
		unsigned n = 0;
		for (; n < ADD_MAX && at < members; n++, at++) {
			name_of(at, b->names[n]);
			b->changes[n] = (struct nuncio_member_change){ .size = sizeof b->changes[n],
				.op = NUNCIO_MEMBER_ADD,
				.user = text(b->names[n]) };
		}
		append(b, "group", n);
	}
	store_host_idle(b->host);
}

static double dissolve(struct bench *b)
{
	b->changes[0] = (struct nuncio_member_change){
		.size = sizeof b->changes[0], .op = NUNCIO_MEMBER_REMOVE, .expect_role = -1
	};
	return (double)append(b, "group", 1) / 1e3;
}

/* ---- reading ---- */

static uint64_t read_ns(const struct bench *b)
{
	struct timespec t;

	if (b->is_wall)
		return bench_now_ns();
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static double ask(struct bench *b, uint32_t kind, const void *input)
{
	struct bench_samples samples = { 0 };

	for (int i = 0; i < ROUNDS; i++) {
		struct nuncio_job job = { .kind = kind, .input = input };
		uint64_t start_ns = read_ns(b);
		run(b, &job);
		bench_samples_add(&samples, read_ns(b) - start_ns);
		store_host_job_fini(&job);
	}
	double us = bench_samples_us(&samples, 0.5);
	bench_samples_fini(&samples);
	return us;
}

static void measure(struct bench *b, unsigned members)
{
	struct bench_samples appends = { 0 };
	char middle[NAME];

	make_group(b, members);
	name_of(members / 2, middle);
	for (int i = 0; i < ROUNDS; i++)
		bench_samples_add(&appends, append(b, "message", 0));
	const struct nuncio_job_members page = { .size = sizeof page,
		.limit = PAGE,
		.conversation = text(b->conversation),
		.after = text(middle) };
	const struct nuncio_job_memberships mine = {
		.size = sizeof mine, .limit = PAGE, .user = text(middle), .prefix = text("g:")
	};
	const struct nuncio_job_reached reached = {
		.size = sizeof reached, .conversation = text(b->conversation), .seq = b->seq
	};
	double page_us = ask(b, NUNCIO_JOB_MEMBERS, &page);
	double mine_us = ask(b, NUNCIO_JOB_MEMBERSHIPS, &mine);
	double reached_us = ask(b, NUNCIO_JOB_REACHED, &reached);
	printf("members members=%u append_us=%.1f page_us=%.1f mine_us=%.1f reached_us=%.1f"
	       " dissolve_us=%.0f\n",
		members, bench_samples_us(&appends, 0.5), page_us, mine_us, reached_us,
		dissolve(b));
	fflush(stdout);
	bench_samples_fini(&appends);
}

static unsigned parse_sizes(const char *list, unsigned sizes_r[SIZES_MAX])
{
	unsigned count = 0;
	char *end;

	for (const char *p = list; count < SIZES_MAX; p = end + 1) {
		unsigned long v = strtoul(p, &end, 10);
		if (end == p || v == 0 || v > 9999999)
			bench_die("\"%s\" must be numbers up to 9999999", list);
		sizes_r[count++] = (unsigned)v;
		if (*end != ',')
			break;
	}
	return count;
}

static void remove_files(const char *dir)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char path[4200];

	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "%s/nuncio.db%s", dir, ends[i]);
		unlink(path);
	}
	rmdir(dir);
}

int main(int argc, char **argv)
{
	const char *options[4] = { "search=off" }, *dir = ".", *list = "10,100,1000,10000,100000";
	struct nuncio_error err = { "" };
	unsigned sizes[SIZES_MAX], option_count = 1;
	char folder[4096];
	bool is_wall = false;
	int option;

	while ((option = getopt(argc, argv, "d:n:o:w")) != -1) {
		if (option == 'd')
			dir = optarg;
		else if (option == 'n')
			list = optarg;
		else if (option == 'w')
			is_wall = true;
		else if (option == 'o' && option_count < 3)
			options[option_count++] = optarg;
		else
			break;
	}
	if (option != -1 || optind + 1 != argc) {
		fprintf(stderr, "usage: bench_members [-n members,members,...] [-d dir]"
				" [-o option=value]... [-w] STORE.so\n");
		return 2;
	}
	unsigned count = parse_sizes(list, sizes);
	snprintf(folder, sizeof folder, "%.4000s/bench_members.XXXXXX", dir);
	if (mkdtemp(folder) == NULL)
		bench_die("%s", folder);
	struct bench *b = calloc(1, sizeof *b);
	if (b == NULL)
		bench_die("out of memory");
	b->is_wall = is_wall;
	b->host = store_host_open(argv[optind], folder, options, &err);
	if (b->host == NULL)
		bench_die("%s: %s", argv[optind], err.text);
	for (unsigned i = 0; i < count; i++)
		measure(b, sizes[i]);
	store_host_close(&b->host);
	free(b);
	remove_files(folder);
	return 0;
}

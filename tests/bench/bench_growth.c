/* SPDX-License-Identifier: MIT */
/*
 * What grows with what is stored: a store is made for each of the sizes in `-n` and filled, and
 * then all are asked the same questions in turn, so that what else the machine does meets all
 * alike. A hundred conversations at a time take turns until each has a thousand messages, then the
 * next hundred: so rows of one conversation lie far from each other, equally far at every size.
 * Questions are about conversations chosen at random from all, after as many that are not counted:
 *   page_us    the newest 50 events       middle_us  50 events in the middle
 *   among_us   the newest 50 events, when a message has been stored just before, as on a server
 *              with people on it: SQLite forgets what it has read when somebody writes
 *   list_us    50 conversations of somebody who is in all of them, with 10 unread in each
 *   append_us  one of 256 messages in a batch, until it is durable
 * Times are CPU time of this thread, in which the store works, or with `-w`, for a store that works
 * elsewhere, time; append_us is always time. Medians. One line for each size.
 *
 * The store module is loaded into this process; jobs go straight to its lanes. An option may name
 * the size: `{}` in its value becomes 0 for the first of `-n`, then 1, ...
 */
#include "bench.h"

#include "lib/store_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	ACTIVE = 100,
	MESSAGES = 1000, /* of one conversation */
	BATCH = 256,
	QUESTIONS = 1000,
	PAGE = 50,
	UNREAD = 10,
	ID_SHIFT = 16, /* marks have ids between those of two events */
	SIZES_MAX = 8,
	OPTIONS_MAX = 4,
	NAME = 32
};

/* The store of one size. */
struct bench {
	struct store_host *host;
	char folder[4096];
	bool is_wall;        /* the store works in another process */
	uint64_t rows, size; /* stored; as it was filled */
	uint32_t dice;
	unsigned body_bytes;
	struct nuncio_job jobs[BATCH];
	struct nuncio_job_append appends[BATCH];
	struct nuncio_job_mark marks[BATCH];
	char names[BATCH][NAME];
	struct bench_samples batches, page, among, middle, list, other;
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
	store_host_complaints(why, sizeof why);
	bench_die("a job failed with %d: %s", job->status, why);
}

/* ---- filling ---- */

static void name_of(uint64_t conversation, char name_r[NAME])
{
	snprintf(name_r, NAME, "d:reader:%08llu",
		(unsigned long long)(conversation * 7919 % 100000007));
}

static uint64_t conversation_of(uint64_t row)
{
	return row / (ACTIVE * MESSAGES) * ACTIVE + row % ACTIVE;
}

static void run_batch(struct bench *b, unsigned count)
{
	store_host_run(b->host, b->jobs, count);
	for (unsigned i = 0; i < count; i++) {
		check(&b->jobs[i]);
		store_host_job_fini(&b->jobs[i]);
	}
}

static void append_batch(struct bench *b, unsigned count, struct bench_samples *samples)
{
	static const struct nuncio_str founders[] = { { "reader", 6 }, { "writer", 6 } };

	for (unsigned i = 0; i < count; i++, b->rows++) {
		name_of(conversation_of(b->rows), b->names[i]);
		b->appends[i] = (struct nuncio_job_append){ .size = sizeof b->appends[i],
			.founders = founders,
			.founders_count = 2,
			.event = { .size = sizeof(struct nuncio_event),
				.conversation = text(b->names[i]),
				.id = (b->rows + 1) << ID_SHIFT,
				.sent_at_ms = 1795000000000 + (int64_t)b->rows,
				.type = text("message"),
				.from = founders[1],
				.kind = text("text"),
				.body = { body, b->body_bytes } } };
		b->jobs[i] =
			(struct nuncio_job){ .kind = NUNCIO_JOB_APPEND, .input = &b->appends[i] };
	}
	uint64_t start_ns = bench_now_ns();
	run_batch(b, count);
	bench_samples_add(samples, (bench_now_ns() - start_ns) / count);
}

/* The reader has seen all but the last of each conversation. */
static void read_from(struct bench *b, uint64_t conversation)
{
	uint64_t end = b->rows / MESSAGES;

	while (conversation < end) {
		unsigned n = 0;
		for (; n < BATCH && conversation < end; n++, conversation++) {
			name_of(conversation, b->names[n]);
			b->marks[n] = (struct nuncio_job_mark){ .size = sizeof b->marks[n],
				.conversation = text(b->names[n]),
				.user = text("reader"),
				.read = MESSAGES - UNREAD,
				.id = (b->rows << ID_SHIFT) + conversation + 1 };
			b->jobs[n] = (struct nuncio_job){ .kind = NUNCIO_JOB_MARK,
				.input = &b->marks[n] };
		}
		run_batch(b, n);
	}
}

static void fill(struct bench *b, uint64_t rows)
{
	uint64_t before = b->rows / MESSAGES;

	while (b->rows < rows) {
		append_batch(b, rows - b->rows < BATCH ? (unsigned)(rows - b->rows) : BATCH,
			&b->batches);
		if (b->rows % (BATCH * 64) == 0)
			store_host_idle(b->host); /* checkpoints, as the core's lanes do */
	}
	read_from(b, before);
	store_host_idle(b->host);
	b->size = rows;
}

/* ---- asking ---- */

static uint64_t read_ns(const struct bench *b)
{
	struct timespec t;

	if (b->is_wall)
		return bench_now_ns();
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint32_t throw_dice(struct bench *b, uint32_t sides)
{
	b->dice = b->dice * 1103515245u + 12345u;
	return (uint32_t)((uint64_t)(b->dice >> 1) * sides >> 31);
}

static void ask(struct bench *b, uint32_t kind, const void *input, size_t wanted,
	struct bench_samples *samples)
{
	struct nuncio_job job = { .kind = kind, .input = input };
	uint64_t start_ns = read_ns(b);

	store_host_run(b->host, &job, 1);
	bench_samples_add(samples, read_ns(b) - start_ns);
	check(&job);
	if (job.event_count + job.conversation_count != wanted)
		bench_die("%zu rows instead of %zu", job.event_count + job.conversation_count,
			wanted);
	store_host_job_fini(&job);
}

static void ask_page(struct bench *b, uint64_t before, struct bench_samples *samples)
{
	char name[NAME];
	struct nuncio_events_query query = {
		.size = sizeof query, .before = before, .limit = PAGE, .max_bytes = 50000
	};

	name_of(throw_dice(b, (uint32_t)(b->size / MESSAGES)), name);
	query.conversation = text(name);
	ask(b, NUNCIO_JOB_EVENTS, &query, PAGE, samples);
}

static void ask_list(struct bench *b, struct bench_samples *samples)
{
	const struct nuncio_job_conversations list = {
		.size = sizeof list, .limit = PAGE, .user = { "reader", 6 }
	};

	ask(b, NUNCIO_JOB_CONVERSATIONS, &list, PAGE, samples);
}

/* Store after store at every step. What is stored meanwhile comes behind all that is asked. */
static void measure(struct bench *benches, unsigned count)
{
	for (int i = 0; i < QUESTIONS; i++)
		for (unsigned n = 0; n < count; n++)
			ask_page(&benches[n], 0, &benches[n].other);
	for (int i = 0; i < QUESTIONS; i++) {
		for (unsigned n = 0; n < count; n++) {
			struct bench *b = &benches[n];
			ask_page(b, 0, &b->page);
			ask_page(b, MESSAGES / 2, &b->middle);
			if (i % 10 == 0)
				ask_list(b, &b->list);
		}
	}
	for (int i = 0; i < QUESTIONS; i++) {
		for (unsigned n = 0; n < count; n++) {
			append_batch(&benches[n], 1, &benches[n].other);
			ask_page(&benches[n], 0, &benches[n].among);
		}
	}
}

static void report(struct bench *b)
{
	printf("growth rows=%llu conversations=%llu page_us=%.1f among_us=%.1f middle_us=%.1f"
	       " list_us=%.1f append_us=%.2f\n",
		(unsigned long long)b->size, (unsigned long long)(b->size / MESSAGES),
		bench_samples_us(&b->page, 0.5), bench_samples_us(&b->among, 0.5),
		bench_samples_us(&b->middle, 0.5), bench_samples_us(&b->list, 0.5),
		bench_samples_us(&b->batches, 0.5));
	bench_samples_fini(&b->page);
	bench_samples_fini(&b->middle);
	bench_samples_fini(&b->list);
	bench_samples_fini(&b->among);
	bench_samples_fini(&b->other);
	bench_samples_fini(&b->batches);
}

static unsigned parse_sizes(const char *list, uint64_t sizes_r[SIZES_MAX])
{
	unsigned count = 0;
	char *end;

	for (const char *p = list; count < SIZES_MAX; p = end + 1) {
		unsigned long v = strtoul(p, &end, 10);
		if (end == p || v == 0 || v % (ACTIVE * MESSAGES) != 0 || v > 100000000 ||
			(count != 0 && v <= sizes_r[count - 1]))
			bench_die("\"%s\" must be rising multiples of %d", list, ACTIVE * MESSAGES);
		sizes_r[count++] = v;
		if (*end != ',')
			break;
	}
	return count;
}

static void remove_files(const char *dir)
{
	static const char *const names[] = { "nuncio.db", "nuncio-search.db" };
	static const char *const ends[] = { "", "-wal", "-shm" };
	char path[4200];

	for (size_t i = 0; i < 6; i++) {
		snprintf(path, sizeof path, "%s/%s%s", dir, names[i / 3], ends[i % 3]);
		unlink(path);
	}
	rmdir(dir);
}

/* ---- the stores ---- */

struct settings {
	const char *so, *dir, *options[OPTIONS_MAX];
	unsigned option_count, body_bytes;
	bool is_wall;
};

static void open_store(struct bench *b, const struct settings *settings, unsigned index)
{
	const char *options[OPTIONS_MAX + 1] = { NULL };
	char texts[OPTIONS_MAX][1024];
	struct nuncio_error err = { "" };

	for (unsigned i = 0; i < settings->option_count; i++) {
		const char *text = settings->options[i], *mark = strstr(text, "{}");
		if (mark == NULL)
			snprintf(texts[i], sizeof texts[i], "%s", text);
		else
			snprintf(texts[i], sizeof texts[i], "%.*s%u%s", (int)(mark - text), text,
				index, mark + 2);
		options[i] = texts[i];
	}
	snprintf(b->folder, sizeof b->folder, "%.4000s/bench_growth.XXXXXX", settings->dir);
	if (mkdtemp(b->folder) == NULL)
		bench_die("%s", b->folder);
	b->body_bytes = settings->body_bytes;
	b->dice = 1;
	b->is_wall = settings->is_wall;
	b->host = store_host_open(settings->so, b->folder, options, &err);
	if (b->host == NULL)
		bench_die("%s: %s", settings->so, err.text);
}

static void parse_options(int argc, char **argv, struct settings *settings_r, const char **list_r)
{
	int option;

	*settings_r = (struct settings){
		.dir = ".", .options = { "search=off" }, .option_count = 1, .body_bytes = 100
	};
	while ((option = getopt(argc, argv, "d:n:o:s:w")) != -1) {
		if (option == 'd')
			settings_r->dir = optarg;
		else if (option == 'n')
			*list_r = optarg;
		else if (option == 'w')
			settings_r->is_wall = true;
		else if (option == 'o' && settings_r->option_count < OPTIONS_MAX)
			settings_r->options[settings_r->option_count++] = optarg;
		else if (option == 's')
			settings_r->body_bytes = (unsigned)bench_number(optarg, 2, sizeof body);
		else
			break;
	}
	if (option == -1 && optind + 1 == argc) {
		settings_r->so = argv[optind];
		return;
	}
	fprintf(stderr, "usage: bench_growth [-n rows,rows,...] [-s body bytes] [-d dir]"
			" [-o option=value]... [-w] STORE.so\n");
	exit(2);
}

int main(int argc, char **argv)
{
	static struct bench benches[SIZES_MAX];
	struct settings settings;
	const char *list = "100000,1000000";
	uint64_t sizes[SIZES_MAX];

	parse_options(argc, argv, &settings, &list);
	unsigned count = parse_sizes(list, sizes);
	memset(body, 'x', settings.body_bytes);
	body[0] = body[settings.body_bytes - 1] = '"';
	for (unsigned i = 0; i < count; i++) {
		open_store(&benches[i], &settings, i);
		fill(&benches[i], sizes[i]);
	}
	measure(benches, count);
	for (unsigned i = 0; i < count; i++) {
		report(&benches[i]);
		store_host_close(&benches[i].host);
		remove_files(benches[i].folder);
	}
	return 0;
}

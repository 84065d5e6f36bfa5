/* SPDX-License-Identifier: MIT */
/*
 * Every queue between threads, and those that wait for somebody's answer, in three families: how
 * much is in it, how much may be, how often it was full; two more where bytes are bounded, too. And
 * every thread: what it used, and how long turns of its loop take. What waits for slow peers is
 * counted in bytes (server_metrics_io.c), the log too (server_metrics.c).
 */
#include "server_metrics_private.h"

#include <stdbool.h>
#include <stdio.h>

#include "base/metric.h"
#include "hook/hook_table.h"
#include "io/io_thread.h"
#include "logic/logic.h"
#include "loop/caller.h"
#include "loop/loop.h"
#include "loop/thread.h"
#include "parts.h"
#include "provide/store.h"
#include "provide/work.h"

typedef void stats_fn(const struct note *note, struct queue_stats *stats_r);

/* ---- what is in them ---- */

static void of_inbox(const struct note *note, struct queue_stats *stats_r)
{
	mailbox_stats(&note->parts->p->logic->inbox, stats_r);
	stats_r->depth += note->parts->p->logic->taken_count;
}

static void of_calls(const struct note *note, struct queue_stats *stats_r)
{
	caller_stats(note->parts->p->caller, stats_r);
}

static void of_io(const struct note *note, struct queue_stats *stats_r)
{
	struct io_stats stats;
	io_thread_stats(note->parts->io[note->index], &stats);
	stats_r->depth = (size_t)stats.inbox;
}

static void of_store(const struct note *note, struct queue_stats *stats_r)
{
	bool is_write;
	store_queue_stats(note->parts->p->store, note->index, &is_write, stats_r);
}

static void of_work(const struct note *note, struct queue_stats *stats_r)
{
	work_queue_stats(note->parts->p->work, note->index, stats_r);
}

static void of_requests(const struct note *note, struct queue_stats *stats_r)
{
	const struct requests *requests = &note->parts->p->logic->requests;
	stats_r->depth = requests->count - requests->inner_count;
}

static void of_inner(const struct note *note, struct queue_stats *stats_r)
{
	stats_r->depth = note->parts->p->logic->requests.inner_count;
	stats_r->limit = REQUESTS_INNER_MAX;
}

static void of_tickets(const struct note *note, struct queue_stats *stats_r)
{
	stats_r->depth = note->parts->p->hooks->parked_count;
}

static void of_marks(const struct note *note, struct queue_stats *stats_r)
{
	stats_r->depth = marks_count(&note->parts->p->logic->marks);
	stats_r->limit = MARKS_MAX;
}

static void of_misses(const struct note *note, struct queue_stats *stats_r)
{
	stats_r->depth = note->parts->p->logic->misses.count;
	stats_r->limit = MISSES_MAX;
}

struct row {
	const char *queue;
	stats_fn *read;
	bool has_limit, refuses, has_bytes;
};

static const struct row rows[] = {
	{ "logic_inbox", of_inbox, true, false, true }, /* full: reading of sockets stops */
	{ "logic_calls", of_calls, true, true, false },
	{ "requests", of_requests, false, false, false },
	{ "module_requests", of_inner, true, false, false },
	{ "tickets", of_tickets, false, false, false },
	{ "marks", of_marks, true, false, false },
	{ "misses", of_misses, true, false, false },
};
static const struct row io_row = { "io_inbox", of_io, false, false, false };
static const struct row write_row = { "store_write", of_store, true, true, false };
static const struct row read_row = { "store_read", of_store, true, true, false };
static const struct row work_row = { "work", of_work, true, true, false };

/* ---- the families ---- */

static struct queue_stats read_stats(const void *user)
{
	const struct note *note = user;
	struct queue_stats stats = { 0 };
	((const struct row *)note->what)->read(note, &stats);
	return stats;
}

static int64_t read_depth(void *user)
{
	return (int64_t)read_stats(user).depth;
}

static int64_t read_limit(void *user)
{
	return (int64_t)read_stats(user).limit;
}

static int64_t read_bytes(void *user)
{
	return (int64_t)read_stats(user).bytes;
}

static int64_t read_bytes_limit(void *user)
{
	return (int64_t)read_stats(user).bytes_limit;
}

static int64_t read_refused(void *user)
{
	return (int64_t)read_stats(user).refused;
}

static void add_bytes(struct metric_set *set, const struct metric_label *labels, struct note *note)
{
	metric_new_gauge_fn(set, "nuncio_queue_bytes",
		"Bytes of what waits in a queue, until it is worked on.", labels, read_bytes, note);
	metric_new_gauge_fn(set, "nuncio_queue_limit_bytes", "How many bytes may wait in a queue.",
		labels, read_bytes_limit, note);
}

/* thread: who empties it, where each has one of its own; else NULL. */
static void add_queue(
	struct server_metrics *shown, const struct row *row, unsigned index, const char *thread)
{
	struct metric_set *set = shown->parts.p->metrics;
	struct note *note = server_metrics_note(shown, index, row);
	const struct metric_label labels[] = { { "queue", row->queue },
		{ thread ? "thread" : NULL, thread }, { NULL, NULL } };
	metric_new_gauge_fn(
		set, "nuncio_queue_depth", "What waits in a queue.", labels, read_depth, note);
	if (row->has_limit)
		metric_new_gauge_fn(set, "nuncio_queue_limit",
			"How much may wait in a queue that has a limit of its own.", labels,
			read_limit, note);
	if (row->has_bytes)
		add_bytes(set, labels, note);
	if (row->refuses)
		metric_new_counter_fn(set, "nuncio_queue_refused_total",
			"What was refused because a queue was full.", labels, read_refused, note);
}

void server_metrics_add_queues(struct server_metrics *shown)
{
	const struct server_metrics_parts *parts = &shown->parts;
	char name[16];
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		add_queue(shown, &rows[i], 0, NULL);
	for (unsigned i = 0; i < parts->io_count; i++)
		add_queue(shown, &io_row, i, io_thread_name(parts->io[i]));
	for (unsigned i = 0; i < store_queues(parts->p->store); i++) {
		struct queue_stats stats;
		bool is_write;
		store_queue_stats(parts->p->store, i, &is_write, &stats);
		snprintf(name, sizeof name, "store%u", i);
		add_queue(shown, is_write ? &write_row : &read_row, i, is_write ? name : NULL);
	}
	for (unsigned i = 0; i < work_threads(parts->p->work); i++) {
		snprintf(name, sizeof name, "work%u", i);
		add_queue(shown, &work_row, i, name);
	}
}

/* ---- threads ---- */

/* Asked on the logic thread, whose own it is. */
static int64_t read_logic_cpu(void *user)
{
	(void)user;
	return thread_cpu_ns(NULL);
}

static int64_t read_io_cpu(void *user)
{
	const struct note *note = user;
	int64_t ns = 0;
	io_thread_cpu_ns(note->parts->io[note->index], &ns);
	return ns;
}

static int64_t read_store_cpu(void *user)
{
	const struct note *note = user;
	return store_cpu_ns(note->parts->p->store, note->index);
}

static int64_t read_work_cpu(void *user)
{
	const struct note *note = user;
	return work_cpu_ns(note->parts->p->work, note->index);
}

static void add_cpu(
	struct server_metrics *shown, const char *thread, metric_read_fn read, unsigned index)
{
	const struct metric_label labels[] = { { "thread", thread }, { NULL, NULL } };
	metric_divide(
		metric_new_counter_fn(shown->parts.p->metrics, "nuncio_thread_cpu_seconds_total",
			"Processor time that a thread has used.", labels, read,
			server_metrics_note(shown, index, NULL)),
		1e9);
}

static struct metric *add_lag(struct server_metrics *shown, const char *thread)
{
	const struct metric_label labels[] = { { "thread", thread }, { NULL, NULL } };
	return metric_new_times(shown->parts.p->metrics, "nuncio_loop_lag_seconds",
		"How long a turn of a thread's event loop took: what comes meanwhile waits.",
		labels);
}

void server_metrics_add_threads(struct server_metrics *shown)
{
	const struct server_metrics_parts *parts = &shown->parts;
	const char *logic = loop_name(parts->p->loop);
	char name[16];
	add_cpu(shown, logic, read_logic_cpu, 0);
	loop_set_lag(parts->p->loop, add_lag(shown, logic));
	for (unsigned i = 0; i < parts->io_threads; i++) {
		add_cpu(shown, io_thread_name(parts->io[i]), read_io_cpu, i);
		io_thread_set_lag(parts->io[i], add_lag(shown, io_thread_name(parts->io[i])));
	}
	for (unsigned i = 0; i < store_threads(parts->p->store); i++) {
		snprintf(name, sizeof name, "store%u", i);
		add_cpu(shown, name, read_store_cpu, i);
	}
	for (unsigned i = 0; i < work_threads(parts->p->work); i++) {
		snprintf(name, sizeof name, "work%u", i);
		add_cpu(shown, name, read_work_cpu, i);
	}
}

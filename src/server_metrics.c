/* SPDX-License-Identifier: MIT */
/*
 * What there is of sessions, users, conversations and requests, what became of them, and who this
 * is: one table each. Sockets, queues and threads have files of their own.
 */
#include "server_metrics.h"

#include <nuncio/module.h>

#include <stdio.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/metric.h"
#include "config.h"
#include "logic/logic.h"
#include "parts.h"
#include "process.h"
#include "provide/ready.h"
#include "server_metrics_private.h"

struct note *server_metrics_note(struct server_metrics *shown, unsigned index, const void *what)
{
	struct note *note = ALLOC_NEW(struct note);
	*note = (struct note){ &shown->parts, index, what };
	shown->notes = alloc_grow(shown->notes, (shown->note_count + 1) * sizeof(struct note *));
	return shown->notes[shown->note_count++] = note;
}

/* ---- gauges ---- */

static const struct logic *logic_of(const void *user)
{
	return ((const struct server_metrics *)user)->parts.p->logic;
}

static int64_t read_sessions(void *user)
{
	return (int64_t)logic_of(user)->sessions.ready_count;
}

static int64_t read_users(void *user)
{
	return (int64_t)users_count(&logic_of(user)->users);
}

static int64_t read_lives(void *user)
{
	return (int64_t)map_count(&logic_of(user)->lives.by_id);
}

static int64_t read_live_places(void *user)
{
	return (int64_t)logic_of(user)->lives.places;
}

static void see_ready(const struct ready_report *report, void *user)
{
	bool *is_ready = user;
	*is_ready = *is_ready && report->is_ready;
}

static int64_t read_ready(void *user)
{
	bool is_ready = !logic_of(user)->is_draining;
	ready_each(((const struct server_metrics *)user)->parts.p->ready, see_ready, &is_ready);
	return is_ready;
}

static const struct {
	const char *name, *help;
	metric_read_fn read;
} gauges[] = {
	{ "nuncio_ready", "1 while this server should get traffic: /readyz answers 200.",
		read_ready },
	{ "nuncio_sessions", "Sessions that are logged in.", read_sessions },
	{ "nuncio_users", "Users with at least one session here.", read_users },
	{ "nuncio_live_conversations", "Conversations with a live side here.", read_lives },
	{ "nuncio_live_members", "Pairs of a user and a conversation that they are live in.",
		read_live_places },
};

/* ---- counters of the logic thread ---- */

static struct metric *counter_via(struct metric_set *set, const char *via)
{
	const struct metric_label labels[] = { { "via", via }, { NULL, NULL } };
	return metric_new_counter(set, "nuncio_requests_total",
		"Requests of clients, and of modules in their name.", labels);
}

static void count_logic(struct metric_set *set, struct logic *logic)
{
	logic->count.requests = counter_via(set, "websocket");
	logic->count.http_requests = counter_via(set, "http");
	logic->count.inner_requests = counter_via(set, "module");
	logic->count.messages =
		metric_new_counter(set, "nuncio_events_total", "Events stored.", NULL);
	logic->count.duplicates = metric_new_counter(
		set, "nuncio_events_duplicate_total", "Messages sent again.", NULL);
	logic->count.deliveries = metric_new_counter(
		set, "nuncio_deliveries_total", "Notifies handed to sessions.", NULL);
	logic->count.logins =
		metric_new_counter(set, "nuncio_logins_total", "Sessions opened.", NULL);
	logic->count.logins_refused = metric_new_counter(
		set, "nuncio_logins_refused_total", "Tokens and logins refused.", NULL);
	logic->count.bus_received = metric_new_counter(
		set, "nuncio_bus_received_total", "Frames of other nodes.", NULL);
	logic->count.bus_malformed = metric_new_counter(set, "nuncio_bus_malformed_total",
		"Frames of other nodes that cannot be, and were dropped.", NULL);
	logic->count.misses_dropped = metric_new_counter(set, "nuncio_misses_dropped_total",
		"Receivers who were not told to did_miss because too many waited.", NULL);
}

/* ---- the log ---- */

static int64_t read_dropped(void *user)
{
	(void)user;
	return (int64_t)log_dropped_total();
}

static int64_t read_lines(void *user)
{
	return (int64_t)log_lines_total((int)((const struct note *)user)->index);
}

static int64_t read_log_bytes(void *user)
{
	size_t bytes, limit;
	(void)user;
	log_waiting(&bytes, &limit);
	return (int64_t)bytes;
}

static int64_t read_log_limit(void *user)
{
	size_t bytes, limit;
	(void)user;
	log_waiting(&bytes, &limit);
	return (int64_t)limit;
}

static void add_log(struct metric_set *set, struct server_metrics *shown)
{
	static const char *const levels[] = { NULL, "debug", "info", "warn", "error", "fatal" };
	for (unsigned level = LOG_LEVEL_DEBUG; level <= LOG_LEVEL_FATAL; level++) {
		const struct metric_label labels[] = { { "level", levels[level] }, { NULL, NULL } };
		metric_new_counter_fn(set, "nuncio_log_lines_total", "Log lines by level.", labels,
			read_lines, server_metrics_note(shown, level, NULL));
	}
	metric_new_counter_fn(set, "nuncio_log_dropped_total",
		"Log lines dropped because the log could not be written in time.", NULL,
		read_dropped, NULL);
	metric_new_gauge_fn(set, "nuncio_log_queue_bytes", "Log that waits to be written.", NULL,
		read_log_bytes, NULL);
	metric_new_gauge_fn(set, "nuncio_log_queue_limit_bytes",
		"So much log may wait; from three quarters on lines are dropped.", NULL,
		read_log_limit, NULL);
}

/* ---- all ---- */

static void add_build(struct metric_set *set)
{
	char abi[16];
	snprintf(abi, sizeof abi, "%d.%d", NUNCIO_ABI_MAJOR, NUNCIO_ABI_MINOR);
	const struct metric_label labels[] = { { "version", PACKAGE_VERSION }, { "abi", abi },
		{ NULL, NULL } };
	metric_set_value(metric_new_gauge(set, "nuncio_build_info",
				 "Which nuncio this is, and its module ABI; always 1.", labels),
		1);
}

struct server_metrics *server_metrics_new(const struct server_metrics_parts *parts)
{
	struct metric_set *set = parts->p->metrics;
	struct server_metrics *shown = ALLOC_NEW(struct server_metrics);
	shown->parts = *parts;
	add_build(set);
	shown->process = process_new(set, parts->p->work, parts->listeners);
	for (size_t i = 0; i < sizeof gauges / sizeof gauges[0]; i++)
		metric_new_gauge_fn(
			set, gauges[i].name, gauges[i].help, NULL, gauges[i].read, shown);
	count_logic(set, parts->p->logic);
	add_log(set, shown);
	server_metrics_add_io(shown);
	server_metrics_add_queues(shown);
	server_metrics_add_threads(shown);
	return shown;
}

void server_metrics_free(struct server_metrics **shown)
{
	if (!*shown)
		return;
	for (size_t i = 0; i < (*shown)->note_count; i++)
		alloc_free((*shown)->notes[i]);
	alloc_free((*shown)->notes);
	process_free(&(*shown)->process);
	alloc_free(*shown);
	*shown = NULL;
}

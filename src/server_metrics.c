/* SPDX-License-Identifier: MIT */
#include "server_metrics.h"

/*
 * One table: name, help, and how to read it. What the I/O threads count is summed over them. Queues
 * have a gauge of what waits in them, here or where they live (the store's and the workers' are in
 * provide/).
 */

#include <stddef.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/metric.h"
#include "hook/hook_table.h"
#include "io/io_thread.h"
#include "logic/logic.h"
#include "loop/caller.h"

struct server_metrics {
	struct logic *logic;
	struct hook_table *hooks;
	struct caller *caller;
	struct io_thread **io;
	unsigned io_count;
	struct io_number *io_numbers;
};

/* A field of struct io_stats, all of 64 bits. */
struct io_number {
	const struct server_metrics *shown;
	size_t offset;
};

struct io_row {
	const char *name, *label, *help;
	size_t offset;
};
#define IO(NAME, LABEL, FIELD, HELP) \
	{ \
		"nuncio_io_" NAME, LABEL, HELP, offsetof(struct io_stats, FIELD) \
	}

static const struct io_row io_rows[] = {
	IO("accepted", NULL, accepted, "Connections accepted since start."),
	IO("refused", NULL, refused,
		"Handshakes and requests refused by the I/O threads since start."),
	IO("closed_slow", NULL, slow,
		"WebSockets closed because their output queue was full since start."),
	IO("closed_silent", NULL, silent,
		"WebSockets closed because nothing came from them since start."),
	IO("timeouts", NULL, timeouts, "HTTP requests that did not arrive in time since start."),
	IO("http_requests", NULL, requests, "HTTP requests given to the logic thread since start."),
	IO("messages_in", NULL, messages_in, "WebSocket packets received since start."),
	IO("messages_out", NULL, messages_out, "WebSocket packets sent since start."),
	IO("pings", NULL, pings, "Requests `ping` answered since start."),
	IO("bytes_in", NULL, bytes_in, "Bytes read from sockets since start."),
	IO("bytes_out", NULL, bytes_out, "Bytes written to sockets since start."),
	IO("sends", NULL, sends, "System calls that wrote them since start."),
	IO("stalls", NULL, stalls,
		"Times that reading stopped because the logic thread was behind since start."),
	IO("connections", "http", http, "Connections by state."),
	IO("connections", "admitting", admitting, "Connections by state."),
	IO("connections", "open", open, "Connections by state."),
	IO("connections", "closing", closing, "Connections by state."),
	IO("queue_bytes", NULL, queue_bytes, "Bytes that wait for slow peers."),
	IO("held", NULL, held, "Connections not read from because the logic thread is behind."),
};
enum { IO_ROWS = sizeof io_rows / sizeof io_rows[0] };

static int64_t read_io(void *user)
{
	const struct io_number *number = user;
	int64_t sum = 0;
	for (unsigned i = 0; i < number->shown->io_count; i++) {
		struct io_stats stats;
		io_thread_stats(number->shown->io[i], &stats);
		sum += *(const int64_t *)((const char *)&stats + number->offset);
	}
	return sum;
}

static int64_t read_sessions(void *user)
{
	return (int64_t)((const struct server_metrics *)user)->logic->sessions.ready_count;
}

static int64_t read_users(void *user)
{
	return (int64_t)users_count(&((const struct server_metrics *)user)->logic->users);
}

static int64_t read_lives(void *user)
{
	return (int64_t)map_count(&((const struct server_metrics *)user)->logic->lives.by_id);
}

static int64_t read_live_places(void *user)
{
	return (int64_t)((const struct server_metrics *)user)->logic->lives.places;
}

static int64_t read_requests(void *user)
{
	return (int64_t)((const struct server_metrics *)user)->logic->requests.count;
}

static int64_t read_inbox(void *user)
{
	return (int64_t)mailbox_count(&((const struct server_metrics *)user)->logic->inbox);
}

static int64_t read_parked(void *user)
{
	return (int64_t)((const struct server_metrics *)user)->hooks->parked_count;
}

static int64_t read_calls(void *user)
{
	return (int64_t)caller_count(((const struct server_metrics *)user)->caller);
}

static int64_t read_marks(void *user)
{
	return (int64_t)marks_count(&((const struct server_metrics *)user)->logic->marks);
}

static int64_t read_io_inbox(void *user)
{
	const struct server_metrics *shown = user;
	int64_t sum = 0;
	for (unsigned i = 0; i < shown->io_count; i++)
		sum += (int64_t)mailbox_count(io_thread_inbox(shown->io[i]));
	return sum;
}

static int64_t read_dropped(void *user)
{
	(void)user;
	return (int64_t)log_dropped_total();
}

static const struct {
	const char *name, *help;
	metric_read_fn read;
} rows[] = {
	{ "nuncio_sessions", "Sessions that are logged in.", read_sessions },
	{ "nuncio_users", "Users with at least one session here.", read_users },
	{ "nuncio_live_conversations", "Conversations with a live side here.", read_lives },
	{ "nuncio_live_members", "Pairs of a user and a conversation that they are live in.",
		read_live_places },
	{ "nuncio_requests_waiting", "Requests that wait for their answer.", read_requests },
	{ "nuncio_logic_inbox", "Messages that wait for the logic thread.", read_inbox },
	{ "nuncio_hooks_parked", "Questions to modules that wait for their answer.", read_parked },
	{ "nuncio_logic_calls", "Answers of other threads that wait for the logic thread.",
		read_calls },
	{ "nuncio_marks_waiting", "Cursors of members on their way to the store.", read_marks },
	{ "nuncio_io_inbox", "Messages that wait for the I/O threads.", read_io_inbox },
	{ "nuncio_log_dropped", "Log lines dropped because the sink was slow since start.",
		read_dropped },
};

static void count_logic(struct metric_set *set, struct logic *logic)
{
	logic->count.requests = metric_new_counter(set, "nuncio_requests_total",
		"Requests of clients, over WebSocket and HTTP.", NULL);
	logic->count.request_errors = metric_new_counter(
		set, "nuncio_request_errors_total", "Requests answered with an error.", NULL);
	logic->count.messages =
		metric_new_counter(set, "nuncio_messages_total", "Events stored.", NULL);
	logic->count.duplicates = metric_new_counter(
		set, "nuncio_messages_duplicate_total", "Messages sent again.", NULL);
	logic->count.deliveries = metric_new_counter(
		set, "nuncio_deliveries_total", "Notifies handed to sessions.", NULL);
	logic->count.logins =
		metric_new_counter(set, "nuncio_logins_total", "Sessions opened.", NULL);
	logic->count.bus_received = metric_new_counter(
		set, "nuncio_bus_received_total", "Frames of other nodes.", NULL);
	logic->count.bus_malformed = metric_new_counter(set, "nuncio_bus_malformed_total",
		"Frames of other nodes that cannot be, and were dropped.", NULL);
	logic->count.misses_dropped = metric_new_counter(set, "nuncio_misses_dropped_total",
		"Receivers who were not told to did_miss because too many waited.", NULL);
	logic->count.logins_refused = metric_new_counter(
		set, "nuncio_logins_refused_total", "Tokens and logins refused.", NULL);
}

struct server_metrics *server_metrics_new(struct metric_set *set, struct logic *logic,
	struct hook_table *hooks, struct caller *caller, struct io_thread **io, unsigned io_count)
{
	struct server_metrics *shown = ALLOC_NEW(struct server_metrics);
	shown->logic = logic;
	shown->hooks = hooks;
	shown->caller = caller;
	shown->io = io;
	shown->io_count = io_count;
	shown->io_numbers = ALLOC_ARRAY(struct io_number, IO_ROWS);
	for (size_t i = 0; i < IO_ROWS; i++) {
		struct metric_label labels[] = { { "state", io_rows[i].label }, { NULL, NULL } };
		shown->io_numbers[i] = (struct io_number){ shown, io_rows[i].offset };
		metric_new_gauge_fn(set, io_rows[i].name, io_rows[i].help,
			io_rows[i].label ? labels : NULL, read_io, &shown->io_numbers[i]);
	}
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		metric_new_gauge_fn(set, rows[i].name, rows[i].help, NULL, rows[i].read, shown);
	count_logic(set, logic);
	return shown;
}

void server_metrics_free(struct server_metrics **shown)
{
	if (!*shown)
		return;
	alloc_free((*shown)->io_numbers);
	alloc_free(*shown);
	*shown = NULL;
}

/* SPDX-License-Identifier: MIT */
/*
 * What the I/O threads count, each for itself under its name; with io_threads = 0 there is one, the
 * logic thread. One table: name, help, and which field of struct io_stats.
 */
#include "server_metrics_private.h"

#include <stdbool.h>

#include "base/metric.h"
#include "io/io_thread.h"
#include "parts.h"

struct row {
	const char *name, *label, *value, *help;
	size_t offset; /* of a field of 64 bits */
	bool is_gauge;
};
#define COUNTER(NAME, LABEL, VALUE, FIELD, HELP) \
	{ \
		"nuncio_io_" NAME "_total", LABEL, VALUE, HELP, offsetof(struct io_stats, FIELD), \
			false \
	}
#define GAUGE(NAME, LABEL, VALUE, FIELD, HELP) \
	{ \
		"nuncio_io_" NAME, LABEL, VALUE, HELP, offsetof(struct io_stats, FIELD), true \
	}
#define CLOSED "Connections closed by the I/O thread, by reason."
#define STATES "Connections by state."

static const struct row rows[] = {
	COUNTER("accepted", NULL, NULL, accepted, "Connections accepted."),
	COUNTER("refused", NULL, NULL, refused,
		"Handshakes and requests refused before the logic thread saw them."),
	COUNTER("closed", "reason", "slow", slow, CLOSED),
	COUNTER("closed", "reason", "silent", silent, CLOSED),
	COUNTER("timeouts", NULL, NULL, timeouts, "HTTP requests that did not arrive in time."),
	COUNTER("crowded", NULL, NULL, crowded,
		"HTTP requests refused because the thread held too many bytes of others."),
	COUNTER("http_requests", NULL, NULL, requests, "HTTP requests given to the logic thread."),
	COUNTER("received_packets", NULL, NULL, messages_in, "WebSocket packets received."),
	COUNTER("sent_packets", NULL, NULL, messages_out, "WebSocket packets sent."),
	COUNTER("pings", NULL, NULL, pings, "Requests `ping` answered by the I/O thread."),
	COUNTER("received_bytes", NULL, NULL, bytes_in, "Bytes read from sockets."),
	COUNTER("sent_bytes", NULL, NULL, bytes_out, "Bytes written to sockets."),
	COUNTER("sends", NULL, NULL, sends, "System calls that wrote them."),
	COUNTER("stalls", NULL, NULL, stalls,
		"Times that reading stopped because the logic thread was behind."),
	COUNTER("pauses", NULL, NULL, pauses,
		"Times that a WebSocket's read brought more than one turn may do."),
	GAUGE("connections", "state", "http", http, STATES),
	GAUGE("connections", "state", "waiting", waiting, STATES),
	GAUGE("connections", "state", "admitting", admitting, STATES),
	GAUGE("connections", "state", "open", open, STATES),
	GAUGE("connections", "state", "closing", closing, STATES),
	GAUGE("connections", "state", "ending", ending, STATES),
	GAUGE("held_connections", NULL, NULL, held,
		"Connections not read from because the logic thread is behind."),
	GAUGE("output_queue_bytes", NULL, NULL, queue_bytes, "Bytes that wait for slow peers."),
	GAUGE("http_bytes", NULL, NULL, http_bytes,
		"Bytes of HTTP requests and answers, from the first that came to the last that left."),
	GAUGE("fan_out_receivers", NULL, NULL, fan_out,
		"Receivers that the large fan-out under way has still to reach."),
};

static int64_t read_one(void *user)
{
	const struct note *note = user;
	const struct row *row = note->what;
	struct io_stats stats;
	io_thread_stats(note->parts->io[note->index], &stats);
	return *(const int64_t *)((const char *)&stats + row->offset);
}

static void add_thread(struct metric_set *set, struct server_metrics *shown, unsigned index)
{
	const char *thread = io_thread_name(shown->parts.io[index]);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct row *row = &rows[i];
		const struct metric_label labels[] = { { "thread", thread },
			{ row->label, row->value }, { NULL, NULL } };
		struct note *note = server_metrics_note(shown, index, row);
		(row->is_gauge ? metric_new_gauge_fn : metric_new_counter_fn)(
			set, row->name, row->help, labels, read_one, note);
	}
}

/* ---- of all threads ---- */

static int64_t read_failed(void *user)
{
	uint64_t failed, pauses;
	io_listeners_troubles(((const struct note *)user)->parts->listeners, &failed, &pauses);
	return (int64_t)failed;
}

static int64_t read_pauses(void *user)
{
	uint64_t failed, pauses;
	io_listeners_troubles(((const struct note *)user)->parts->listeners, &failed, &pauses);
	return (int64_t)pauses;
}

void server_metrics_add_io(struct server_metrics *shown)
{
	struct metric_set *set = shown->parts.p->metrics;
	for (unsigned i = 0; i < shown->parts.io_count; i++)
		add_thread(set, shown, i);
	metric_new_counter_fn(set, "nuncio_io_accept_errors_total",
		"Connections not accepted because there was no descriptor or memory.", NULL,
		read_failed, server_metrics_note(shown, 0, NULL));
	metric_new_counter_fn(set, "nuncio_io_accept_pauses_total",
		"Times that accepting stopped until connections closed.", NULL, read_pauses,
		server_metrics_note(shown, 0, NULL));
	metric_set_value(metric_new_gauge(set, "nuncio_io_connections_limit",
				 "Connections at which accepting stops.", NULL),
		io_listeners_max_connections(shown->parts.listeners));
	metric_set_value(metric_new_gauge(set, "nuncio_io_output_queue_limit_bytes",
				 "Bytes at which one WebSocket is closed as slow.", NULL),
		(int64_t)shown->parts.io_settings->queue_bytes);
	metric_set_value(
		metric_new_gauge(set, "nuncio_io_http_limit_bytes",
			"Bytes of HTTP requests and answers that one thread may hold.", NULL),
		(int64_t)shown->parts.io_settings->http_bytes);
}

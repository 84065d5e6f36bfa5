/* SPDX-License-Identifier: MIT */
#ifndef SERVER_METRICS_PRIVATE_H
#define SERVER_METRICS_PRIVATE_H

#include <stddef.h>
#include <stdint.h>

#include "server_metrics.h"

/* A callback of base/metric.h has one pointer, so each metric that needs more has a note. */
struct note {
	const struct server_metrics_parts *parts;
	unsigned index;   /* of a thread or queue */
	const void *what; /* where in it */
};

struct server_metrics {
	struct server_metrics_parts parts;
	struct process *process;
	struct note **notes;
	size_t note_count;
};

/* Lives as long as `shown`. */
struct note *server_metrics_note(struct server_metrics *shown, unsigned index, const void *what);

/* server_metrics_io.c: sockets; server_metrics_queue.c: queues and threads. */
void server_metrics_add_io(struct server_metrics *shown);
void server_metrics_add_queues(struct server_metrics *shown);
void server_metrics_add_threads(struct server_metrics *shown);

#endif

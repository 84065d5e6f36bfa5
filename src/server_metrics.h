/* SPDX-License-Identifier: MIT */
#ifndef SERVER_METRICS_H
#define SERVER_METRICS_H

struct io_listeners;
struct io_settings;
struct io_thread;
struct parts;

/*
 * The numbers that the parts count by themselves, under their Prometheus names. Read when somebody
 * asks; logic thread.
 */
struct server_metrics;

struct server_metrics_parts { /* outlive it */
	const struct parts *p;
	struct io_thread **io;
	unsigned io_count, io_threads; /* of its own; 0: the logic loop serves the sockets */
	const struct io_settings *io_settings;
	const struct io_listeners *listeners;
};

/* After the store has been opened, before the I/O threads start. */
struct server_metrics *server_metrics_new(const struct server_metrics_parts *parts);
void server_metrics_free(struct server_metrics **shown);

#endif

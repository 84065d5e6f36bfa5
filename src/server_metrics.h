/* SPDX-License-Identifier: MIT */
#ifndef SERVER_METRICS_H
#define SERVER_METRICS_H

struct hook_table;
struct io_thread;
struct logic;
struct metric_set;
struct caller;

/*
 * The numbers that the parts count by themselves, under their Prometheus names. Read when somebody
 * asks; logic thread.
 */
struct server_metrics;
struct server_metrics *server_metrics_new(struct metric_set *set, struct logic *logic,
	struct hook_table *hooks, struct caller *caller, struct io_thread **io, unsigned io_count);
void server_metrics_free(struct server_metrics **shown);

#endif

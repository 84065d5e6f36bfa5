/* SPDX-License-Identifier: MIT */
#ifndef PROCESS_H
#define PROCESS_H

struct io_listeners;
struct metric_set;
struct work_pool;

/*
 * The numbers of the process under the names that every Prometheus client has: processor time,
 * memory, descriptors, when it began. Read when somebody asks; logic thread.
 */
struct process;

struct process *process_new(
	struct metric_set *set, struct work_pool *work, const struct io_listeners *listeners);
void process_free(struct process **process); /* when the workers have ended */

#endif

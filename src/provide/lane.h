/* SPDX-License-Identifier: MIT */
#ifndef PROVIDE_LANE_H
#define PROVIDE_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nuncio/base.h>

#include "provide/job.h"

/* Threads that run the store's jobs, and their queues. */
struct lane_set;

struct lane_settings {
	struct caller *caller; /* for the answers */
	uint32_t writers, readers;
	size_t limit;     /* waiting jobs per lane */
	uint32_t idle_ms; /* how often idle is called: see there */
	void *user;
	void (*run)(void *user, uint32_t lane, struct nuncio_job **jobs, size_t n);
	/*
	 * Between jobs, idle_ms after it last returned; a multiple of that when some always wait.
	 * May be NULL.
	 */
	void (*idle)(void *user, uint32_t lane);
};

enum { LANES_MAX = 64, LANE_BATCH_MAX = 1024 };

/*
 * Every write lane has a queue of its own; all read lanes take from one. lane_set_write and _read
 * keep jobs until lane_set_flush, so that what one turn of the loop asks is one batch. Thread:
 * logic.
 */
int lane_set_new(
	const struct lane_settings *settings, struct lane_set **set_r, struct nuncio_error *err);
void lane_set_free(struct lane_set **set); /* runs what waits, joins */
int lane_set_write(struct lane_set *set, uint64_t shard, struct nuncio_job *job); /* 0 or BUSY */
int lane_set_read(struct lane_set *set, uint64_t shard, struct nuncio_job *job);
bool lane_set_flush(struct lane_set *set);           /* true if there was something */
size_t lane_set_waiting(const struct lane_set *set); /* any thread: not yet taken by a lane */

/* The queues: one of each write lane, then that of all read lanes. Thread: logic. */
struct queue_stats;
uint32_t lane_set_queues(const struct lane_set *set);
void lane_set_queue_stats(const struct lane_set *set, uint32_t queue, struct queue_stats *stats_r);
/* The threads: write lanes, then read lanes. */
uint32_t lane_set_lanes(const struct lane_set *set);
int64_t lane_set_cpu_ns(const struct lane_set *set, uint32_t lane);

/* Sends a job that is done back to the logic thread. Thread: any. */
void lane_answer(struct lane *lane, struct nuncio_job *job);

#endif

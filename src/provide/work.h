/* SPDX-License-Identifier: MIT */
#ifndef PROVIDE_WORK_H
#define PROVIDE_WORK_H

#include <stddef.h>
#include <stdint.h>

#include <nuncio/base.h>

struct caller;
struct metric_set;

/*
 * Worker threads for blocking work that is not the store's: work runs on a worker, done on the
 * logic thread. Equal shards run one after the other in the order posted. Everything here: logic
 * thread.
 */
struct work_pool;

struct work_settings {
	struct caller *caller;      /* into the logic loop */
	struct metric_set *metrics; /* may be NULL */
	unsigned threads;           /* 1-64 */
	size_t limit;               /* waiting per thread; 0: 10,000 */
};

typedef void work_fn(void *user);

int work_pool_new(
	const struct work_settings *settings, struct work_pool **pool_r, struct nuncio_error *err);
void work_pool_free(struct work_pool **pool); /* finishes what waits first */

int work_post(struct work_pool *pool, uint64_t shard, work_fn *work, work_fn *done, void *user);
size_t work_count(const struct work_pool *pool); /* posted and not done yet */

/* One queue for each worker. Thread: logic. */
struct queue_stats;
unsigned work_threads(const struct work_pool *pool);
void work_queue_stats(struct work_pool *pool, unsigned worker, struct queue_stats *stats_r);
int64_t work_cpu_ns(const struct work_pool *pool, unsigned worker);

/*
 * Refuses new work (NUNCIO_E_GONE) and blocks until all that was accepted is done, `done` included.
 */
void work_finish(struct work_pool *pool);

#endif

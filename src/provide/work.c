/* SPDX-License-Identifier: MIT */
/*
 * The worker pool behind nuncio_work: hashing a password, asking another server, reading a file.
 * Each thread has a bounded queue of its own, and a shard always goes to the same one, so equal
 * shards keep their order. What is done travels back through the caller and cannot be refused
 * there: its number is bounded by the queues.
 *
 * The logic thread posts and counts; workers only take, run and send back. It is not for the store,
 * which batches (lane.c).
 */
#include "provide/work.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/metric.h"
#include "loop/caller.h"
#include "loop/thread.h"

enum { WORK_THREADS_MAX = 64, WORK_LIMIT = 10000, WAIT_NS = 200000 };

struct work_item {
	struct call call; /* the way back; also links the queue */
	struct work_pool *pool;
	work_fn *work, *done;
	void *user;
};

struct worker {
	struct work_pool *pool;
	struct thread *thread;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct mail *first, *last; /* under lock, like the following */
	size_t count;
	uint64_t refused;
	bool is_stopping;
};

struct work_pool {
	struct work_settings settings;
	struct worker *workers;
	unsigned started;
	size_t open; /* logic: accepted and not done */
	bool is_finishing;
	struct metric *waiting, *done_total;
};

static void on_done(struct call *call)
{
	struct work_item *item = CONTAINER_OF(call, struct work_item, call);
	struct work_pool *pool = item->pool;
	if (item->done)
		item->done(item->user);
	alloc_free(item);
	pool->open--;
	metric_set_value(pool->waiting, (int64_t)pool->open);
	metric_add(pool->done_total, 1);
}

/* The oldest, or NULL when the pool ends and nothing is left. */
static struct mail *take(struct worker *w)
{
	pthread_mutex_lock(&w->lock);
	while (!w->first && !w->is_stopping)
		pthread_cond_wait(&w->more, &w->lock);
	struct mail *m = w->first;
	if (m) {
		w->first = m->next;
		w->count--;
	}
	pthread_mutex_unlock(&w->lock);
	return m;
}

static void worker_main(void *user)
{
	struct worker *w = user;
	for (struct mail *m; (m = take(w)) != NULL;) {
		struct work_item *item = CONTAINER_OF(m, struct work_item, call.mail);
		item->work(item->user);
		caller_post_forced(w->pool->settings.caller, &item->call);
	}
}

static int start_worker(struct work_pool *pool, unsigned index, struct nuncio_error *err)
{
	struct worker *w = &pool->workers[index];
	char name[16];
	snprintf(name, sizeof(name), "work%u", index);
	w->pool = pool;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->more, NULL);
	int rc = thread_start(name, worker_main, w, &w->thread, err);
	if (rc == 0)
		pool->started++;
	return rc;
}

static void add_metrics(struct work_pool *pool)
{
	struct metric_set *set = pool->settings.metrics;
	if (!set)
		return;
	pool->waiting = metric_new_gauge(
		set, "nuncio_work_waiting", "Pieces of blocking work posted and not done.", NULL);
	pool->done_total = metric_new_counter(
		set, "nuncio_work_done_total", "Pieces of blocking work done.", NULL);
}

int work_pool_new(
	const struct work_settings *settings, struct work_pool **pool_r, struct nuncio_error *err)
{
	struct work_pool *pool = ALLOC_NEW(struct work_pool);
	int rc = 0;
	CHECK(settings->threads >= 1 && settings->threads <= WORK_THREADS_MAX);
	pool->settings = *settings;
	if (!pool->settings.limit)
		pool->settings.limit = WORK_LIMIT;
	pool->workers = ALLOC_ARRAY(struct worker, settings->threads);
	for (unsigned i = 0; rc == 0 && i < settings->threads; i++)
		rc = start_worker(pool, i, err);
	if (rc < 0)
		work_pool_free(&pool);
	else
		add_metrics(pool);
	*pool_r = pool;
	return rc;
}

static void stop_worker(struct worker *w)
{
	pthread_mutex_lock(&w->lock);
	w->is_stopping = true;
	pthread_cond_signal(&w->more);
	pthread_mutex_unlock(&w->lock);
	thread_join(&w->thread);
	pthread_cond_destroy(&w->more);
	pthread_mutex_destroy(&w->lock);
}

void work_pool_free(struct work_pool **pool_ptr)
{
	struct work_pool *pool = *pool_ptr;
	if (!pool)
		return;
	work_finish(pool);
	for (unsigned i = 0; i < pool->started; i++)
		stop_worker(&pool->workers[i]);
	alloc_free(pool->workers);
	alloc_free(pool);
	*pool_ptr = NULL;
}

/* false when the queue is full */
static bool put(struct worker *w, struct work_item *item, size_t limit)
{
	pthread_mutex_lock(&w->lock);
	bool is_room = w->count < limit;
	if (is_room) {
		struct mail *m = &item->call.mail;
		m->next = NULL;
		if (w->first)
			w->last->next = m;
		else
			w->first = m;
		w->last = m;
		w->count++;
		pthread_cond_signal(&w->more);
	} else {
		w->refused++;
	}
	pthread_mutex_unlock(&w->lock);
	return is_room;
}

int work_post(struct work_pool *pool, uint64_t shard, work_fn *work, work_fn *done, void *user)
{
	if (pool->is_finishing)
		return NUNCIO_E_GONE;
	struct work_item *item = ALLOC_NEW(struct work_item);
	item->call.fn = on_done;
	item->pool = pool;
	item->work = work;
	item->done = done;
	item->user = user;
	struct worker *w = &pool->workers[hash_u64(shard) % pool->settings.threads];
	if (!put(w, item, pool->settings.limit)) {
		alloc_free(item);
		return NUNCIO_E_BUSY;
	}
	pool->open++;
	metric_set_value(pool->waiting, (int64_t)pool->open);
	return 0;
}

unsigned work_threads(const struct work_pool *pool)
{
	return pool->started;
}

void work_queue_stats(struct work_pool *pool, unsigned worker, struct queue_stats *stats_r)
{
	struct worker *w = &pool->workers[worker];
	pthread_mutex_lock(&w->lock);
	*stats_r = (struct queue_stats){ w->count, pool->settings.limit, w->refused };
	pthread_mutex_unlock(&w->lock);
}

int64_t work_cpu_ns(const struct work_pool *pool, unsigned worker)
{
	return thread_cpu_ns(pool->workers[worker].thread);
}

size_t work_count(const struct work_pool *pool)
{
	return pool->open;
}

void work_finish(struct work_pool *pool)
{
	const struct timespec pause = { 0, WAIT_NS };
	pool->is_finishing = true;
	while (pool->open) {
		if (!caller_run(pool->settings.caller))
			nanosleep(&pause, NULL);
	}
}

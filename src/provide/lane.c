/* SPDX-License-Identifier: MIT */
/*
 * Worker lanes for the store. A lane's thread takes everything that has queued while it was busy
 * (LANE_BATCH_MAX at most) and hands it to the store in one call: under load the batches grow by
 * themselves, and with them the commits; alone, a job waits for nobody. Writes of a shard stay in
 * their lane and in order. Readers share one queue, of which each takes its part.
 *
 * Answers to writes are collected on the lane's own thread and go back with one post: when the call
 * of the store returns, or as soon as some have waited ANSWER_WAIT_US. An answer to a read goes
 * back at once, with what is collected: the next job of the batch may take seconds. So does every
 * answer from another thread. None can be refused; their number is bounded by the queues.
 *
 * Between two batches the store may tidy up (`idle`): when nothing waits and idle_ms have passed
 * since it last did. A server that is never without a job for so long still comes to it, and one
 * whose queue is never empty after IDLE_AT_LATEST times as long.
 */
#include "provide/lane.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/list.h"
#include "loop/thread.h"

enum { ANSWER_WAIT_US = 500, IDLE_AT_LATEST = 6 };

/* Jobs on their way to one or more lanes. */
struct queue {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct mail *first, *last; /* under lock */
	bool is_stopping;          /* under lock */
	atomic_size_t count;       /* written under lock */
	uint32_t lanes;            /* that take from it */
	size_t limit;
	uint64_t refused;      /* logic */
	struct outbox pending; /* logic: of this turn */
};

struct lane {
	struct lane_set *set;
	struct queue *queue;
	uint32_t index;
	struct thread *thread;
	pthread_t self;
	struct outbox answers; /* of this thread, during run */
	int64_t answers_since_us;
	int64_t tidied_ms; /* when `idle` last returned, or the thread began */
	struct nuncio_job *batch[LANE_BATCH_MAX];
};

struct lane_set {
	struct lane_settings settings;
	struct queue *queues; /* one per writer, then one for all readers */
	uint32_t queue_count, lane_count;
	struct lane **lanes;
};

static void queue_init(struct queue *q, uint32_t lanes, size_t limit)
{
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&q->more, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&q->lock, NULL);
	q->lanes = lanes;
	q->limit = limit * lanes;
	outbox_init(&q->pending, NULL);
}

static size_t queue_count(const struct queue *q)
{
	return atomic_load_explicit(&q->count, memory_order_relaxed);
}

/* Waits for a job, at most wait_ms. False when there was none in that time. */
static bool wait_for_job(struct queue *q, int64_t wait_ms)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	int rc = 0;
	while (!q->first && !q->is_stopping && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&q->more, &q->lock, &until);
	return q->first || q->is_stopping;
}

/* This lane's share of what waits. */
static size_t take_batch(struct lane *lane)
{
	struct queue *q = lane->queue;
	size_t waiting = queue_count(q), n = 0;
	size_t share = (waiting + q->lanes - 1) / q->lanes;
	while (q->first && n < share && n < LANE_BATCH_MAX) {
		struct mail *m = q->first;
		q->first = m->next;
		lane->batch[n++] = CONTAINER_OF(m, struct nuncio_job, call.mail);
	}
	atomic_store_explicit(&q->count, waiting - n, memory_order_relaxed);
	return n;
}

static void run_batch(struct lane *lane, size_t n)
{
	const struct lane_settings *s = &lane->set->settings;
	for (size_t i = 0; i < n; i++)
		lane->batch[i]->lane = lane;
	s->run(s->user, lane->index, lane->batch, n);
	outbox_flush_forced(&lane->answers);
}

/* How long until the store may tidy up, if nothing comes; 0: now. */
static int64_t until_idle_ms(const struct lane *lane)
{
	int64_t left_ms = lane->tidied_ms + lane->set->settings.idle_ms - clock_mono_ms();
	return left_ms > 0 ? left_ms : 0;
}

static void tidy(struct lane *lane)
{
	const struct lane_settings *s = &lane->set->settings;
	if (s->idle)
		s->idle(s->user, lane->index);
	lane->tidied_ms = clock_mono_ms();
}

/* The queue is not empty; it never may be. */
static bool is_overdue(const struct lane *lane)
{
	int64_t limit_ms = (int64_t)lane->set->settings.idle_ms * IDLE_AT_LATEST;
	return clock_mono_ms() - lane->tidied_ms >= limit_ms;
}

static void lane_main(void *user)
{
	struct lane *lane = user;
	struct queue *q = lane->queue;
	lane->self = pthread_self();
	lane->tidied_ms = clock_mono_ms();
	for (bool is_over = false; !is_over;) {
		pthread_mutex_lock(&q->lock);
		bool is_idle = !wait_for_job(q, until_idle_ms(lane));
		size_t n = take_batch(lane);
		is_over = !n && q->is_stopping;
		pthread_mutex_unlock(&q->lock);
		if (n)
			run_batch(lane, n);
		if (is_idle || (n && is_overdue(lane)))
			tidy(lane);
	}
}

static int start_lane(struct lane_set *set, uint32_t index, struct nuncio_error *err)
{
	struct lane *lane = ALLOC_NEW(struct lane);
	uint32_t writers = set->settings.writers;
	char name[16];
	snprintf(name, sizeof(name), "store%u", index);
	lane->set = set;
	lane->index = index;
	lane->queue = &set->queues[index < writers ? index : writers];
	outbox_init(&lane->answers, caller_mailbox(set->settings.caller));
	int rc = thread_start(name, lane_main, lane, &lane->thread, err);
	if (rc < 0)
		alloc_free(lane);
	else
		set->lanes[set->lane_count++] = lane;
	return rc;
}

int lane_set_new(
	const struct lane_settings *settings, struct lane_set **set_r, struct nuncio_error *err)
{
	struct lane_set *set = ALLOC_NEW(struct lane_set);
	uint32_t writers = settings->writers, readers = settings->readers;
	int rc = 0;
	CHECK(writers >= 1 && writers <= LANES_MAX && readers <= LANES_MAX);
	set->settings = *settings;
	set->queue_count = writers + (readers ? 1 : 0);
	set->queues = ALLOC_ARRAY(struct queue, set->queue_count);
	set->lanes = ALLOC_ARRAY(struct lane *, writers + readers);
	for (uint32_t i = 0; i < set->queue_count; i++)
		queue_init(&set->queues[i], i < writers ? 1 : readers, settings->limit);
	for (uint32_t i = 0; rc == 0 && i < writers + readers; i++)
		rc = start_lane(set, i, err);
	if (rc < 0)
		lane_set_free(&set);
	*set_r = set;
	return rc;
}

static void queue_stop(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->is_stopping = true;
	pthread_cond_broadcast(&q->more);
	pthread_mutex_unlock(&q->lock);
}

void lane_set_free(struct lane_set **set_ptr)
{
	struct lane_set *set = *set_ptr;
	if (!set)
		return;
	lane_set_flush(set);
	for (uint32_t i = 0; i < set->queue_count; i++)
		queue_stop(&set->queues[i]);
	for (uint32_t i = 0; i < set->lane_count; i++) {
		thread_join(&set->lanes[i]->thread);
		alloc_free(set->lanes[i]);
	}
	for (uint32_t i = 0; i < set->queue_count; i++) {
		pthread_cond_destroy(&set->queues[i].more);
		pthread_mutex_destroy(&set->queues[i].lock);
	}
	alloc_free(set->lanes);
	alloc_free(set->queues);
	alloc_free(set);
	*set_ptr = NULL;
}

static int queue_add(struct queue *q, struct nuncio_job *job)
{
	if (q->pending.count + queue_count(q) >= q->limit) {
		q->refused++;
		return NUNCIO_E_BUSY;
	}
	job->asked_ns = clock_mono_ns();
	outbox_add(&q->pending, &job->call.mail);
	return 0;
}

int lane_set_write(struct lane_set *set, uint64_t shard, struct nuncio_job *job)
{
	return queue_add(&set->queues[shard % set->settings.writers], job);
}

int lane_set_read(struct lane_set *set, uint64_t shard, struct nuncio_job *job)
{
	if (!set->settings.readers)
		return lane_set_write(set, shard, job);
	return queue_add(&set->queues[set->settings.writers], job);
}

static bool queue_flush(struct queue *q)
{
	size_t n = q->pending.count;
	if (!n)
		return false;
	struct mail *last = q->pending.last, *first = outbox_take_all(&q->pending);
	pthread_mutex_lock(&q->lock);
	if (q->first)
		q->last->next = first;
	else
		q->first = first;
	q->last = last;
	atomic_store_explicit(&q->count, queue_count(q) + n, memory_order_relaxed);
	pthread_mutex_unlock(&q->lock);
	/* Behind the unlock: who wakes up would only wait again, for the lock. */
	if (n > 1 && q->lanes > 1)
		pthread_cond_broadcast(&q->more);
	else
		pthread_cond_signal(&q->more);
	return true;
}

bool lane_set_flush(struct lane_set *set)
{
	bool is_busy = false;
	for (uint32_t i = 0; i < set->queue_count; i++)
		is_busy |= queue_flush(&set->queues[i]);
	return is_busy;
}

size_t lane_set_waiting(const struct lane_set *set)
{
	size_t n = 0;
	for (uint32_t i = 0; i < set->queue_count; i++)
		n += queue_count(&set->queues[i]);
	return n;
}

uint32_t lane_set_queues(const struct lane_set *set)
{
	return set->queue_count;
}

void lane_set_queue_stats(const struct lane_set *set, uint32_t queue, struct queue_stats *stats_r)
{
	const struct queue *q = &set->queues[queue];
	*stats_r = (struct queue_stats){ q->pending.count + queue_count(q), q->limit, q->refused };
}

uint32_t lane_set_lanes(const struct lane_set *set)
{
	return set->lane_count;
}

int64_t lane_set_cpu_ns(const struct lane_set *set, uint32_t lane)
{
	return thread_cpu_ns(set->lanes[lane]->thread);
}

void lane_answer(struct lane *lane, struct nuncio_job *job)
{
	if (!pthread_equal(lane->self, pthread_self())) {
		mailbox_post_forced(lane->answers.to, &job->call.mail);
		return;
	}
	int64_t now_us = clock_mono_us();
	bool is_read = job->kind >= NUNCIO_JOB_EVENTS;
	if (!lane->answers.count)
		lane->answers_since_us = now_us;
	outbox_add(&lane->answers, &job->call.mail);
	if (is_read || now_us - lane->answers_since_us >= ANSWER_WAIT_US)
		outbox_flush_forced(&lane->answers);
}

/* SPDX-License-Identifier: MIT */
/* Lanes: batches grow while a lane is busy, order per shard stays, answers are not lost. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/slice.h"
#include "loop/caller.h"
#include "loop/loop.h"
#include "provide/lane.h"

enum { JOBS = 3000, PATIENCE_MS = 5000 };

struct rig {
	struct loop *loop;
	struct caller *caller;
	struct lane_set *lanes;
	pthread_mutex_t gate;
	atomic_int entered, idle_calls;
	atomic_int idle_calls_at[4]; /* when run was entered */
	atomic_size_t biggest_batch;
	size_t answered;
	uint64_t last_seq[8]; /* of each lane, as answered */
};

static void on_answer(struct call *call)
{
	struct nuncio_job *job = CONTAINER_OF(call, struct nuncio_job, call);
	struct rig *rig = job->owner;
	rig->answered++;
	if (job->kind < NUNCIO_JOB_EVENTS) {
		assert_true(job->seq > rig->last_seq[job->id]);
		rig->last_seq[job->id] = job->seq;
	}
	job_free(&job);
}

static void on_run(void *user, uint32_t lane, struct nuncio_job **jobs, size_t n)
{
	struct rig *rig = user;
	(void)lane;
	int nth = atomic_load(&rig->entered);
	if (nth < 4)
		atomic_store(&rig->idle_calls_at[nth], atomic_load(&rig->idle_calls));
	atomic_fetch_add(&rig->entered, 1);
	pthread_mutex_lock(&rig->gate);
	if (n > atomic_load(&rig->biggest_batch))
		atomic_store(&rig->biggest_batch, n);
	pthread_mutex_unlock(&rig->gate);
	for (size_t i = 0; i < n; i++)
		nuncio_job_done(&jobs[i], 0);
}

static void on_idle(void *user, uint32_t lane)
{
	(void)lane;
	atomic_fetch_add(&((struct rig *)user)->idle_calls, 1);
}

static struct rig *rig_new_idle(uint32_t writers, uint32_t readers, size_t limit, uint32_t idle_ms)
{
	static struct rig rig;
	memset(&rig, 0, sizeof(rig));
	pthread_mutex_init(&rig.gate, NULL);
	rig.loop = loop_new("test");
	rig.caller = caller_new(rig.loop, 4);
	struct lane_settings settings = { .caller = rig.caller,
		.writers = writers,
		.readers = readers,
		.limit = limit,
		.idle_ms = idle_ms,
		.user = &rig,
		.run = on_run,
		.idle = on_idle };
	assert_int_equal(lane_set_new(&settings, &rig.lanes, NULL), 0);
	return &rig;
}

static struct rig *rig_new(uint32_t writers, uint32_t readers, size_t limit)
{
	return rig_new_idle(writers, readers, limit, 1);
}

static void rig_free(struct rig *rig)
{
	lane_set_free(&rig->lanes);
	caller_run(rig->caller);
	caller_free(&rig->caller);
	loop_free(&rig->loop);
}

static struct nuncio_job *new_job(struct rig *rig, uint32_t kind, uint64_t shard, uint64_t seq)
{
	struct nuncio_job *job = job_new(kind, 0, on_answer, rig);
	job->id = shard;
	job->seq = seq;
	return job;
}

static void order_and_batches(void **state)
{
	struct rig *rig = rig_new(3, 2, JOBS);
	(void)state;
	pthread_mutex_lock(&rig->gate);
	for (uint64_t i = 1; i <= JOBS; i++) {
		struct nuncio_job *job = new_job(rig, NUNCIO_JOB_APPEND, i % 3, i);
		assert_int_equal(lane_set_write(rig->lanes, i % 3, job), 0);
		job = new_job(rig, NUNCIO_JOB_EVENTS, 0, 0);
		assert_int_equal(lane_set_read(rig->lanes, i, job), 0);
		if (i % 100 == 0)
			assert_true(lane_set_flush(rig->lanes));
	}
	assert_false(lane_set_flush(rig->lanes));
	pthread_mutex_unlock(&rig->gate);
	while (rig->answered < 2 * JOBS)
		caller_run(rig->caller);
	assert_int_equal(lane_set_waiting(rig->lanes), 0);
	assert_true(atomic_load(&rig->biggest_batch) > 100);
	assert_true(atomic_load(&rig->biggest_batch) <= LANE_BATCH_MAX);
	while (!atomic_load(&rig->idle_calls))
		sched_yield();
	rig_free(rig);
}

static void full_lane_refuses(void **state)
{
	struct rig *rig = rig_new(1, 0, 3);
	(void)state;
	pthread_mutex_lock(&rig->gate);
	assert_int_equal(lane_set_write(rig->lanes, 0, new_job(rig, NUNCIO_JOB_MARK, 0, 1)), 0);
	lane_set_flush(rig->lanes);
	while (!atomic_load(&rig->entered))
		sched_yield();
	for (uint64_t i = 2; i < 5; i++)
		assert_int_equal(
			lane_set_write(rig->lanes, 0, new_job(rig, NUNCIO_JOB_MARK, 0, i)), 0);
	struct nuncio_job *job = new_job(rig, NUNCIO_JOB_MARK, 0, 5);
	assert_int_equal(lane_set_write(rig->lanes, 0, job), NUNCIO_E_BUSY);
	assert_int_equal(lane_set_read(rig->lanes, 0, job), NUNCIO_E_BUSY); /* no readers */
	lane_set_flush(rig->lanes);
	assert_int_equal(lane_set_write(rig->lanes, 0, job), NUNCIO_E_BUSY);
	job_free(&job);
	struct queue_stats stats;
	assert_int_equal(lane_set_queues(rig->lanes), 1);
	lane_set_queue_stats(rig->lanes, 0, &stats);
	assert_int_equal(stats.depth, 3);
	assert_int_equal(stats.limit, 3);
	assert_int_equal(stats.refused, 3);
	assert_int_equal(lane_set_lanes(rig->lanes), 1);
	assert_true(lane_set_cpu_ns(rig->lanes, 0) > 0);
	pthread_mutex_unlock(&rig->gate);
	rig_free(rig); /* runs what was accepted */
	assert_int_equal(rig->answered, 4);
}

/* Work comes all the time, but leaves gaps. */
static void idle_comes_between_jobs(void **state)
{
	struct rig *rig = rig_new_idle(1, 0, 10, 100);
	int64_t begun_ms = clock_mono_ms();
	(void)state;
	for (uint64_t i = 1; !atomic_load(&rig->idle_calls); i++) {
		assert_int_equal(
			lane_set_write(rig->lanes, 0, new_job(rig, NUNCIO_JOB_MARK, 0, i)), 0);
		lane_set_flush(rig->lanes);
		while (rig->answered < i)
			caller_run(rig->caller);
		assert_true(clock_mono_ms() - begun_ms < PATIENCE_MS);
	}
	assert_true(clock_mono_ms() - begun_ms >= 100);
	rig_free(rig);
}

/* There is never a gap: it comes all the same, in good time. */
static void idle_comes_before_waiting_jobs(void **state)
{
	enum { IDLE_MS = 5, ALL = 1 + LANE_BATCH_MAX + 1 };
	struct rig *rig = rig_new_idle(1, 0, ALL, IDLE_MS);
	(void)state;
	pthread_mutex_lock(&rig->gate);
	for (uint64_t i = 1; i <= ALL; i++) {
		assert_int_equal(
			lane_set_write(rig->lanes, 0, new_job(rig, NUNCIO_JOB_MARK, 0, i)), 0);
		lane_set_flush(rig->lanes);
		while (!atomic_load(&rig->entered))
			sched_yield();
	}
	int64_t until_ms = clock_mono_ms() + (int64_t)IDLE_MS * 6;
	while (clock_mono_ms() <= until_ms)
		sched_yield();
	pthread_mutex_unlock(&rig->gate);
	while (rig->answered < ALL)
		caller_run(rig->caller);
	rig_free(rig);
	assert_int_equal(rig->idle_calls_at[1], rig->idle_calls_at[0] + 1);
}

/* The second job of the batch waits for a gate; the first one's answer does not. */
static void on_run_one_then_wait(void *user, uint32_t lane, struct nuncio_job **jobs, size_t n)
{
	struct rig *rig = user;
	(void)lane;
	for (size_t i = 0; i < n; i++) {
		if (nuncio_job_kind(jobs[i]) == NUNCIO_JOB_SEARCH) {
			pthread_mutex_lock(&rig->gate);
			pthread_mutex_unlock(&rig->gate);
		}
		nuncio_job_done(&jobs[i], 0);
	}
}

static void a_read_answers_before_the_next_job(void **state)
{
	struct rig *rig = rig_new(1, 0, 10), reads = { .caller = rig->caller };
	int64_t begun_ms = clock_mono_ms();
	struct lane_settings settings = { .caller = rig->caller,
		.writers = 1,
		.readers = 1,
		.limit = 10,
		.idle_ms = 1000,
		.user = &reads,
		.run = on_run_one_then_wait };
	(void)state;
	pthread_mutex_init(&reads.gate, NULL);
	assert_int_equal(lane_set_new(&settings, &reads.lanes, NULL), 0);
	pthread_mutex_lock(&reads.gate);
	lane_set_read(reads.lanes, 0, new_job(&reads, NUNCIO_JOB_GET, 0, 0));
	lane_set_read(reads.lanes, 0, new_job(&reads, NUNCIO_JOB_SEARCH, 0, 0));
	lane_set_flush(reads.lanes);
	while (reads.answered < 1 && clock_mono_ms() - begun_ms < PATIENCE_MS)
		caller_run(rig->caller);
	assert_int_equal(reads.answered, 1);
	pthread_mutex_unlock(&reads.gate);
	while (reads.answered < 2)
		caller_run(rig->caller);
	lane_set_free(&reads.lanes);
	rig_free(rig);
}

static void *done_elsewhere(void *user)
{
	struct nuncio_job *job = user;
	nuncio_job_add_member(
		job, &(struct nuncio_member){
			     .size = sizeof(struct nuncio_member), .user = STR("bob"), .read = 7 });
	nuncio_job_set_cursor(job, STR("c"));
	nuncio_job_done(&job, 5);
	return NULL;
}

static void on_run_elsewhere(void *user, uint32_t lane, struct nuncio_job **jobs, size_t n)
{
	pthread_t *threads = user;
	(void)lane;
	for (size_t i = 0; i < n; i++)
		pthread_create(&threads[i], NULL, done_elsewhere, jobs[i]);
}

static void on_rows(struct call *call)
{
	struct nuncio_job *job = CONTAINER_OF(call, struct nuncio_job, call);
	const struct nuncio_member *rows = job->rows[JOB_ROW_MEMBER].all;
	assert_int_equal(job->status, 0);
	assert_int_equal(job->rows[JOB_ROW_MEMBER].count, 1);
	assert_true(str_eq_text(rows[0].user, "bob"));
	assert_int_equal(rows[0].read, 7);
	assert_true(str_eq_text(job->cursor, "c"));
	++*(int *)job->owner;
	job_free(&job);
}

static void answers_from_any_thread(void **state)
{
	struct loop *loop = loop_new("test");
	struct caller *caller = caller_new(loop, 1);
	pthread_t threads[8];
	struct lane_set *lanes;
	struct lane_settings settings = { .caller = caller,
		.writers = 1,
		.limit = 100,
		.idle_ms = 1000,
		.user = threads,
		.run = on_run_elsewhere };
	int answered = 0;
	(void)state;
	assert_int_equal(lane_set_new(&settings, &lanes, NULL), 0);
	for (int i = 0; i < 8; i++)
		lane_set_read(lanes, 0, job_new(NUNCIO_JOB_MEMBERS, 0, on_rows, &answered));
	lane_set_flush(lanes);
	while (answered < 8)
		caller_run(caller);
	lane_set_free(&lanes);
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	caller_free(&caller);
	loop_free(&loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_and_batches),
		cmocka_unit_test(full_lane_refuses),
		cmocka_unit_test(idle_comes_between_jobs),
		cmocka_unit_test(idle_comes_before_waiting_jobs),
		cmocka_unit_test(a_read_answers_before_the_next_job),
		cmocka_unit_test(answers_from_any_thread),
	};
	return cmocka_run_group_tests_name("lane", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Work runs elsewhere, in order per shard, and every accepted piece is done. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/caller.h"
#include "loop/loop.h"
#include "provide/work.h"

enum { SHARDS = 7, PER_SHARD = 100 };

struct rig {
	struct loop *loop;
	struct caller *caller;
	struct work_pool *pool;
};

static void rig_init(struct rig *rig, unsigned threads, size_t limit)
{
	rig->loop = loop_new("test");
	rig->caller = caller_new(rig->loop, 4);
	struct work_settings settings = {
		.caller = rig->caller, .threads = threads, .limit = limit
	};
	assert_int_equal(work_pool_new(&settings, &rig->pool, NULL), 0);
}

static void rig_fini(struct rig *rig)
{
	work_pool_free(&rig->pool);
	assert_null(rig->pool);
	caller_free(&rig->caller);
	loop_free(&rig->loop);
}

struct piece {
	int number, *last_worked, *last_done; /* of its shard */
	bool was_in_order;
	pthread_t worker;
};

static void on_work(void *user)
{
	struct piece *piece = user;
	piece->was_in_order = *piece->last_worked == piece->number - 1;
	*piece->last_worked = piece->number;
	piece->worker = pthread_self();
}

static void on_done(void *user)
{
	struct piece *piece = user;
	assert_true(piece->was_in_order);
	assert_false(pthread_equal(piece->worker, pthread_self()));
	assert_int_equal(*piece->last_done, piece->number - 1);
	*piece->last_done = piece->number;
}

static void in_order_per_shard(void **state)
{
	static struct piece pieces[SHARDS][PER_SHARD];
	int last_worked[SHARDS] = { 0 }, last_done[SHARDS] = { 0 };
	struct rig rig;
	(void)state;
	rig_init(&rig, 3, 0);
	for (int i = 0; i < PER_SHARD; i++) {
		for (int shard = 0; shard < SHARDS; shard++) {
			pieces[shard][i] = (struct piece){ .number = i + 1,
				.last_worked = &last_worked[shard],
				.last_done = &last_done[shard] };
			assert_int_equal(work_post(rig.pool, (uint64_t)shard, on_work, on_done,
						 &pieces[shard][i]),
				0);
		}
	}
	work_finish(rig.pool);
	assert_int_equal(work_count(rig.pool), 0);
	for (int shard = 0; shard < SHARDS; shard++)
		assert_int_equal(last_done[shard], PER_SHARD);
	assert_int_equal(work_post(rig.pool, 0, on_work, on_done, NULL), NUNCIO_E_GONE);
	rig_fini(&rig);
}

struct gate {
	pthread_mutex_t lock;
	atomic_int entered;
	int done;
};

static void on_gate(void *user)
{
	struct gate *gate = user;
	atomic_fetch_add(&gate->entered, 1);
	pthread_mutex_lock(&gate->lock);
	pthread_mutex_unlock(&gate->lock);
}

static void on_gate_done(void *user)
{
	((struct gate *)user)->done++;
}

static void full_queue_refuses(void **state)
{
	struct gate gate = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct rig rig;
	(void)state;
	rig_init(&rig, 1, 2);
	pthread_mutex_lock(&gate.lock);
	assert_int_equal(work_post(rig.pool, 1, on_gate, on_gate_done, &gate), 0);
	while (!atomic_load(&gate.entered))
		sched_yield();
	assert_int_equal(work_post(rig.pool, 2, on_gate, on_gate_done, &gate), 0);
	assert_int_equal(work_post(rig.pool, 3, on_gate, on_gate_done, &gate), 0);
	assert_int_equal(work_post(rig.pool, 4, on_gate, on_gate_done, &gate), NUNCIO_E_BUSY);
	assert_int_equal(work_count(rig.pool), 3);
	struct queue_stats stats;
	assert_int_equal(work_threads(rig.pool), 1);
	work_queue_stats(rig.pool, 0, &stats);
	assert_int_equal(stats.depth, 2);
	assert_int_equal(stats.limit, 2);
	assert_int_equal(stats.refused, 1);
	assert_true(work_cpu_ns(rig.pool, 0) > 0);
	pthread_mutex_unlock(&gate.lock);
	rig_fini(&rig); /* finishes what was accepted */
	assert_int_equal(gate.done, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order_per_shard),
		cmocka_unit_test(full_queue_refuses),
	};
	return cmocka_run_group_tests_name("work", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Cursors on their way to a store with two write lanes, one of which may be full. */
#include "logic/marks.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "base/slice.h"
#include "logic/logic.h"
#include "provide/provider.h"
#include "provide/store.h"

#include "tests/lib/loopback.h"
#include "tests/lib/unit.h"

enum { TURNS_MAX = 2000, PAUSE_NS = 500000, MANY = 200, FEW = 20 };

static struct loopback lb;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER; /* of lane 0 */

static struct {
	int answered, busy, filled;
} seen;

/* ---- a store: a conversation's first letter is its lane ---- */

static int on_open(struct nuncio_module *self, void **store_r, struct nuncio_error *err)
{
	(void)self, (void)err;
	*store_r = &seen;
	return 0;
}

static void on_close(void **impl)
{
	*impl = NULL;
}

static void on_lanes(void *impl, uint32_t *writers_r, uint32_t *readers_r)
{
	(void)impl;
	*writers_r = 2;
	*readers_r = 0;
}

static uint32_t on_lane(void *impl, struct nuncio_str owner)
{
	(void)impl;
	return owner.p[0] == 'b';
}

static void on_run(void *impl, uint32_t lane, struct nuncio_job **jobs, size_t n)
{
	(void)impl;
	if (lane == 0)
		pthread_mutex_lock(&gate);
	for (size_t i = 0; i < n; i++)
		nuncio_job_done(&jobs[i], 0);
	if (lane == 0)
		pthread_mutex_unlock(&gate);
}

static const struct nuncio_store_ops ops = { .size = sizeof ops,
	.open = on_open,
	.close = on_close,
	.lanes = on_lanes,
	.lane = on_lane,
	.run = on_run };

/* ---- the rig ---- */

static int setup(void **state)
{
	static struct provider provider = { .job = "store", .name = "t", .ops = &ops };
	struct nuncio_error err;
	(void)state;
	memset(&seen, 0, sizeof seen);
	loopback_init(&lb);
	assert_int_equal(store_open(lb.store, &provider, &err), 0);
	loopback_ready(&lb);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	store_close(lb.store);
	loopback_fini(&lb);
	return 0;
}

static void on_answer(int code, struct nuncio_str text, struct nuncio_str data, void *user)
{
	(void)text, (void)data, (void)user;
	seen.answered += code == 0;
	seen.busy += code == NUNCIO_CODE_busy;
}

static void confirm(const char *conversation)
{
	const struct inner_side inner = { .done = on_answer };
	struct nuncio_request *rq = request_from_module(lb.logic, STR("alice"), STR("{}"), &inner);
	marks_raise(rq, str_of(conversation), 1, 0);
}

static void confirm_many(char lane, int count)
{
	char conversation[20];
	for (int i = 0; i < count; i++) {
		snprintf(conversation, sizeof conversation, "%c:%d", lane, i);
		confirm(conversation);
	}
}

static void wait_for(int answered)
{
	const struct timespec pause = { 0, PAUSE_NS };
	for (int i = 0; i < TURNS_MAX && seen.answered < answered; i++) {
		loopback_turn(&lb);
		nanosleep(&pause, NULL);
	}
	assert_int_equal(seen.answered, answered);
}

static void on_filled(int status, const struct nuncio_member *rows, size_t n, int more, void *user)
{
	(void)status, (void)rows, (void)n, (void)more, (void)user;
	seen.filled--;
}

static void fill_lane(void)
{
	while (store_mark(lb.store, STR("a:x"), STR("bob"), 1, 0, on_filled, NULL) == 0)
		seen.filled++;
	assert_true(seen.filled > 1000);
}

/* One lane hangs and is full: what goes to the other one is written all the same. */
static void a_full_lane_holds_up_its_own_only(void **state)
{
	(void)state;
	pthread_mutex_lock(&gate);
	fill_lane();
	confirm_many('a', MANY);
	confirm_many('b', FEW);
	confirm_many('a', MANY); /* the same again: no more jobs, but as many answers */
	assert_int_equal(marks_count(&lb.logic->marks), 2 * MANY + FEW);
	marks_flush(lb.logic);
	wait_for(FEW);
	assert_int_equal(marks_count(&lb.logic->marks), 2 * MANY);
	assert_true(loop_timer_is_active(&lb.logic->marks.timer));
	confirm_many('b', FEW);
	marks_flush(lb.logic);
	wait_for(2 * FEW);
	pthread_mutex_unlock(&gate);
	wait_for(2 * FEW + 2 * MANY); /* by the timer */
	assert_int_equal(seen.filled, 0);
	assert_true(marks_are_clean(&lb.logic->marks));
}

/* Also those who ask for the same cursor over and over. */
static void only_so_many_wait(void **state)
{
	struct marks *marks = &lb.logic->marks;
	(void)state;
	marks->requests += MARKS_MAX - 2;
	confirm("a:1");
	confirm("a:1");
	assert_int_equal(seen.busy, 0);
	confirm("a:1");
	confirm("b:1");
	assert_int_equal(seen.busy, 2);
	marks->requests -= MARKS_MAX - 2;
	assert_int_equal(marks_count(marks), 2);
	wait_for(2);
	assert_true(marks_are_clean(marks));
}

static void what_is_never_written_is_answered(void **state)
{
	(void)state;
	store_close(lb.store);
	confirm("a:1");
	confirm("b:1");
	marks_flush(lb.logic);
	assert_int_equal(seen.answered, 0);
	assert_true(marks_are_clean(&lb.logic->marks));
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_full_lane_holds_up_its_own_only),
		T(only_so_many_wait),
		T(what_is_never_written_is_answered),
	};
	return cmocka_run_group_tests_name("marks", tests, NULL, NULL);
}

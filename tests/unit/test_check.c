/* SPDX-License-Identifier: MIT */
#include "base/check.h"

#include "tests/lib/unit.h"

enum { THING_MAGIC = 0x7468696e };

struct thing {
	uint32_t magic;
};

static struct thread_mark foreign;

static void check_false(void)
{
	volatile int one = 1;
	CHECK(one == 2);
}

static void check_dead(void)
{
	struct thing t = { 0 };
	CHECK_MAGIC(&t, THING_MAGIC);
}

static void check_null(void)
{
	struct thing *volatile t = NULL;
	CHECK_MAGIC(t, THING_MAGIC);
}

static void *mark_here(void *user)
{
	thread_mark_set(user);
	return NULL;
}

static void check_foreign(void)
{
	CHECK_THREAD(&foreign);
}

static void failures_abort(void **state)
{
	(void)state;
	unit_assert_aborts(check_false);
	unit_assert_aborts(check_dead);
	unit_assert_aborts(check_null);
}

static void truth_passes(void **state)
{
	(void)state;
	struct thing t = { THING_MAGIC };
	CHECK(1 + 1 == 2);
	CHECK_MAGIC(&t, THING_MAGIC);
}

static void marks_know_their_thread(void **state)
{
	(void)state;
	struct thread_mark mark = { 0 };
	pthread_t other;
	CHECK_THREAD(&mark);
	thread_mark_set(&mark);
	CHECK_THREAD(&mark);
	assert_int_equal(pthread_create(&other, NULL, mark_here, &foreign), 0);
	pthread_join(other, NULL);
	assert_false(thread_mark_is_mine(&foreign));
	unit_assert_aborts(check_foreign);
	thread_mark_clear(&foreign);
	assert_true(thread_mark_is_mine(&foreign));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failures_abort),
		cmocka_unit_test(truth_passes),
		cmocka_unit_test(marks_know_their_thread),
	};
	return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "harness/fake_timer.h"

#include "base/clock.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "tests/lib/unit.h"

struct seen {
	struct loop_timer a, b, c;
	char order[32];
};

static void note(struct seen *s, char c)
{
	s->order[strlen(s->order)] = c;
}

static void on_a(struct loop *l, struct loop_timer *t, void *user)
{
	(void)l;
	assert_false(loop_timer_is_active(t));
	note(user, 'a');
}

static void on_b(struct loop *l, struct loop_timer *t, void *user)
{
	(void)l;
	assert_true(loop_timer_is_active(t));
	note(user, 'b');
}

/* Stops b and starts itself again, at once. */
static void on_c(struct loop *l, struct loop_timer *t, void *user)
{
	struct seen *s = user;
	loop_timer_stop(l, &s->b);
	if (strlen(s->order) < 8)
		loop_timer_start(l, t, 0, 0);
	note(s, 'c');
}

static int run_until(int64_t ms)
{
	int count = 0;
	clock_set_for_test(ms, ms);
	while (fake_timer_run_due())
		count++;
	return count;
}

static void come_when_the_clock_says(void **state)
{
	(void)state;
	struct loop *l = loop_new("test");
	struct seen s = { .order = "" };
	clock_set_for_test(1000, 1000);
	loop_timer_init(&s.a, on_a, &s);
	loop_timer_init(&s.b, on_b, &s);
	loop_timer_init(&s.c, on_c, &s);
	assert_int_equal(fake_timer_next_ms(), -1);
	assert_false(fake_timer_run_due());
	loop_timer_start(l, &s.c, 35, 0);
	loop_timer_start(l, &s.b, 10, 10);
	loop_timer_start(l, &s.a, 10, 0);
	assert_int_equal(fake_timer_next_ms(), 1010);
	assert_int_equal(run_until(1009), 0);
	assert_int_equal(run_until(1010), 2); /* in the order of their start */
	assert_string_equal(s.order, "ba");
	assert_int_equal(fake_timer_next_ms(), 1020);
	assert_int_equal(run_until(1034), 2); /* a periodic one makes up for what it missed */
	assert_string_equal(s.order, "babb");
	assert_int_equal(run_until(2000), 5);
	assert_string_equal(s.order, "babbccccc");
	assert_false(loop_timer_is_active(&s.b));
	assert_int_equal(fake_timer_next_ms(), -1);
	clock_use_real();
	loop_free(&l);
}

static void may_be_stopped_at_any_time(void **state)
{
	(void)state;
	struct loop *l = loop_new("test");
	struct loop_timer zeroed = { .fn = NULL };
	struct seen s = { .order = "" };
	clock_set_for_test(1000, 1000);
	loop_timer_stop(l, &zeroed);
	assert_false(loop_timer_is_active(&zeroed));
	loop_timer_init(&s.a, on_a, &s);
	loop_timer_stop(l, &s.a);
	loop_timer_start(l, &s.a, 5, 0);
	loop_timer_start(l, &s.a, 7, 0); /* anew */
	assert_int_equal(fake_timer_next_ms(), 1007);
	loop_timer_stop(l, &s.a);
	loop_timer_stop(l, &s.a);
	assert_int_equal(run_until(2000), 0);
	clock_use_real();
	loop_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(come_when_the_clock_says),
		cmocka_unit_test(may_be_stopped_at_any_time),
	};
	return cmocka_run_group_tests_name("fake_timer", tests, NULL, NULL);
}

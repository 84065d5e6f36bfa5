/* SPDX-License-Identifier: MIT */
#include "loop/timer.h"

#include "base/clock.h"
#include "loop/loop.h"
#include "tests/lib/unit.h"

struct seen {
	struct loop_timer a, b, end;
	char order[16];
	int count;
};

static void note(struct seen *s, char c)
{
	s->order[strlen(s->order)] = c;
}

static void on_a(struct loop *l, struct loop_timer *t, void *user)
{
	(void)l;
	note(user, 'a');
	assert_false(loop_timer_is_active(t));
}

static void on_b(struct loop *l, struct loop_timer *t, void *user)
{
	struct seen *s = user;
	note(s, 'b');
	assert_true(loop_timer_is_active(t));
	if (++s->count == 3)
		loop_timer_stop(l, t);
}

static void on_end(struct loop *l, struct loop_timer *t, void *user)
{
	(void)t;
	note(user, 'e');
	loop_stop(l);
}

static void fire_in_order(void **state)
{
	(void)state;
	struct loop *l = loop_new("test");
	struct seen s = { .count = 0 };
	loop_timer_init(&s.a, on_a, &s);
	loop_timer_init(&s.b, on_b, &s);
	loop_timer_init(&s.end, on_end, &s);
	int64_t start = clock_mono_ms();
	loop_timer_start(l, &s.end, 20, 0);
	loop_timer_start(l, &s.b, 3, 3);
	loop_timer_start(l, &s.a, 1, 0);
	loop_run(l);
	assert_true(clock_mono_ms() - start >= 19);
	assert_string_equal(s.order, "abbbe");
	assert_false(loop_timer_is_active(&s.b));
	loop_free(&l);
}

static void can_be_stopped_and_restarted(void **state)
{
	(void)state;
	struct loop *l = loop_new("test");
	struct seen s = { .count = 0 };
	loop_timer_init(&s.a, on_a, &s);
	loop_timer_init(&s.end, on_end, &s);
	loop_timer_stop(l, &s.a);
	loop_timer_start(l, &s.a, 1, 0);
	assert_true(loop_timer_is_active(&s.a));
	loop_timer_stop(l, &s.a);
	assert_false(loop_timer_is_active(&s.a));
	loop_timer_start(l, &s.end, 100000, 0);
	loop_timer_start(l, &s.end, 2, 0);
	loop_run(l);
	assert_string_equal(s.order, "e");
	loop_free(&l);
}

static void zero_is_the_next_turn(void **state)
{
	(void)state;
	struct loop *l = loop_new("test");
	struct seen s = { .count = 0 };
	loop_timer_init(&s.end, on_end, &s);
	loop_timer_start(l, &s.end, 0, 0);
	loop_run(l);
	assert_string_equal(s.order, "e");
	loop_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fire_in_order),
		cmocka_unit_test(can_be_stopped_and_restarted),
		cmocka_unit_test(zero_is_the_next_turn),
	};
	return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}

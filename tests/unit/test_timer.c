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

static bool on_turn(struct loop *l, void *user)
{
	struct seen *s = user;
	note(s, 't');
	if (++s->count == 1)
		loop_timer_start(l, &s->b, 0, 0);
	return false;
}

static void on_soon(struct loop *l, struct loop_timer *t, void *user)
{
	struct seen *s = user;
	assert_false(loop_timer_is_active(t));
	note(s, t == &s->a ? 'a' : 'b');
	if (t == &s->a && s->count < 3)
		loop_timer_start(l, t, 0, 0);
	if (t == &s->a && s->count >= 3)
		loop_stop(l);
}

/* One that starts itself again waits for the next turn; one of a turn callback does not. */
static void zero_is_the_end_of_the_turn(void **state)
{
	(void)state;
	struct loop *l = loop_new("test");
	struct seen s = { .count = 0 };
	loop_on_turn(l, on_turn, &s);
	loop_timer_init(&s.a, on_soon, &s);
	loop_timer_init(&s.b, on_soon, &s);
	loop_timer_start(l, &s.a, 0, 0);
	assert_true(loop_timer_is_active(&s.a));
	loop_run(l);
	assert_string_equal(s.order, "atbttatt");
	loop_free(&l);
}

static void zero_can_be_stopped(void **state)
{
	(void)state;
	struct loop *l = loop_new("test");
	struct seen s = { .count = 0 };
	loop_timer_init(&s.a, on_soon, &s);
	loop_timer_init(&s.end, on_end, &s);
	loop_timer_start(l, &s.a, 0, 0);
	loop_timer_stop(l, &s.a);
	assert_false(loop_timer_is_active(&s.a));
	loop_timer_start(l, &s.a, 0, 0);
	loop_timer_start(l, &s.a, 100000, 0);
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
		cmocka_unit_test(zero_is_the_end_of_the_turn),
		cmocka_unit_test(zero_can_be_stopped),
	};
	return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}

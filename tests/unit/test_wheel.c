/* SPDX-License-Identifier: MIT */
#include "base/wheel.h"

#include "tests/lib/unit.h"

struct item {
	struct list node;
	uint32_t due_ms;
	unsigned seen; /* how often it came up */
	uint32_t again_ms;
};

static struct wheel wheel;

static void on_node(struct list *node, void *user)
{
	struct item *item = CONTAINER_OF(node, struct item, node);
	assert_true(list_is_empty(node));
	item->seen++;
	if (user && item->again_ms)
		wheel_put(&wheel, node, item->again_ms);
}

static struct item make(uint32_t due_ms)
{
	return (struct item){ .due_ms = due_ms };
}

static void put(struct item *item)
{
	list_init(&item->node);
	wheel_put(&wheel, &item->node, item->due_ms);
}

static void comes_up_when_due(void **state)
{
	(void)state;
	struct item a = make(1100), b = make(1135);
	wheel_init(&wheel, 1000, 10);
	put(&a);
	put(&b);
	wheel_turn(&wheel, 1099, on_node, NULL);
	assert_int_equal(a.seen + b.seen, 0);
	wheel_turn(&wheel, 1100, on_node, NULL);
	assert_int_equal(a.seen, 1);
	wheel_turn(&wheel, 1139, on_node, NULL);
	assert_int_equal(b.seen, 0);
	wheel_turn(&wheel, 1140, on_node, NULL); /* at most a tick late */
	assert_int_equal(b.seen, 1);
}

static void what_is_past_comes_with_the_next_tick(void **state)
{
	(void)state;
	struct item a = make(500);
	wheel_init(&wheel, 1000, 10);
	put(&a);
	wheel_turn(&wheel, 1010, on_node, NULL);
	assert_int_equal(a.seen, 1);
}

static void moves_and_leaves(void **state)
{
	(void)state;
	struct item a = make(1050), b = make(1050);
	wheel_init(&wheel, 1000, 10);
	put(&a);
	put(&b);
	wheel_put(&wheel, &a.node, 1200);
	list_remove(&b.node);
	wheel_turn(&wheel, 1190, on_node, NULL);
	assert_int_equal(a.seen + b.seen, 0);
	wheel_turn(&wheel, 1200, on_node, NULL);
	assert_int_equal(a.seen, 1);
	assert_int_equal(b.seen, 0);
}

/* Beyond the ring it comes up early, so that the owner puts it again; never late. */
static void far_deadlines_come_up_early(void **state)
{
	(void)state;
	struct item a = make(1000 + 10 * WHEEL_SLOTS * 3);
	a.again_ms = a.due_ms;
	wheel_init(&wheel, 1000, 10);
	put(&a);
	wheel_turn(&wheel, 1000 + 10 * (WHEEL_SLOTS - 1), on_node, &wheel);
	assert_int_equal(a.seen, 1);
	a.again_ms = 0;
	wheel_turn(&wheel, a.due_ms, on_node, &wheel);
	assert_int_equal(a.seen, 2);
}

static void survives_a_long_sleep_and_the_end_of_32_bits(void **state)
{
	(void)state;
	struct item a = make(50); /* behind the wrap */
	wheel_init(&wheel, UINT32_MAX - 49, 10);
	put(&a);
	wheel_turn(&wheel, 40, on_node, NULL);
	assert_int_equal(a.seen, 0);
	wheel_turn(&wheel, 100000, on_node, NULL);
	assert_int_equal(a.seen, 1);
	a.due_ms = 100100;
	put(&a);
	wheel_turn(&wheel, 100110, on_node, NULL);
	assert_int_equal(a.seen, 2);
}

/* Nothing was in it for a month, so nobody turned it. */
static void goes_on_after_a_month_of_rest(void **state)
{
	(void)state;
	const uint32_t later_ms = 1000 + (UINT32_C(1) << 31) + 5;
	struct item a = make(later_ms + 50);
	wheel_init(&wheel, 1000, 10);
	wheel_restart(&wheel, later_ms);
	put(&a);
	wheel_turn(&wheel, later_ms + 49, on_node, NULL);
	assert_int_equal(a.seen, 0);
	wheel_turn(&wheel, later_ms + 60, on_node, NULL);
	assert_int_equal(a.seen, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_up_when_due),
		cmocka_unit_test(what_is_past_comes_with_the_next_tick),
		cmocka_unit_test(moves_and_leaves),
		cmocka_unit_test(far_deadlines_come_up_early),
		cmocka_unit_test(survives_a_long_sleep_and_the_end_of_32_bits),
		cmocka_unit_test(goes_on_after_a_month_of_rest),
	};
	return cmocka_run_group_tests_name("wheel", tests, NULL, NULL);
}

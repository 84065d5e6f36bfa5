/* SPDX-License-Identifier: MIT */
#include "modules/rate_limit/bucket.h"
#include "tests/lib/unit.h"

enum { SECOND = 1000000 };

static void gives_the_burst_then_the_rate(void **state)
{
	struct bucket_rule rule = bucket_rule_of(5, 3);
	int64_t full_at = 0, now = 100 * (int64_t)SECOND;
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(bucket_take(&rule, now, &full_at), 0);
	assert_int_equal(bucket_take(&rule, now, &full_at), SECOND / 5);
	assert_int_equal(bucket_take(&rule, now + SECOND / 5 - 1, &full_at), 1);
	assert_int_equal(bucket_take(&rule, now + SECOND / 5, &full_at), 0);
	assert_int_equal(bucket_take(&rule, now + SECOND / 5, &full_at), SECOND / 5);
}

static void a_refusal_takes_nothing(void **state)
{
	struct bucket_rule rule = bucket_rule_of(1, 1);
	int64_t full_at = 0;
	(void)state;
	assert_int_equal(bucket_take(&rule, SECOND, &full_at), 0);
	for (int i = 0; i < 1000; i++)
		assert_true(bucket_take(&rule, SECOND + i, &full_at) > 0);
	assert_int_equal(bucket_take(&rule, 2 * SECOND, &full_at), 0);
}

static void fills_up_to_the_burst_only(void **state)
{
	struct bucket_rule rule = bucket_rule_of(10, 2);
	int64_t full_at = 0, now = 1000 * (int64_t)SECOND;
	(void)state;
	assert_int_equal(bucket_take(&rule, SECOND, &full_at), 0);
	assert_int_equal(bucket_take(&rule, now, &full_at), 0);
	assert_int_equal(bucket_take(&rule, now, &full_at), 0);
	assert_true(bucket_take(&rule, now, &full_at) > 0);
}

static void rate_0_is_no_limit(void **state)
{
	struct bucket_rule rule = bucket_rule_of(0, 1);
	int64_t full_at = 0;
	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(bucket_take(&rule, 1, &full_at), 0);
}

static void a_smaller_bucket_after_reload_forgives(void **state)
{
	struct bucket_rule large = bucket_rule_of(1, 1000), small = bucket_rule_of(1, 2);
	int64_t full_at = 0;
	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(bucket_take(&large, SECOND, &full_at), 0);
	assert_int_equal(bucket_take(&small, SECOND, &full_at), SECOND);
	assert_int_equal(bucket_take(&small, 2 * SECOND, &full_at), 0);
}

static void the_highest_rate_still_counts(void **state)
{
	struct bucket_rule rule = bucket_rule_of(1000000, 10);
	int64_t full_at = 0;
	(void)state;
	for (int i = 0; i < 10; i++)
		assert_int_equal(bucket_take(&rule, SECOND, &full_at), 0);
	assert_int_equal(bucket_take(&rule, SECOND, &full_at), 1);
}

/* Nodes that all give all they can, and tell each other five times a second. */
static void many_nodes_give_what_one_would(void **state)
{
	enum { NODES = 3, SECONDS = 60, RATE = 20, BURST = 60, PER_SECOND = 5 };
	struct bucket_rule rule = bucket_rule_of(RATE, BURST);
	int64_t full_at[NODES] = { 0 }, now = 100 * (int64_t)SECOND;
	int given = 0;
	(void)state;
	rule.debt_us = rule.depth_us;
	for (int turn = 0; turn < SECONDS * PER_SECOND; turn++) {
		uint32_t here[NODES] = { 0 }, all = 0;
		for (int node = 0; node < NODES; node++)
			while (bucket_take(&rule, now, &full_at[node]) == 0)
				here[node]++;
		for (int node = 0; node < NODES; node++)
			all += here[node];
		for (int node = 0; node < NODES; node++)
			bucket_spend(&rule, now, all - here[node], &full_at[node]);
		given += (int)all;
		now += SECOND / PER_SECOND;
	}
	assert_true(given >= RATE * (SECONDS - 3));
	/* What all gave at first, before they had heard of each other; then no more than one. */
	assert_true(given <= NODES * BURST + RATE * SECONDS * 11 / 10);
}

static void spending_elsewhere_ends_at_the_debt(void **state)
{
	struct bucket_rule rule = bucket_rule_of(1, 10);
	int64_t full_at = 0;
	(void)state;
	bucket_spend(&rule, SECOND, 4, &full_at);
	for (int i = 0; i < 6; i++)
		assert_int_equal(bucket_take(&rule, SECOND, &full_at), 0);
	assert_int_equal(bucket_take(&rule, SECOND, &full_at), SECOND);
	bucket_spend(&rule, SECOND, 65535, &full_at); /* no debt is allowed by this rule */
	assert_int_equal(bucket_take(&rule, SECOND, &full_at), SECOND);
	rule.debt_us = rule.depth_us;
	bucket_spend(&rule, SECOND, 65535, &full_at);
	assert_int_equal(bucket_take(&rule, SECOND, &full_at), 11 * SECOND);
	rule.cost_us = 0;
	bucket_spend(&rule, SECOND, 65535, &full_at);
	assert_int_equal(bucket_take(&rule, SECOND, &full_at), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_the_burst_then_the_rate),
		cmocka_unit_test(a_refusal_takes_nothing),
		cmocka_unit_test(fills_up_to_the_burst_only),
		cmocka_unit_test(rate_0_is_no_limit),
		cmocka_unit_test(a_smaller_bucket_after_reload_forgives),
		cmocka_unit_test(the_highest_rate_still_counts),
		cmocka_unit_test(many_nodes_give_what_one_would),
		cmocka_unit_test(spending_elsewhere_ends_at_the_debt),
	};
	return cmocka_run_group_tests_name("bucket", tests, NULL, NULL);
}

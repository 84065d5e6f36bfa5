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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_the_burst_then_the_rate),
		cmocka_unit_test(a_refusal_takes_nothing),
		cmocka_unit_test(fills_up_to_the_burst_only),
		cmocka_unit_test(rate_0_is_no_limit),
		cmocka_unit_test(a_smaller_bucket_after_reload_forgives),
		cmocka_unit_test(the_highest_rate_still_counts),
	};
	return cmocka_run_group_tests_name("bucket", tests, NULL, NULL);
}

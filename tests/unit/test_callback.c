/* SPDX-License-Identifier: MIT */
/* What callbacks cost: buckets, quantiles, bounds, sums. */
#include "base/clock.h"
#include "hook/callback.h"
#include "tests/lib/unit.h"

static void quantiles_are_ends_of_buckets(void **state)
{
	struct callback cb;
	(void)state;
	callback_init(&cb, CALLBACK_HOOK, "m", "may_send", NULL);
	assert_int_equal(callback_quantile_ns(&cb.stats, 0.99), 0);
	for (int i = 0; i < 99; i++)
		callback_took(&cb, 1000);
	callback_took(&cb, 5000000);
	/* 1000 is in the bucket of 769 to 1024 */
	assert_int_equal(callback_quantile_ns(&cb.stats, 0.5), 1024);
	assert_int_equal(callback_quantile_ns(&cb.stats, 0.99), 1024);
	/* no more than the longest there was */
	assert_int_equal(callback_quantile_ns(&cb.stats, 0.999), 5000000);
	assert_int_equal(cb.stats.calls, 100);
	assert_int_equal(cb.stats.total_ns, 99 * 1000 + 5000000);
	assert_int_equal(cb.stats.longest_ns, 5000000);
}

static uint64_t within(int64_t took_ns, unsigned exponent)
{
	struct callback cb;
	callback_init(&cb, CALLBACK_OP, "m", "x", NULL);
	callback_took(&cb, took_ns);
	return callback_within(&cb.stats, exponent);
}

/* A bound belongs to the bucket below it, as Prometheus' le wants it. */
static void bounds_are_inclusive(void **state)
{
	(void)state;
	for (unsigned exponent = 8; exponent <= 36; exponent++) {
		int64_t bound = INT64_C(1) << exponent;
		assert_int_equal(within(bound, exponent), 1);
		assert_int_equal(within(bound + 1, exponent), 0);
		assert_int_equal(within(bound + bound / 2, exponent + 1), 1);
		assert_int_equal(within(0, exponent), 1);
	}
	assert_int_equal(
		within(INT64_MAX, 37), 0); /* in the last bucket, with all that is longer */
}

/* Whatever it took, the end of its bucket is at most half as much again. */
static void quantiles_are_near(void **state)
{
	(void)state;
	for (int64_t took = 129; took < INT64_C(1) << 36; took += took / 7) {
		struct callback cb;
		callback_init(&cb, CALLBACK_OP, "m", "x", NULL);
		callback_took(&cb, took);
		cb.stats.longest_ns = INT64_MAX;
		int64_t said = callback_quantile_ns(&cb.stats, 0.5);
		assert_true(said >= took && said <= took + took / 2 + 1);
	}
}

static void sums(void **state)
{
	struct callback a, b;
	struct callback_stats sum = { 0 };
	(void)state;
	callback_init(&a, CALLBACK_OP, "m", "a", NULL);
	callback_init(&b, CALLBACK_OP, "m", "b", NULL);
	callback_took(&a, 100);
	callback_took(&b, 10000);
	callback_count_error(&a);
	callback_count_timeout(&b);
	callback_count_error(NULL);
	callback_stats_add(&sum, &a.stats);
	callback_stats_add(&sum, &b.stats);
	assert_int_equal(sum.calls, 2);
	assert_int_equal(sum.errors, 1);
	assert_int_equal(sum.timeouts, 1);
	assert_int_equal(sum.total_ns, 10100);
	assert_int_equal(sum.longest_ns, 10000);
	assert_int_equal(callback_within(&sum, 10), 1);
	assert_int_equal(callback_within(&sum, 14), 2);
}

static void ends_are_begins(void **state)
{
	struct callback cb;
	(void)state;
	clock_set_for_test(1000, 0);
	callback_init(&cb, CALLBACK_OP, "m", "x", NULL);
	int64_t at = callback_begin();
	clock_set_for_test(1003, 0);
	at = callback_end(&cb, at);
	clock_set_for_test(1004, 0);
	at = callback_end(NULL, at);
	clock_set_for_test(1006, 0);
	callback_end(&cb, at);
	assert_int_equal(cb.stats.total_ns, 5000000);
	assert_int_equal(cb.stats.longest_ns, 3000000);
	clock_use_real();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantiles_are_ends_of_buckets),
		cmocka_unit_test(bounds_are_inclusive),
		cmocka_unit_test(quantiles_are_near),
		cmocka_unit_test(sums),
		cmocka_unit_test(ends_are_begins),
	};
	return cmocka_run_group_tests_name("callback", tests, NULL, NULL);
}

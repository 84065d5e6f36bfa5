/* SPDX-License-Identifier: MIT */
/* When webhook tries again, and when it does not ask. */
#include "modules/webhook/webhook.h"
#include "tests/lib/unit.h"

static void doubles_up_to_the_most(void **state)
{
	(void)state;
	assert_int_equal(backoff_ms(1, 1000, 60000, 0), 500);
	assert_int_equal(backoff_ms(2, 1000, 60000, 0), 1000);
	assert_int_equal(backoff_ms(4, 1000, 60000, 0), 4000);
	assert_int_equal(backoff_ms(7, 1000, 60000, 0), 30000);
	assert_int_equal(backoff_ms(4000000000u, 1000, 60000, 0), 30000);
}

static void chance_is_up_to_half(void **state)
{
	(void)state;
	for (uint32_t random = 0; random < 5000; random += 7) {
		int64_t wait_ms = backoff_ms(1, 1000, 60000, random);
		assert_in_range(wait_ms, 500, 1000);
	}
	assert_int_not_equal(backoff_ms(1, 1000, 60000, 1), backoff_ms(1, 1000, 60000, 2));
}

static void breaker_opens_and_tries(void **state)
{
	struct breaker b = { .limit = 2, .open_ms = 100 };
	(void)state;
	assert_true(breaker_lets(&b, 0));
	breaker_note(&b, false, 0);
	assert_true(breaker_lets(&b, 1));
	breaker_note(&b, false, 1);
	assert_false(breaker_lets(&b, 100));
	/* one goes through; the others wait for how it ends */
	assert_true(breaker_lets(&b, 101));
	assert_false(breaker_lets(&b, 102));
	breaker_note(&b, false, 150);
	assert_false(breaker_lets(&b, 249));
	assert_true(breaker_lets(&b, 250));
	breaker_note(&b, true, 251);
	assert_true(breaker_lets(&b, 252));
	assert_true(breaker_lets(&b, 253));
}

static void good_ones_reset_the_count(void **state)
{
	struct breaker b = { .limit = 2, .open_ms = 100 };
	(void)state;
	for (int i = 0; i < 5; i++) {
		breaker_note(&b, false, i);
		breaker_note(&b, true, i);
		assert_true(breaker_lets(&b, i));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doubles_up_to_the_most),
		cmocka_unit_test(chance_is_up_to_half),
		cmocka_unit_test(breaker_opens_and_tries),
		cmocka_unit_test(good_ones_reset_the_count),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

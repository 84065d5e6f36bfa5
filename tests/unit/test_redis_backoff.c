/* SPDX-License-Identifier: MIT */
/* When a connection to Redis is tried again. */
#include "modules/redis/redis_backoff.h"
#include "tests/lib/unit.h"

static void doubles_up_to_the_most(void **state)
{
	(void)state;
	assert_int_equal(redis_backoff_ms(0, 200, 5000, UINT32_MAX), 200);
	assert_int_equal(redis_backoff_ms(1, 200, 5000, UINT32_MAX), 400);
	assert_int_equal(redis_backoff_ms(4, 200, 5000, UINT32_MAX), 3200);
	assert_int_equal(redis_backoff_ms(5, 200, 5000, UINT32_MAX), 5000);
	assert_int_equal(redis_backoff_ms(4000000000u, 200, 5000, UINT32_MAX), 5000);
	assert_int_equal(redis_backoff_ms(3, 200, 50, UINT32_MAX), 50);
}

static void chance_is_up_to_half(void **state)
{
	(void)state;
	assert_int_equal(redis_backoff_ms(1, 200, 5000, 0), 200);
	uint32_t before = 0;
	for (uint64_t chance = 0; chance <= UINT32_MAX; chance += UINT32_MAX / 8) {
		uint32_t wait_ms = redis_backoff_ms(3, 200, 5000, (uint32_t)chance);
		assert_in_range(wait_ms, 800, 1600);
		assert_true(wait_ms >= before);
		before = wait_ms;
	}
	assert_true(before > 1500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doubles_up_to_the_most),
		cmocka_unit_test(chance_is_up_to_half),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

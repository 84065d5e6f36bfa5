/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <time.h>

#include "tests/lib/unit.h"

static void real_clocks_move(void **state)
{
	(void)state;
	int64_t before = clock_mono_us(), now = before;
	while (now == before)
		now = clock_mono_us();
	assert_true(now > before);
	assert_true(llabs(clock_wall_ms() - (int64_t)time(NULL) * 1000) < 5000);
}

static void test_clocks_stand_still(void **state)
{
	(void)state;
	clock_set_for_test(5000, 1234);
	assert_true(clock_mono_ms() == 5000 && clock_mono_us() == 5000000);
	assert_true(clock_wall_ms() == 1234 && clock_wall_us() == 1234000);
	clock_set_for_test(5001, 1000);
	assert_true(clock_mono_ms() == 5001 && clock_wall_ms() == 1000);
	clock_use_real();
	assert_true(clock_wall_ms() > 1600000000000);
}

static void formats(int64_t ms, const char *expected)
{
	char out[CLOCK_RFC3339_SIZE];
	clock_format_rfc3339(ms, out);
	assert_string_equal(out, expected);
}

static void times_are_rfc3339(void **state)
{
	(void)state;
	formats(0, "1970-01-01T00:00:00.000Z");
	formats(1795423320123, "2026-11-23T08:42:00.123Z");
	formats(951782400000, "2000-02-29T00:00:00.000Z");
	formats(-1, "1969-12-31T23:59:59.999Z");
	formats(-2208988800000, "1900-01-01T00:00:00.000Z");
	formats(INT64_MAX, "9999-12-31T23:59:59.999Z");
	formats(INT64_MIN, "0000-01-01T00:00:00.000Z");
}

static void agrees_with_gmtime(void **state)
{
	(void)state;
	for (int64_t day = -30000; day < 60000; day += 7) {
		time_t t = (time_t)(day * 86400 + 12345);
		char expected[40], out[CLOCK_RFC3339_SIZE];
		struct tm tm;
		strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S.000Z", gmtime_r(&t, &tm));
		clock_format_rfc3339((int64_t)t * 1000, out);
		assert_string_equal(out, expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_clocks_move),
		cmocka_unit_test(test_clocks_stand_still),
		cmocka_unit_test(times_are_rfc3339),
		cmocka_unit_test(agrees_with_gmtime),
	};
	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}

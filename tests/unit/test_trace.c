/* SPDX-License-Identifier: MIT */
/* A good traceparent is followed, a bad one is replaced (W3C Trace Context, section 3.2.2). */
#include "logic/trace.h"

#include "base/slice.h"

#include "tests/lib/unit.h"

#define ID "4bf92f3577b34da6a3ce929d0e0e4736"

static void a_good_header_gives_its_id(void **state)
{
	static const char *const good[] = {
		"00-" ID "-00f067aa0ba902b7-01",
		" 00-" ID "-00f067aa0ba902b7-00 ",
		"cc-" ID "-00f067aa0ba902b7-01-what-comes-later",
	};
	char out[TRACE_SIZE];
	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		trace_from_header(str_of(good[i]), out);
		assert_string_equal(out, ID);
	}
}

static void a_bad_header_gives_a_new_id(void **state)
{
	static const char *const bad[] = {
		"",
		"00-" ID,
		"00-" ID "-00f067aa0ba902b7",
		"ff-" ID "-00f067aa0ba902b7-01",
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01",
		"00-" ID "-0000000000000000-01",
		"00-" ID "-00f067aa0ba902b7-01-more",
		"00-" ID "x-00f067aa0ba902b7-01",
		"0-" ID "-00f067aa0ba902b7-01",
		"00-" ID "-00f067aa0ba902b7-1",
	};
	char out[TRACE_SIZE], other[TRACE_SIZE];
	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		trace_from_header(str_of(bad[i]), out);
		assert_string_not_equal(out, ID);
		assert_int_equal(strlen(out), 32);
		assert_int_equal(strspn(out, "0123456789abcdef"), 32);
		trace_from_header(str_of(bad[i]), other);
		assert_string_not_equal(out, other);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_header_gives_its_id),
		cmocka_unit_test(a_bad_header_gives_a_new_id),
	};
	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Values as a person reads them: units by name, no control characters, columns of wide letters. */
#include <locale.h>

#include "base/slice.h"
#include "ctl/ctl_cell.h"
#include "tests/lib/unit.h"

static void is_shown(const char *key, const char *json, const char *text)
{
	struct buf out = { 0 };
	ctl_cell_write(key, str_of(json), &out);
	assert_str(buf_str(&out), text);
	buf_fini(&out);
}

static void units(void **state)
{
	(void)state;
	is_shown("count", "1234567", "1234567");
	is_shown("x_ns", "999", "999 ns");
	is_shown("x_ns", "1500", "1.5 us");
	is_shown("x_ns", "2500000", "2.5 ms");
	is_shown("x_ns", "3500000000", "3.5 s");
	is_shown("x_us", "999", "999 us");
	is_shown("x_us", "1500", "1.5 ms");
	is_shown("x_us", "2500000", "2.5 s");
	is_shown("x_us", "1e9", "1e9");
	is_shown("x_ms", "1500", "1.5 s");
	is_shown("x_ms", "3661000", "1:01:01");
	is_shown("x_ms", "90061000", "1 d 01:01");
	is_shown("x_bytes", "512", "512 B");
	is_shown("x_bytes", "1536", "1.5 KiB");
	is_shown("x_bytes", "5368709120", "5.0 GiB");
	is_shown("x", "true", "yes");
	is_shown("x", "false", "no");
	is_shown("x", "null", "-");
	is_shown("x", "[1,2]", "[1,2]");
}

static void text_cannot_move_the_cursor(void **state)
{
	(void)state;
	is_shown("x", "\"a\\u001b[2Jb\"", "a?[2Jb");
	is_shown("x", "\"a\\nb\\tc\"", "a?b?c");
	is_shown("x", "\"a\\u0000b\"", "a?b");
	is_shown("x", "\"\\u674e\\u5c0f\\u9f99\"", "李小龙");
	is_shown("x", "\"\\u009bH\"", "?H");
}

static void title_of(const char *key, const char *text)
{
	struct buf out = { 0 };
	ctl_cell_title(key, &out);
	assert_str(buf_str(&out), text);
	buf_fini(&out);
}

static void titles_and_widths(void **state)
{
	(void)state;
	title_of("memory_bytes", "memory");
	title_of("started_at", "started at");
	title_of("total_us", "total");
	title_of("status", "status");
	assert_int_equal(ctl_cell_width(STR("abc")), 3);
	assert_int_equal(ctl_cell_width(STR("李小龙")), 6);
	assert_int_equal(ctl_cell_width(STR("e\xcc\x81")), 1);
	assert_int_equal(ctl_cell_width(STR("")), 0);
	assert_true(ctl_cell_is_number(STR("-1")));
	assert_false(ctl_cell_is_number(STR("\"1\"")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(units),
		cmocka_unit_test(text_cannot_move_the_cursor),
		cmocka_unit_test(titles_and_widths),
	};
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 77;
	return cmocka_run_group_tests_name("ctl_cell", tests, NULL, NULL);
}

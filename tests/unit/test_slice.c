/* SPDX-License-Identifier: MIT */
#include "base/slice.h"

#include "tests/lib/unit.h"

static const struct nuncio_str none = { NULL, 0 };

static void compares(void **state)
{
	(void)state;
	assert_true(str_eq(STR("abc"), str_of("abc")));
	assert_true(str_eq(STR(""), none));
	assert_false(str_eq(STR("abc"), STR("abd")));
	assert_false(str_eq(STR("abc"), STR("ab")));
	assert_true(str_eq_text(STR("abc"), "abc"));
	assert_false(str_eq_text(STR("a\0b"), "a"));
	assert_true(str_eq_nocase(STR("Upgrade"), STR("uPGRADE")));
	assert_false(str_eq_nocase(STR("@"), STR("`")));
	assert_true(str_cmp(STR("a"), STR("b")) < 0);
	assert_true(str_cmp(STR("ab"), STR("a")) > 0);
	assert_true(str_cmp(STR("\x80"), STR("a")) > 0);
	assert_true(str_cmp(none, STR("")) == 0);
}

static void knows_names_and_clean_text(void **state)
{
	(void)state;
	assert_true(str_is_name(STR("message.new_2-x"), 64) && !str_is_name(STR("Poll"), 64));
	assert_false(str_is_name(STR(""), 64) || str_is_name(STR("a b"), 64));
	assert_true(str_is_name(STR("abc"), 3) && !str_is_name(STR("abcd"), 3));
	assert_true(str_is_clean(STR("\"é\" 你"), 64) && str_is_clean(none, 0));
	assert_false(str_is_clean(STR("a\n"), 64) || str_is_clean(STR("\x7f"), 64));
	assert_false(str_is_clean(STR("\xff"), 64) || str_is_clean(STR("ab"), 1));
}

static void starts_ends_finds(void **state)
{
	(void)state;
	assert_true(str_starts(STR("abc"), STR("ab")) && str_starts(none, none));
	assert_false(str_starts(STR("a"), STR("ab")));
	assert_true(str_ends(STR("abc"), STR("bc")) && str_ends(STR("a"), none));
	assert_false(str_ends(STR("bc"), STR("abc")));
	assert_int_equal(str_find(STR("abcb"), 'b'), 1);
	assert_int_equal(str_find(none, 'b'), -1);
}

static void cuts_and_trims(void **state)
{
	(void)state;
	struct nuncio_str head, tail;
	assert_true(str_cut(STR("a=b=c"), '=', &head, &tail));
	assert_str(head, "a");
	assert_str(tail, "b=c");
	assert_true(str_cut(STR("="), '=', &head, &tail));
	assert_str(head, "");
	assert_str(tail, "");
	assert_false(str_cut(STR("abc"), '=', &head, &tail));
	assert_str(head, "abc");
	assert_str(tail, "");
	assert_str(str_trim(STR(" \t a b\r\n")), "a b");
	assert_str(str_trim(STR(" \n ")), "");
	assert_str(str_trim(none), "");
}

static void numbers_are_strict(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "-", "+1", " 1", "1 ", "1a", "0x1", "1.0", "--1" };
	int64_t i;
	uint64_t u;
	assert_true(str_to_i64(STR("-9223372036854775808"), &i) == 0 && i == INT64_MIN);
	assert_true(str_to_i64(STR("9223372036854775807"), &i) == 0 && i == INT64_MAX);
	assert_true(str_to_i64(STR("-0"), &i) == 0 && i == 0);
	assert_true(str_to_u64(STR("18446744073709551615"), &u) == 0 && u == UINT64_MAX);
	assert_true(str_to_u64(STR("007"), &u) == 0 && u == 7);
	assert_int_equal(str_to_i64(STR("9223372036854775808"), &i), NUNCIO_E_INVAL);
	assert_int_equal(str_to_i64(STR("-9223372036854775809"), &i), NUNCIO_E_INVAL);
	assert_int_equal(str_to_u64(STR("18446744073709551616"), &u), NUNCIO_E_INVAL);
	assert_int_equal(str_to_u64(STR("99999999999999999999"), &u), NUNCIO_E_INVAL);
	assert_int_equal(str_to_u64(STR("-1"), &u), NUNCIO_E_INVAL);
	for (size_t k = 0; k < COUNT_OF(bad); k++) {
		assert_int_equal(str_to_i64(str_of(bad[k]), &i), NUNCIO_E_INVAL);
		assert_int_equal(str_to_u64(str_of(bad[k]), &u), NUNCIO_E_INVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compares),
		cmocka_unit_test(knows_names_and_clean_text),
		cmocka_unit_test(starts_ends_finds),
		cmocka_unit_test(cuts_and_trims),
		cmocka_unit_test(numbers_are_strict),
	};
	return cmocka_run_group_tests_name("slice", tests, NULL, NULL);
}

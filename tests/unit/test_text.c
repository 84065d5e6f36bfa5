/* SPDX-License-Identifier: MIT */
#include <nuncio/text.h>

#include "tests/lib/unit.h"

static const struct nuncio_str none = { NULL, 0 };

static struct nuncio_str bytes(const char *p, size_t n)
{
	return (struct nuncio_str){ p, n };
}

static void makes_texts_of_c_strings(void **state)
{
	(void)state;
	assert_int_equal(nuncio_text("abc").n, 3);
	assert_int_equal(nuncio_text("").n, 0);
	assert_int_equal(nuncio_text(NULL).n, 0);
}

static void compares(void **state)
{
	(void)state;
	assert_true(nuncio_text_same(nuncio_text("ab"), bytes("abc", 2)));
	assert_true(nuncio_text_same(nuncio_text(""), none));
	assert_false(nuncio_text_same(nuncio_text("ab"), nuncio_text("ac")));
	assert_false(nuncio_text_same(bytes("a\0b", 3), nuncio_text("a")));
	assert_true(nuncio_text_starts(nuncio_text("abc"), nuncio_text("ab")));
	assert_true(nuncio_text_starts(none, none));
	assert_false(nuncio_text_starts(nuncio_text("a"), nuncio_text("ab")));
	assert_true(nuncio_text_compare(nuncio_text("a"), nuncio_text("ab")) < 0);
	assert_true(nuncio_text_compare(nuncio_text("b"), nuncio_text("ab")) > 0);
	assert_true(nuncio_text_compare(nuncio_text("\x80"), nuncio_text("a")) > 0);
	assert_int_equal(nuncio_text_compare(none, nuncio_text("")), 0);
}

static void copies_whole_or_not_at_all(void **state)
{
	char out[4] = "zzz";
	(void)state;
	assert_int_equal(nuncio_text_copy(nuncio_text("abcd"), out, sizeof out), NUNCIO_E_TOOBIG);
	assert_string_equal(out, "zzz");
	assert_int_equal(nuncio_text_copy(nuncio_text("abc"), out, sizeof out), 0);
	assert_string_equal(out, "abc");
	assert_int_equal(nuncio_text_copy(none, out, sizeof out), 0);
	assert_string_equal(out, "");
	assert_int_equal(nuncio_text_copy(none, out, 0), NUNCIO_E_TOOBIG);
}

static void memory_is_zeroed_and_grows(void **state)
{
	char *p = nuncio_alloc(16), zero[16] = { 0 };
	(void)state;
	assert_memory_equal(p, zero, 16);
	p[15] = 'x';
	p = nuncio_resize(p, 4096);
	assert_int_equal(p[15], 'x');
	free(p);
	free(nuncio_alloc(0));
	free(nuncio_resize(NULL, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_texts_of_c_strings),
		cmocka_unit_test(compares),
		cmocka_unit_test(copies_whole_or_not_at_all),
		cmocka_unit_test(memory_is_zeroed_and_grows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

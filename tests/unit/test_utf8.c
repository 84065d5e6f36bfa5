/* SPDX-License-Identifier: MIT */
#include "base/utf8.h"

#include <stdbool.h>

#include "tests/lib/unit.h"

static bool is_valid(const char *text)
{
	return utf8_is_valid(text, strlen(text));
}

/* Encodes by the book, so that every code point can be tried. */
static size_t encode(uint32_t c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	size_t bytes = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char heads[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
	for (size_t i = bytes - 1; i > 0; i--, c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3F));
	out[0] = (char)(heads[bytes] | c);
	return bytes;
}

static void every_code_point(void **state)
{
	(void)state;
	char out[4];
	for (uint32_t c = 0; c < 0x120000; c++) {
		bool expected = c <= 0x10FFFF && !(c >= 0xD800 && c <= 0xDFFF);
		size_t bytes = encode(c, out);
		if (utf8_is_valid(out, bytes) != expected ||
			(bytes > 1 && utf8_is_valid(out, bytes - 1)))
			fail_msg("code point %x", c);
	}
}

static void bad_forms(void **state)
{
	(void)state;
	static const char *const bad[] = { "\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80",
		"\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF",
		"\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xC3", "\xE4\xB8", "\xE4\xB8x",
		"\xF0\x9F\x98", "\xC3\xC3" };
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(is_valid(bad[i]));
}

/* The fast path must see a bad byte at every place of its eight. */
static void bad_byte_anywhere(void **state)
{
	(void)state;
	for (size_t n = 1; n < 40; n++) {
		for (size_t at = 0; at < n; at++) {
			char text[40];
			memset(text, 'a', n);
			assert_true(utf8_is_valid(text, n));
			text[at] = (char)0x80;
			assert_false(utf8_is_valid(text, n));
		}
	}
}

static void mixtures(void **state)
{
	(void)state;
	assert_true(utf8_is_valid(NULL, 0));
	assert_true(utf8_is_valid("a\0b", 3));
	assert_true(
		is_valid("plain ascii text, \xE4\xB8\xAD\xE6\x96\x87 and \xF0\x9F\x98\x80 too"));
	assert_int_equal(utf8_char_bytes("\xE4\xB8\xAD", 3), 3);
	assert_int_equal(utf8_char_bytes("\xE4\xB8\xAD", 2), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_point),
		cmocka_unit_test(bad_forms),
		cmocka_unit_test(bad_byte_anywhere),
		cmocka_unit_test(mixtures),
	};
	return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}

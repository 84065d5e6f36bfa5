/* SPDX-License-Identifier: MIT */
#include "accounts.h"

#include "tests/lib/unit.h"

#define S64 "0123456789012345678901234567890123456789012345678901234567890123"

static long chars(const char *text)
{
	char *exact = memcpy(malloc(strlen(text) + 1), text, strlen(text) + 1);
	long n = text_chars((struct nuncio_str){ exact, strlen(text) });
	free(exact);
	return n;
}

static void counts_characters(void **state)
{
	(void)state;
	assert_int_equal(chars(""), 0);
	assert_int_equal(chars("abc"), 3);
	assert_int_equal(chars("\xc3\xbc\xe4\xbd\xa0\xf0\x9f\x98\x80"), 3);
	assert_int_equal(chars("\xc2\xa0\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf"), 4);
}

static void refuses_what_is_no_text(void **state)
{
	static const char *const rows[] = { "\x01", "a\n", "\x7f", "\xc2\x80", "\xc2\x9f", "\x80",
		"\xff", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xed\xa0\x80",
		"\xed\xbf\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80", "\xc3", "\xe4\xbd", "\xf0\x9f\x98", "\xc3(", "\xe4(\xa0" };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (chars(rows[i]) >= 0)
			fail_msg("accepted row %zu", i);
	assert_int_equal(text_chars((struct nuncio_str){ "a\0b", 3 }), -1);
	assert_int_equal(text_chars((struct nuncio_str){ "\xe4\xbd\xa0", 2 }), -1);
}

static void plain_ids_look_like_themselves(void **state)
{
	static const char *const good[] = { "a", "0", "ann.lee-2_x", S64 };
	static const char *const bad[] = { "", "Ann", ".", "..", "-a", "_a", "a b", "a/b",
		"\xc3\xbc", "a\n", S64 "4" };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++)
		assert_true(id_is_plain(nuncio_text(good[i])));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(id_is_plain(nuncio_text(bad[i])));
}

static void any_id_has_a_path(void **state)
{
	static const char *const good[] = { "Ann Lee \xe4\xbd\xa0", "...", "'; --", S64, "%" };
	static const char *const bad[] = { "", ".", "..", "a/b", "a\x7f", "\xff", S64 "4" };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++)
		assert_true(id_is_any(nuncio_text(good[i])));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(id_is_any(nuncio_text(bad[i])));
}

static void names_are_counted_in_characters(void **state)
{
	char name[4 * 65 + 1] = "";
	(void)state;
	assert_true(name_is_sound(nuncio_text("")));
	for (size_t i = 0; i < 64; i++)
		memcpy(name + 4 * i, "\xf0\x9f\x98\x80", 5);
	assert_true(name_is_sound(nuncio_text(name)));
	memcpy(name + 256, "x", 2);
	assert_false(name_is_sound(nuncio_text(name)));
}

static void folds_and_cuts_between_characters(void **state)
{
	char out[FOLD_SIZE], text[128];
	(void)state;
	text_fold(nuncio_text("Ann \xc3\x9c"
			      "Z@[`"),
		out);
	assert_string_equal(out, "ann \xc3\x9c"
				 "z@[`");
	memset(text, 'A', 63);
	memcpy(text + 63, "\xe4\xbd\xa0", 4);
	text_fold(nuncio_text(text), out);
	assert_int_equal(strlen(out), 63);
	memset(text, 'B', 100);
	text[100] = '\0';
	text_fold(nuncio_text(text), out);
	assert_int_equal(strlen(out), 64);
	text_fold((struct nuncio_str){ NULL, 0 }, out);
	assert_string_equal(out, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_characters),
		cmocka_unit_test(refuses_what_is_no_text),
		cmocka_unit_test(plain_ids_look_like_themselves),
		cmocka_unit_test(any_id_has_a_path),
		cmocka_unit_test(names_are_counted_in_characters),
		cmocka_unit_test(folds_and_cuts_between_characters),
	};
	return cmocka_run_group_tests_name("account_text", tests, NULL, NULL);
}

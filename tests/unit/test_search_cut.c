/* SPDX-License-Identifier: MIT */
#include "base/search_cut.h"

#include <stdio.h>

#include "base/slice.h"

#include "tests/lib/unit.h"

/* "token@begin-end ..." */
struct seen {
	char text[2000];
	size_t used;
};

static void on_token(struct nuncio_str token, size_t begin, size_t end, void *user)
{
	struct seen *seen = user;
	assert_true(token.n <= SEARCH_TOKEN_BYTES);
	seen->used += (size_t)snprintf(seen->text + seen->used, sizeof seen->text - seen->used,
		"%s" STR_FMT "@%zu-%zu", seen->used ? " " : "", STR_ARG(token), begin, end);
}

static void check_cut(const char *text, bool for_query, const char *expected)
{
	struct seen seen = { "", 0 };
	size_t count = 0;
	for (const char *p = expected; *p; p++)
		count += *p == '@';
	assert_int_equal(search_cut(str_of(text), for_query, on_token, &seen), count);
	assert_string_equal(seen.text, expected);
}

#define CUT(text, expected) check_cut(text, false, expected)
#define QUERY(text, expected) check_cut(text, true, expected)

static void words_are_lower_case(void **state)
{
	(void)state;
	CUT("", "");
	CUT(" ,.-\n", "");
	CUT("Hello, World 42x!", "whello@0-5 wworld@7-12 w42x@13-16");
	QUERY("Hello", "whello@0-5");
	CUT("don't_e-mail", "wdon@0-3 wt@4-5 we@6-7 wmail@8-12");
	CUT("Größe", "x0006700072000f6000df00065@0-7");
	CUT("ÄÖ äö", "x000e4000f6@0-4 x000e4000f6@5-9");
	CUT("ПРИВЕТ", "x0043f0044000438004320043500442@0-12");
	CUT("привет", "x0043f0044000438004320043500442@0-12");
	CUT("ＡＢｃ１", "wabc1@0-12");
	CUT("x\xF0\x9F\x98\x80y", "wx@0-1 wy@5-6"); /* an emoji is no letter */
	assert_int_equal(search_cut(STR("a b"), false, NULL, NULL), 2);
}

static void neighbours_are_pairs(void **state)
{
	(void)state;
	CUT("好", "x0597d@0-3");
	CUT("你好吗", "x04f600597d@0-6 x0597d05417@3-9 x05417@6-9");
	QUERY("你好吗", "x04f600597d@0-6 x0597d05417@3-9");
	QUERY("你好", "x04f600597d@0-6");
	QUERY("好", "x0597d*@0-3");
	QUERY("好 吗", "x0597d*@0-3 x05417*@4-7");
	CUT("iPhone手机", "wiphone@0-6 x0624b0673a@6-12 x0673a@9-12");
	CUT("カナとかな", "x030ab030ca@0-6 x030ca03068@3-9 x030680304b@6-12 x0304b0306a@9-15 "
			  "x0306a@12-15");
	CUT("한국", "x0d55c0ad6d@0-6 x0ad6d@3-6");
	CUT("你，好", "x04f60@0-3 x0597d@6-9");
	QUERY("ab你", "wab@0-2 x04f60*@2-5");
}

/* One of every range, and what stands just outside. */
static void every_script_of_pairs(void **state)
{
	static const char *const in[] = { "\u1100", "\u11ff", "\u3005", "\u3007", "\u3029",
		"\u3041", "\u3096", "\u309a", "\u309d", "\u30a1", "\u30fa", "\u30fc", "\u3131",
		"\u318e", "\u31f0", "\u3400", "\u4dbf", "\u4e00", "\u9fff", "\ua960", "\uac00",
		"\ud7a3", "\uf900", "\ufaff", "\uff66", "\uff9f", "\uffa0", "\U0001b000",
		"\U00020000", "\U0002a6df", "\U0002f800", "\U00030000", "\U000323af" };
	static const char *const out[] = { "\u10ff", "\u1200", "\u3004", "\u3008", "\u303f",
		"\u3040", "\u309b", "\u30a0", "\u30fb", "\u4dc0", "\ua000", "\uff65", "\U0001b170",
		"\U0001ffff", "\U00040000" };
	struct seen seen;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(in); i++) {
		seen = (struct seen){ "", 0 };
		search_cut(str_of(in[i]), true, on_token, &seen);
		if (!strchr(seen.text, '*'))
			fail_msg("range %zu is not cut in pairs: %s", i, seen.text);
	}
	for (size_t i = 0; i < COUNT_OF(out); i++) {
		seen = (struct seen){ "", 0 };
		search_cut(str_of(out[i]), true, on_token, &seen);
		if (strchr(seen.text, '*'))
			fail_msg("neighbour %zu is cut in pairs: %s", i, seen.text);
	}
}

/* U+3042 in front of U+30420: were digits left out, one would be the prefix of the other. */
static void one_character_is_no_prefix_of_another(void **state)
{
	size_t marks[4][2];
	(void)state;
	QUERY("\u3042", "x03042*@0-3");
	CUT("\U00030420\u4e00", "x3042004e00@0-7 x04e00@4-7");
	assert_int_equal(search_marks(STR("\U00030420"), STR("\u3042"), marks, 4), 0);
}

static void long_words_are_cut_alike(void **state)
{
	char word[400], token[160], expected[200];
	(void)state;
	memset(word, 'A', sizeof word);
	word[200] = '\0';
	memset(token, 'a', 79);
	token[79] = '\0';
	snprintf(expected, sizeof expected, "w%s@0-200", token);
	CUT(word, expected);
	QUERY(word, expected);
	for (size_t i = 0; i < 100; i++)
		memcpy(word + 2 * i, "é", 2);
	word[200] = '\0';
	for (size_t i = 0; i < 15; i++)
		memcpy(token + 5 * i, "000e9", 5);
	token[75] = '\0';
	snprintf(expected, sizeof expected, "x%s@0-200", token);
	CUT(word, expected);
}

static void bad_bytes_stand_between_words(void **state)
{
	(void)state;
	CUT("ab\xff"
	    "cd",
		"wab@0-2 wcd@3-5");
	CUT("\xe4\xbd", "");
	CUT("好\xe4\xbd\xe5\xa5\xbd", "x0597d@0-3 x0597d@5-8");
	CUT("a\xc3", "wa@0-1");
}

static void check_marks(const char *text, const char *query, size_t max, const char *expected)
{
	size_t marks[8][2];
	char seen[200] = "";
	size_t used = 0, n = search_marks(str_of(text), str_of(query), marks, max);
	for (size_t i = 0; i < n; i++)
		used += (size_t)snprintf(seen + used, sizeof seen - used, "%s%zu-%zu", i ? " " : "",
			marks[i][0], marks[i][1]);
	assert_string_equal(seen, expected);
}

static void marks_show_where(void **state)
{
	(void)state;
	check_marks("Hello big WORLD, hello", "hello world", 8, "0-5 10-15 17-22");
	check_marks("Hello big WORLD, hello", "hello world", 2, "0-5 10-15");
	check_marks("helloo", "hello", 8, "");
	check_marks("我说你好吗？你好", "你好吗", 8, "6-15 18-24");
	check_marks("我说你好吗", "好", 8, "9-12");
	check_marks("你好", "好", 8, "3-6");
	check_marks("好好", "好", 8, "0-6");
	check_marks("abc", "", 8, "");
	check_marks("", "abc", 8, "");
	check_marks("abc", "abc", 0, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_lower_case),
		cmocka_unit_test(neighbours_are_pairs),
		cmocka_unit_test(every_script_of_pairs),
		cmocka_unit_test(one_character_is_no_prefix_of_another),
		cmocka_unit_test(long_words_are_cut_alike),
		cmocka_unit_test(bad_bytes_stand_between_words),
		cmocka_unit_test(marks_show_where),
	};
	return cmocka_run_group_tests_name("search_cut", tests, NULL, NULL);
}

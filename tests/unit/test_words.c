/* SPDX-License-Identifier: MIT */
/* The lists of word_filter against texts and bodies. */
#include "modules/word_filter/word_filter.h"
#include "tests/lib/unit.h"

#include <string.h>

static struct nuncio_str s(const char *text)
{
	return (struct nuncio_str){ text, strlen(text) };
}

static struct words *words_of(const char *const *mask, const char *const *refuse)
{
	struct words *words = words_new();
	for (; mask && *mask; mask++)
		assert_int_equal(words_add(words, s(*mask), ACTION_MASK), 0);
	for (; refuse && *refuse; refuse++)
		assert_int_equal(words_add(words, s(*refuse), ACTION_REFUSE), 0);
	words_build(words);
	return words;
}

/* The body masked, static; "" when it was refused, or as it was when nothing was found. */
static const char *masked(const struct words *words, const char *body, const char *mask)
{
	static char text[512];
	struct masked m = mask_body(words, s(body), mask);
	if (m.action == ACTION_NONE)
		return body;
	assert_true(m.body_bytes < sizeof text);
	if (m.body_bytes)
		memcpy(text, m.body, m.body_bytes);
	text[m.body_bytes] = '\0';
	free(m.body);
	return text;
}

static void finds_whole_words(void **state)
{
	static const char *const list[] = { "fool", "two words", "pre*", "*post", "*any*", NULL };
	struct words *words = words_of(list, NULL);
	(void)state;
	assert_string_equal(masked(words, "\"you fool!\"", "*"), "\"you ****!\"");
	assert_string_equal(
		masked(words, "\"foolish afool fool2\"", "*"), "\"foolish afool fool2\"");
	assert_string_equal(masked(words, "\"FOOL, Fool\"", "*"), "\"****, ****\"");
	assert_string_equal(
		masked(words, "\"just two words here\"", "*"), "\"just ********* here\"");
	assert_string_equal(masked(words, "\"prefix xpre\"", "*"), "\"***fix xpre\"");
	assert_string_equal(masked(words, "\"outpost posts\"", "*"), "\"out**** posts\"");
	assert_string_equal(masked(words, "\"manyx\"", "*"), "\"m***x\"");
	words_free(&words);
}

static void finds_dense_scripts_anywhere(void **state)
{
	static const char *const list[] = { "笨蛋", "ばか", "바보", NULL };
	struct words *words = words_of(list, NULL);
	(void)state;
	assert_string_equal(masked(words, "\"你是笨蛋吗\"", "*"), "\"你是**吗\"");
	assert_string_equal(masked(words, "\"xばかy 바보야\"", "*"), "\"x**y **야\"");
	words_free(&words);
}

static void sees_through_disguise(void **state)
{
	static const char *const list[] = { "fool", "straße", "мир", NULL };
	struct words *words = words_of(list, NULL);
	(void)state;
	assert_string_equal(masked(words, "\"ｆＯｏｌ\"", "*"), "\"****\"");
	assert_string_equal(masked(words, "\"fo\u200bol\"", "*"), "\"*****\"");
	assert_string_equal(masked(words, "\"\\u0066ool\"", "*"), "\"****\"");
	assert_string_equal(masked(words, "\"STRAßE МИР\"", "*"), "\"****** ***\"");
	words_free(&words);
}

static void prefers_refusing(void **state)
{
	static const char *const mask[] = { "fool", NULL }, *const refuse[] = { "evil", NULL };
	struct words *words = words_of(mask, refuse);
	(void)state;
	assert_string_equal(masked(words, "\"evil fool\"", "*"), "");
	assert_int_equal(words_search(words, s("an evil one"), NULL, NULL), ACTION_REFUSE);
	assert_int_equal(words_search(words, s("devil"), NULL, NULL), ACTION_NONE);
	words_free(&words);
}

static void masks_every_text_in_a_body(void **state)
{
	static const char *const list[] = { "fool", NULL };
	struct words *words = words_of(list, NULL);
	(void)state;
	assert_string_equal(
		masked(words, "{\"fool\": [1,\"a fool\", {\"x\":\"fool\"}], \"n\":null}", "#"),
		"{\"fool\": [1,\"a ####\", {\"x\":\"####\"}], \"n\":null}");
	assert_string_equal(
		masked(words, "\"fool\\n\\\"fool\\\"\"", "█"), "\"████\\n\\\"████\\\"\"");
	words_free(&words);
}

static void overlapping_entries_are_all_found(void **state)
{
	static const char *const list[] = { "*abc*", "*bcd*", "*c*", "*abcdefgh*", NULL };
	struct words *words = words_of(list, NULL);
	(void)state;
	assert_string_equal(masked(words, "\"xabcdx c abcdefg\"", "*"), "\"x****x * ****efg\"");
	words_free(&words);
}

static void refuses_bad_entries(void **state)
{
	struct words *words = words_new();
	char longest[ENTRY_POINTS_MAX + 2];
	(void)state;
	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	assert_int_equal(words_add(words, s("*"), ACTION_MASK), NUNCIO_E_INVAL);
	assert_int_equal(words_add(words, s("**"), ACTION_MASK), NUNCIO_E_INVAL);
	assert_int_equal(words_add(words, s("\xff"), ACTION_MASK), NUNCIO_E_INVAL);
	assert_int_equal(words_add(words, s(longest), ACTION_MASK), NUNCIO_E_TOOBIG);
	longest[ENTRY_POINTS_MAX] = '\0';
	assert_int_equal(words_add(words, s(longest), ACTION_MASK), 0);
	words_build(words);
	assert_int_equal(words_search(words, s(longest), NULL, NULL), ACTION_MASK);
	words_free(&words);
}

static void an_empty_list_finds_nothing(void **state)
{
	struct words *words = words_of(NULL, NULL);
	(void)state;
	assert_int_equal(words_search(words, s("anything"), NULL, NULL), ACTION_NONE);
	words_free(&words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_whole_words),
		cmocka_unit_test(finds_dense_scripts_anywhere),
		cmocka_unit_test(sees_through_disguise),
		cmocka_unit_test(prefers_refusing),
		cmocka_unit_test(masks_every_text_in_a_body),
		cmocka_unit_test(overlapping_entries_are_all_found),
		cmocka_unit_test(refuses_bad_entries),
		cmocka_unit_test(an_empty_list_finds_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

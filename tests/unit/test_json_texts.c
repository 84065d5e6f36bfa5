/* SPDX-License-Identifier: MIT */
#include "wire/json_texts.h"

#include "base/slice.h"

#include "tests/lib/unit.h"

static void check_texts(const char *body, size_t size, const char *expected)
{
	char out[200];
	memset(out, 'x', sizeof out);
	assert_int_equal(json_texts(str_of(body), out, size), strlen(expected));
	assert_string_equal(out, expected);
}

static void texts_of_bodies(void **state)
{
	(void)state;
	check_texts("\"hi there\"", 200, "hi there");
	check_texts("\"a\\n\\u4f60\\\"\"", 200, "a\n你\"");
	check_texts("\"a\\u0000b\"", 200, "a b");
	check_texts("{\"url\":\"u\",\"n\":7,\"caption\":\"two words\",\"deep\":{\"x\":\"no\"}}",
		200, "u two words");
	check_texts("[\"a\",1,\"b\",[\"c\"]]", 200, "a b");
	check_texts("7", 200, "");
	check_texts("null", 200, "");
	check_texts("{}", 200, "");
	check_texts("", 200, "");
	check_texts("\"", 200, "");
}

static void texts_are_cut_at_characters(void **state)
{
	(void)state;
	check_texts("\"abcdef\"", 4, "abc");
	check_texts("\"你好\"", 7, "你好");
	check_texts("\"你好\"", 6, "你");
	check_texts("\"你好\"", 4, "你");
	check_texts("\"你好\"", 3, "");
	check_texts("\"你好\"", 1, "");
	check_texts("[\"ab\",\"cd\"]", 5, "ab c");
	check_texts("[\"ab\",\"cd\"]", 4, "ab ");
	check_texts("[\"ab\",\"cd\"]", 3, "ab");
	check_texts("[\"ab\",\"cd\",\"ef\"]", 1, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_of_bodies),
		cmocka_unit_test(texts_are_cut_at_characters),
	};
	return cmocka_run_group_tests_name("json_texts", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Shapes as JSON Schema, and what is none. */
#include "logic/shape.h"

#include "base/slice.h"

#include "tests/lib/unit.h"

static struct shapes shapes;
static struct buf text;
static struct nuncio_error err;

static int setup(void **state)
{
	(void)state;
	static const struct nuncio_shape user = {
		.size = sizeof user, .name = "user", .shape = "{id: text}"
	};
	shapes_init(&shapes);
	return shapes_add(&shapes, "test", &user, &err);
}

static int teardown(void **state)
{
	(void)state;
	shapes_fini(&shapes);
	buf_fini(&text);
	return 0;
}

static int make(const char *shape)
{
	struct json_out out;
	buf_reset(&text);
	json_out_init(&out, &text);
	return shape_write(&shapes, str_of(shape), &out, &err);
}

static void is(const char *shape, const char *schema)
{
	assert_int_equal(make(shape), 0);
	assert_str(buf_str(&text), schema);
}

static void refuses(const char *shape, const char *words)
{
	assert_int_equal(make(shape), NUNCIO_E_INVAL);
	if (!strstr(err.text, words))
		fail_msg("%s: \"%s\" does not say \"%s\"", shape, err.text, words);
}

static void words_become_types(void **state)
{
	(void)state;
	is("text", "{\"type\":\"string\"}");
	is(" int ", "{\"type\":\"integer\"}");
	is("any", "{}");
	is("time", "{\"type\":\"string\",\"format\":\"date-time\"}");
	is("'a'|'b c'", "{\"enum\":[\"a\",\"b c\"]}");
	is("user", "{\"$ref\":\"#/components/schemas/user\"}");
}

static void compounds(void **state)
{
	(void)state;
	is("[text]", "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}");
	is("[[int]]",
		"{\"type\":\"array\",\"items\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}}");
	is("{}", "{\"type\":\"object\"}");
	is("{*: bool}", "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"boolean\"}}");
	is("{a: int, b?: {c: text}}",
		"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{\"type\":"
		"\"object\",\"properties\":{\"c\":{\"type\":\"string\"}},\"required\":[\"c\"]}},"
		"\"required\":[\"a\"]}");
	is("text|null", "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}");
	is("user & {n: int}|null",
		"{\"anyOf\":[{\"allOf\":[{\"$ref\":\"#/components/schemas/user\"},{\"type\":\"object\","
		"\"properties\":{\"n\":{\"type\":\"integer\"}},\"required\":[\"n\"]}]},"
		"{\"type\":\"null\"}]}");
	is("{a: 'x'|'y', b: int|null}",
		"{\"type\":\"object\",\"properties\":{\"a\":{\"enum\":[\"x\",\"y\"]},\"b\":{\"anyOf\":"
		"[{\"type\":\"integer\"},{\"type\":\"null\"}]}},\"required\":[\"a\",\"b\"]}");
	is("'{,|}'", "{\"enum\":[\"{,|}\"]}");
}

static void what_is_no_shape(void **state)
{
	char deep[200];
	(void)state;
	refuses("", "missing");
	refuses("text|", "missing");
	refuses("Text", "no shape");
	refuses("{a: }", "missing");
	refuses("{a}", "without a shape");
	refuses("{: int}", "without a name");
	refuses("{a: int,}", "without a shape");
	refuses("{*: int, b: int}", "like *");
	refuses("{a: int, *: int}", "like *");
	refuses("[text", "no shape");
	refuses("text]", "no shape");
	refuses("{a: [text}", "no shape");
	refuses("'a", "no shape");
	refuses("'a'b'", "no shape");
	refuses("''", "no shape");
	refuses("group", "declares");
	memset(deep, '[', sizeof deep);
	deep[sizeof deep - 1] = '\0';
	memset(deep + 100, ']', 99);
	refuses(deep, "too deeply");
}

static void names_have_one_owner(void **state)
{
	static const struct nuncio_shape again = {
		.size = sizeof again, .name = "user", .shape = "text"
	};
	static const char *const bad[] = { "User", "", "text", "a.b", "1a" };
	(void)state;
	assert_int_equal(shapes_add(&shapes, "other", &again, &err), NUNCIO_E_EXISTS);
	assert_non_null(strstr(err.text, "test and other"));
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		const struct nuncio_shape shape = {
			.size = sizeof shape, .name = bad[i], .shape = "text"
		};
		assert_int_equal(shapes_add(&shapes, "other", &shape, &err), NUNCIO_E_INVAL);
	}
}

static void words_are_listed(void **state)
{
	char out[64];
	const struct nuncio_str words = STR("'open' | 'approval'|'invite'");
	(void)state;
	assert_true(shape_is_words(words));
	assert_false(shape_is_words(STR("'a'|text")));
	assert_false(shape_is_words(STR("")));
	assert_true(shape_has_word(words, STR("approval")));
	assert_false(shape_has_word(words, STR("appro")));
	assert_false(shape_has_word(words, STR("")));
	shape_list_words(words, out, sizeof out);
	assert_string_equal(out, "open, approval or invite");
	shape_list_words(words, out, 8);
	assert_string_equal(out, "open");
	shape_list_words(STR("'a'"), out, sizeof out);
	assert_string_equal(out, "a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_become_types),
		cmocka_unit_test(compounds),
		cmocka_unit_test(what_is_no_shape),
		cmocka_unit_test(names_have_one_owner),
		cmocka_unit_test(words_are_listed),
	};
	return cmocka_run_group_tests_name("shape", tests, setup, teardown);
}

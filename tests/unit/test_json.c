/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/slice.h"
#include "wire/json.h"
#include "wire/json_out.h"
#include "wire/limits.h"

/* Checked in a heap copy of exactly that size, so that a sanitizer sees a read behind the end. */
static int check(struct nuncio_str text, struct nuncio_error *err)
{
	char *copy = test_malloc(text.n + 1);
	memcpy(copy, text.p, text.n);
	char *exact = text.n ? memcpy(test_malloc(text.n), copy, text.n) : NULL;
	int rc = json_check((struct nuncio_str){ exact, text.n }, NULL, NULL, err);
	test_free(copy);
	if (exact)
		test_free(exact);
	return rc;
}

static void accepts(const char *text)
{
	struct nuncio_error err;
	if (check(str_of(text), &err) != 0)
		fail_msg("refused: %s: %s", text, err.text);
}

static void refuses(const char *text, const char *reason)
{
	struct nuncio_error err;
	if (check(str_of(text), &err) == 0)
		fail_msg("accepted: %s", text);
	assert_string_equal(err.text, reason);
}

static void accepts_what_the_rfc_allows(void **state)
{
	(void)state;
	accepts("{}");
	accepts("[]");
	accepts("0");
	accepts("-0");
	accepts("\"\"");
	accepts(" \t\r\n[ 1 , -2.5e+10 , 0.1E-3 , true , false , null ]\n");
	accepts("{\"a\":{\"a\":{\"a\":[{},{}]}},\"b\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"}");
	accepts("\"\\ud83d\\ude00 \xF0\x9F\x98\x80 \xE4\xB8\xAD\xE6\x96\x87 \\u0000\"");
	accepts("123456789012345678901234567890123456789012345678901234567890");
	accepts("{\"\":1,\" \":2}");
}

static void says_where_and_why(void **state)
{
	(void)state;
	refuses("", "byte 0: a value is missing");
	refuses("  ", "byte 2: a value is missing");
	refuses("{", "byte 1: a key in quotes is missing");
	refuses("{\"a\"}", "byte 4: a colon is missing");
	refuses("{\"a\":1,}", "byte 7: a key in quotes is missing");
	refuses("[1,]", "byte 3: not a value");
	refuses("[1 2]", "byte 3: a comma or ] is missing");
	refuses("{\"a\":1]", "byte 6: a comma or } is missing");
	refuses("[1", "byte 2: a comma or ] is missing");
	refuses("1 2", "byte 2: something behind the value");
	refuses("01", "byte 1: a number with a leading zero");
	refuses("1.", "byte 2: a digit is missing behind the point");
	refuses("1e+", "byte 3: a digit is missing in the exponent");
	refuses("-", "byte 1: not a value");
	refuses("+1", "byte 0: not a value");
	refuses(".5", "byte 0: not a value");
	refuses("tru", "byte 0: not a value");
	refuses("True", "byte 0: not a value");
	refuses("NaN", "byte 0: not a value");
	refuses("\"abc", "byte 4: text without end");
	refuses("\"abc\\", "byte 5: text without end");
	refuses("\"\\x\"", "byte 2: unknown escape");
	refuses("\"\\u12g4\"", "byte 2: \\u needs four hex digits");
	refuses("\"\\u123", "byte 2: \\u needs four hex digits");
	refuses("\"a\nb\"", "byte 2: control character in a text");
	refuses("'a'", "byte 0: not a value");
	refuses("\xEF\xBB\xBF{}", "byte 0: not a value");
	refuses("[1]//", "byte 3: something behind the value");
}

static void refuses_bad_characters(void **state)
{
	struct nuncio_error err;
	(void)state;
	refuses("\"\xC0\x80\"", "byte 1: invalid UTF-8");
	refuses("\"\xED\xA0\x80\"", "byte 1: invalid UTF-8");
	refuses("\"12345678\xF4\x90\x80\x80\"", "byte 9: invalid UTF-8");
	refuses("\"\xE4\xB8", "byte 1: invalid UTF-8");
	refuses("\"\\ud800\"", "byte 2: half a surrogate pair");
	refuses("\"\\udc00\"", "byte 2: half a surrogate pair");
	refuses("\"\\ud800\\ud800\"", "byte 2: half a surrogate pair");
	refuses("\"\\ud800\\u0041\"", "byte 2: half a surrogate pair");
	refuses("{\"a\\u0000\":1}", "byte 4: U+0000 in a key");
	assert_int_equal(check(STR("\"a\0b\""), &err), NUNCIO_E_INVAL);
	assert_int_equal(check(STR("{}\0"), &err), NUNCIO_E_INVAL);
}

static void refuses_a_key_twice(void **state)
{
	struct buf b;
	struct nuncio_error err;
	(void)state;
	refuses("{\"a\":1,\"b\":2,\"a\":3}", "byte 14: a key that the object has already");
	refuses("{\"ab\":1,\"\\u0061b\":2}", "byte 9: a key that the object has already");
	refuses("{\"\\u00e9\":1,\"\xC3\xA9\":2}", "byte 13: a key that the object has already");
	refuses("{\"\":1,\"\":2}", "byte 7: a key that the object has already");
	refuses("{\"12345678x\":1,\"12345678x\":2}", "byte 16: a key that the object has already");
	accepts("{\"12345678x\":1,\"12345678y\":2,\"12345678\":3}");
	accepts("[{\"a\":{\"a\":1},\"b\":{\"a\":2}},{\"a\":3}]");
	for (int same = 0; same < 2; same++) { /* over the linear part, so by sorting */
		buf_init(&b);
		for (int i = 0; i < 200; i++)
			buf_printf(
				&b, "%s\"key%d\":%d", i ? "," : "{", same && i == 150 ? 3 : i, i);
		buf_add_char(&b, '}');
		int rc = check(buf_str(&b), &err);
		assert_int_equal(rc, same ? NUNCIO_E_INVAL : 0);
		if (same)
			assert_non_null(strstr(err.text, "a key that the object has already"));
		buf_fini(&b);
	}
}

static struct nuncio_str nested(struct buf *b, int depth)
{
	buf_reset(b);
	for (int i = 0; i < depth; i++)
		buf_add_char(b, '[');
	for (int i = 0; i < depth; i++)
		buf_add_char(b, ']');
	return buf_str(b);
}

static void keeps_the_limits(void **state)
{
	const struct json_limits small = { .depth = 2, .members = 2, .bytes = 16 };
	struct nuncio_error err;
	struct buf b;
	(void)state;
	buf_init(&b);
	assert_int_equal(check(nested(&b, LIMIT_JSON_DEPTH), &err), 0);
	assert_int_equal(check(nested(&b, LIMIT_JSON_DEPTH + 1), &err), NUNCIO_E_TOOBIG);
	assert_string_equal(err.text, "byte 32: nested too deep");
	assert_int_equal(check(nested(&b, 30000), &err), NUNCIO_E_TOOBIG);
	assert_int_equal(json_check(STR("[[1]]"), &small, NULL, &err), 0);
	assert_int_equal(json_check(STR("[[[]]]"), &small, NULL, &err), NUNCIO_E_TOOBIG);
	assert_int_equal(json_check(STR("{\"a\":1,\"b\":2}"), &small, NULL, &err), 0);
	assert_int_equal(
		json_check(STR("{\"\":1,\"b\":2,\"\":"), &small, NULL, &err), NUNCIO_E_TOOBIG);
	assert_string_equal(err.text, "byte 14: too many members");
	assert_int_equal(json_check(STR("[1,2,3,4,5,6,7,8]"), &small, NULL, &err), NUNCIO_E_TOOBIG);
	buf_reset(&b);
	buf_add_text(&b, "{\"");
	for (int i = 0; i < LIMIT_JSON_KEY_BYTES + 1; i++)
		buf_add_char(&b, 'k');
	buf_add_text(&b, "\":1}");
	assert_int_equal(check(buf_str(&b), &err), NUNCIO_E_TOOBIG);
	buf_fini(&b);
}

static void limits_keys_of_all_open_objects(void **state)
{
	struct nuncio_error err;
	struct buf b;
	(void)state;
	buf_init(&b);
	for (int level = 0; level < 5; level++) {
		buf_add_char(&b, '{');
		for (int i = 0; i < 250; i++)
			buf_printf(&b, "\"%d\":0,", i);
		buf_add_text(&b, "\"next\":");
	}
	assert_int_equal(check(buf_str(&b), &err), NUNCIO_E_TOOBIG);
	assert_non_null(strstr(err.text, "too many members"));
	buf_fini(&b);
}

static void scans_the_wanted_members(void **state)
{
	static const struct nuncio_str keys[] = { STR_INIT("type"), STR_INIT("data"),
		STR_INIT("no") };
	struct nuncio_str values[3];
	struct nuncio_error err;
	(void)state;
	assert_int_equal(json_scan_members(STR(" {\"x\":{\"type\":1}, \"t\\u0079pe\" : \"request\" "
					       ",\"data\":{\"data\":[1]}} "),
				 NULL, keys, 3, values, &err),
		0);
	assert_true(str_eq_text(values[0], "\"request\""));
	assert_true(str_eq_text(values[1], "{\"data\":[1]}"));
	assert_int_equal(values[2].n, 0);
	assert_int_equal(
		json_scan_members(STR("[1]"), NULL, keys, 3, values, &err), NUNCIO_E_INVAL);
	assert_string_equal(err.text, "byte 0: not an object");
	assert_int_equal(
		json_scan_members(STR("{\"type\":7,\"data\":x}"), NULL, keys, 3, values, &err),
		NUNCIO_E_INVAL);
	assert_true(str_eq_text(values[0], "7"));
	assert_int_equal(values[1].n, 0);
}

static struct nuncio_str checked(const char *text)
{
	struct nuncio_str value = { NULL, 0 };
	assert_int_equal(json_check(str_of(text), NULL, &value, NULL), 0);
	return value;
}

static void finds_members_and_paths(void **state)
{
	struct nuncio_str v =
		checked(" {\"a\":1,\"to\":{\"user\":\"bob\",\"n\":null},\"s\":\"}\\\"{\","
			"\"t\\u006f2\":[1,{\"x\":2},\"]\"]} ");
	struct nuncio_str child;
	(void)state;
	assert_int_equal(json_type(v), JSON_OBJECT);
	assert_int_equal(json_member(v, "a", &child), 1);
	assert_true(str_eq_text(child, "1"));
	assert_int_equal(json_member(v, "s", &child), 1);
	assert_true(str_eq_text(child, "\"}\\\"{\""));
	assert_int_equal(json_member(v, "to2", &child), 1);
	assert_int_equal(json_count(child), 3);
	assert_int_equal(json_member(v, "user", &child), 0);
	assert_int_equal(child.n, 0);
	assert_int_equal(json_path(v, "to.user", &child), 1);
	assert_true(str_eq_text(child, "\"bob\""));
	assert_int_equal(json_path(v, "to.none", &child), 0);
	assert_int_equal(json_path(v, "none.user", &child), 0);
	assert_int_equal(json_path(v, "a.user", &child), NUNCIO_E_INVAL);
	assert_int_equal(json_member(STR("[]"), "a", &child), NUNCIO_E_INVAL);
	assert_int_equal(json_member((struct nuncio_str){ NULL, 0 }, "a", &child), NUNCIO_E_INVAL);
	assert_int_equal(json_count(v), 4);
	assert_int_equal(json_count(STR("{}")), 0);
	assert_int_equal(json_count(STR("[ ]")), 0);
}

static void walks_items(void **state)
{
	struct nuncio_str child, v = checked("[ 1 , \"a,b\" ,[2,3], {\"k\":[4]} ,true]");
	const char *want[] = { "1", "\"a,b\"", "[2,3]", "{\"k\":[4]}", "true" };
	size_t i = 0;
	(void)state;
	for (struct json_iter it = json_items(v); json_next_item(&it, &child); i++)
		assert_true(i < 5 && str_eq_text(child, want[i]));
	assert_int_equal(i, 5);
	struct json_iter none = json_items(STR("{}"));
	assert_false(json_next_item(&none, &child));
}

static void reads_typed_values(void **state)
{
	struct arena a;
	struct nuncio_str text;
	int64_t i;
	uint64_t u;
	double d;
	bool b;
	(void)state;
	arena_init(&a, 0);
	struct nuncio_str plain = STR("\"bob\"");
	assert_int_equal(json_text(plain, &a, &text), 0);
	assert_ptr_equal(text.p, plain.p + 1); /* not copied */
	assert_int_equal(json_text(STR("\"\\u00e9\\ud83d\\ude00\\n\\/\""), &a, &text), 0);
	assert_true(str_eq_text(text, "\xC3\xA9\xF0\x9F\x98\x80\n/"));
	assert_int_equal(json_text(STR("7"), &a, &text), NUNCIO_E_INVAL);
	assert_int_equal(json_word(STR("\"bob\""), 3, &a, &text), 0);
	assert_int_equal(json_word(STR("\"bobo\""), 3, &a, &text), NUNCIO_E_INVAL);
	assert_int_equal(json_word(STR("\"\""), 3, &a, &text), NUNCIO_E_INVAL);
	assert_int_equal(json_word(STR("\"a\\u0000\""), 9, &a, &text), NUNCIO_E_INVAL);
	assert_int_equal(json_word(STR("\"a\\u007f\""), 9, &a, &text), NUNCIO_E_INVAL);
	assert_int_equal(json_int(STR("-9223372036854775808"), &i), 0);
	assert_true(i == INT64_MIN);
	assert_int_equal(json_int(STR("9223372036854775808"), &i), NUNCIO_E_INVAL);
	assert_int_equal(json_int(STR("1.0"), &i), NUNCIO_E_INVAL);
	assert_int_equal(json_int(STR("1e3"), &i), NUNCIO_E_INVAL);
	assert_int_equal(json_int(STR("-0"), &i), NUNCIO_E_INVAL);
	assert_int_equal(json_int(STR("\"1\""), &i), NUNCIO_E_INVAL);
	assert_int_equal(json_uint(STR("18446744073709551615"), &u), 0);
	assert_true(u == UINT64_MAX);
	assert_int_equal(json_uint(STR("-1"), &u), NUNCIO_E_INVAL);
	assert_int_equal(json_double(STR("-2.5e3"), &d), 0);
	assert_true(d < -2499.9 && d > -2500.1);
	assert_int_equal(json_double(STR("1e999"), &d), NUNCIO_E_INVAL);
	assert_int_equal(json_bool(STR("true"), &b), 0);
	assert_true(b);
	assert_int_equal(json_bool(STR("1"), &b), NUNCIO_E_INVAL);
	arena_fini(&a);
}

static void same(const char *a, const char *b, bool expected)
{
	if (json_is_equal(checked(a), checked(b)) != expected ||
		json_is_equal(checked(b), checked(a)) != expected)
		fail_msg("%s and %s", a, b);
}

static void compares_by_meaning(void **state)
{
	(void)state;
	same("{\"a\":1,\"b\":[1,2]}", "{ \"b\" : [1, 2], \"a\" : 1 }", true);
	same("{\"a\":1,\"b\":2}", "{\"b\":1,\"a\":2}", false);
	same("{\"a\":1}", "{\"a\":1,\"b\":2}", false);
	same("[1,2]", "[2,1]", false);
	same("[1,2]", "[1,2,3]", false);
	same("\"\\u0061\\/\"", "\"a/\"", true);
	same("{\"\\u0061\":1}", "{\"a\":1}", true);
	same("1", "1.0", true);
	same("100", "1e2", true);
	same("0", "-0", true);
	same("9007199254740993", "9007199254740992", false);
	same("1", "\"1\"", false);
	same("null", "false", false);
	same("\"a\"", "\"b\"", false);
	same("{\"x\":{\"a\":1,\"b\":{\"c\":1,\"d\":2}},\"y\":0}",
		"{\"y\":0,\"x\":{\"b\":{\"d\":2,\"c\":1},\"a\":1}}", true);
	same("{}", "[]", false);
}

/* Members out of order at every level: the time must not double with each. */
static void compares_deep_reordered_objects(void **state)
{
	struct buf a, b;
	(void)state;
	buf_init(&a);
	buf_init(&b);
	for (int i = 0; i < 30; i++) {
		buf_add_text(&a, "{\"next\":");
		buf_add_text(&b, "{\"next\":");
	}
	buf_add_text(&a, "1");
	buf_add_text(&b, "1.0");
	for (int i = 0; i < 30; i++) {
		buf_add_text(&a, ",\"x\":1,\"y\":2}");
		buf_add_text(&b, ",\"y\":2,\"x\":1}");
	}
	assert_true(json_is_equal(buf_str(&a), buf_str(&b)));
	buf_fini(&a);
	buf_fini(&b);
}

static void writes_valid_json(void **state)
{
	struct buf b;
	struct json_out o;
	(void)state;
	buf_init(&b);
	json_out_init(&o, &b);
	json_out_object_begin(&o);
	json_out_key_text(&o, "t", STR("a\"\\\n\t\x01\x7F/\xC3\xA9\xFFz"));
	json_out_key_cstr(&o, "c", NULL);
	json_out_key_int(&o, "i", INT64_MIN);
	json_out_key_uint(&o, "u", UINT64_MAX);
	json_out_key_id(&o, "id", 18446744073709551615u);
	json_out_key_bool(&o, "b", false);
	json_out_key_raw(&o, "raw", STR("[1]"));
	json_out_key(&o, "a");
	json_out_array_begin(&o);
	json_out_double(&o, 0.1);
	json_out_double(&o, 1.0 / 0.0);
	json_out_object_begin(&o);
	json_out_object_end(&o);
	json_out_null(&o);
	json_out_array_end(&o);
	json_out_key(&o, "e");
	json_out_array_begin(&o);
	json_out_array_end(&o);
	json_out_object_end(&o);
	buf_add_char(&b, '\0');
	assert_string_equal(b.data,
		"{\"t\":\"a\\\"\\\\\\n\\t\\u0001\\u007f/\xC3\xA9\xEF\xBF\xBDz\",\"c\":null,"
		"\"i\":-9223372036854775808,\"u\":18446744073709551615,"
		"\"id\":\"18446744073709551615\",\"b\":false,\"raw\":[1],"
		"\"a\":[0.1,null,{},null],\"e\":[]}");
	accepts(b.data);
	buf_fini(&b);
}

/* The readers may be handed anything; they must end and stay inside. */
static void survives_unchecked_text(void **state)
{
	static const char *const texts[] = { "{", "[", "\"", "{\"a", "{\"a\"", "{\"a\":", "[,]",
		"[\\]", "{\"a\":\"\\", "[[[", "{\"\\u00\":1}", "}", "{x}", "[]]", "\"\\u\"" };
	struct nuncio_str key, child;
	struct arena a;
	(void)state;
	arena_init(&a, 0);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t n = strlen(texts[i]);
		char *exact = memcpy(test_malloc(n), texts[i], n);
		struct nuncio_str v = { exact, n };
		json_count(v);
		json_path(v, "a.b", &child);
		for (struct json_iter it = json_members(v); json_next_member(&it, &key, &child);)
			json_key_text(key, &a);
		json_text(v, &a, &child);
		json_is_equal(v, STR("{\"a\":1}"));
		test_free(exact);
	}
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_what_the_rfc_allows),
		cmocka_unit_test(says_where_and_why),
		cmocka_unit_test(refuses_bad_characters),
		cmocka_unit_test(refuses_a_key_twice),
		cmocka_unit_test(keeps_the_limits),
		cmocka_unit_test(limits_keys_of_all_open_objects),
		cmocka_unit_test(scans_the_wanted_members),
		cmocka_unit_test(finds_members_and_paths),
		cmocka_unit_test(walks_items),
		cmocka_unit_test(reads_typed_values),
		cmocka_unit_test(compares_by_meaning),
		cmocka_unit_test(compares_deep_reordered_objects),
		cmocka_unit_test(writes_valid_json),
		cmocka_unit_test(survives_unchecked_text),
	};
	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "harness/match.h"

#include "base/buf.h"
#include "base/slice.h"
#include "tests/lib/unit.h"

static void reads_single_quotes(void **state)
{
	(void)state;
	static const struct {
		const char *text, *json;
	} rows[] = {
		{ "{'a':['x']}", "{\"a\":[\"x\"]}" },
		{ "{\"a\":\"it's\"}", "{\"a\":\"it's\"}" },
		{ "7", "7" },
		{ "{'a':", NULL },
		{ "", NULL },
		{ "{'a':'it's'}", NULL },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf out = { 0 };
		struct nuncio_error err;
		int rc = match_read(rows[i].text, &out, &err);
		assert_int_equal(rc == 0, rows[i].json != NULL);
		if (rc == 0)
			assert_str(buf_str(&out), rows[i].json);
		buf_fini(&out);
	}
}

/* where NULL: alike. */
static void check(const char *found, const char *pattern, const char *where)
{
	struct buf place = { 0 };
	bool is_like = match_is_like(str_of(found), str_of(pattern), &place);
	assert_int_equal(is_like, where == NULL);
	if (where)
		assert_str(buf_str(&place), where);
	buf_fini(&place);
}

static void finds_what_is_wanted(void **state)
{
	(void)state;
	const char *found = "{\"code\":0,\"data\":{\"n\":1.0,\"list\":[1,{\"a\":\"x\",\"b\":2}],"
			    "\"e\\u0065\":null}}";
	check(found, "{}", NULL);
	check(found, "\"*\"", NULL);
	check(found, "{\"code\":0}", NULL);
	check(found, "{\"data\":{\"n\":1}}", NULL);
	check(found, "{\"data\":{\"list\":[1,{\"a\":\"x\"}]}}", NULL);
	check(found, "{\"data\":{\"list\":[\"*\",\"*\"]}}", NULL);
	check(found, "{\"data\":{\"ee\":null}}", NULL);
	check("[]", "[]", NULL);
	check("\"x\"", "\"\\u0078\"", NULL);
}

static void says_where_it_differs(void **state)
{
	(void)state;
	const char *found = "{\"code\":0,\"data\":{\"n\":1,\"list\":[1,{\"a\":\"x\"}]}}";
	check(found, "{\"code\":1}", "code");
	check(found, "{\"code\":\"0\"}", "code");
	check(found, "{\"data\":{\"n\":1,\"m\":\"*\"}}", "data.m");
	check(found, "{\"data\":{\"list\":[1,{\"a\":\"y\"}]}}", "data.list[1].a");
	check(found, "{\"data\":{\"list\":[1]}}", "data.list");
	check(found, "{\"data\":{\"list\":[1,{},3]}}", "data.list[2]");
	check(found, "{\"data\":[]}", "data");
	check(found, "[]", "");
	check("[]", "[1]", "[0]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_single_quotes),
		cmocka_unit_test(finds_what_is_wanted),
		cmocka_unit_test(says_where_it_differs),
	};
	return cmocka_run_group_tests_name("match", tests, NULL, NULL);
}

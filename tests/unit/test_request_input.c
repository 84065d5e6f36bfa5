/* SPDX-License-Identifier: MIT */
/* Members of a request's data: by name, however many there are and however they are written. */
#include "logic/request_input.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/slice.h"

#include "tests/lib/unit.h"

static struct nuncio_request rq;

static int setup(void **state)
{
	(void)state;
	rq = (struct nuncio_request){ .magic = REQUEST_MAGIC };
	arena_init(&rq.arena, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_fini(&rq.arena);
	return 0;
}

static void expect(const char *name, int found, const char *json)
{
	struct nuncio_str value;
	assert_int_equal(request_member(&rq, name, &value), found);
	assert_int_equal(request_raw(&rq, name, &value), found == 1);
	if (found == 1)
		assert_true(str_eq_text(value, json));
}

static void finds_by_name(void **state)
{
	(void)state;
	rq.data = STR("{\"a\": 1,\"\\u0062\":\"x\",\"a.b\":2,\"c\":{\"d\":[3]},\"a\":4,\"\":5}");
	expect("a", 1, "1"); /* the first */
	expect("b", 1, "\"x\"");
	expect("c", 1, "{\"d\":[3]}");
	expect("", 1, "5");
	expect("d", 0, NULL);
	struct nuncio_str value;
	assert_int_equal(request_member(&rq, "a.b", &value), 1);
	assert_int_equal(request_raw(&rq, "a.b", &value), 0); /* a path: a is no object */
	assert_int_equal(request_raw(&rq, "c.d", &value), 1);
	assert_true(str_eq_text(value, "[3]"));
}

static void follows_other_data(void **state)
{
	(void)state;
	rq.data = STR("{\"a\":1}");
	expect("a", 1, "1");
	rq.data = STR("{\"b\":2}");
	expect("a", 0, NULL);
	expect("b", 1, "2");
	rq.data.n--; /* the same place, but shorter: no object any more */
	rq.data.n -= 3;
	expect("b", 0, NULL);
	rq.data = STR("[1]");
	expect("a", NUNCIO_E_INVAL, NULL);
	rq.data = STR("");
	expect("a", NUNCIO_E_INVAL, NULL);
}

/* Around the number that is remembered. */
static void finds_among_many(void **state)
{
	char text[1024], name[16], json[16];
	(void)state;
	for (int count = 14; count <= 20; count++) {
		int n = snprintf(text, sizeof text, "{");
		for (int i = 0; i < count; i++)
			n += snprintf(text + n, sizeof text - (size_t)n, "%s\"m%d\":%d",
				i ? "," : "", i, i);
		n += snprintf(text + n, sizeof text - (size_t)n, "}");
		rq.data = (struct nuncio_str){ text, (size_t)n };
		for (int i = 0; i < count; i++) {
			snprintf(name, sizeof name, "m%d", i);
			snprintf(json, sizeof json, "%d", i);
			expect(name, 1, json);
		}
		expect("m20", 0, NULL);
	}
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(finds_by_name),
		CASE(follows_other_data),
		CASE(finds_among_many),
	};
	return cmocka_run_group_tests_name("request_input", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Input against its declaration: what is for the path, and texts of which only some words are good.
 */
#include "logic/fields.h"

#include "base/slice.h"
#include "logic/request_input.h"

#include "tests/lib/loopback.h"
#include "tests/lib/unit.h"

static void on_request(struct nuncio_request *rq, void *user)
{
	(void)user;
	request_reply(&rq, 200, STR("{}"));
}

static const struct nuncio_field fields[] = {
	{ "seq", NUNCIO_FIELD_INT, NUNCIO_FIELD_PATH, 1, 9, "which" },
	{ "name", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_PATH, 0, 0, "whose" },
	{ "mode", NUNCIO_FIELD_TEXT, 0, 1, 16, "how", "'open'|'shut'|'ajar'" },
	{ 0 },
};
static const struct nuncio_route route = { .size = sizeof route,
	.flags = NUNCIO_OPEN,
	.method = "PUT",
	.path = "/things/:seq/:name",
	.fields = fields,
	.field_size = sizeof fields[0],
	.fn = on_request };

static int setup(void **state)
{
	static struct loopback lb;
	struct nuncio_error err;
	struct route *added;
	loopback_init(&lb);
	assert_int_equal(routes_add(&lb.logic->routes, "t", &route, NULL, &added, &err), 0);
	loopback_ready(&lb);
	*state = &lb;
	return 0;
}

static int teardown(void **state)
{
	loopback_fini(*state);
	return 0;
}

static void is(struct loopback *lb, const char *path, const char *query, const char *body,
	const char *answer)
{
	loopback_http(lb, "PUT", path, query, NULL, body);
	const char *line = loopback_next(lb);
	if (!strstr(line, answer))
		fail_msg("%s?%s %s: %s, not %s", path, query, body, line, answer);
}

static void parameters_of_the_path_are_checked(void **state)
{
	struct loopback *lb = *state;
	is(lb, "/things/9/a", "", "{}", "answer 200 ");
	is(lb, "/things/0/a", "", "{}", "422 {\"code\":1002,\"message\":\"seq: must be 1 to 9\"");
	is(lb, "/things/1x/a", "", "{}", "\"seq: must be an integer\"");
	is(lb, "/things/1/a", "seq=1", "{}", "\"seq: belongs in the path, not in the query\"");
}

/* Handlers find a name in the body first, so it may repeat the path, but not contradict it. */
static void the_body_may_repeat_the_path(void **state)
{
	struct loopback *lb = *state;
	is(lb, "/things/3/a b", "", "{\"seq\":3,\"name\":\"a b\"}", "answer 200 ");
	is(lb, "/things/3/a", "", "{\"seq\":4}", "\"seq: differs from the one in the path\"");
	is(lb, "/things/3/a", "", "{\"name\":\"b\"}", "\"name: differs from the one in the path\"");
	is(lb, "/things/3/a", "", "{\"name\":null}", "\"name: differs from the one in the path\"");
}

static void only_the_words_are_good(void **state)
{
	struct loopback *lb = *state;
	is(lb, "/things/1/a", "", "{\"mode\":\"ajar\"}", "answer 200 ");
	is(lb, "/things/1/a", "", "{\"mode\":null}", "answer 200 ");
	is(lb, "/things/1/a", "", "{\"mode\":\"Open\"}", "\"mode: must be open, shut or ajar\"");
	is(lb, "/things/1/a", "", "{\"mode\":\"\"}", "\"mode: must be open, shut or ajar\"");
	is(lb, "/things/1/a", "", "{\"mode\":1}", "\"mode: must be a string\"");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(parameters_of_the_path_are_checked),
		TEST(the_body_may_repeat_the_path),
		TEST(only_the_words_are_good),
	};
	return cmocka_run_group_tests_name("fields", tests, NULL, NULL);
}

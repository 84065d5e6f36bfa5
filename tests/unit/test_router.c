/* SPDX-License-Identifier: MIT */
/*
 * Which pattern a path finds: text before parameter before wildcard, dead ends given up, 405 apart
 * from 404.
 */
#include "logic/router.h"

#include "base/slice.h"

#include "tests/lib/unit.h"

static int marks[32];

struct rig {
	struct router *router;
	struct router_match match;
};

static int setup(void **state)
{
	static const struct {
		const char *method, *pattern;
	} table[] = {
		{ "GET", "/api/v1/users" },
		{ "POST", "/api/v1/users" },
		{ "GET", "/api/v1/users/:id" },
		{ "DELETE", "/api/v1/users/:id" },
		{ "GET", "/api/v1/users/me" },
		{ "GET", "/api/v1/users/:id/presence" },
		{ "GET", "/api/v1/userland" },
		{ "GET", "/api/v1/groups/:id/members/:user" },
		{ "GET", "/" },
		{ "GET", "/files/*rest" },
		{ "GET", "/files/special" },
		{ "POST", "/files/:name" },
	};
	static struct rig rig;
	struct nuncio_error err;
	rig.router = router_new();
	for (size_t i = 0; i < COUNT_OF(table); i++)
		assert_int_equal(
			router_add(rig.router, table[i].method, table[i].pattern, &marks[i], &err),
			0);
	*state = &rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;
	router_free(&rig->router);
	assert_null(rig->router);
	return 0;
}

/* The index in the table, or the negative answer. */
static int find(struct rig *rig, const char *method, const char *path)
{
	int rc = router_find(rig->router, str_of(method), str_of(path), &rig->match);
	return rc == 1 ? (int)((int *)rig->match.value - marks) : rc == 0 ? -1 : rc;
}

static void text_wins_over_parameter(void **state)
{
	assert_int_equal(find(*state, "GET", "/api/v1/users/me"), 4);
	assert_int_equal(find(*state, "GET", "/api/v1/users/mel"), 2);
	assert_int_equal(find(*state, "GET", "/api/v1/users/m"), 2);
	assert_int_equal(find(*state, "GET", "/api/v1/users"), 0);
	assert_int_equal(find(*state, "GET", "/api/v1/userland"), 6);
}

static void a_dead_end_is_given_up(void **state)
{
	/* "me" fits as text, but only the parameter goes on to presence. */
	assert_int_equal(find(*state, "GET", "/api/v1/users/me/presence"), 5);
	/* The text pattern is there, but not with this method. */
	assert_int_equal(find(*state, "DELETE", "/api/v1/users/me"), 3);
}

static void parameters_are_named(void **state)
{
	struct rig *rig = *state;
	assert_int_equal(find(rig, "GET", "/api/v1/groups/g 1/members/bob"), 7);
	assert_int_equal(rig->match.param_count, 2);
	assert_str(rig->match.params[0].name, "id");
	assert_str(rig->match.params[0].value, "g 1");
	assert_str(rig->match.params[1].name, "user");
	assert_str(rig->match.params[1].value, "bob");
}

static void a_parameter_is_never_empty_and_never_two_segments(void **state)
{
	assert_int_equal(find(*state, "GET", "/api/v1/users/"), -1);
	assert_int_equal(find(*state, "GET", "/api/v1/users//presence"), -1);
	assert_int_equal(find(*state, "GET", "/api/v1/users/a/b"), -1);
	assert_int_equal(find(*state, "GET", "/api/v1/users/a/"), -1);
}

static void a_wildcard_takes_the_rest(void **state)
{
	struct rig *rig = *state;
	assert_int_equal(find(rig, "GET", "/files/a/b/c"), 9);
	assert_str(rig->match.params[0].name, "rest");
	assert_str(rig->match.params[0].value, "a/b/c");
	assert_int_equal(find(rig, "GET", "/files/"), 9);
	assert_str(rig->match.params[0].value, "");
	assert_int_equal(find(rig, "GET", "/files/special"), 10);
	assert_int_equal(find(rig, "GET", "/files/specials"), 9);
	assert_int_equal(find(rig, "POST", "/files/one"), 11);
	assert_int_equal(find(rig, "GET", "/files"), -1);
}

static void head_finds_get(void **state)
{
	assert_int_equal(find(*state, "HEAD", "/"), 8);
	assert_int_equal(find(*state, "HEAD", "/api/v1/users/x"), 2);
}

static void another_method_is_not_another_path(void **state)
{
	struct rig *rig = *state;
	assert_int_equal(find(rig, "PUT", "/api/v1/users"), NUNCIO_E_UNSUPPORTED);
	assert_string_equal(rig->match.allow, "GET, HEAD, POST");
	assert_int_equal(find(rig, "BREW", "/api/v1/users"), NUNCIO_E_UNSUPPORTED);
	assert_int_equal(find(rig, "GET", "/nothing"), -1);
	assert_int_equal(find(rig, "GET", ""), -1);
}

static void bad_and_doubled_patterns_are_refused(void **state)
{
	struct rig *rig = *state;
	static const char *const bad[] = { "", "users", "/a/:", "/a/x:id", "/a/:id.json", "/a/*",
		"/a/*rest/b", "/:a/:b/:c/:d/:e/:f/:g/:h/:i" };
	struct nuncio_error err;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(
			router_add(rig->router, "GET", bad[i], &marks[31], &err), NUNCIO_E_INVAL);
	assert_int_equal(router_add(rig->router, "FETCH", "/x", &marks[31], &err), NUNCIO_E_INVAL);
	assert_int_equal(
		router_add(rig->router, "GET", "/api/v1/users", &marks[31], &err), NUNCIO_E_EXISTS);
	assert_non_null(strstr(err.text, "/api/v1/users"));
	assert_int_equal(router_add(rig->router, "PUT", "/api/v1/users/:name", &marks[31], &err),
		NUNCIO_E_EXISTS);
	assert_non_null(strstr(err.text, "otherwise"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(text_wins_over_parameter, setup, teardown),
		cmocka_unit_test_setup_teardown(a_dead_end_is_given_up, setup, teardown),
		cmocka_unit_test_setup_teardown(parameters_are_named, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_parameter_is_never_empty_and_never_two_segments, setup, teardown),
		cmocka_unit_test_setup_teardown(a_wildcard_takes_the_rest, setup, teardown),
		cmocka_unit_test_setup_teardown(head_finds_get, setup, teardown),
		cmocka_unit_test_setup_teardown(
			another_method_is_not_another_path, setup, teardown),
		cmocka_unit_test_setup_teardown(
			bad_and_doubled_patterns_are_refused, setup, teardown),
	};
	return cmocka_run_group_tests_name("router", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "io/origin.h"

#include "base/slice.h"
#include "tests/lib/unit.h"

static bool is_own(const char *origin, const char *host)
{
	return origin_is_allowed(str_of(origin), str_of(host), NULL, 0);
}

static void own_host_is_allowed(void **state)
{
	(void)state;
	assert_true(is_own("http://chat.example", "chat.example"));
	assert_true(is_own("https://Chat.Example", "chat.example"));
	assert_true(is_own("http://chat.example:80", "chat.example"));
	assert_true(is_own("https://chat.example", "chat.example:443"));
	assert_true(is_own("http://127.0.0.1:8480", "127.0.0.1:8480"));
	assert_true(is_own("http://[::1]:8480", "[::1]:8480"));
	assert_true(is_own("http://[::1]", "[::1]"));
}

static void others_are_not(void **state)
{
	(void)state;
	static const char *const origins[] = { "http://chat.example.evil", "http://evil",
		"http://chat.example:8080", "https://chat.example:80", "null", "", "chat.example",
		"http:chat.example", "http:/chat.example", "http://", "http://evil@chat.example",
		"http://chat.example/", "http://chat.example:", "http://chat.example:x",
		"http://chat.example:65616", "ftp://chat.example",
		"http://chat.example, http://x" };
	for (size_t i = 0; i < COUNT_OF(origins); i++)
		if (is_own(origins[i], "chat.example"))
			fail_msg("%s was let in", origins[i]);
	assert_false(is_own("http://chat.example", ""));
	assert_false(is_own("http://[::1]", "[::2]"));
}

static void listed_ones_are_allowed(void **state)
{
	(void)state;
	static const char *const listed[] = { "https://app.example", "http://localhost:3000",
		"capacitor://localhost" };
	static const struct {
		const char *origin;
		bool is_allowed;
	} cases[] = { { "https://app.example", true }, { "https://APP.example:443", true },
		{ "http://app.example", false }, { "http://localhost:3000", true },
		{ "http://localhost", false }, { "capacitor://localhost", true },
		{ "null", false } };
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_int_equal(origin_is_allowed(str_of(cases[i].origin), STR("h"), listed,
					 COUNT_OF(listed)),
			cases[i].is_allowed);
}

static void a_star_allows_all(void **state)
{
	(void)state;
	static const char *const star[] = { "*" }, *const null[] = { "null" };
	assert_true(origin_is_allowed(STR("https://any"), STR("h"), star, 1));
	assert_true(origin_is_allowed(STR("null"), STR("h"), star, 1));
	assert_true(origin_is_allowed(STR("null"), STR("h"), null, 1));
	assert_false(origin_is_allowed(STR("https://any"), STR("h"), null, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_host_is_allowed),
		cmocka_unit_test(others_are_not),
		cmocka_unit_test(listed_ones_are_allowed),
		cmocka_unit_test(a_star_allows_all),
	};
	return cmocka_run_group_tests_name("origin", tests, NULL, NULL);
}

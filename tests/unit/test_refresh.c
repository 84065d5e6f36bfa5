/* SPDX-License-Identifier: MIT */
#include "accounts.h"

#include <sodium.h>

#include "tests/lib/unit.h"

static struct refresh made(const char *user, char text[REFRESH_TEXT_SIZE])
{
	struct refresh refresh = { "" };
	snprintf(refresh.user, sizeof refresh.user, "%s", user);
	refresh_make(&refresh, text);
	return refresh;
}

static int parse(const char *text, struct refresh *refresh_r)
{
	char *exact = memcpy(malloc(strlen(text) + 1), text, strlen(text) + 1);
	int rc = refresh_parse((struct nuncio_str){ exact, strlen(text) }, refresh_r);
	free(exact);
	return rc;
}

static void reads_what_it_made(void **state)
{
	static const char *const users[] = { "a", "ann.lee", "\xe4\xbd\xa0 .r1.",
		"0123456789012345678901234567890123456789012345678901234567890123" };
	char text[REFRESH_TEXT_SIZE];
	(void)state;
	for (size_t i = 0; i < COUNT_OF(users); i++) {
		struct refresh refresh = made(users[i], text), again = { "" };
		assert_int_equal(parse(text, &again), 0);
		assert_string_equal(again.user, users[i]);
		assert_string_equal(again.family, refresh.family);
		assert_true(refresh_is_same(&again, &refresh));
		assert_null(strstr(text, refresh.hash));
	}
}

static void renewing_keeps_the_family_only(void **state)
{
	char first[REFRESH_TEXT_SIZE], second[REFRESH_TEXT_SIZE];
	struct refresh before = made("ann", first), after = before;
	(void)state;
	refresh_make(&after, second);
	assert_string_equal(after.family, before.family);
	assert_false(refresh_is_same(&after, &before));
	assert_string_not_equal(first, second);
	struct refresh other = made("ann", second);
	assert_string_not_equal(other.family, before.family);
}

static void refuses_all_else(void **state)
{
	static const char *const rows[] = { "", ".", "...", "r1", "r1...", "made up", "r1.YQ.x.x",
		"r2.YQ.AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"r1..AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"r1.YQ.AAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"r1.YQ.AAAAAAAAAAAAAAAAAAAAAB.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"r1.YQ.AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"r1.YQ.AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"r1.YQ.AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.",
		"r1.YQ==.AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"r1.AA.AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"r1._w.AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" };
	struct refresh refresh;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (parse(rows[i], &refresh) == 0)
			fail_msg("accepted: %s", rows[i]);
	assert_int_equal(
		parse("r1.YQ.AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
			&refresh),
		0);
}

static void every_letter_counts(void **state)
{
	char text[REFRESH_TEXT_SIZE];
	struct refresh refresh = made("ann", text), other;
	(void)state;
	for (size_t i = 0; i < strlen(text); i++) {
		char before = text[i];
		text[i] = before == 'A' ? 'B' : 'A';
		if (parse(text, &other) == 0 && strcmp(other.user, refresh.user) == 0 &&
			strcmp(other.family, refresh.family) == 0)
			assert_false(refresh_is_same(&other, &refresh));
		text[i] = before;
	}
}

static int setup(void **state)
{
	(void)state;
	return sodium_init() < 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_it_made),
		cmocka_unit_test(renewing_keeps_the_family_only),
		cmocka_unit_test(refuses_all_else),
		cmocka_unit_test(every_letter_counts),
	};
	return cmocka_run_group_tests_name("refresh", tests, setup, NULL);
}

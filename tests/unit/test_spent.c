/* SPDX-License-Identifier: MIT */
#include "modules/rate_limit/spent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/unit.h"

static struct spent *spent;

static bool add(enum spent_kind kind, const char *key)
{
	return spent_add(spent, kind, key, strlen(key));
}

static void one_is(
	struct nuncio_str text, size_t *at, enum spent_kind kind, uint32_t count, const char *key)
{
	struct spent_one one;
	assert_true(spent_next(text, at, &one));
	assert_int_equal(one.kind, kind);
	assert_int_equal(one.count, count);
	assert_int_equal(one.key.n, strlen(key));
	assert_memory_equal(one.key.p, key, one.key.n);
}

static void says_what_was_spent_by_key(void **state)
{
	struct spent_one one;
	size_t at = 0;
	(void)state;
	assert_true(spent_is_empty(spent));
	assert_true(add(SPENT_USER, "ann") && add(SPENT_USER, "bob") && add(SPENT_USER, "ann"));
	assert_true(add(SPENT_ADDRESS, "ann") && add(SPENT_ADDRESS, ""));
	struct nuncio_str text = spent_take(spent);
	assert_true(spent_is_empty(spent));
	one_is(text, &at, SPENT_USER, 2, "ann");
	one_is(text, &at, SPENT_USER, 1, "bob");
	one_is(text, &at, SPENT_ADDRESS, 1, "ann");
	one_is(text, &at, SPENT_ADDRESS, 1, "");
	assert_false(spent_next(text, &at, &one));
}

/* Every key that was taken is said, whatever its place in the table, and the text fits a bus. */
static void is_full_at_last(void **state)
{
	char key[PEERS_KEY_BYTES + 1];
	struct spent_one one;
	size_t at = 0, keys = 0, taken = 0;
	(void)state;
	memset(key, 'x', sizeof key);
	for (int i = 0; i < 2 * SPENT_KEYS; i++) {
		char digits[16];
		snprintf(digits, sizeof digits, "%07d", i);
		memcpy(key, digits, 7);
		taken += spent_add(spent, SPENT_USER, key, sizeof key);
	}
	assert_int_equal(taken, SPENT_KEYS);
	struct nuncio_str text = spent_take(spent);
	assert_true(text.n <= 64 * 1024);
	while (spent_next(text, &at, &one)) {
		assert_int_equal(one.key.n, PEERS_KEY_BYTES);
		keys++;
	}
	assert_int_equal(keys, SPENT_KEYS);
	assert_int_equal(at, text.n);
	assert_true(spent_add(spent, SPENT_USER, key, sizeof key));
}

static void a_count_does_not_wrap(void **state)
{
	size_t at = 0;
	(void)state;
	for (int i = 0; i < 65535; i++)
		assert_true(add(SPENT_USER, "ann"));
	assert_false(add(SPENT_USER, "ann"));
	one_is(spent_take(spent), &at, SPENT_USER, 65535, "ann");
}

static void nonsense_is_the_end(void **state)
{
	static const char *const bad[] = { "", "u", "u\0\1", "u\0\1\3an", "x\0\1\0", "u\0\1\x51" };
	static const size_t bytes[] = { 0, 1, 3, 6, 4, 4 };
	struct spent_one one;
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		/* Of exactly its size, so that a sanitizer sees who reads further. */
		char *copy = malloc(bytes[i] ? bytes[i] : 1);
		size_t at = 0;
		memcpy(copy, bad[i], bytes[i]);
		assert_false(spent_next((struct nuncio_str){ copy, bytes[i] }, &at, &one));
		free(copy);
	}
}

static int make(void **state)
{
	(void)state;
	spent = spent_new();
	return 0;
}

static int drop(void **state)
{
	(void)state;
	spent_free(&spent);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(says_what_was_spent_by_key, make, drop),
		cmocka_unit_test_setup_teardown(is_full_at_last, make, drop),
		cmocka_unit_test_setup_teardown(a_count_does_not_wrap, make, drop),
		cmocka_unit_test_setup_teardown(nonsense_is_the_end, make, drop),
	};
	return cmocka_run_group_tests_name("spent", tests, NULL, NULL);
}

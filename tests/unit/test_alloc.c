/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"

#include "tests/lib/unit.h"

static void zero_bytes_are_memory(void **state)
{
	(void)state;
	void *a = alloc_get(0), *b = alloc_zero(0), *c = alloc_zero_array(0, 8);
	assert_non_null(a);
	assert_non_null(b);
	assert_non_null(c);
	a = alloc_grow(a, 0);
	assert_non_null(a);
	alloc_free(a);
	alloc_free(b);
	alloc_free(c);
	alloc_free(NULL);
}

static void new_memory_is_zero(void **state)
{
	(void)state;
	int *array = ALLOC_ARRAY(int, 100);
	for (int i = 0; i < 100; i++)
		assert_int_equal(array[i], 0);
	alloc_free(array);
}

static void what_is_freed_goes_back(void **state)
{
	enum { PIECES = 2000, BIG = 50000, SMALL = 20000, MB = 1024 * 1024 };
	static void *pieces[PIECES], *pins[PIECES];
	(void)state;
	alloc_setup();
	for (int big = 1; big >= 0; big--) {
		size_t n = big ? BIG : SMALL, before = alloc_spare_bytes(), all = PIECES * n;
		for (int i = 0; i < PIECES; i++) {
			pieces[i] = alloc_get(n);
			memset(pieces[i], 1, n);
			pins[i] = alloc_zero(64);
		}
		for (int i = 0; i < PIECES; i++)
			alloc_free(pieces[i]);
		size_t freed = alloc_spare_bytes();
		alloc_trim();
		size_t trimmed = alloc_spare_bytes();
		for (int i = 0; i < PIECES; i++)
			alloc_free(pins[i]);
		if (freed == 0 && !big) /* a sanitizer's heap, of which nothing is known */
			return;
		/* Big ones by themselves; small ones are held by what is behind them. */
		if (big)
			assert_in_range(freed, 0, before + 8 * MB);
		else
			assert_in_range(freed, before + all / 2, SIZE_MAX);
		assert_in_range(trimmed, 0, before + 8 * MB);
	}
}

static void copies_end_in_nul(void **state)
{
	(void)state;
	char *text = alloc_text((struct nuncio_str){ "abcdef", 3 });
	char *empty = alloc_text((struct nuncio_str){ NULL, 0 });
	char *copy = alloc_copy("xyz", 4);
	assert_string_equal(text, "abc");
	assert_string_equal(empty, "");
	assert_string_equal(copy, "xyz");
	alloc_free(text);
	alloc_free(empty);
	alloc_free(copy);
}

static void overflow(void)
{
	volatile size_t half = SIZE_MAX / 2 + 1;
	alloc_free(alloc_zero_array(half, 2));
}

static void too_much_aborts(void **state)
{
	(void)state;
	unit_assert_aborts(overflow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zero_bytes_are_memory),
		cmocka_unit_test(new_memory_is_zero),
		cmocka_unit_test(copies_end_in_nul),
		cmocka_unit_test(what_is_freed_goes_back),
		cmocka_unit_test(too_much_aborts),
	};
	return cmocka_run_group_tests_name("alloc", tests, NULL, NULL);
}

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
		cmocka_unit_test(too_much_aborts),
	};
	return cmocka_run_group_tests_name("alloc", tests, NULL, NULL);
}

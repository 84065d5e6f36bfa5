/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include "tests/lib/unit.h"

static void pieces_are_aligned_and_apart(void **state)
{
	(void)state;
	struct arena a;
	unsigned char *pieces[200];
	arena_init(&a, 64);
	for (size_t i = 0; i < COUNT_OF(pieces); i++) {
		pieces[i] = arena_get(&a, i);
		assert_int_equal((uintptr_t)pieces[i] % 16, 0);
		memset(pieces[i], (int)i, i);
	}
	for (size_t i = 0; i < COUNT_OF(pieces); i++)
		for (size_t k = 0; k < i; k++)
			assert_int_equal(pieces[i][k], i);
	arena_fini(&a);
}

static void large_pieces_keep_the_newest_block(void **state)
{
	(void)state;
	struct arena a;
	arena_init(&a, 1024);
	char *small = arena_get(&a, 16);
	char *large = arena_get(&a, 1 << 20);
	memset(large, 1, 1 << 20);
	assert_ptr_equal((char *)arena_get(&a, 16), small + 16);
	assert_true(a.used_bytes == 32 + (1 << 20));
	arena_fini(&a);
}

static void reset_keeps_the_memory(void **state)
{
	(void)state;
	struct arena a;
	arena_init(&a, 256);
	void *first = arena_get(&a, 100);
	arena_reset(&a);
	assert_int_equal(a.used_bytes, 0);
	assert_ptr_equal(arena_get(&a, 100), first);
	arena_fini(&a);
	arena_reset(&a);
	arena_fini(&a);
}

static void texts_are_copied(void **state)
{
	(void)state;
	struct arena a;
	arena_init(&a, 0);
	struct nuncio_str s = arena_str(&a, (struct nuncio_str){ "hello", 4 });
	assert_string_equal(s.p, "hell");
	assert_str(arena_printf(&a, "%d-%s", 7, "x"), "7-x");
	assert_str(arena_str(&a, (struct nuncio_str){ NULL, 0 }), "");
	assert_memory_equal(arena_copy(&a, "abc", 3), "abc", 3);
	char *zero = arena_zero(&a, 32);
	for (int i = 0; i < 32; i++)
		assert_int_equal(zero[i], 0);
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_aligned_and_apart),
		cmocka_unit_test(large_pieces_keep_the_newest_block),
		cmocka_unit_test(reset_keeps_the_memory),
		cmocka_unit_test(texts_are_copied),
	};
	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}

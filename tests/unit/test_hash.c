/* SPDX-License-Identifier: MIT */
#include "base/hash.h"

#include "base/slice.h"
#include "tests/lib/unit.h"

static void equal_keys_hash_equal(void **state)
{
	(void)state;
	char copy[] = "hello";
	assert_true(hash_str(STR("hello")) == hash_str(str_of(copy)));
	assert_true(hash_str(STR("hello")) != hash_str(STR("hellp")));
	assert_true(hash_str(STR("")) == hash_str((struct nuncio_str){ NULL, 0 }));
	assert_true(hash_u64(1) == hash_u64(1) && hash_u64(1) != hash_u64(2));
}

static void the_seed_changes_everything(void **state)
{
	(void)state;
	uint64_t text = hash_str(STR("a")), number = hash_u64(7);
	hash_seed_random();
	assert_true(hash_str(STR("a")) != text);
	assert_true(hash_u64(7) != number);
}

/* Maps use the low bits: sequential ids must not share them. */
static void low_bits_are_spread(void **state)
{
	(void)state;
	unsigned buckets[64] = { 0 };
	for (uint64_t id = 0; id < 6400; id++)
		buckets[hash_u64(id << 12) & 63]++;
	for (size_t i = 0; i < COUNT_OF(buckets); i++)
		assert_in_range(buckets[i], 40, 180);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_keys_hash_equal),
		cmocka_unit_test(the_seed_changes_everything),
		cmocka_unit_test(low_bits_are_spread),
	};
	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}

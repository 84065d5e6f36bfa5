/* SPDX-License-Identifier: MIT */
#include "auth_jwt.h"

#include "tests/lib/unit.h"

static struct token_claims claims_of(int number, int64_t expires_at_s)
{
	struct token_claims claims = { .expires_at_s = expires_at_s };
	snprintf(claims.user, sizeof claims.user, "user%d", number);
	return claims;
}

static void hash_of(int number, unsigned char hash[TOKEN_HASH_BYTES])
{
	char text[16];
	snprintf(text, sizeof text, "token%d", number);
	token_cache_hash((struct nuncio_str){ text, strlen(text) }, hash);
}

static void add(struct token_cache *cache, int number, int64_t expires_at_s)
{
	unsigned char hash[TOKEN_HASH_BYTES];
	struct token_claims claims = claims_of(number, expires_at_s);
	hash_of(number, hash);
	token_cache_add(cache, hash, &claims);
}

static bool knows(struct token_cache *cache, int number, int64_t now_s)
{
	unsigned char hash[TOKEN_HASH_BYTES];
	char user[16];
	hash_of(number, hash);
	const struct token_claims *claims = token_cache_find(cache, hash, now_s);
	snprintf(user, sizeof user, "user%d", number);
	if (claims)
		assert_string_equal(claims->user, user);
	return claims;
}

static void remembers_until_it_expires(void **state)
{
	struct token_cache *cache = token_cache_new(16);
	(void)state;
	assert_false(knows(cache, 1, 10));
	add(cache, 1, 100);
	assert_true(knows(cache, 1, 99));
	assert_false(knows(cache, 2, 99));
	assert_false(knows(cache, 1, 100));
	assert_false(knows(cache, 1, 99)); /* gone, not asleep */
	token_cache_free(&cache);
	assert_null(cache);
}

static void a_single_bit_is_another_token(void **state)
{
	struct token_cache *cache = token_cache_new(1);
	unsigned char hash[TOKEN_HASH_BYTES];
	(void)state;
	add(cache, 1, 100);
	for (size_t bit = 0; bit < TOKEN_HASH_BYTES * 8; bit++) {
		hash_of(1, hash);
		hash[bit / 8] ^= (unsigned char)(1u << bit % 8);
		assert_null(token_cache_find(cache, hash, 10));
	}
	token_cache_free(&cache);
}

static void forgets_the_least_recently_used(void **state)
{
	struct token_cache *cache = token_cache_new(4);
	(void)state;
	for (int i = 0; i < 4; i++)
		add(cache, i, 100);
	assert_true(knows(cache, 0, 10));
	add(cache, 4, 100);
	assert_true(knows(cache, 0, 10));
	assert_false(knows(cache, 1, 10));
	assert_true(knows(cache, 2, 10) && knows(cache, 3, 10) && knows(cache, 4, 10));
	add(cache, 4, 100); /* the same again takes no second place */
	assert_true(knows(cache, 0, 10) && knows(cache, 2, 10) && knows(cache, 3, 10));
	token_cache_free(&cache);
}

static void stays_in_its_bounds(void **state)
{
	struct token_cache *cache = token_cache_new(100);
	int known = 0;
	(void)state;
	for (int i = 0; i < 5000; i++)
		add(cache, i, 100);
	for (int i = 0; i < 5000; i++)
		known += knows(cache, i, 10);
	assert_in_range(known, 90, 100);
	token_cache_free(&cache);
}

static void of_size_zero_it_remembers_nothing(void **state)
{
	struct token_cache *cache = token_cache_new(0);
	(void)state;
	add(cache, 1, 100);
	assert_false(knows(cache, 1, 10));
	token_cache_free(&cache);
	token_cache_free(&cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(remembers_until_it_expires),
		cmocka_unit_test(a_single_bit_is_another_token),
		cmocka_unit_test(forgets_the_least_recently_used),
		cmocka_unit_test(stays_in_its_bounds),
		cmocka_unit_test(of_size_zero_it_remembers_nothing),
	};
	return cmocka_run_group_tests_name("token_cache", tests, NULL, NULL);
}

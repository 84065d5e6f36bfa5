/* SPDX-License-Identifier: MIT */
#include "modules/rate_limit/peers.h"
#include "tests/lib/unit.h"

static size_t key_of(const char *address, char key[PEERS_KEY_BYTES])
{
	return peers_address_key(address, strlen(address), key);
}

static int is_same(const char *a, const char *b)
{
	char key_a[PEERS_KEY_BYTES], key_b[PEERS_KEY_BYTES];
	size_t n = key_of(a, key_a);
	return n == key_of(b, key_b) && memcmp(key_a, key_b, n) == 0;
}

static void one_customer_is_one_key(void **state)
{
	(void)state;
	assert_true(is_same("192.0.2.1", "192.0.2.1"));
	assert_false(is_same("192.0.2.1", "192.0.2.2"));
	assert_true(is_same("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"));
	assert_false(is_same("2001:db8:1:2::1", "2001:db8:1:3::1"));
	assert_false(is_same("::ffff:192.0.2.1", "::ffff:192.0.2.2"));
	assert_true(is_same("", ""));
}

static void overlong_text_is_cut(void **state)
{
	char text[300], key[PEERS_KEY_BYTES];
	(void)state;
	memset(text, ':', sizeof text);
	assert_int_equal(peers_address_key(text, sizeof text, key), PEERS_KEY_BYTES);
}

static void remembers_a_key(void **state)
{
	struct peers *peers = peers_new(100);
	(void)state;
	*peers_bucket(peers, "a", 1, 10) = 77;
	*peers_bucket(peers, "b", 1, 10) = 88;
	assert_int_equal(*peers_bucket(peers, "a", 1, 20), 77);
	assert_int_equal(*peers_bucket(peers, "b", 1, 20), 88);
	assert_int_equal(*peers_bucket(peers, "c", 1, 20), 20);
	peers_free(&peers);
	assert_null(peers);
	peers_free(&peers);
}

/* A flood of new keys that each took one token does not push out the one who took the most. */
static void gives_up_the_fullest_bucket(void **state)
{
	struct peers *peers = peers_new(16);
	(void)state;
	*peers_bucket(peers, "villain", 7, 0) = 1000000;
	for (int i = 0; i < 10000; i++) {
		char key[16];
		int n = snprintf(key, sizeof key, "k%d", i);
		*peers_bucket(peers, key, (size_t)n, i) = i + 1;
	}
	assert_int_equal(*peers_bucket(peers, "villain", 7, 0), 1000000);
	peers_free(&peers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_customer_is_one_key),
		cmocka_unit_test(overlong_text_is_cut),
		cmocka_unit_test(remembers_a_key),
		cmocka_unit_test(gives_up_the_fullest_bucket),
	};
	return cmocka_run_group_tests_name("peers", tests, NULL, NULL);
}

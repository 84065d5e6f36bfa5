/* SPDX-License-Identifier: MIT */
#include "accounts.h"

#include <sodium.h>

#include "tests/lib/unit.h"

static struct throttle *throttle;
static const struct throttle_rule ten = { 'x', 10, 10000 };

static int take(const char *user, const char *address, int64_t now_ms)
{
	return throttle_take(throttle, &ten, nuncio_text(user), nuncio_text(address), now_ms);
}

static int take_many(const char *user, const char *address, int64_t now_ms, int tries)
{
	int taken = 0;
	while (tries--)
		taken += take(user, address, now_ms);
	return taken;
}

static void allows_so_many_and_fades(void **state)
{
	(void)state;
	assert_int_equal(take_many("ann", "1.2.3.4", 1000, 100), 10);
	assert_int_equal(take_many("ann", "1.2.3.4", 1999, 5), 0);
	assert_int_equal(take_many("ann", "1.2.3.4", 2000, 5), 1);
	assert_int_equal(take_many("ann", "1.2.3.4", 5000, 5), 3);
	assert_int_equal(take_many("ann", "1.2.3.4", 100000, 100), 10);
}

static void counts_each_key_alone(void **state)
{
	const struct throttle_rule other = { 'y', 10, 10000 };
	(void)state;
	assert_int_equal(take_many("ann", "1.2.3.4", 1000, 100), 10);
	assert_int_equal(take_many("bob", "1.2.3.4", 1000, 100), 10);
	assert_int_equal(take_many("ann", "1.2.3.5", 1000, 100), 10);
	assert_int_equal(take_many("", "ann1.2.3.4", 1000, 100), 10);
	assert_int_equal(
		throttle_take(throttle, &other, nuncio_text("ann"), nuncio_text("1.2.3.4"), 1000),
		1);
}

static void an_ipv6_address_is_its_net(void **state)
{
	(void)state;
	assert_int_equal(take_many("ann", "2001:db8:1:2::1", 1000, 5), 5);
	assert_int_equal(take_many("ann", "2001:db8:1:2:ffff::9", 1000, 100), 5);
	assert_int_equal(take_many("ann", "2001:db8:1:3::1", 1000, 100), 10);
	assert_int_equal(take_many("ann", "::ffff:10.0.0.1", 1000, 100), 10);
	assert_int_equal(take_many("ann", "::ffff:10.0.0.2", 1000, 100), 10);
}

static void what_was_given_back_does_not_count(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_int_equal(take("ann", "1.2.3.4", 1000), 1);
		throttle_give(throttle, &ten, nuncio_text("ann"), nuncio_text("1.2.3.4"));
	}
	assert_int_equal(take_many("ann", "1.2.3.4", 1000, 100), 10);
	throttle_give(throttle, &ten, nuncio_text("nobody"), nuncio_text("1.2.3.4"));
}

static void add(const struct throttle_rule *rule, const char *user, int64_t now_ms)
{
	throttle_add(throttle, rule, nuncio_text(user), nuncio_text("1.2.3.4"), now_ms);
}

static void what_happened_elsewhere_counts(void **state)
{
	const struct throttle_rule no_limit = { 'x', 0, 10000 };
	(void)state;
	for (int i = 0; i < 4; i++)
		add(&ten, "ann", 1000);
	assert_int_equal(take_many("ann", "1.2.3.4", 1000, 100), 6);
	assert_int_equal(take_many("bob", "1.2.3.4", 1000, 100), 10);
	/* It is not more than full, so it fades as ever. */
	for (int i = 0; i < 100; i++)
		add(&ten, "ann", 1000);
	add(&no_limit, "ann", 1000);
	assert_int_equal(take("ann", "1.2.3.4", 1999), 0);
	assert_int_equal(take_many("ann", "1.2.3.4", 2000, 5), 1);
	assert_int_equal(take_many("ann", "1.2.3.4", 100000, 100), 10);
}

static void without_a_limit_all_pass(void **state)
{
	const struct throttle_rule free_for_all = { 'x', 0, 10000 };
	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(throttle_take(throttle, &free_for_all, nuncio_text("a"),
					 nuncio_text("b"), 1000),
			1);
}

/* Those who are throttled stay so while strangers come once each. */
static void a_crowd_does_not_free_anybody(void **state)
{
	char user[32];
	(void)state;
	assert_int_equal(take_many("ann", "1.2.3.4", 1000, 100), 10);
	for (int i = 0; i < 200000; i++) {
		snprintf(user, sizeof user, "user%d", i);
		take(user, "1.2.3.4", 1000);
	}
	assert_int_equal(take("ann", "1.2.3.4", 1000), 0);
}

static void knows_the_same_address(void **state)
{
	(void)state;
	assert_true(throttle_is_same(nuncio_text("192.0.2.1"), nuncio_text("192.0.2.1")));
	assert_false(throttle_is_same(nuncio_text("192.0.2.1"), nuncio_text("192.0.2.10")));
	assert_true(
		throttle_is_same(nuncio_text("2001:db8:0:1::1"), nuncio_text("2001:db8:0:1:f::")));
	assert_false(
		throttle_is_same(nuncio_text("2001:db8:0:1::1"), nuncio_text("2001:db8:0:2::1")));
}

static void long_texts_do_no_harm(void **state)
{
	char text[300];
	(void)state;
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	assert_int_equal(take_many(text, text, 1000, 100), 10);
}

static int setup(void **state)
{
	(void)state;
	if (sodium_init() < 0)
		return -1;
	throttle = throttle_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	throttle_free(&throttle);
	return 0;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(allows_so_many_and_fades),
		TEST(counts_each_key_alone),
		TEST(an_ipv6_address_is_its_net),
		TEST(what_was_given_back_does_not_count),
		TEST(what_happened_elsewhere_counts),
		TEST(without_a_limit_all_pass),
		TEST(a_crowd_does_not_free_anybody),
		TEST(knows_the_same_address),
		TEST(long_texts_do_no_harm),
	};
	return cmocka_run_group_tests_name("throttle", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Addresses, slots of keys, and where a cluster sends whoever asked the wrong node. */
#include "modules/redis/redis_address.h"
#include "tests/lib/unit.h"

static struct nuncio_str s(const char *text)
{
	return (struct nuncio_str){ text, strlen(text) };
}

static void check(const char *text, const char *host, int port)
{
	struct redis_address a;
	assert_int_equal(redis_address_parse(s(text), 6379, &a), 0);
	assert_string_equal(a.host, host);
	assert_int_equal(a.port, port);
}

static void reads_addresses(void **state)
{
	(void)state;
	check("localhost", "localhost", 6379);
	check("redis-1.example.net:7000", "redis-1.example.net", 7000);
	check("127.0.0.1:65535", "127.0.0.1", 65535);
	check("[2001:db8::1]:6380", "2001:db8::1", 6380);
	check("[::1]", "::1", 6379);
}

static void refuses_what_is_none(void **state)
{
	static const char *const bad[] = { "", ":6379", "host:", "host:0", "host:65536",
		"host:6379x", "host:-1", "host:99999999999", "[::1", "[::1]6379", "[]:1", "ho st:1",
		"redis://host:1", "host:1:2" };
	struct redis_address a;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (redis_address_parse(s(bad[i]), 6379, &a) == 0)
			fail_msg("\"%s\" was taken for %s:%d", bad[i], a.host, a.port);
}

static void writes_and_compares(void **state)
{
	struct redis_address a, b;
	char text[64];
	(void)state;
	redis_address_parse(s("Host:1"), 0, &a);
	redis_address_parse(s("host:1"), 0, &b);
	assert_true(redis_address_equal(&a, &b));
	redis_address_parse(s("host:2"), 0, &b);
	assert_false(redis_address_equal(&a, &b));
	assert_string_equal(redis_address_text(&b, text, sizeof text), "host:2");
	redis_address_parse(s("[::1]:7"), 0, &b);
	assert_string_equal(redis_address_text(&b, text, sizeof text), "[::1]:7");
	assert_string_equal(redis_address_text(&b, text, 4), "[::");
}

/* As CLUSTER KEYSLOT of Redis 7.0 says. */
static void finds_slots(void **state)
{
	(void)state;
	assert_int_equal(redis_slot(s("123456789")), 0x31C3);
	assert_int_equal(redis_slot(s("foo")), 12182);
	assert_int_equal(redis_slot(s("")), 0);
	assert_int_equal(redis_slot(s("{user1000}.following")), redis_slot(s("user1000")));
	assert_int_equal(redis_slot(s("a{b}{c}")), redis_slot(s("b")));
	assert_int_equal(redis_slot(s("foo{}{bar}")), 8363);
	assert_int_equal(redis_slot(s("foo{{bar}}zap")), redis_slot(s("{bar")));
	assert_int_not_equal(redis_slot(s("foo{bar")), redis_slot(s("bar")));
}

static void follows_redirections(void **state)
{
	struct redis_address from, to;
	bool is_ask;
	(void)state;
	redis_address_parse(s("10.0.0.1:7000"), 0, &from);
	assert_int_equal(
		redis_address_redirected(s("MOVED 3999 10.0.0.2:6381"), &from, &to, &is_ask), 0);
	assert_string_equal(to.host, "10.0.0.2");
	assert_int_equal(to.port, 6381);
	assert_false(is_ask);
	assert_int_equal(redis_address_redirected(s("ASK 1 :6382"), &from, &to, &is_ask), 0);
	assert_string_equal(to.host, "10.0.0.1");
	assert_int_equal(to.port, 6382);
	assert_true(is_ask);
	assert_int_equal(
		redis_address_redirected(s("MOVED 1 2001:db8::1:7001"), &from, &to, &is_ask), 0);
	assert_string_equal(to.host, "2001:db8::1");
	static const char *const bad[] = { "", "ERR MOVED 1 a:1", "MOVED", "MOVED 1 host",
		"MOVED 1 host:0", "MOVED 1 host:x", "ASK 1 ", "MOVEDX 1 a:1" };
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(
			redis_address_redirected(s(bad[i]), &from, &to, &is_ask), NUNCIO_E_INVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_addresses),
		cmocka_unit_test(refuses_what_is_none),
		cmocka_unit_test(writes_and_compares),
		cmocka_unit_test(finds_slots),
		cmocka_unit_test(follows_redirections),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "base/id.h"

#include "tests/lib/unit.h"

static const int64_t now = ID_EPOCH_MS + 1000000;

static void has_its_parts(void **state)
{
	(void)state;
	struct id_maker m;
	id_maker_init(&m, 1023);
	uint64_t id = id_next(&m, now);
	assert_true(id >> 22 == 1000000 && (id >> 12 & 1023) == 1023 && (id & 4095) == 0);
	assert_true(id_wall_ms(id) == now);
	assert_true((id_next(&m, now) & 4095) == 1);
}

static void grows_when_the_clock_does_not(void **state)
{
	(void)state;
	struct id_maker m;
	id_maker_init(&m, 3);
	uint64_t last = 0;
	for (int i = 0; i < 20000; i++) {
		uint64_t id = id_next(&m, now - i);
		assert_true(id > last);
		last = id;
	}
	assert_true(id_wall_ms(last) == now + 4);
	assert_true(id_next(&m, now + 100) > last);
}

static void lives_before_its_epoch(void **state)
{
	(void)state;
	struct id_maker m;
	id_maker_init(&m, 0);
	uint64_t a = id_next(&m, 0), b = id_next(&m, 0);
	assert_true(a > 0 && b > a && id_next(&m, now) > b);
}

static void nodes_differ(void **state)
{
	(void)state;
	struct id_maker a, b;
	id_maker_init(&a, 1);
	id_maker_init(&b, 2);
	assert_true(id_next(&a, now) != id_next(&b, now));
}

static void node_too_large(void)
{
	struct id_maker m;
	id_maker_init(&m, ID_NODE_MAX + 1);
}

static void large_nodes_abort(void **state)
{
	(void)state;
	unit_assert_aborts(node_too_large);
}

static void random_text_is_hex(void **state)
{
	(void)state;
	char a[33], b[33];
	id_random_hex(a, 16);
	id_random_hex(b, 16);
	assert_int_equal(strspn(a, "0123456789abcdef"), 32);
	assert_int_equal(strlen(a), 32);
	assert_string_not_equal(a, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_its_parts),
		cmocka_unit_test(grows_when_the_clock_does_not),
		cmocka_unit_test(lives_before_its_epoch),
		cmocka_unit_test(nodes_differ),
		cmocka_unit_test(large_nodes_abort),
		cmocka_unit_test(random_text_is_hex),
	};
	return cmocka_run_group_tests_name("id", tests, NULL, NULL);
}

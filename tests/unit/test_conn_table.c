/* SPDX-License-Identifier: MIT */
#include "io/conn_table.h"

#include "io/io_msg.h"
#include "tests/lib/unit.h"

static struct conn *fake(uintptr_t n)
{
	return (struct conn *)(n * 16); /* never looked into */
}

static void finds_what_is_there(void **state)
{
	(void)state;
	enum { COUNT = 1000 };
	struct conn_table t;
	nuncio_sid ids[COUNT];
	conn_table_init(&t, 3);
	for (uintptr_t i = 0; i < COUNT; i++)
		ids[i] = conn_table_add(&t, fake(i + 1));
	assert_int_equal(t.count, COUNT);
	for (uintptr_t i = 0; i < COUNT; i++) {
		assert_ptr_equal(conn_table_find(&t, ids[i]), fake(i + 1));
		assert_int_equal(io_id_thread(ids[i]), 3);
	}
	conn_table_remove(&t, ids[5]);
	assert_null(conn_table_find(&t, ids[5]));
	assert_null(conn_table_find(&t, ids[6] + 1)); /* another thread's */
	assert_null(conn_table_find(&t, io_id_make(3, 1 << 20, 1)));
	assert_null(conn_table_find(&t, 0));
	conn_table_fini(&t);
}

static void an_id_never_comes_back(void **state)
{
	(void)state;
	struct conn_table t;
	conn_table_init(&t, 0);
	nuncio_sid first = conn_table_add(&t, fake(1)), id = first;
	for (int i = 0; i < 1000; i++) {
		conn_table_remove(&t, id);
		id = conn_table_add(&t, fake(2));
		assert_true(id != first && id != 0);
		assert_null(conn_table_find(&t, first));
	}
	assert_true(t.size < 1000); /* slots do */
	conn_table_fini(&t);
}

static void a_generation_is_never_zero(void **state)
{
	(void)state;
	struct conn_table t;
	conn_table_init(&t, 0);
	nuncio_sid id = conn_table_add(&t, fake(1));
	uint32_t slot = io_id_slot(id);
	t.slots[slot].generation = UINT32_MAX;
	conn_table_remove(&t, io_id_make(0, slot, UINT32_MAX));
	assert_int_equal(t.slots[slot].generation, 1);
	conn_table_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_is_there),
		cmocka_unit_test(an_id_never_comes_back),
		cmocka_unit_test(a_generation_is_never_zero),
	};
	return cmocka_run_group_tests_name("conn_table", tests, NULL, NULL);
}

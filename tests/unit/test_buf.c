/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include "base/alloc.h"
#include "tests/lib/unit.h"

static void starts_without_memory(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b);
	assert_null(b.data);
	assert_str(buf_str(&b), "");
	buf_add(&b, NULL, 0);
	assert_null(b.data);
	buf_fini(&b);
}

static void adds_in_order(void **state)
{
	(void)state;
	struct buf b = { 0 };
	buf_add_text(&b, "a");
	buf_add_char(&b, 'b');
	buf_add_str(&b, (struct nuncio_str){ "cx", 1 });
	buf_printf(&b, "%s%03d", "d", 5);
	memcpy(buf_reserve(&b, 100), "efg", 3);
	buf_commit(&b, 3);
	assert_str(buf_str(&b), "abcd005efg");
	buf_fini(&b);
	assert_null(b.data);
}

static void grows_and_consumes(void **state)
{
	(void)state;
	struct buf b = { 0 };
	for (int i = 0; i < 10000; i++)
		buf_printf(&b, "%05d", i);
	assert_int_equal(b.used, 50000);
	buf_consume(&b, 49990);
	assert_str(buf_str(&b), "0999809999");
	buf_consume(&b, 10);
	assert_int_equal(b.used, 0);
	assert_true(b.size >= 50000);
	buf_reset(&b);
	buf_fini(&b);
}

static void take_gives_text_away(void **state)
{
	(void)state;
	struct buf b = { 0 };
	char *empty = buf_take(&b);
	buf_add_text(&b, "text");
	char *text = buf_take(&b);
	assert_string_equal(empty, "");
	assert_string_equal(text, "text");
	assert_null(b.data);
	alloc_free(empty);
	alloc_free(text);
}

static void commit_too_much(void)
{
	struct buf b = { 0 };
	buf_reserve(&b, 10);
	buf_commit(&b, b.size + 1);
}

static void consume_too_much(void)
{
	struct buf b = { 0 };
	buf_add_char(&b, 'x');
	buf_consume(&b, 2);
}

static void misuse_aborts(void **state)
{
	(void)state;
	unit_assert_aborts(commit_too_much);
	unit_assert_aborts(consume_too_much);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_without_memory),
		cmocka_unit_test(adds_in_order),
		cmocka_unit_test(grows_and_consumes),
		cmocka_unit_test(take_gives_text_away),
		cmocka_unit_test(misuse_aborts),
	};
	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}

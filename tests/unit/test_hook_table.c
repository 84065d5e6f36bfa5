/* SPDX-License-Identifier: MIT */
/* Handlers of a hook run by priority, then in the order of the INI's list, then as added. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/slice.h"
#include "hook/chain.h"
#include "hook/hook_table.h"

static void on_login(const struct nuncio_login *what, void *user)
{
	buf_add_str(user, what->user);
	buf_add_char(user, ' ');
}

static void on_slow(const struct nuncio_login *what, void *user)
{
	(void)what;
	clock_set_for_test(clock_mono_ms() + *(int64_t *)user, 0);
}

static void print_of(struct hook_table *t, const char *expected)
{
	struct buf out;
	buf_init(&out);
	hook_table_print(t, &out);
	buf_add_char(&out, '\0');
	assert_string_equal(out.data, expected);
	buf_fini(&out);
}

static void order(void **state)
{
	struct hook_settings settings = { 0 };
	struct hook_table *t = hook_table_new(&settings);
	struct buf out;
	struct nuncio_login login = { .user = STR("bob") };
	nuncio_any_fn *fn = (nuncio_any_fn *)on_login;
	(void)state;
	buf_init(&out);
	assert_false(hook_has(t, NUNCIO_HOOK_did_login));
	hook_tell(t, NUNCIO_HOOK_did_login, &login);
	hook_table_add(t, NUNCIO_HOOK_did_login, 0, "second", 1, fn, &out);
	hook_table_add(t, NUNCIO_HOOK_did_login, 0, "first", 0, fn, &out);
	hook_table_add(t, NUNCIO_HOOK_did_login, NUNCIO_PRIO_FIRST, "guard", 2, fn, &out);
	hook_table_add(t, NUNCIO_HOOK_did_login, NUNCIO_PRIO_LAST, "first", 0, fn, &out);
	hook_table_add(t, NUNCIO_HOOK_may_send, 5, "first", 0, fn, &out);
	hook_table_freeze(t);
	print_of(t, "may_send           5  first\n"
		    "did_login      -1000  guard\n"
		    "did_login          0  first\n"
		    "did_login          0  second\n"
		    "did_login       1000  first\n");
	assert_true(hook_has(t, NUNCIO_HOOK_did_login));
	hook_tell(t, NUNCIO_HOOK_did_login, &login);
	assert_memory_equal(out.data, "bob bob bob bob ", 16);
	assert_int_equal(t->lists[HOOK_AT_did_login]->handlers[3].stats.stats.calls, 1);
	hook_table_remove_module(t, "first");
	print_of(t, "did_login      -1000  guard\ndid_login          0  second\n");
	assert_false(hook_has(t, NUNCIO_HOOK_may_send));
	hook_table_free(&t);
	assert_null(t);
	buf_fini(&out);
}

static void refused(void **state)
{
	struct hook_settings settings = { 0 };
	struct hook_table *t = hook_table_new(&settings);
	nuncio_any_fn *fn = (nuncio_any_fn *)on_login;
	(void)state;
	assert_int_equal(hook_table_add(t, (enum nuncio_hook)999, 0, "m", 0, fn, NULL),
		NUNCIO_E_UNSUPPORTED);
	assert_int_equal(
		hook_table_add(t, NUNCIO_HOOK_none, 0, "m", 0, fn, NULL), NUNCIO_E_UNSUPPORTED);
	hook_table_freeze(t);
	assert_int_equal(
		hook_table_add(t, NUNCIO_HOOK_did_login, 0, "m", 0, fn, NULL), NUNCIO_E_DENIED);
	assert_false(hook_has(t, (enum nuncio_hook)999));
	assert_null(hook_name((enum nuncio_hook)999));
	assert_string_equal(hook_name(NUNCIO_HOOK_may_reach), "may_reach");
	hook_table_free(&t);
}

static void count_line(int level, struct nuncio_str line, void *user)
{
	assert_int_equal(level, LOG_LEVEL_WARN);
	assert_non_null(memmem(line.p, line.n, "\"module\":\"dawdler\"", 18));
	assert_non_null(memmem(line.p, line.n, "\"callback\":\"did_login\"", 22));
	++*(int *)user;
}

static void slow_callback_is_named_once_a_second(void **state)
{
	struct hook_settings settings = { .slow_us = 5000 };
	struct hook_table *t = hook_table_new(&settings);
	int64_t takes_ms = 5;
	int lines = 0;
	(void)state;
	clock_set_for_test(1000, 0);
	log_capture(count_line, &lines);
	hook_table_add(
		t, NUNCIO_HOOK_did_login, 0, "dawdler", 0, (nuncio_any_fn *)on_slow, &takes_ms);
	hook_table_freeze(t);
	const struct callback_stats *stats = &t->lists[HOOK_AT_did_login]->handlers[0].stats.stats;
	hook_tell(t, NUNCIO_HOOK_did_login, NULL);
	assert_int_equal(lines, 0); /* 5 ms is not more than 5 ms */
	takes_ms = 6;
	for (int i = 0; i < 10; i++)
		hook_tell(t, NUNCIO_HOOK_did_login, NULL);
	assert_int_equal(lines, 1);
	takes_ms = 1500;
	hook_tell(t, NUNCIO_HOOK_did_login, NULL);
	assert_int_equal(lines, 2);
	assert_int_equal(stats->calls, 12);
	assert_int_equal(stats->slow_calls, 11);
	assert_int_equal(stats->total_ns, 1565000000);
	assert_int_equal(stats->longest_ns, 1500000000);
	log_capture(NULL, NULL);
	clock_use_real();
	hook_table_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order),
		cmocka_unit_test(refused),
		cmocka_unit_test(slow_callback_is_named_once_a_second),
	};
	return cmocka_run_group_tests_name("hook_table", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Who is ready: changes are told apart from repetitions, reasons are cut, jobs come first. */
#include "base/buf.h"
#include "base/slice.h"
#include "provide/ready.h"
#include "tests/lib/unit.h"

static void list_one(const struct ready_report *report, void *user)
{
	buf_printf(user, "%s:%s:%d:%d:%s ", report->job ? report->job : "-", report->name,
		report->is_ready, report->has_spoken, report->why);
}

static void is_listed(struct ready_set *set, const char *text)
{
	struct buf out = { 0 };
	ready_each(set, list_one, &out);
	assert_str(buf_str(&out), text);
	buf_fini(&out);
}

static void changes_and_order(void **state)
{
	struct ready_set *set = ready_set_new();
	struct ready *a = ready_add(set, "a"), *b = ready_add(set, "b"), *c = ready_add(set, "c");
	(void)state;
	ready_add_job(set, "store", c);
	ready_add_job(set, "bus", a);
	ready_add_job(set, "presence", a);
	is_listed(set, "store:c:1:0: bus:a:1:0: presence:a:1:0: -:b:1:0: ");
	assert_true(ready_put(a, false, "no host"));
	assert_false(ready_put(a, false, "no route"));
	assert_false(ready_is(a));
	assert_false(ready_put(b, true, "ignored"));
	is_listed(set, "store:c:1:0: bus:a:0:1:no route presence:a:0:1:no route -:b:1:1: ");
	assert_true(ready_put(a, true, NULL));
	assert_true(ready_put(c, false, NULL));
	is_listed(set, "store:c:0:1: bus:a:1:1: presence:a:1:1: -:b:1:1: ");
	ready_set_free(&set);
	assert_null(set);
	ready_set_free(&set);
}

static void long_reason(void **state)
{
	char why[2 * READY_WHY_BYTES], cut[READY_WHY_BYTES + 32];
	struct ready_set *set = ready_set_new();
	(void)state;
	memset(why, 'x', sizeof why - 1);
	why[sizeof why - 1] = '\0';
	ready_put(ready_add(set, "a"), false, why);
	snprintf(cut, sizeof cut, "-:a:0:1:%.*s ", READY_WHY_BYTES - 1, why);
	is_listed(set, cut);
	ready_set_free(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_and_order),
		cmocka_unit_test(long_reason),
	};
	return cmocka_run_group_tests_name("ready", tests, NULL, NULL);
}

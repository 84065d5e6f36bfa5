/* SPDX-License-Identifier: MIT */
#include "provide/store_dirty.h"

#include "base/alloc.h"
#include "base/slice.h"
#include "tests/lib/unit.h"

static void each_once_and_in_order(void **state)
{
	struct dirty dirty;
	(void)state;
	store_dirty_init(&dirty);
	assert_null(store_dirty_take(&dirty));
	assert_true(store_dirty_conversation(&dirty, STR("a"), 7, 0));
	assert_true(store_dirty_record(&dirty, STR("s"), STR("o"), STR("k")));
	assert_true(store_dirty_conversation(&dirty, STR("b"), UINT64_MAX, 0));
	assert_true(store_dirty_conversation(&dirty, STR("a"), 5, 0));
	assert_true(store_dirty_conversation(&dirty, STR("a"), 9, 0));
	assert_true(store_dirty_record(&dirty, STR("s"), STR("o"), STR("k")));
	assert_int_equal(store_dirty_count(&dirty), 3);

	struct dirty_item *item = store_dirty_take(&dirty);
	assert_true(str_eq(item->conversation, STR("a")) && !item->is_record);
	assert_int_equal(item->low, 5);
	alloc_free(item);
	item = store_dirty_take(&dirty);
	assert_true(item->is_record && str_eq(item->space, STR("s")) &&
		    str_eq(item->owner, STR("o")) && str_eq(item->key, STR("k")));
	alloc_free(item);
	/* Taken is forgotten: it comes again, at the end. */
	assert_true(store_dirty_conversation(&dirty, STR("a"), 11, 0));
	item = store_dirty_take(&dirty);
	assert_true(str_eq(item->conversation, STR("b")) && item->low == UINT64_MAX);
	alloc_free(item);
	item = store_dirty_take(&dirty);
	assert_int_equal(item->low, 11);
	alloc_free(item);
	assert_null(store_dirty_take(&dirty));
	store_dirty_fini(&dirty);
}

static void names_do_not_run_together(void **state)
{
	struct dirty dirty;
	(void)state;
	store_dirty_init(&dirty);
	store_dirty_record(&dirty, STR("a"), STR("b"), STR("c"));
	store_dirty_record(&dirty, STR("ab"), STR(""), STR("c"));
	store_dirty_record(&dirty, STR("a"), STR("bc"), STR(""));
	store_dirty_record(&dirty, STR(""), STR("a"), STR("bc"));
	store_dirty_conversation(&dirty, STR("a"), 1, 0);
	assert_int_equal(store_dirty_count(&dirty), 5);
	store_dirty_fini(&dirty);
}

static void earlier_events_one_by_one(void **state)
{
	struct dirty dirty;
	(void)state;
	store_dirty_init(&dirty);
	store_dirty_conversation(&dirty, STR("a"), 100, 3);
	store_dirty_conversation(&dirty, STR("a"), 101, 3);
	store_dirty_conversation(&dirty, STR("a"), 102, 50);
	store_dirty_conversation(&dirty, STR("a"), 103, 100); /* read again anyway */
	struct dirty_item *item = store_dirty_take(&dirty);
	assert_int_equal(item->low, 100);
	assert_int_equal(item->target_count, 2);
	assert_int_equal(item->targets[0], 3);
	assert_int_equal(item->targets[1], 50);
	alloc_free(item);
	/* Too many: from the lowest on. */
	for (uint64_t i = 0; i <= DIRTY_TARGETS_MAX; i++)
		store_dirty_conversation(&dirty, STR("a"), 100, 40 - i);
	item = store_dirty_take(&dirty);
	assert_int_equal(item->low, 40 - DIRTY_TARGETS_MAX);
	assert_int_equal(item->target_count, 0);
	alloc_free(item);
	store_dirty_fini(&dirty);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_once_and_in_order),
		cmocka_unit_test(names_do_not_run_together),
		cmocka_unit_test(earlier_events_one_by_one),
	};
	return cmocka_run_group_tests_name("store_dirty", tests, NULL, NULL);
}

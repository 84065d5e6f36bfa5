/* SPDX-License-Identifier: MIT */
#include "base/list.h"

#include "tests/lib/unit.h"

struct item {
	int value;
	struct list node;
};

static int sum_in_order(struct list *head)
{
	int sum = 0;
	LIST_EACH (head, it, struct item, node)
		sum = sum * 10 + it->value;
	return sum;
}

static void keeps_order(void **state)
{
	(void)state;
	struct list head;
	struct item a = { .value = 1 }, b = { .value = 2 }, c = { .value = 3 };
	list_init(&head);
	assert_true(list_is_empty(&head));
	assert_null(LIST_FIRST(&head, struct item, node));
	list_add(&head, &b.node);
	list_add(&head, &c.node);
	list_add_first(&head, &a.node);
	assert_int_equal(sum_in_order(&head), 123);
	assert_ptr_equal(LIST_FIRST(&head, struct item, node), &a);
	list_remove(&b.node);
	list_remove(&b.node);
	assert_int_equal(sum_in_order(&head), 13);
}

static void all_may_move(void **state)
{
	(void)state;
	struct list from, to;
	struct item a = { .value = 1 }, b = { .value = 2 };
	list_init(&from);
	list_take_all(&from, &to);
	assert_true(list_is_empty(&to));
	list_add(&from, &a.node);
	list_add(&from, &b.node);
	list_take_all(&from, &to);
	assert_true(list_is_empty(&from));
	assert_int_equal(sum_in_order(&to), 12);
	list_remove(&a.node);
	assert_int_equal(sum_in_order(&to), 2);
	list_remove(&b.node);
	assert_true(list_is_empty(&to));
}

static void current_may_go(void **state)
{
	(void)state;
	struct list head;
	list_init(&head);
	for (int i = 1; i <= 4; i++) {
		struct item *it = malloc(sizeof(*it));
		assert_non_null(it);
		it->value = i;
		list_add(&head, &it->node);
	}
	LIST_EACH_SAFE (&head, it, struct item, node) {
		if (it->value % 2 == 0) {
			list_remove(&it->node);
			free(it);
		}
	}
	assert_int_equal(sum_in_order(&head), 13);
	LIST_EACH_SAFE (&head, it, struct item, node) {
		list_remove(&it->node);
		free(it);
	}
	assert_true(list_is_empty(&head));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_order),
		cmocka_unit_test(all_may_move),
		cmocka_unit_test(current_may_go),
	};
	return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "modules/group/table.h"
#include "tests/lib/unit.h"

enum { ITEMS = 3000 };

struct item {
	int number;
	struct table_node node;
	char key[16];
};

static struct item items[ITEMS];

static void add(struct table *table, int from, int to)
{
	for (int i = from; i < to; i++) {
		items[i].number = i;
		int n = snprintf(items[i].key, sizeof items[i].key, "user%d", i);
		table_add(table, &items[i].node, (struct nuncio_str){ items[i].key, (size_t)n });
	}
}

static struct item *find(const struct table *table, int number)
{
	char key[16];
	int n = snprintf(key, sizeof key, "user%d", number);
	struct table_node *node = table_find(table, (struct nuncio_str){ key, (size_t)n });
	return node ? TABLE_OF(node, struct item, node) : NULL;
}

static void finds_what_is_in_and_nothing_else(void **state)
{
	struct table table = { 0 };
	(void)state;
	assert_null(find(&table, 0));
	assert_null(table_any(&table));
	add(&table, 0, ITEMS);
	assert_int_equal(table.count, ITEMS);
	for (int i = 0; i < ITEMS; i++)
		assert_ptr_equal(find(&table, i), &items[i]);
	assert_null(find(&table, ITEMS));
	for (int i = 0; i < ITEMS; i += 2)
		table_remove(&table, &items[i].node);
	for (int i = 0; i < ITEMS; i++)
		assert_true((find(&table, i) != NULL) == (i % 2 == 1));
	while (table_any(&table))
		table_remove(&table, table_any(&table));
	assert_int_equal(table.count, 0);
	assert_null(find(&table, 1));
	add(&table, 0, 3);
	assert_ptr_equal(find(&table, 2), &items[2]);
	table_fini(&table);
	assert_null(table.places);
}

static void shrinks_with_what_is_in(void **state)
{
	struct table table = { 0 };
	(void)state;
	add(&table, 0, ITEMS);
	assert_true(table.place_count >= ITEMS);
	for (int i = 10; i < ITEMS; i++)
		table_remove(&table, &items[i].node);
	assert_true(table.place_count <= 128);
	for (int i = 0; i < 10; i++)
		assert_ptr_equal(find(&table, i), &items[i]);
	table_fini(&table);
}

static void count_number(struct table_node *node, void *user)
{
	*(int *)user += TABLE_OF(node, struct item, node)->number;
}

static void each_is_visited_once(void **state)
{
	struct table table = { 0 };
	int sum = 0;
	(void)state;
	table_each(&table, count_number, &sum);
	assert_int_equal(sum, 0);
	add(&table, 0, 101);
	table_each(&table, count_number, &sum);
	assert_int_equal(sum, 5050);
	table_fini(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_is_in_and_nothing_else),
		cmocka_unit_test(shrinks_with_what_is_in),
		cmocka_unit_test(each_is_visited_once),
	};
	return cmocka_run_group_tests_name("group_table", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "base/map.h"

#include "base/hash.h"
#include "base/list.h"
#include "tests/lib/unit.h"

enum { COUNT = 5000 };

struct item {
	uint64_t key;
	struct map_node node;
};

static bool is_key(const struct map_node *node, const void *key)
{
	return CONTAINER_OF(node, struct item, node)->key == *(const uint64_t *)key;
}

static struct item *find(const struct map *m, uint64_t key)
{
	struct map_node *n = map_find(m, hash_u64(key), is_key, &key);
	return n ? CONTAINER_OF(n, struct item, node) : NULL;
}

static struct item *filled(struct map *m)
{
	struct item *items = calloc(COUNT, sizeof(*items));
	assert_non_null(items);
	map_init(m);
	for (size_t i = 0; i < COUNT; i++) {
		items[i].key = i;
		map_add(m, &items[i].node, hash_u64(i));
	}
	return items;
}

static void finds_what_was_added(void **state)
{
	(void)state;
	struct map m;
	struct item *items = filled(&m);
	assert_int_equal(map_count(&m), COUNT);
	for (uint64_t i = 0; i < COUNT; i++)
		assert_ptr_equal(find(&m, i), &items[i]);
	assert_null(find(&m, COUNT));
	for (uint64_t i = 0; i < COUNT; i += 2)
		map_remove(&m, &items[i].node);
	for (uint64_t i = 0; i < COUNT; i++)
		assert_ptr_equal(find(&m, i), i % 2 ? &items[i] : NULL);
	map_fini(&m);
	free(items);
}

static void empty_is_fine(void **state)
{
	(void)state;
	struct map m = { 0 };
	assert_null(map_first(&m, 1));
	MAP_EACH (&m, node)
		fail();
	map_fini(&m);
}

static void equal_hashes_live_together(void **state)
{
	(void)state;
	struct map m;
	struct item items[40] = { 0 };
	map_init(&m);
	for (uint64_t i = 0; i < COUNT_OF(items); i++) {
		items[i].key = i;
		map_add(&m, &items[i].node, i % 2);
	}
	size_t count = 0;
	for (struct map_node *n = map_first(&m, 1); n; n = map_next_same(n)) {
		assert_int_equal(CONTAINER_OF(n, struct item, node)->key % 2, 1);
		count++;
	}
	assert_int_equal(count, 20);
	map_fini(&m);
}

static void each_sees_all_and_may_remove(void **state)
{
	(void)state;
	struct map m;
	struct item *items = filled(&m);
	uint64_t sum = 0;
	MAP_EACH (&m, node) {
		struct item *it = CONTAINER_OF(node, struct item, node);
		sum += it->key;
		map_remove(&m, node);
		memset(it, 0xAA, sizeof(*it));
	}
	assert_int_equal(sum, (uint64_t)COUNT * (COUNT - 1) / 2);
	assert_int_equal(map_count(&m), 0);
	map_fini(&m);
	free(items);
}

static void each_can_be_left(void **state)
{
	(void)state;
	struct map m;
	struct item *items = filled(&m);
	int seen = 0;
	MAP_EACH (&m, node) {
		(void)node;
		if (++seen == 3)
			break;
	}
	assert_int_equal(seen, 3);
	map_fini(&m);
	free(items);
}

static void reserve_stops_growing(void **state)
{
	(void)state;
	struct map m = { 0 };
	struct item it = { 0 };
	map_reserve(&m, 1000);
	size_t size = m.size;
	assert_true(size >= 1000);
	map_add(&m, &it.node, 5);
	assert_int_equal(m.size, size);
	map_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_was_added),
		cmocka_unit_test(empty_is_fine),
		cmocka_unit_test(equal_hashes_live_together),
		cmocka_unit_test(each_sees_all_and_may_remove),
		cmocka_unit_test(each_can_be_left),
		cmocka_unit_test(reserve_stops_growing),
	};
	return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}

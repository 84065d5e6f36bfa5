/* SPDX-License-Identifier: MIT */
/* The table, the ring and the buffer of the Redis modules. */
#include "modules/redis/redis_buffer.h"
#include "modules/redis/redis_map.h"
#include "tests/lib/unit.h"

enum { MANY = 1000 };

struct thing {
	struct redis_entry entry;
	struct redis_ring link;
	char text[16];
	int seen;
};

static void thing_init(struct thing *thing, int number)
{
	memset(thing, 0, sizeof *thing);
	snprintf(thing->text, sizeof thing->text, "thing%d", number);
	thing->entry.key = nuncio_text(thing->text);
	redis_ring_init(&thing->link);
}

static void finds_what_was_added(void **state)
{
	static struct thing things[MANY];
	struct redis_map map;
	(void)state;
	redis_map_init(&map);
	for (int i = 0; i < MANY; i++) {
		thing_init(&things[i], i);
		assert_null(redis_map_find(&map, things[i].entry.key));
		redis_map_add(&map, &things[i].entry);
	}
	for (int i = 0; i < MANY; i += 2)
		redis_map_remove(&map, &things[i].entry);
	assert_int_equal(map.count, MANY / 2);
	for (int i = 0; i < MANY; i++) {
		struct redis_entry *entry = redis_map_find(&map, things[i].entry.key);
		assert_ptr_equal(entry, i % 2 ? &things[i].entry : NULL);
	}
	assert_null(redis_map_find(&map, nuncio_text("")));
	for (struct redis_entry *e = redis_map_next(&map, NULL); e; e = redis_map_next(&map, e))
		REDIS_OF(e, struct thing, entry)->seen++;
	for (int i = 0; i < MANY; i++)
		assert_int_equal(things[i].seen, i % 2);
	redis_map_fini(&map);
}

static void ring_keeps_the_order(void **state)
{
	struct redis_ring ring;
	struct thing things[3];
	(void)state;
	redis_ring_init(&ring);
	assert_true(redis_ring_is_alone(&ring));
	for (int i = 0; i < 3; i++) {
		thing_init(&things[i], i);
		redis_ring_add(&ring, &things[i].link);
	}
	redis_ring_remove(&things[0].link);
	redis_ring_remove(&things[0].link); /* does nothing */
	redis_ring_add(&ring, &things[0].link);
	assert_ptr_equal(REDIS_OF(ring.next, struct thing, link), &things[1]);
	assert_ptr_equal(REDIS_OF(ring.prev, struct thing, link), &things[0]);
	for (int i = 0; i < 3; i++)
		redis_ring_remove(&things[i].link);
	assert_true(redis_ring_is_alone(&ring));
}

static void writes_commands(void **state)
{
	struct redis_buffer b = { NULL, 0, 0 };
	const struct nuncio_str args[] = { { "SET", 3 }, { "k\0y", 3 }, { "", 0 } };
	static const char text[] = "*3\r\n$3\r\nSET\r\n$3\r\nk\0y\r\n$0\r\n\r\n";
	(void)state;
	redis_buffer_add_command(&b, args, 3);
	assert_int_equal(b.used, sizeof text - 1);
	assert_memory_equal(b.p, text, b.used);
	redis_buffer_drop(&b, 4);
	assert_memory_equal(b.p, text + 4, b.used);
	redis_buffer_drop(&b, b.used);
	assert_int_equal(b.used, 0);
	redis_buffer_free(&b);
	redis_buffer_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_was_added),
		cmocka_unit_test(ring_keeps_the_order),
		cmocka_unit_test(writes_commands),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * The intrusive hash map. Chains, so that nodes never move and removing costs one walk of a short
 * chain; at most one node per table place on average. Growing relinks every node at once (about 0.1
 * s for a million that are cold in the cache): call map_reserve when the number is known. One
 * thread at a time. Does not hash, compare or free.
 */
#include "base/map.h"

#include "base/alloc.h"
#include "base/check.h"

enum { FIRST_SIZE = 16 };

void map_init(struct map *m)
{
	*m = (struct map){ NULL, 0, 0 };
}

void map_fini(struct map *m)
{
	alloc_free(m->table);
	map_init(m);
}

static struct map_node **place_of(const struct map *m, uint64_t hash)
{
	return &m->table[hash & (m->size - 1)];
}

static void resize(struct map *m, size_t size)
{
	struct map_node **old = m->table;
	size_t old_size = m->size;
	m->table = ALLOC_ARRAY(struct map_node *, size);
	m->size = size;
	for (size_t i = 0; i < old_size; i++) {
		for (struct map_node *n = old[i], *next; n; n = next) {
			struct map_node **place = place_of(m, n->hash);
			next = n->next;
			n->next = *place;
			*place = n;
		}
	}
	alloc_free(old);
}

void map_reserve(struct map *m, size_t count)
{
	size_t size = m->size ? m->size : FIRST_SIZE;
	while (size < count)
		size *= 2;
	if (size != m->size)
		resize(m, size);
}

void map_add(struct map *m, struct map_node *node, uint64_t hash)
{
	map_reserve(m, m->count + 1);
	struct map_node **place = place_of(m, hash);
	node->hash = hash;
	node->next = *place;
	*place = node;
	m->count++;
}

void map_remove(struct map *m, struct map_node *node)
{
	CHECK(m->size);
	struct map_node **link = place_of(m, node->hash);
	while (*link && *link != node)
		link = &(*link)->next;
	CHECK(*link);
	*link = node->next;
	node->next = NULL;
	m->count--;
}

size_t map_count(const struct map *m)
{
	return m->count;
}

static struct map_node *skip_to(struct map_node *node, uint64_t hash)
{
	while (node && node->hash != hash)
		node = node->next;
	return node;
}

struct map_node *map_first(const struct map *m, uint64_t hash)
{
	return m->size ? skip_to(*place_of(m, hash), hash) : NULL;
}

struct map_node *map_next_same(const struct map_node *node)
{
	return skip_to(node->next, node->hash);
}

struct map_node *map_find(const struct map *m, uint64_t hash, map_is_fn is, const void *key)
{
	struct map_node *node = map_first(m, hash);
	while (node && !is(node, key))
		node = map_next_same(node);
	return node;
}

struct map_node *map_each_next(const struct map *m, struct map_cursor *c)
{
	while (!c->next && c->index < m->size)
		c->next = m->table[c->index++];
	struct map_node *node = c->next;
	if (node)
		c->next = node->next;
	return node;
}

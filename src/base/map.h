/* SPDX-License-Identifier: MIT */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Intrusive chained hash map. The caller hashes the key (base/hash.h), embeds a node, and compares
 * keys; the map only links. It grows itself, never shrinks, and owns only its table. Equal keys are
 * not noticed: look before you add. One thread at a time.
 */
struct map_node {
	struct map_node *next;
	uint64_t hash;
};

struct map {
	struct map_node **table; /* NULL until the first add */
	size_t size;             /* of the table; a power of two, or 0 */
	size_t count;
};

typedef bool (*map_is_fn)(const struct map_node *node, const void *key);

void map_init(struct map *m);
void map_fini(struct map *m); /* frees the table, not the nodes */
void map_add(struct map *m, struct map_node *node, uint64_t hash);
void map_remove(struct map *m, struct map_node *node); /* must be in m */
void map_reserve(struct map *m, size_t count); /* so that adding up to count does not grow */
size_t map_count(const struct map *m);

/* Walk the nodes of one full hash: for (n = map_first(m, h); n; n = map_next_same(n)). */
struct map_node *map_first(const struct map *m, uint64_t hash);
struct map_node *map_next_same(const struct map_node *node);
struct map_node *map_find(const struct map *m, uint64_t hash, map_is_fn is, const void *key);

/*
 * MAP_EACH(&map, node) { ... } declares node, a struct map_node *. In no particular order. The body
 * may remove the current node, and no other; it must not add.
 */
struct map_cursor {
	size_t index;
	struct map_node *next;
};
struct map_node *map_each_next(const struct map *m, struct map_cursor *c);
#define MAP_EACH(m, node) \
	for (struct map_cursor node##_at_ = { 0, NULL }, *node##_once_ = &node##_at_; \
		node##_once_; node##_once_ = NULL) \
		for (struct map_node * node; (node = map_each_next((m), &node##_at_)) != NULL;)

#endif

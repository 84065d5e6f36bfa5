/* SPDX-License-Identifier: MIT */
#ifndef REDIS_MAP_H
#define REDIS_MAP_H

#include <nuncio/base.h>

/*
 * A hash table of texts, and a ring: both hold what has an entry or a link in it, and allocate
 * nothing for it. Pure.
 */
struct redis_entry {
	struct redis_entry *next;
	uint64_t hash;
	struct nuncio_str key; /* memory of whoever has the entry */
};

struct redis_map {
	struct redis_entry **buckets;
	size_t size, count;
	uint64_t seed;
};

void redis_map_init(struct redis_map *map);
void redis_map_fini(struct redis_map *map); /* its entries are the user's to free */
struct redis_entry *redis_map_find(const struct redis_map *map, struct nuncio_str key);
void redis_map_add(
	struct redis_map *map, struct redis_entry *entry); /* key set, and not there yet */
void redis_map_remove(struct redis_map *map, struct redis_entry *entry);
/* One after the other, in no order: NULL is the first and the end. It must not change meanwhile. */
struct redis_entry *redis_map_next(const struct redis_map *map, const struct redis_entry *after);

struct redis_ring {
	struct redis_ring *prev, *next;
};

void redis_ring_init(struct redis_ring *ring);
void redis_ring_add(
	struct redis_ring *ring, struct redis_ring *link); /* as the last; alone before */
void redis_ring_remove(struct redis_ring *link);           /* alone again; also when it is alone */
int redis_ring_is_alone(const struct redis_ring *ring);

#define REDIS_OF(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#endif

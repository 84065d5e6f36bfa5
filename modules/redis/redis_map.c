/* SPDX-License-Identifier: MIT */
/* See redis_map.h. Texts come from users, so the hash begins with a number they cannot know. */
#include "redis/redis_map.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "redis/redis_buffer.h"

enum { FIRST_SIZE = 64 };

void redis_map_init(struct redis_map *map)
{
	map->size = FIRST_SIZE;
	map->count = 0;
	map->buckets = nuncio_alloc(map->size * sizeof *map->buckets);
	if (getrandom(&map->seed, sizeof map->seed, 0) != (ssize_t)sizeof map->seed)
		map->seed = (uint64_t)(uintptr_t)map->buckets;
}

void redis_map_fini(struct redis_map *map)
{
	free(map->buckets);
	*map = (struct redis_map){ NULL, 0, 0, 0 };
}

static uint64_t hash_of(const struct redis_map *map, struct nuncio_str key)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ map->seed;
	for (size_t i = 0; i < key.n; i++)
		hash = (hash ^ (unsigned char)key.p[i]) * UINT64_C(0x100000001b3);
	hash = (hash ^ (hash >> 32)) * UINT64_C(0xd6e8feb86659fd93);
	return hash ^ (hash >> 32);
}

struct redis_entry *redis_map_find(const struct redis_map *map, struct nuncio_str key)
{
	uint64_t hash = hash_of(map, key);
	struct redis_entry *entry = map->buckets[hash & (map->size - 1)];
	while (entry && (entry->hash != hash || entry->key.n != key.n ||
				(key.n && memcmp(entry->key.p, key.p, key.n) != 0)))
		entry = entry->next;
	return entry;
}

static void put(struct redis_map *map, struct redis_entry *entry)
{
	struct redis_entry **bucket = &map->buckets[entry->hash & (map->size - 1)];
	entry->next = *bucket;
	*bucket = entry;
}

static void grow(struct redis_map *map)
{
	struct redis_entry **old = map->buckets;
	size_t old_size = map->size;
	map->size *= 2;
	map->buckets = nuncio_alloc(map->size * sizeof *map->buckets);
	for (size_t i = 0; i < old_size; i++)
		for (struct redis_entry *entry = old[i], *next; entry; entry = next) {
			next = entry->next;
			put(map, entry);
		}
	free(old);
}

void redis_map_add(struct redis_map *map, struct redis_entry *entry)
{
	if (map->count >= map->size)
		grow(map);
	entry->hash = hash_of(map, entry->key);
	put(map, entry);
	map->count++;
}

void redis_map_remove(struct redis_map *map, struct redis_entry *entry)
{
	struct redis_entry **at = &map->buckets[entry->hash & (map->size - 1)];
	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	map->count--;
}

struct redis_entry *redis_map_next(const struct redis_map *map, const struct redis_entry *after)
{
	if (after && after->next)
		return after->next;
	size_t i = after ? (after->hash & (map->size - 1)) + 1 : 0;
	while (i < map->size && !map->buckets[i])
		i++;
	return i < map->size ? map->buckets[i] : NULL;
}

void redis_ring_init(struct redis_ring *ring)
{
	ring->prev = ring->next = ring;
}

void redis_ring_add(struct redis_ring *ring, struct redis_ring *link)
{
	link->prev = ring->prev;
	link->next = ring;
	ring->prev->next = link;
	ring->prev = link;
}

void redis_ring_remove(struct redis_ring *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	redis_ring_init(link);
}

int redis_ring_is_alone(const struct redis_ring *ring)
{
	return ring->next == ring;
}

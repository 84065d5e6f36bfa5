/* SPDX-License-Identifier: MIT */
#include "table.h"

#include <stdlib.h>

enum { PLACES_MIN = 4 };

/* FNV-1a with a last mix. */
static uint64_t hash_of(struct nuncio_str key)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < key.n; i++)
		hash = (hash ^ (unsigned char)key.p[i]) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 29;
}

static struct table_node **place_of(const struct table *table, uint64_t hash)
{
	return &table->places[hash & (table->place_count - 1)];
}

static void resize(struct table *table, size_t place_count)
{
	struct table grown = { nuncio_alloc(place_count * sizeof *grown.places), place_count,
		table->count };
	for (size_t i = 0; i < table->place_count; i++)
		while (table->places[i]) {
			struct table_node *node = table->places[i];
			table->places[i] = node->next;
			struct table_node **place = place_of(&grown, node->hash);
			node->next = *place;
			*place = node;
		}
	free(table->places);
	*table = grown;
}

void table_fini(struct table *table)
{
	free(table->places);
	*table = (struct table){ 0 };
}

struct table_node *table_find(const struct table *table, struct nuncio_str key)
{
	if (table->count == 0)
		return NULL;
	uint64_t hash = hash_of(key);
	struct table_node *node = *place_of(table, hash);
	while (node && (node->hash != hash || !nuncio_text_same(node->key, key)))
		node = node->next;
	return node;
}

void table_add(struct table *table, struct table_node *node, struct nuncio_str key)
{
	if (table->count >= table->place_count)
		resize(table, table->place_count ? table->place_count * 2 : PLACES_MIN);
	node->hash = hash_of(key);
	node->key = key;
	struct table_node **place = place_of(table, node->hash);
	node->next = *place;
	*place = node;
	table->count++;
}

void table_remove(struct table *table, struct table_node *node)
{
	struct table_node **at = place_of(table, node->hash);
	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	node->next = NULL;
	table->count--;
	if (table->place_count > PLACES_MIN && table->count < table->place_count / 8)
		resize(table, table->place_count / 4);
}

struct table_node *table_any(const struct table *table)
{
	for (size_t i = 0; table->count > 0 && i < table->place_count; i++)
		if (table->places[i])
			return table->places[i];
	return NULL;
}

void table_each(const struct table *table, table_each_fn *fn, void *user)
{
	for (size_t i = 0; i < table->place_count; i++)
		for (struct table_node *node = table->places[i]; node; node = node->next)
			fn(node, user);
}

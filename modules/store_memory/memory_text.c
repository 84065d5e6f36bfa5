/* SPDX-License-Identifier: MIT */
/*
 * Comparing and copying borrowed texts, a pool of texts, and a hash table from text to pointer:
 * open addressing, never shrinks.
 */
#include "store_memory.h"

#include <stdlib.h>
#include <string.h>

struct table_entry {
	char *key; /* NULL: free */
	size_t key_bytes;
	void *value;
};

struct pool_text {
	struct pool_text *older;
	char p[];
};

void text_move(struct nuncio_str *to, char **room)
{
	if (to->n)
		memcpy(*room, to->p, to->n);
	to->p = *room;
	*room += to->n;
}

bool text_number(struct nuncio_str text, uint64_t empty, uint64_t *number_r)
{
	uint64_t number = 0;
	if (text.n > 19)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		number = number * 10 + (uint64_t)(text.p[i] - '0');
	}
	*number_r = text.n ? number : empty;
	return true;
}

/* ---- the pool ---- */

struct nuncio_str pool_copy(struct pool *pool, struct nuncio_str s)
{
	struct pool_text *text = nuncio_resize(NULL, sizeof(*text) + s.n);
	char *room = text->p;
	text->older = pool->newest;
	pool->newest = text;
	text_move(&s, &room);
	return s;
}

void pool_fini(struct pool *pool)
{
	while (pool->newest) {
		struct pool_text *older = pool->newest->older;
		free(pool->newest);
		pool->newest = older;
	}
}

/* ---- the table ---- */

static struct table_entry *slot_of(const struct table *t, struct nuncio_str key)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < key.n; i++)
		hash = (hash ^ (unsigned char)key.p[i]) * UINT64_C(0x100000001b3);
	for (size_t at = (hash ^ hash >> 32) & (t->size - 1);; at = (at + 1) & (t->size - 1)) {
		struct table_entry *e = &t->entries[at];
		if (!e->key || nuncio_text_same((struct nuncio_str){ e->key, e->key_bytes }, key))
			return e;
	}
}

static void grow(struct table *t)
{
	struct table old = *t;
	t->size = old.size ? old.size * 2 : 64;
	t->entries = nuncio_resize(NULL, t->size * sizeof(*t->entries));
	memset(t->entries, 0, t->size * sizeof(*t->entries));
	for (size_t i = 0; i < old.size; i++) {
		struct nuncio_str key = { old.entries[i].key, old.entries[i].key_bytes };
		if (key.p)
			*slot_of(t, key) = old.entries[i];
	}
	free(old.entries);
}

void **table_place(struct table *t, struct nuncio_str key)
{
	if (t->count * 2 >= t->size)
		grow(t);
	struct table_entry *e = slot_of(t, key);
	if (!e->key) {
		e->key = nuncio_resize(NULL, key.n);
		e->key_bytes = key.n;
		if (key.n)
			memcpy(e->key, key.p, key.n);
		t->count++;
	}
	return &e->value;
}

void *table_find(const struct table *t, struct nuncio_str key)
{
	return t->size ? slot_of(t, key)->value : NULL;
}

void table_fini(struct table *t)
{
	for (size_t i = 0; i < t->size; i++)
		free(t->entries[i].key);
	free(t->entries);
	*t = (struct table){ 0 };
}

/* SPDX-License-Identifier: MIT */
/*
 * Comparing and copying borrowed texts, and a hash table from text to pointer: open addressing,
 * never shrinks.
 */
#include "store_memory.h"

#include <stdlib.h>
#include <string.h>

struct table_entry {
	struct text *key; /* NULL: free */
	void *value;
};

void *memory_resize(void *p, size_t bytes)
{
	void *q = realloc(p, bytes ? bytes : 1);
	if (!q)
		abort();
	return q;
}

int text_compare(struct nuncio_str a, struct nuncio_str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n ? memcmp(a.p, b.p, n) : 0;
	return order ? order : (a.n > b.n) - (a.n < b.n);
}

bool text_same(struct nuncio_str a, struct nuncio_str b)
{
	return text_compare(a, b) == 0;
}

bool text_has_prefix(struct nuncio_str text, struct nuncio_str prefix)
{
	return text.n >= prefix.n && (prefix.n == 0 || memcmp(text.p, prefix.p, prefix.n) == 0);
}

void text_move(struct nuncio_str *to, char **room)
{
	if (to->n)
		memcpy(*room, to->p, to->n);
	to->p = *room;
	*room += to->n;
}

static struct table_entry *slot_of(const struct table *t, struct nuncio_str key)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < key.n; i++)
		hash = (hash ^ (unsigned char)key.p[i]) * UINT64_C(0x100000001b3);
	for (size_t at = (hash ^ hash >> 32) & (t->size - 1);; at = (at + 1) & (t->size - 1)) {
		struct table_entry *e = &t->entries[at];
		if (!e->key || text_same((struct nuncio_str){ e->key->p, e->key->n }, key))
			return e;
	}
}

static void grow(struct table *t)
{
	struct table old = *t;
	t->size = old.size ? old.size * 2 : 64;
	t->entries = memory_resize(NULL, t->size * sizeof(*t->entries));
	memset(t->entries, 0, t->size * sizeof(*t->entries));
	for (size_t i = 0; i < old.size; i++) {
		struct text *key = old.entries[i].key;
		if (key)
			*slot_of(t, (struct nuncio_str){ key->p, key->n }) = old.entries[i];
	}
	free(old.entries);
}

void **table_place(struct table *t, struct nuncio_str key)
{
	if (t->count * 2 >= t->size)
		grow(t);
	struct table_entry *e = slot_of(t, key);
	if (!e->key) {
		e->key = memory_resize(NULL, sizeof(*e->key) + key.n);
		e->key->n = key.n;
		if (key.n)
			memcpy(e->key->p, key.p, key.n);
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

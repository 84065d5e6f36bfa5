/* SPDX-License-Identifier: MIT */
/*
 * See spent.h. The text is written as it is said from the beginning, so that telling costs nothing
 * more; a table of places finds what a key has already. Keys that come from outside may aim at one
 * place of the table: a search is given up after PROBES, and the key gets a second entry.
 */
#include "spent.h"

#include <stdlib.h>
#include <string.h>

enum {
	PLACES = 2 * SPENT_KEYS,
	PROBES = 8,
	TEXT_BYTES = SPENT_KEYS * (SPENT_HEAD_BYTES + PEERS_KEY_BYTES),
	COUNT_MAX = 0xffff
};

struct spent {
	uint32_t keys, used;
	uint32_t places[PLACES]; /* where in the text + 1; 0: free */
	unsigned char text[TEXT_BYTES];
};

struct spent *spent_new(void)
{
	return nuncio_alloc(sizeof(struct spent));
}

void spent_free(struct spent **spent)
{
	free(*spent);
	*spent = NULL;
}

static uint32_t place_of(enum spent_kind kind, const char *key, size_t n)
{
	uint32_t hash = 2166136261u ^ (uint32_t)kind;
	for (size_t i = 0; i < n; i++)
		hash = (hash ^ (unsigned char)key[i]) * 16777619u;
	return hash ^ hash >> 15;
}

static bool is_it(const unsigned char *at, enum spent_kind kind, const char *key, size_t n)
{
	return at[0] == (unsigned char)kind && at[3] == n &&
	       memcmp(at + SPENT_HEAD_BYTES, key, n) == 0;
}

static bool count_one(unsigned char *at)
{
	unsigned count = (unsigned)at[1] << 8 | at[2];
	if (count == COUNT_MAX)
		return false;
	count++;
	at[1] = (unsigned char)(count >> 8);
	at[2] = (unsigned char)count;
	return true;
}

bool spent_add(struct spent *spent, enum spent_kind kind, const char *key, size_t key_bytes)
{
	size_t n = key_bytes < PEERS_KEY_BYTES ? key_bytes : PEERS_KEY_BYTES;
	uint32_t hash = place_of(kind, key, n), *place = NULL;
	for (uint32_t i = 0; i < PROBES; i++) {
		place = &spent->places[(hash + i) % PLACES];
		if (!*place)
			break;
		if (is_it(spent->text + *place - 1, kind, key, n))
			return count_one(spent->text + *place - 1);
	}
	if (spent->keys == SPENT_KEYS)
		return false;
	unsigned char *at = spent->text + spent->used;
	at[0] = (unsigned char)kind;
	at[1] = 0;
	at[2] = 1;
	at[3] = (unsigned char)n;
	if (n)
		memcpy(at + SPENT_HEAD_BYTES, key, n);
	if (!*place)
		*place = spent->used + 1;
	spent->used += SPENT_HEAD_BYTES + (uint32_t)n;
	spent->keys++;
	return true;
}

bool spent_is_empty(const struct spent *spent)
{
	return spent->keys == 0;
}

struct nuncio_str spent_take(struct spent *spent)
{
	struct nuncio_str text = { (const char *)spent->text, spent->used };
	memset(spent->places, 0, sizeof spent->places);
	spent->keys = spent->used = 0;
	return text;
}

bool spent_next(struct nuncio_str text, size_t *at, struct spent_one *one_r)
{
	const unsigned char *p = (const unsigned char *)text.p + *at;
	if (text.n - *at < SPENT_HEAD_BYTES || (p[0] != SPENT_USER && p[0] != SPENT_ADDRESS) ||
		p[3] > PEERS_KEY_BYTES || text.n - *at - SPENT_HEAD_BYTES < p[3])
		return false;
	one_r->kind = (enum spent_kind)p[0];
	one_r->count = (uint32_t)p[1] << 8 | p[2];
	one_r->key = (struct nuncio_str){ text.p + *at + SPENT_HEAD_BYTES, p[3] };
	*at += SPENT_HEAD_BYTES + p[3];
	return true;
}

/* SPDX-License-Identifier: MIT */
/*
 * What readers have hidden, as it was read from the store: mostly nothing, which is worth knowing
 * just as well. A table of fixed size in which the newer takes the place of the older. Right as
 * long as only this process writes these records: each write makes what was known of its record
 * void before it begins, and so are answers of the store to questions that were asked before its
 * end.
 */
#include "known.h"

#include <nuncio/text.h>

enum { PLACES = 4096 /* a power of two */, VALUE_BYTES_MAX = 512 };
#define NEVER UINT64_MAX /* a write is under way */

struct known_entry {
	uint64_t hash;
	size_t key_bytes, value_bytes;
	bool is_there; /* the record; else it is known that there is none */
	char text[];   /* key, value */
};

struct known {
	struct known_entry *places[PLACES];
	uint64_t writes_begun, writes_ended;
};

struct known *known_new(void)
{
	return nuncio_alloc(sizeof(struct known));
}

void known_drop_all(struct known *known)
{
	for (size_t i = 0; i < PLACES; i++) {
		free(known->places[i]);
		known->places[i] = NULL;
	}
	/* Answers that are on their way were asked before this. */
	known->writes_begun++;
	known->writes_ended++;
}

void known_free(struct known **known)
{
	if (!*known)
		return;
	known_drop_all(*known);
	free(*known);
	*known = NULL;
}

/* No id of a user or a conversation has a NUL in it. */
static uint64_t hash_of(struct nuncio_str who, struct nuncio_str conversation)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < who.n; i++)
		hash = (hash ^ (unsigned char)who.p[i]) * UINT64_C(0x100000001b3);
	hash *= UINT64_C(0x100000001b3);
	for (size_t i = 0; i < conversation.n; i++)
		hash = (hash ^ (unsigned char)conversation.p[i]) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 29;
}

static struct known_entry **place_of(struct known *known, uint64_t hash)
{
	return &known->places[hash & (PLACES - 1)];
}

static bool is_of(const struct known_entry *entry, uint64_t hash, struct nuncio_str who,
	struct nuncio_str conversation)
{
	return entry && entry->hash == hash && entry->key_bytes == who.n + 1 + conversation.n &&
	       memcmp(entry->text, who.p, who.n) == 0 && entry->text[who.n] == '\0' &&
	       memcmp(entry->text + who.n + 1, conversation.p, conversation.n) == 0;
}

bool known_get(struct known *known, struct nuncio_str who, struct nuncio_str conversation,
	struct nuncio_str *value_r)
{
	uint64_t hash = hash_of(who, conversation);
	const struct known_entry *entry = *place_of(known, hash);
	if (!is_of(entry, hash, who, conversation))
		return false;
	*value_r = (struct nuncio_str){ entry->is_there ? entry->text + entry->key_bytes : NULL,
		entry->value_bytes };
	return true;
}

uint64_t known_expect(const struct known *known)
{
	return known->writes_begun == known->writes_ended ? known->writes_begun : NEVER;
}

void known_put(struct known *known, uint64_t expected, struct nuncio_str who,
	struct nuncio_str conversation, struct nuncio_str value)
{
	uint64_t hash = hash_of(who, conversation);
	struct known_entry **place = place_of(known, hash);
	if (known->writes_ended != expected || known->writes_begun != expected ||
		value.n > VALUE_BYTES_MAX)
		return;
	free(*place);
	struct known_entry *entry =
		nuncio_alloc(sizeof *entry + who.n + 1 + conversation.n + value.n);
	entry->hash = hash;
	entry->key_bytes = who.n + 1 + conversation.n;
	entry->value_bytes = value.n;
	entry->is_there = value.p != NULL;
	memcpy(entry->text, who.p, who.n);
	memcpy(entry->text + who.n + 1, conversation.p, conversation.n);
	if (value.p)
		memcpy(entry->text + entry->key_bytes, value.p, value.n);
	*place = entry;
}

void known_write_begins(struct known *known, struct nuncio_str who, struct nuncio_str conversation)
{
	uint64_t hash = hash_of(who, conversation);
	struct known_entry **place = place_of(known, hash);
	known->writes_begun++;
	if (!is_of(*place, hash, who, conversation))
		return;
	free(*place);
	*place = NULL;
}

void known_write_ends(struct known *known)
{
	known->writes_ended++;
}

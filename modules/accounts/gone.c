/* SPDX-License-Identifier: MIT */
#include "accounts.h"

/*
 * Whose access tokens are void although their time is not over: of those who were deleted lately,
 * all; of those with a new password, what was issued before. A token says nothing of
 * its account, so its user is looked up here with every request, until no such token can be left.
 *
 * A ring in the order of time, whose oldest end is given up as it gets too old, and chains by a
 * keyed hash of the id. Bounded: beyond GONE_MAX the oldest goes too early. Which ones there
 * are over restarts and on all nodes: voids.c.
 */

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { GONE_MIN = 64, GONE_MAX = 65536, NOBODY = UINT32_MAX };

struct one {
	int64_t until_ms, before_ms;
	uint32_t next; /* older, in the same chain */
	char id[ACCOUNT_ID_BYTES_MAX + 1];
};

struct gone {
	unsigned char key[crypto_shorthash_KEYBYTES];
	uint32_t size;         /* a power of two: of the ring, and of the chains */
	uint32_t first, count; /* grow for ever: places are modulo size */
	struct one *ring;
	uint32_t *chains; /* the newest one; NOBODY */
};

static uint32_t chain_of(const struct gone *gone, struct nuncio_str id)
{
	unsigned char hash[crypto_shorthash_BYTES];
	uint32_t number;
	crypto_shorthash(hash, (const unsigned char *)(id.n ? id.p : ""), id.n, gone->key);
	memcpy(&number, hash, sizeof number);
	return number & (gone->size - 1);
}

static void make_room(struct gone *gone, uint32_t size)
{
	gone->size = size;
	gone->ring = nuncio_alloc(size * sizeof *gone->ring);
	gone->chains = nuncio_alloc(size * sizeof *gone->chains);
	memset(gone->chains, 0xff, size * sizeof *gone->chains);
}

struct gone *gone_new(void)
{
	struct gone *gone = nuncio_alloc(sizeof *gone);
	crypto_shorthash_keygen(gone->key);
	make_room(gone, GONE_MIN);
	return gone;
}

void gone_free(struct gone **gone)
{
	if (*gone) {
		free((*gone)->ring);
		free((*gone)->chains);
	}
	free(*gone);
	*gone = NULL;
}

static void put(struct gone *gone, const struct one *one)
{
	uint32_t at = (gone->first + gone->count++) & (gone->size - 1);
	uint32_t *chain = &gone->chains[chain_of(gone, nuncio_text(one->id))];
	gone->ring[at] = *one;
	gone->ring[at].next = *chain;
	*chain = at;
}

/* The oldest is the last of its chain. */
static void drop_oldest(struct gone *gone)
{
	uint32_t at = gone->first & (gone->size - 1);
	uint32_t *link = &gone->chains[chain_of(gone, nuncio_text(gone->ring[at].id))];
	while (*link != at)
		link = &gone->ring[*link].next;
	*link = NOBODY;
	gone->first++;
	gone->count--;
}

static void grow(struct gone *gone)
{
	struct gone old = *gone;
	make_room(gone, old.size * 2);
	gone->first = gone->count = 0;
	for (uint32_t i = 0; i < old.count; i++)
		put(gone, &old.ring[(old.first + i) & (old.size - 1)]);
	free(old.ring);
	free(old.chains);
}

/* Something is known that voids at least as much for at least as long. */
static bool is_known(const struct gone *gone, const struct one *one)
{
	struct nuncio_str id = nuncio_text(one->id);
	for (uint32_t at = gone->chains[chain_of(gone, id)]; at != NOBODY;
		at = gone->ring[at].next) {
		const struct one *have = &gone->ring[at];
		if (have->until_ms >= one->until_ms && have->before_ms >= one->before_ms &&
			nuncio_text_same(nuncio_text(have->id), id))
			return true;
	}
	return false;
}

bool gone_add(struct gone *gone, struct nuncio_str id, int64_t before_ms, int64_t now_ms,
	int64_t until_ms)
{
	struct one one = { .until_ms = until_ms, .before_ms = before_ms };
	if (nuncio_text_copy(id, one.id, sizeof one.id) < 0 || until_ms <= now_ms ||
		is_known(gone, &one))
		return false;
	while (gone->count && gone->ring[gone->first & (gone->size - 1)].until_ms <= now_ms)
		drop_oldest(gone);
	if (gone->count == GONE_MAX)
		drop_oldest(gone);
	if (gone->count == gone->size)
		grow(gone);
	put(gone, &one);
	return true;
}

enum gone_why gone_has(
	const struct gone *gone, struct nuncio_str id, int64_t issued_ms, int64_t now_ms)
{
	enum gone_why why = GONE_NOT;
	if (!gone->count) /* the common case */
		return GONE_NOT;
	for (uint32_t at = gone->chains[chain_of(gone, id)]; at != NOBODY;
		at = gone->ring[at].next) {
		const struct one *one = &gone->ring[at];
		if (now_ms >= one->until_ms || !nuncio_text_same(id, nuncio_text(one->id)))
			continue;
		if (one->before_ms == GONE_ALL)
			return GONE_DELETED;
		/* iat counts whole seconds: what may be newer is. */
		if (issued_ms && issued_ms / 1000 < one->before_ms / 1000)
			why = GONE_PASSWORD;
	}
	return why;
}

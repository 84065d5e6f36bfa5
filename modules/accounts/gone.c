/* SPDX-License-Identifier: MIT */
#include "accounts.h"

/*
 * Whose access tokens are void although their time is not over: of those who were deleted lately,
 * all; of those with a new password, what was issued before. A token says nothing of
 * its account, so its user is looked up here with every request.
 *
 * Only what voided tokens in the last GONE_KEEP_MS is here, which is longer than any token of ours
 * lives. Of a token that is older nothing can be said (GONE_UNKNOWN): its account must be asked.
 *
 * A ring in the order of time, whose oldest end is given up as it gets too old, and chains by a
 * keyed hash of the id. Bounded: beyond GONE_MAX the oldest goes too early, and tokens from before
 * its time are GONE_UNKNOWN. Which ones there are over restarts and on all nodes: voids.c.
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
	uint32_t *chains;  /* the newest one; NOBODY */
	int64_t forgot_ms; /* of tokens issued before it something was known that went too early */
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

/* An end of the account (GONE_ALL) is of the time at which it began to be kept. */
static void forget_oldest(struct gone *gone)
{
	int64_t from_ms = gone->ring[gone->first & (gone->size - 1)].until_ms - GONE_KEEP_MS;
	if (from_ms > gone->forgot_ms)
		gone->forgot_ms = from_ms;
	drop_oldest(gone);
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
		forget_oldest(gone);
	if (gone->count == gone->size)
		grow(gone);
	put(gone, &one);
	return true;
}

/* What is known of tokens from then. */
static enum gone_why unless_known(const struct gone *gone, int64_t issued_ms, int64_t now_ms)
{
	bool is_old = issued_ms < now_ms - GONE_KEEP_MS || issued_ms < gone->forgot_ms;
	return is_old ? GONE_UNKNOWN : GONE_NOT;
}

enum gone_why gone_has(
	const struct gone *gone, struct nuncio_str id, int64_t issued_ms, int64_t now_ms)
{
	enum gone_why why = unless_known(gone, issued_ms, now_ms);
	if (!gone->count) /* the common case */
		return why;
	for (uint32_t at = gone->chains[chain_of(gone, id)]; at != NOBODY;
		at = gone->ring[at].next) {
		const struct one *one = &gone->ring[at];
		if (now_ms >= one->until_ms || !nuncio_text_same(id, nuncio_text(one->id)))
			continue;
		if (one->before_ms == GONE_ALL)
			return GONE_DELETED;
		if (issued_ms < one->before_ms)
			why = GONE_PASSWORD;
	}
	return why;
}

/* SPDX-License-Identifier: MIT */
#include "auth_jwt.h"

/*
 * Tokens whose signature was checked a moment ago, by SHA-256 of their text, until they expire.
 * Sets of four, of which the one least recently used is replaced: bounded, no lists. The hash is
 * compared whole: finding another token with the same one would be a break of SHA-256. Only good
 * tokens get in. One owner, no locks. A change of keys throws the cache away.
 */

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

enum { WAYS = 4 };

struct entry {
	unsigned char hash[TOKEN_HASH_BYTES];
	uint64_t used; /* 0: empty */
	struct token_claims claims;
};

struct token_cache {
	size_t sets;
	uint64_t uses;
	struct entry entries[];
};

struct token_cache *token_cache_new(size_t count)
{
	size_t sets = (count + WAYS - 1) / WAYS;
	struct token_cache *cache =
		nuncio_alloc(sizeof *cache + sets * WAYS * sizeof(struct entry));
	cache->sets = sets;
	return cache;
}

void token_cache_free(struct token_cache **cache)
{
	free(*cache);
	*cache = NULL;
}

void token_cache_hash(struct nuncio_str text, unsigned char hash_r[TOKEN_HASH_BYTES])
{
	SHA256((const unsigned char *)text.p, text.n, hash_r);
}

static struct entry *set_of(struct token_cache *cache, const unsigned char *hash)
{
	uint64_t number;
	memcpy(&number, hash, sizeof number);
	return &cache->entries[number % cache->sets * WAYS];
}

const struct token_claims *token_cache_find(
	struct token_cache *cache, const unsigned char hash[TOKEN_HASH_BYTES], int64_t now_s)
{
	struct entry *set = cache->sets ? set_of(cache, hash) : NULL;
	for (int i = 0; set && i < WAYS; i++) {
		if (!set[i].used || memcmp(set[i].hash, hash, TOKEN_HASH_BYTES) != 0)
			continue;
		if (now_s >= set[i].claims.expires_at_s) {
			set[i].used = 0;
			return NULL;
		}
		set[i].used = ++cache->uses;
		return &set[i].claims;
	}
	return NULL;
}

void token_cache_add(struct token_cache *cache, const unsigned char hash[TOKEN_HASH_BYTES],
	const struct token_claims *claims)
{
	struct entry *set = cache->sets ? set_of(cache, hash) : NULL;
	struct entry *oldest = set;
	for (int i = 0; set && i < WAYS; i++) {
		if (set[i].used && memcmp(set[i].hash, hash, TOKEN_HASH_BYTES) == 0) {
			oldest = &set[i];
			break;
		}
		if (set[i].used < oldest->used)
			oldest = &set[i];
	}
	if (!oldest)
		return;
	memcpy(oldest->hash, hash, TOKEN_HASH_BYTES);
	oldest->used = ++cache->uses;
	oldest->claims = *claims;
}

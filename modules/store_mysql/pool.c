/* SPDX-License-Identifier: MIT */
/*
 * Memory of one batch or read, freed in one piece, and comparing borrowed texts. A pool belongs to
 * one lane. Sizes that come from outside are limited by the core before they come here.
 */
#include "store_mysql.h"

#include <stdlib.h>
#include <string.h>

enum { POOL_BLOCK_BYTES = 64 * 1024 };

struct pool_block {
	struct pool_block *next;
	size_t bytes;
	_Alignas(16) char room[];
};

void *pool_take(struct pool *pool, size_t bytes)
{
	bytes = (bytes + 15) & ~(size_t)15;
	if ((size_t)(pool->end - pool->at) < bytes) {
		size_t room = bytes > POOL_BLOCK_BYTES ? bytes : POOL_BLOCK_BYTES;
		struct pool_block *block = nuncio_resize(NULL, sizeof(*block) + room);
		block->next = pool->blocks;
		block->bytes = room;
		pool->blocks = block;
		pool->at = block->room;
		pool->end = block->room + room;
	}
	void *p = pool->at;
	pool->at += bytes;
	return memset(p, 0, bytes);
}

struct nuncio_str pool_text(struct pool *pool, struct nuncio_str text)
{
	if (!text.p)
		return text;
	char *copy = pool_take(pool, text.n + 1);
	if (text.n)
		memcpy(copy, text.p, text.n);
	return (struct nuncio_str){ copy, text.n };
}

/* Keeps one block of the common size, so that small work allocates nothing. */
void pool_reset(struct pool *pool)
{
	struct pool_block *kept = NULL;
	for (struct pool_block *block = pool->blocks, *next; block; block = next) {
		next = block->next;
		if (!kept && block->bytes == POOL_BLOCK_BYTES)
			kept = block;
		else
			free(block);
	}
	if (kept)
		kept->next = NULL;
	pool->blocks = kept;
	pool->at = kept ? kept->room : NULL;
	pool->end = kept ? kept->room + kept->bytes : NULL;
}

void pool_fini(struct pool *pool)
{
	pool_reset(pool);
	free(pool->blocks);
	*pool = (struct pool){ 0 };
}

/* SPDX-License-Identifier: MIT */
/*
 * Arenas: things that die together are cut from blocks and freed with them. Belongs to one thread
 * at a time. Blocks double from the first size up to BLOCK_BYTES_MAX; a piece that would waste most
 * of a block gets one of its own, behind the newest, so that the newest goes on being filled.
 * Limits nothing: whoever reads from outside counts `used_bytes` or knows the input's size.
 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"

enum { ALIGN = 16, FIRST_BYTES_DEFAULT = 1024, BLOCK_BYTES_MAX = 64 * 1024 };

struct arena_block {
	struct arena_block *next;
	size_t size, used; /* of data */
	_Alignas(ALIGN) unsigned char data[];
};

void arena_init(struct arena *a, size_t first_bytes)
{
	*a = (struct arena){ .first_bytes = first_bytes ? first_bytes : FIRST_BYTES_DEFAULT };
}

static void free_blocks(struct arena_block *b)
{
	while (b) {
		struct arena_block *next = b->next;
		alloc_free(b);
		b = next;
	}
}

void arena_fini(struct arena *a)
{
	free_blocks(a->block);
	a->block = NULL;
	a->used_bytes = 0;
}

void arena_reset(struct arena *a)
{
	a->used_bytes = 0;
	if (!a->block)
		return;
	free_blocks(a->block->next);
	a->block->next = NULL;
	a->block->used = 0;
}

static struct arena_block *block_new(size_t size)
{
	struct arena_block *b = alloc_get(sizeof(*b) + size);
	b->next = NULL;
	b->size = size;
	b->used = 0;
	return b;
}

static struct arena_block *block_for(struct arena *a, size_t n)
{
	struct arena_block *newest = a->block;
	size_t size = newest ? newest->size * 2 : a->first_bytes;
	if (size > BLOCK_BYTES_MAX)
		size = BLOCK_BYTES_MAX;
	if (newest && n > size / 2) {
		struct arena_block *own = block_new(n);
		own->next = newest->next;
		newest->next = own;
		return own;
	}
	struct arena_block *b = block_new(n > size ? n : size);
	b->next = newest;
	a->block = b;
	return b;
}

void *arena_get(struct arena *a, size_t n)
{
	CHECK(n <= SIZE_MAX / 2);
	n = n ? (n + ALIGN - 1) & ~(size_t)(ALIGN - 1) : ALIGN;
	struct arena_block *b = a->block;
	if (!b || b->size - b->used < n)
		b = block_for(a, n);
	void *p = b->data + b->used;
	b->used += n;
	a->used_bytes += n;
	return p;
}

void *arena_zero(struct arena *a, size_t n)
{
	return memset(arena_get(a, n), 0, n);
}

void *arena_copy(struct arena *a, const void *p, size_t n)
{
	void *copy = arena_get(a, n);
	if (n)
		memcpy(copy, p, n);
	return copy;
}

struct nuncio_str arena_str(struct arena *a, struct nuncio_str s)
{
	CHECK(s.n < SIZE_MAX / 2);
	char *copy = arena_get(a, s.n + 1);
	if (s.n)
		memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	return (struct nuncio_str){ copy, s.n };
}

struct nuncio_str arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	CHECK(n >= 0);
	char *text = arena_get(a, (size_t)n + 1);
	va_start(args, fmt);
	vsnprintf(text, (size_t)n + 1, fmt, args);
	va_end(args);
	return (struct nuncio_str){ text, (size_t)n };
}

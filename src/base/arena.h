/* SPDX-License-Identifier: MIT */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include <nuncio/base.h>

/*
 * Memory for things that die together, for example with a packet or a request. Nothing is freed
 * alone. An arena belongs to one thread at a time. The first block is taken on the first use, so an
 * unused arena costs no heap.
 */
struct arena_block;
struct arena {
	struct arena_block *block; /* newest first; NULL until first use */
	size_t first_bytes;
	size_t used_bytes; /* given out since init or reset */
};

void arena_init(struct arena *a, size_t first_bytes); /* 0: a sensible default */
void arena_fini(struct arena *a);
void arena_reset(struct arena *a); /* forgets everything, keeps the newest block */

void *arena_get(struct arena *a, size_t n); /* aligned to 16 */
void *arena_zero(struct arena *a, size_t n);
void *arena_copy(struct arena *a, const void *p, size_t n);
struct nuncio_str arena_str(struct arena *a, struct nuncio_str s); /* the copy is also NUL-ended */
struct nuncio_str arena_printf(struct arena *a, const char *fmt, ...) NUNCIO_PRINTF(2, 3);

#endif

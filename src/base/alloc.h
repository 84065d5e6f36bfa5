/* SPDX-License-Identifier: MIT */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stddef.h>

#include <nuncio/base.h>

/*
 * Heap memory that never comes back as NULL: running out aborts with a message. So every size that
 * an outsider chooses must be limited before it gets here. Thread: any.
 */
void *alloc_get(size_t n);
void *alloc_zero(size_t n);
void *alloc_zero_array(size_t count, size_t n); /* aborts when count * n overflows */
void *alloc_grow(void *p, size_t n);            /* realloc; p may be NULL */
void *alloc_copy(const void *p, size_t n);
char *alloc_text(struct nuncio_str s); /* NUL-ended copy */
void alloc_free(void *p);              /* NULL is fine */

/*
 * Once, before other threads are: big pieces, as the body of a long message, get mappings of their
 * own, which go back to the system when they are freed.
 */
void alloc_setup(void);
/* What the heap holds of the machine's memory and nobody uses, about; 0 where that is not known. */
size_t alloc_spare_bytes(void);
/* Gives it back. Takes about a millisecond per megabyte. */
void alloc_trim(void);

#define ALLOC_NEW(type) ((type *)alloc_zero(sizeof(type)))
#define ALLOC_ARRAY(type, count) ((type *)alloc_zero_array((count), sizeof(type)))

#endif

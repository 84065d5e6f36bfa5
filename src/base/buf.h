/* SPDX-License-Identifier: MIT */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>

#include <nuncio/base.h>

/*
 * A growing byte buffer: prepare n bytes with buf_reserve, write, say how many with buf_commit. All
 * zero is a valid empty buffer, and an empty one owns no memory. Pointers into it die with the next
 * call that adds or consumes.
 */
struct buf {
	char *data; /* NULL while size is 0 */
	size_t used, size;
};

void buf_init(struct buf *b);
void buf_fini(struct buf *b);
void buf_reset(struct buf *b); /* empties, keeps the memory */

char *buf_reserve(struct buf *b, size_t n); /* room for n more bytes at the returned place */
void buf_commit(struct buf *b, size_t n);   /* at most what was reserved */
void buf_add(struct buf *b, const void *p, size_t n);
void buf_add_str(struct buf *b, struct nuncio_str s);
void buf_add_text(struct buf *b, const char *text);
void buf_add_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) NUNCIO_PRINTF(2, 3);

void buf_consume(struct buf *b, size_t n); /* drops n bytes from the front */
struct nuncio_str buf_str(const struct buf *b);
char *buf_take(
	struct buf *b); /* NUL-ended content for alloc_free; the buffer is empty afterwards */

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The growing byte buffer. Doubles from FIRST_BYTES, so that n appended bytes cost O(n); consuming
 * from the front moves the rest, so consume in large steps. Belongs to one thread at a time. Limits
 * nothing: whoever fills it from outside compares `used` with a limit first.
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"

enum { FIRST_BYTES = 64 };

void buf_init(struct buf *b)
{
	*b = (struct buf){ NULL, 0, 0 };
}

void buf_fini(struct buf *b)
{
	alloc_free(b->data);
	buf_init(b);
}

void buf_reset(struct buf *b)
{
	b->used = 0;
}

static void grow(struct buf *b, size_t n)
{
	CHECK(n <= SIZE_MAX / 4 && b->used <= SIZE_MAX / 4);
	size_t need = b->used + n;
	size_t size = b->size ? b->size * 2 : FIRST_BYTES;
	if (size < need)
		size = need;
	b->data = alloc_grow(b->data, size);
	b->size = size;
}

char *buf_reserve(struct buf *b, size_t n)
{
	if (b->size - b->used < n || !b->data)
		grow(b, n);
	return b->data + b->used;
}

void buf_commit(struct buf *b, size_t n)
{
	CHECK(n <= b->size - b->used);
	b->used += n;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	if (!n)
		return;
	memcpy(buf_reserve(b, n), p, n);
	b->used += n;
}

void buf_add_str(struct buf *b, struct nuncio_str s)
{
	buf_add(b, s.p, s.n);
}

void buf_add_text(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void buf_add_char(struct buf *b, char c)
{
	*buf_reserve(b, 1) = c;
	b->used++;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	CHECK(n >= 0);
	char *at = buf_reserve(b, (size_t)n + 1);
	va_start(args, fmt);
	vsnprintf(at, (size_t)n + 1, fmt, args);
	va_end(args);
	b->used += (size_t)n;
}

void buf_consume(struct buf *b, size_t n)
{
	CHECK(n <= b->used);
	b->used -= n;
	if (n && b->used)
		memmove(b->data, b->data + n, b->used);
}

struct nuncio_str buf_str(const struct buf *b)
{
	return (struct nuncio_str){ b->data, b->used };
}

char *buf_take(struct buf *b)
{
	*buf_reserve(b, 1) = '\0';
	char *text = b->data;
	buf_init(b);
	return text;
}

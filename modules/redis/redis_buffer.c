/* SPDX-License-Identifier: MIT */
/* See redis_buffer.h. */
#include "redis_buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BYTES = 1024, KEEP_BYTES = 64 * 1024 };

char *redis_copy(struct nuncio_str text)
{
	char *copy = nuncio_alloc(text.n + 1);
	if (text.n)
		memcpy(copy, text.p, text.n);
	return copy;
}

void redis_buffer_add(struct redis_buffer *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	if (b->size - b->used < n) {
		size_t size = b->size ? b->size : FIRST_BYTES;
		while (size - b->used < n)
			size *= 2;
		b->p = nuncio_resize(b->p, size);
		b->size = size;
	}
	memcpy(b->p + b->used, p, n);
	b->used += n;
}

void redis_buffer_add_str(struct redis_buffer *b, struct nuncio_str text)
{
	redis_buffer_add(b, text.p, text.n);
}

/* What has grown large for once does not stay. */
void redis_buffer_drop(struct redis_buffer *b, size_t n)
{
	b->used -= n;
	if (b->used)
		memmove(b->p, b->p + n, b->used);
	else if (b->size > KEEP_BYTES)
		redis_buffer_free(b);
}

void redis_buffer_free(struct redis_buffer *b)
{
	free(b->p);
	*b = (struct redis_buffer){ NULL, 0, 0 };
}

void redis_buffer_add_command(struct redis_buffer *b, const struct nuncio_str *args, size_t count)
{
	char head[32];
	int n = snprintf(head, sizeof head, "*%zu\r\n", count);
	redis_buffer_add(b, head, (size_t)n);
	for (size_t i = 0; i < count; i++) {
		n = snprintf(head, sizeof head, "$%zu\r\n", args[i].n);
		redis_buffer_add(b, head, (size_t)n);
		redis_buffer_add_str(b, args[i]);
		redis_buffer_add(b, "\r\n", 2);
	}
}

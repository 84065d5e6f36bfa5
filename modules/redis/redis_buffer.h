/* SPDX-License-Identifier: MIT */
#ifndef REDIS_BUFFER_H
#define REDIS_BUFFER_H

#include <nuncio/text.h>

/* Growing bytes of the Redis modules. Pure. */
char *redis_copy(struct nuncio_str text); /* NUL-ended; the caller's to free */

struct redis_buffer {
	char *p;
	size_t used, size;
};
void redis_buffer_add(struct redis_buffer *b, const void *p, size_t n);
void redis_buffer_add_str(struct redis_buffer *b, struct nuncio_str text);
void redis_buffer_drop(struct redis_buffer *b, size_t n); /* from the beginning */
void redis_buffer_free(struct redis_buffer *b);           /* empty again */
/* A command in the form of the protocol (RESP). */
void redis_buffer_add_command(struct redis_buffer *b, const struct nuncio_str *args, size_t count);

#endif

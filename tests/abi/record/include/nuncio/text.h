/* SPDX-License-Identifier: MIT */
#ifndef NUNCIO_TEXT_H
#define NUNCIO_TEXT_H

/*
 * Borrowed texts and memory: the few lines that every module would write again. Inline, so a module
 * carries its own and asks nothing of the server. Thread: any.
 */

#include <stdlib.h>
#include <string.h>

#include <nuncio/base.h>

NUNCIO_BEGIN_DECLS

/* A C string as a borrowed text; NULL is the empty one. */
static inline struct nuncio_str nuncio_text(const char *text)
{
	struct nuncio_str s = { text, text ? strlen(text) : 0 };
	return s;
}

/* 1 if both have the same bytes. */
static inline int nuncio_text_same(struct nuncio_str a, struct nuncio_str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* 1 if the text begins with these bytes; everything begins with the empty text. */
static inline int nuncio_text_starts(struct nuncio_str text, struct nuncio_str prefix)
{
	return text.n >= prefix.n && (prefix.n == 0 || memcmp(text.p, prefix.p, prefix.n) == 0);
}

/*
 * The order of the bytes as unsigned numbers, the shorter first where one begins with the other:
 * negative, 0 or positive, like strcmp(3).
 */
static inline int nuncio_text_compare(struct nuncio_str a, struct nuncio_str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n ? memcmp(a.p, b.p, n) : 0;
	return order ? order : (a.n > b.n) - (a.n < b.n);
}

/*
 * Copies a text into a buffer of `size` bytes, with a NUL behind it. NUNCIO_E_TOOBIG, and nothing
 * is written, if it does not fit: nothing is ever cut. A NUL inside the text stays where it is.
 */
static inline int nuncio_text_copy(struct nuncio_str text, char *out, size_t size)
{
	if (text.n >= size)
		return NUNCIO_E_TOOBIG;
	if (text.n)
		memcpy(out, text.p, text.n);
	out[text.n] = '\0';
	return NUNCIO_OK;
}

/*
 * Zeroed memory, the caller's to free(3); never NULL. Where there is none left, the process ends: a
 * chat server cannot do half of its work, and the store has what was acknowledged.
 */
static inline void *nuncio_alloc(size_t bytes)
{
	void *p = calloc(1, bytes ? bytes : 1);
	if (!p)
		abort();
	return p;
}

/* realloc(3) that never returns NULL, with the same end; the bytes added are not zeroed. */
static inline void *nuncio_resize(void *p, size_t bytes)
{
	void *q = realloc(p, bytes ? bytes : 1);
	if (!q)
		abort();
	return q;
}

NUNCIO_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Allocation that cannot fail: out of memory ends the process with a message that says how much was
 * asked for. A server that limps on after a failed malloc is tested by nobody; one that restarts
 * is.
 * Thread: any. Owns nothing. A request for 0 bytes gets 1, so that NULL never comes back.
 */
#include "base/alloc.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void give_up(size_t n)
{
	fprintf(stderr, "nuncio: out of memory: %zu bytes were asked for\n", n);
	abort();
}

void *alloc_get(size_t n)
{
	void *p = malloc(n ? n : 1);
	if (!p)
		give_up(n);
	return p;
}

void *alloc_zero(size_t n)
{
	return alloc_zero_array(1, n);
}

void *alloc_zero_array(size_t count, size_t n)
{
	if (n && count > SIZE_MAX / n)
		give_up(SIZE_MAX);
	void *p = count && n ? calloc(count, n) : calloc(1, 1);
	if (!p)
		give_up(count * n);
	return p;
}

void *alloc_grow(void *p, size_t n)
{
	p = realloc(p, n ? n : 1);
	if (!p)
		give_up(n);
	return p;
}

void *alloc_copy(const void *p, size_t n)
{
	void *copy = alloc_get(n);
	if (n)
		memcpy(copy, p, n);
	return copy;
}

char *alloc_text(struct nuncio_str s)
{
	char *text = alloc_get(s.n + 1);
	if (s.n)
		memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return text;
}

void alloc_free(void *p)
{
	free(p);
}

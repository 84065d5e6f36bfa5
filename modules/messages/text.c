/* SPDX-License-Identifier: MIT */
/* Texts and memory. Pure. */
#include "messages.h"

#include <stdlib.h>
#include <string.h>

struct nuncio_str text_str(const char *text)
{
	return (struct nuncio_str){ text, strlen(text) };
}

bool str_same(struct nuncio_str a, struct nuncio_str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

int str_copy(struct nuncio_str text, char *out, size_t size)
{
	if (text.n >= size)
		return -1;
	if (text.n)
		memcpy(out, text.p, text.n);
	out[text.n] = '\0';
	return 0;
}

void *messages_alloc(size_t bytes)
{
	void *p = calloc(1, bytes);
	if (!p)
		abort();
	return p;
}

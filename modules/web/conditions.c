/* SPDX-License-Identifier: MIT */
/* See conditions.h. Both headers are lists with commas; an ETag of ours has no comma inside. */
#include "conditions.h"

#include <string.h>
#include <strings.h>

static struct nuncio_str trim(struct nuncio_str s)
{
	while (s.n > 0 && (*s.p == ' ' || *s.p == '\t')) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

/* Cuts what stands before the next sep off the front; 0 at the end. */
static int next_part(struct nuncio_str *rest, char sep, struct nuncio_str *part_r)
{
	if (rest->n == 0)
		return 0;
	const char *end = memchr(rest->p, sep, rest->n);
	size_t n = end ? (size_t)(end - rest->p) : rest->n;
	*part_r = trim((struct nuncio_str){ rest->p, n });
	rest->p += end ? n + 1 : n;
	rest->n -= end ? n + 1 : n;
	return 1;
}

static int is_word(struct nuncio_str s, const char *word)
{
	return s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0;
}

/* "q=0", "q=0.0", "q=0.00", "q=0.000" */
static int is_refusal(struct nuncio_str weight)
{
	if (weight.n < 3 || strncasecmp(weight.p, "q=", 2) != 0)
		return 0;
	for (size_t i = 2; i < weight.n; i++)
		if (weight.p[i] != '0' && weight.p[i] != '.')
			return 0;
	return 1;
}

int conditions_take_gzip(struct nuncio_str accept_encoding)
{
	struct nuncio_str coding, name, weight;
	while (next_part(&accept_encoding, ',', &coding)) {
		if (!next_part(&coding, ';', &name) ||
			(!is_word(name, "gzip") && !is_word(name, "x-gzip")))
			continue;
		return !(next_part(&coding, ';', &weight) && is_refusal(weight));
	}
	return 0;
}

int conditions_have_etag(struct nuncio_str if_none_match, const char *etag)
{
	struct nuncio_str one;
	while (next_part(&if_none_match, ',', &one)) {
		if (one.n > 2 && memcmp(one.p, "W/", 2) == 0) {
			one.p += 2;
			one.n -= 2;
		}
		if ((one.n == 1 && *one.p == '*') ||
			(one.n == strlen(etag) && memcmp(one.p, etag, one.n) == 0))
			return 1;
	}
	return 0;
}

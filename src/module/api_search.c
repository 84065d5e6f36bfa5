/* SPDX-License-Identifier: MIT */
/* <nuncio/search.h>: base/search_cut.h and wire/json_texts.h under their public names. */
#include <nuncio/search.h>

#include "base/search_cut.h"
#include "wire/json_texts.h"

size_t nuncio_search_cut(struct nuncio_str text, int for_query, nuncio_token_fn *fn, void *user)
{
	return search_cut(text, for_query != 0, fn, user);
}

int nuncio_search_text(struct nuncio_str body, char *out, size_t size)
{
	return size ? (int)json_texts(body, out, size) : 0;
}

size_t nuncio_search_marks(
	struct nuncio_str text, struct nuncio_str query, size_t (*marks_r)[2], size_t max)
{
	return search_marks(text, query, marks_r, max);
}

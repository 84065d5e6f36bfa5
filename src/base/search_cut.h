/* SPDX-License-Identifier: MIT */
#ifndef BASE_SEARCH_CUT_H
#define BASE_SEARCH_CUT_H

#include <stdbool.h>
#include <stddef.h>

#include <nuncio/base.h>

/* What <nuncio/search.h> promises about texts. Thread: any. */
enum { SEARCH_TOKEN_BYTES = 80, SEARCH_QUERY_TOKENS = 64 };

typedef void search_token_fn(struct nuncio_str token, size_t begin, size_t end, void *user);

size_t search_cut(struct nuncio_str text, bool for_query, search_token_fn *fn, void *user);
size_t search_marks(
	struct nuncio_str text, struct nuncio_str query, size_t (*marks_r)[2], size_t max);

#endif

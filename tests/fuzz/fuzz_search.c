/* SPDX-License-Identifier: MIT */
/*
 * What searches make of texts, on any bytes: the first byte says where the query ends and the text
 * begins. Tokens are ASCII and short, their places lie inside the text and rise, and what a query
 * finds by its tokens is what it marks.
 */
#include "base/search_cut.h"
#include "wire/json_texts.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(int is_true)
{
	if (!is_true)
		abort();
}

struct seen {
	size_t text_bytes, last_begin, count, stars;
};

static void on_token(struct nuncio_str token, size_t begin, size_t end, void *user)
{
	struct seen *seen = user;
	must(token.n >= 2 && token.n <= SEARCH_TOKEN_BYTES && (*token.p == 'w' || *token.p == 'x'));
	for (size_t i = 1; i < token.n; i++) {
		char c = token.p[i];
		int is_star = c == '*' && *token.p == 'x' && i + 1 == token.n;
		must((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || is_star);
		seen->stars += (size_t)is_star;
	}
	must(begin < end && end <= seen->text_bytes);
	must(begin > seen->last_begin || seen->count == 0);
	seen->last_begin = begin;
	seen->count++;
}

static void cut(struct nuncio_str text, bool for_query)
{
	struct seen seen = { .text_bytes = text.n };
	size_t count = search_cut(text, for_query, on_token, &seen);
	must(count == seen.count && (for_query || seen.stars == 0));
	must((count == 0) == (search_cut(text, !for_query, NULL, NULL) == 0));
}

static void look_for(struct nuncio_str text, struct nuncio_str query)
{
	size_t marks[16][2];
	size_t n = search_marks(text, query, marks, 16);
	must(n <= 16);
	for (size_t i = 0; i < n; i++) {
		must(marks[i][0] < marks[i][1] && marks[i][1] <= text.n);
		must(i == 0 || marks[i][0] > marks[i - 1][1]);
	}
	/* A text holds its own words. */
	if (search_cut(text, true, NULL, NULL) <= SEARCH_QUERY_TOKENS)
		must((search_marks(text, text, marks, 16) > 0) ==
			(search_cut(text, false, NULL, NULL) > 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char out[64];
	if (n < 1)
		return 0;
	size_t query_bytes = data[0] < n - 1 ? data[0] : n - 1;
	struct nuncio_str query = { (const char *)data + 1, query_bytes };
	struct nuncio_str text = { query.p + query.n, n - 1 - query_bytes };
	cut(text, false);
	cut(text, true);
	cut(query, true);
	look_for(text, query);
	size_t size = 1 + data[0] % sizeof out;
	must(json_texts(text, out, size) == strlen(out) && strlen(out) < size);
	return 0;
}

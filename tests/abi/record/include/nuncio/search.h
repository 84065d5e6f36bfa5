/* SPDX-License-Identifier: MIT */
#ifndef NUNCIO_SEARCH_H
#define NUNCIO_SEARCH_H

/*
 * How texts are cut into what searches find: one rule for every store and for highlighting. Letters
 * and digits in a row are a word, in lower case; of Han, Kana and Hangul each two neighbours are
 * one token, and the last of a run is one more, so that one or two characters are found wherever
 * they stand. Tokens are ASCII: words of a-z and 0-9 as they are with a `w` in front, others and
 * pairs as hexadecimal code points of five digits each with an `x`. Fullwidth forms of ASCII are
 * ASCII. Bytes that are no UTF-8 stand between words.
 */

#include <nuncio/base.h>

NUNCIO_BEGIN_DECLS

/* A token (ASCII, not NUL-ended) and the bytes of the text that it stands for. */
typedef void nuncio_token_fn(struct nuncio_str token, size_t begin, size_t end, void *user);

/*
 * Cuts a text, calls fn (may be NULL) for each token, in the order of their beginnings. With
 * for_query a run of Han, Kana or Hangul is its pairs only, and a single one becomes the token
 * `x<hex>*`, a prefix of all that begin with it. Tokens have at most 80 bytes, the rest of a longer
 * word does not count. Returns how many there were.
 * Thread: any.
 */
size_t nuncio_search_cut(struct nuncio_str text, int for_query, nuncio_token_fn *fn, void *user);

/*
 * The searchable text of a message's body, NUL-ended into out[size]: the text itself, or the texts
 * that are members or items of an object or array with blanks between; cut at a character when it
 * must be. Returns its length.
 * Thread: any.
 */
int nuncio_search_text(struct nuncio_str body, char *out, size_t size);

/*
 * Where the words of a query (its first 64 tokens) stand in a text: fills up to `max` pairs of
 * begin and end (bytes), rising, joined where they touch. Returns their number.
 * Thread: any.
 */
size_t nuncio_search_marks(
	struct nuncio_str text, struct nuncio_str query, size_t (*marks_r)[2], size_t max);

NUNCIO_END_DECLS

#endif

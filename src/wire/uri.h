/* SPDX-License-Identifier: MIT */
#ifndef WIRE_URI_H
#define WIRE_URI_H

#include <stdbool.h>
#include <stddef.h>

#include <nuncio/base.h>

#include "base/arena.h"

/* Percent-encoding (RFC 3986) and query strings. All texts are borrowed or in the arena. Thread:
   any. */

/*
 * Decodes the path of a request into out (room for raw.n bytes). NUNCIO_E_INVAL with a reason for:
 * not beginning with '/', a bad escape, control characters, invalid UTF-8, %2F (a slash that is not
 * a separator could not be told from one afterwards), "." and ".." segments however they are
 * written.
 */
int uri_path_decode(
	struct nuncio_str raw, char *out, struct nuncio_str *path_r, const char **why_r);

/* Any component: %XX, and '+' as a blank when plus_is_blank. Bad escapes, U+0000 and invalid
   UTF-8 are NUNCIO_E_INVAL. Borrowed from raw when nothing was encoded. */
int uri_decode(
	struct nuncio_str raw, bool plus_is_blank, struct arena *a, struct nuncio_str *text_r);

/* Takes the next key=value off *rest, still encoded; false at the end. Empty pieces (&&) are
   skipped. */
bool uri_query_next(struct nuncio_str *rest, struct nuncio_str *key_r, struct nuncio_str *value_r);
/* 1 and the decoded value, 0 when the key is not there, NUNCIO_E_INVAL when it is there twice or
   badly encoded. */
int uri_query_get(
	struct nuncio_str query, const char *key, struct arena *a, struct nuncio_str *value_r);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef HARNESS_MATCH_H
#define HARNESS_MATCH_H

#include <stdbool.h>

#include <nuncio/base.h>

struct buf;

/*
 * Appends JSON that may have ' where JSON has ": in a text without any " each ' becomes one.
 * Negative with err: what comes out is no JSON.
 */
int match_read(const char *text, struct buf *out, struct nuncio_error *err);

/*
 * Is `found` like `pattern`? Objects: every member of the pattern is there and like its own.
 * Arrays: as many items, each like its own. The text "*" is like anything. Else the values are
 * equal. When not, `where` gets the path of the first difference, "data.name". Both are checked
 * JSON.
 */
bool match_is_like(struct nuncio_str found, struct nuncio_str pattern, struct buf *where);

#endif

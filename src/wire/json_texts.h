/* SPDX-License-Identifier: MIT */
#ifndef WIRE_JSON_TEXTS_H
#define WIRE_JSON_TEXTS_H

#include <stddef.h>

#include <nuncio/base.h>

/*
 * What people read in a value: the text itself, or the texts that are members or items of it, with
 * blanks between. NUL-ended into out[size] (at least 1 byte), cut at a character. Returns its
 * length. Thread: any.
 */
size_t json_texts(struct nuncio_str value, char *out, size_t size);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef WIRE_JSON_OUT_H
#define WIRE_JSON_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include <nuncio/base.h>

#include "base/buf.h"

/*
 * Writes JSON text behind what is in a buffer. Commas come by themselves; that keys and values
 * alternate and that brackets match is the caller's part. Text may be any bytes: what is not UTF-8
 * becomes U+FFFD, so the result is always valid JSON.
 */
struct json_out {
	struct buf *to;
	bool comma; /* the next key or item needs one in front */
};

void json_out_init(struct json_out *o, struct buf *to);

void json_out_object_begin(struct json_out *o);
void json_out_object_end(struct json_out *o);
void json_out_array_begin(struct json_out *o);
void json_out_array_end(struct json_out *o);
void json_out_key(struct json_out *o, const char *key);
void json_out_key_str(struct json_out *o, struct nuncio_str key);

void json_out_text(struct json_out *o, struct nuncio_str text);
void json_out_cstr(struct json_out *o, const char *text); /* NULL writes null */
void json_out_int(struct json_out *o, int64_t v);
void json_out_uint(struct json_out *o, uint64_t v);
void json_out_id(
	struct json_out *o, uint64_t v); /* decimal in quotes: JavaScript's numbers end at 2^53 */
void json_out_double(struct json_out *o, double v); /* null when not finite */
void json_out_bool(struct json_out *o, bool v);
void json_out_null(struct json_out *o);
void json_out_raw(struct json_out *o, struct nuncio_str json); /* one value, already valid */

/* Key and value together. */
void json_out_key_text(struct json_out *o, const char *key, struct nuncio_str text);
void json_out_key_cstr(struct json_out *o, const char *key, const char *text);
void json_out_key_int(struct json_out *o, const char *key, int64_t v);
void json_out_key_uint(struct json_out *o, const char *key, uint64_t v);
void json_out_key_id(struct json_out *o, const char *key, uint64_t v);
void json_out_key_bool(struct json_out *o, const char *key, bool v);
void json_out_key_raw(struct json_out *o, const char *key, struct nuncio_str json);

/* Only the text with its quotes; for who builds JSON without a struct json_out. */
void json_quote(struct buf *to, struct nuncio_str text);

#endif

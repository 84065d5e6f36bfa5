/* SPDX-License-Identifier: MIT */
#ifndef WIRE_JSON_H
#define WIRE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nuncio/base.h>

#include "base/arena.h"

/*
 * Strict JSON (RFC 8259) without a tree and without allocation. On the road of a message the text
 * is checked once, on the I/O thread, and from then on it is passed around as a borrowed slice of
 * checked text: most of it is only relayed, and of the rest a handler wants two or three members. A
 * tree would cost 40 allocations and ten times the time, on the thread that is the narrowest.
 *
 * A "value" below is a slice that json_check has seen, without blanks around it. The readers are
 * memory-safe on any bytes, but their answers mean something only for checked text.
 *
 * Refused although some parsers let it pass: a key twice in one object (compared after decoding),
 * U+0000 in a key, half a surrogate pair, invalid UTF-8, a byte order mark, anything behind the
 * value, and sizes over the limits. Thread: any.
 */
struct json_limits {
	uint32_t depth;   /* open arrays and objects; at most LIMIT_JSON_DEPTH */
	uint32_t members; /* in one object; at most LIMIT_JSON_MEMBERS */
	size_t bytes;     /* of the whole text */
};

/* Depth and members from limits.h, bytes LIMIT_PACKET_BYTES. */
extern const struct json_limits json_packet_limits;

enum json_type {
	JSON_NONE = 0, /* not a value: empty text */
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_TEXT,
	JSON_ARRAY,
	JSON_OBJECT
};

/* Are these the members of an object, without its braces? Empty text is none, which is fine. */
bool json_are_members(struct nuncio_str members);

/* 0 and the value without blanks around it, or NUNCIO_E_INVAL / NUNCIO_E_TOOBIG with
   "byte 17: reason" in err. limits NULL: json_packet_limits. value_r may be NULL. */
int json_check(struct nuncio_str text, const struct json_limits *limits, struct nuncio_str *value_r,
	struct nuncio_error *err);

/*
 * The same in one pass with the wanted members of the outermost object: values_r[i] is the member
 * keys[i], or the empty text. A text that is no object is NUNCIO_E_INVAL. On failure the members
 * found before it are there: good for an answer that wants to name the request, for nothing else.
 */
int json_scan_members(struct nuncio_str text, const struct json_limits *limits,
	const struct nuncio_str *keys, size_t count, struct nuncio_str *values_r,
	struct nuncio_error *err);

enum json_type json_type(struct nuncio_str value);
const char *json_type_name(enum json_type type); /* "a string", "an object", ... for messages */

/* 1 and the member, 0 when there is none, NUNCIO_E_INVAL when value is not an object. */
int json_member(struct nuncio_str value, const char *key, struct nuncio_str *child_r);
/* The same along "to.user"; keys with a dot or an escape in them cannot be asked for. */
int json_path(struct nuncio_str value, const char *path, struct nuncio_str *child_r);

/*
 * Walking: struct json_iter it = json_members(value); while (json_next_member(&it, &key, &child))
 * ... For a value of another type the walk ends at once. key is the text as written, between the
 * quotes; json_key_is compares it after decoding, json_key_text decodes it.
 */
struct json_iter {
	const char *p, *end;
};
struct json_iter json_members(struct nuncio_str value);
bool json_next_member(struct json_iter *it, struct nuncio_str *key_r, struct nuncio_str *child_r);
struct json_iter json_items(struct nuncio_str value);
bool json_next_item(struct json_iter *it, struct nuncio_str *child_r);
size_t json_count(struct nuncio_str value); /* members or items; 0 for other types */
bool json_key_is(struct nuncio_str key, struct nuncio_str name);
struct nuncio_str json_key_text(struct nuncio_str key, struct arena *a);

/* Each returns 0, or NUNCIO_E_INVAL when the value is of another type (or, for numbers, not
   exact). */
/* Decoded text; borrowed from the value when it has no escapes, else from the arena. May hold
   U+0000. */
int json_text(struct nuncio_str value, struct arena *a, struct nuncio_str *text_r);
/* Text of 1 to max_bytes bytes without control characters (U+0000-001F, 007F): ids and names. */
int json_word(
	struct nuncio_str value, size_t max_bytes, struct arena *a, struct nuncio_str *text_r);
/* Exact integers only: 1.0, 1e3 and what does not fit are refused, and so is -0. */
int json_int(struct nuncio_str value, int64_t *v_r);
int json_uint(struct nuncio_str value, uint64_t *v_r);
int json_double(struct nuncio_str value, double *v_r); /* finite, locale-free */
int json_bool(struct nuncio_str value, bool *v_r);

/* The same value: order of members and blanks do not count, escapes are decoded, numbers compare by
   value (1, 1.0 and 10e-1 are equal; integers exactly, others as doubles). */
bool json_is_equal(struct nuncio_str a, struct nuncio_str b);

#endif

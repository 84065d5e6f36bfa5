/* SPDX-License-Identifier: MIT */
#ifndef NUNCIO_JSON_H
#define NUNCIO_JSON_H

/*
 * Reading and writing JSON without a tree. A value is a borrowed slice of text; what comes from
 * clients, the store or the body of a message was checked (RFC 8259, UTF-8, depth, no repeated
 * keys), so reading only walks it. Text of your own: nuncio_json_check first.
 */

#include <nuncio/base.h>

NUNCIO_BEGIN_DECLS

enum nuncio_json_type {
	NUNCIO_JSON_NONE = 0, /* empty slice: no value */
	NUNCIO_JSON_NULL = 1,
	NUNCIO_JSON_BOOL = 2,
	NUNCIO_JSON_NUMBER = 3,
	NUNCIO_JSON_TEXT = 4,
	NUNCIO_JSON_ARRAY = 5,
	NUNCIO_JSON_OBJECT = 6
};

/*
 * Checks foreign text: one JSON value with nothing behind it. NUNCIO_E_INVAL with the byte offset
 * and the reason in err.
 * Thread: any.
 */
int nuncio_json_check(struct nuncio_str text, struct nuncio_error *err);

/*
 * Type of a checked value.
 * Thread: any.
 */
enum nuncio_json_type nuncio_json_type(struct nuncio_str value);

/*
 * The value at a path of member names ("to.user"): 1 and *value_r, or 0 when there is none.
 * Thread: any.
 */
int nuncio_json_get(struct nuncio_str value, const char *path, struct nuncio_str *value_r);

/*
 * A text value, decoded: its length, written NUL-ended into out[size]; NUNCIO_E_INVAL when it is no
 * text, NUNCIO_E_TOOBIG when it does not fit.
 * Thread: any.
 */
int nuncio_json_text(struct nuncio_str value, char *out, size_t size);

/*
 * An integer (no fraction, no exponent, fits in 64 bits) or a bool as 0 and 1; 0 or NUNCIO_E_INVAL.
 * Thread: any.
 */
int nuncio_json_int(struct nuncio_str value, int64_t *number_r);

/*
 * Walks an array or object. Start with *at = 0; returns 1 and the next value (for an object also
 * its key, still escaped, without quotes; key_r may be NULL), or 0 at the end.
 * Thread: any.
 */
int nuncio_json_next(
	struct nuncio_str value, size_t *at, struct nuncio_str *key_r, struct nuncio_str *value_r);

/*
 * 1 when both are equal as values: order of members does not matter, escapes do not matter, numbers
 * by their text.
 * Thread: any.
 */
int nuncio_json_equal(struct nuncio_str a, struct nuncio_str b);

/* A writer: a growing text that puts commas and colons by itself. */
struct nuncio_json;

/*
 * Makes and frees a writer. *json becomes NULL; NULL inside is fine.
 * Thread: any, one at a time.
 */
struct nuncio_json *nuncio_json_new(void);
void nuncio_json_free(struct nuncio_json **json);

/*
 * Writes. In an object every value follows its key. `raw` must be one valid JSON value. `id` writes
 * decimal text ("123"), `time` RFC 3339 with milliseconds, UTC. Invalid UTF-8 in text is replaced
 * by U+FFFD.
 * Thread: any, one at a time.
 */
void nuncio_json_object_begin(struct nuncio_json *json);
void nuncio_json_object_end(struct nuncio_json *json);
void nuncio_json_array_begin(struct nuncio_json *json);
void nuncio_json_array_end(struct nuncio_json *json);
void nuncio_json_key(struct nuncio_json *json, const char *key);
void nuncio_json_put_text(struct nuncio_json *json, struct nuncio_str text);
void nuncio_json_put_int(struct nuncio_json *json, int64_t number);
void nuncio_json_put_id(struct nuncio_json *json, nuncio_id id);
void nuncio_json_put_bool(struct nuncio_json *json, int yes);
void nuncio_json_put_null(struct nuncio_json *json);
void nuncio_json_put_time(struct nuncio_json *json, int64_t wall_ms);
void nuncio_json_put_raw(struct nuncio_json *json, struct nuncio_str raw);

/*
 * What was written so far; borrowed until the next write or free.
 * Thread: any, one at a time.
 */
struct nuncio_str nuncio_json_str(const struct nuncio_json *json);

NUNCIO_END_DECLS

#endif

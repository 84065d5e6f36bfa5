/* SPDX-License-Identifier: MIT */
/*
 * <nuncio/json.h>: the readers and the writer of wire/json.h and wire/json_out.h in their public
 * clothes.
 */
#include "module/api_json.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/slice.h"
#include "wire/json.h"
#include "wire/json_out.h"

/* Modules read files and answers of other servers, which may be longer than a packet. */
enum { JSON_TEXT_BYTES = 4 << 20 };

int nuncio_json_check(struct nuncio_str text, struct nuncio_error *err)
{
	struct json_limits limits = json_packet_limits;
	limits.bytes = JSON_TEXT_BYTES;
	return json_check(text, &limits, NULL, err) < 0 ? NUNCIO_E_INVAL : 0;
}

enum nuncio_json_type nuncio_json_type(struct nuncio_str value)
{
	switch (json_type(str_trim(value))) {
	case JSON_NULL:
		return NUNCIO_JSON_NULL;
	case JSON_FALSE:
	case JSON_TRUE:
		return NUNCIO_JSON_BOOL;
	case JSON_NUMBER:
		return NUNCIO_JSON_NUMBER;
	case JSON_TEXT:
		return NUNCIO_JSON_TEXT;
	case JSON_ARRAY:
		return NUNCIO_JSON_ARRAY;
	case JSON_OBJECT:
		return NUNCIO_JSON_OBJECT;
	default:
		return NUNCIO_JSON_NONE;
	}
}

int nuncio_json_get(struct nuncio_str value, const char *path, struct nuncio_str *value_r)
{
	return json_path(str_trim(value), path, value_r) == 1;
}

int nuncio_json_text(struct nuncio_str value, char *out, size_t size)
{
	struct arena arena; /* takes memory only for text with escapes */
	struct nuncio_str text;
	arena_init(&arena, 0);
	int rc = json_text(str_trim(value), &arena, &text) < 0 ? NUNCIO_E_INVAL
		 : text.n >= size                              ? NUNCIO_E_TOOBIG
							       : (int)text.n;
	if (rc >= 0) {
		if (text.n)
			memcpy(out, text.p, text.n);
		out[text.n] = '\0';
	}
	arena_fini(&arena);
	return rc;
}

int nuncio_json_int(struct nuncio_str value, int64_t *number_r)
{
	bool yes;
	value = str_trim(value);
	if (json_bool(value, &yes) == 0) {
		*number_r = yes;
		return 0;
	}
	return json_int(value, number_r) < 0 ? NUNCIO_E_INVAL : 0;
}

int nuncio_json_next(
	struct nuncio_str value, size_t *at, struct nuncio_str *key_r, struct nuncio_str *value_r)
{
	bool is_object = nuncio_json_type(value) == NUNCIO_JSON_OBJECT;
	struct nuncio_str key = { NULL, 0 }, trimmed = str_trim(value);
	struct json_iter it = is_object ? json_members(trimmed) : json_items(trimmed);
	if (*at)
		it.p = value.p + *at;
	bool found =
		is_object ? json_next_member(&it, &key, value_r) : json_next_item(&it, value_r);
	if (!found)
		return 0;
	if (key_r)
		*key_r = key;
	*at = (size_t)(it.p - value.p);
	return 1;
}

int nuncio_json_equal(struct nuncio_str a, struct nuncio_str b)
{
	return json_is_equal(str_trim(a), str_trim(b));
}

/* ---- Writing */

struct nuncio_json {
	struct buf text;
	struct json_out out;
};

struct json_out *api_json_out(struct nuncio_json *json)
{
	return &json->out;
}

struct nuncio_json *nuncio_json_new(void)
{
	struct nuncio_json *json = ALLOC_NEW(struct nuncio_json);
	json_out_init(&json->out, &json->text);
	return json;
}

void nuncio_json_free(struct nuncio_json **json)
{
	if (!*json)
		return;
	buf_fini(&(*json)->text);
	alloc_free(*json);
	*json = NULL;
}

void nuncio_json_object_begin(struct nuncio_json *json)
{
	json_out_object_begin(&json->out);
}

void nuncio_json_object_end(struct nuncio_json *json)
{
	json_out_object_end(&json->out);
}

void nuncio_json_array_begin(struct nuncio_json *json)
{
	json_out_array_begin(&json->out);
}

void nuncio_json_array_end(struct nuncio_json *json)
{
	json_out_array_end(&json->out);
}

void nuncio_json_key(struct nuncio_json *json, const char *key)
{
	json_out_key(&json->out, key);
}

void nuncio_json_put_text(struct nuncio_json *json, struct nuncio_str text)
{
	json_out_text(&json->out, text);
}

void nuncio_json_put_int(struct nuncio_json *json, int64_t number)
{
	json_out_int(&json->out, number);
}

void nuncio_json_put_id(struct nuncio_json *json, nuncio_id id)
{
	json_out_id(&json->out, id);
}

void nuncio_json_put_bool(struct nuncio_json *json, int yes)
{
	json_out_bool(&json->out, yes != 0);
}

void nuncio_json_put_null(struct nuncio_json *json)
{
	json_out_null(&json->out);
}

void nuncio_json_put_time(struct nuncio_json *json, int64_t wall_ms)
{
	char text[CLOCK_RFC3339_SIZE];
	clock_format_rfc3339(wall_ms, text);
	json_out_cstr(&json->out, text);
}

void nuncio_json_put_raw(struct nuncio_json *json, struct nuncio_str raw)
{
	json_out_raw(&json->out, raw);
}

struct nuncio_str nuncio_json_str(const struct nuncio_json *json)
{
	return buf_str(&json->text);
}

/* SPDX-License-Identifier: MIT */
#include "fuzz_json_other.h"

#include <jansson.h>

struct json_t *other_load(struct nuncio_str text, bool *is_overflow_r)
{
	json_error_t error;
	json_t *v = json_loadb(
		text.p, text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	*is_overflow_r = !v && json_error_code(&error) == json_error_numeric_overflow;
	return v;
}

void other_free(struct json_t *v)
{
	json_decref(v);
}

char *other_dump(const struct json_t *v)
{
	return json_dumps(v, JSON_SORT_KEYS | JSON_ENCODE_ANY);
}

char other_kind(const struct json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return 'o';
	case JSON_ARRAY:
		return 'a';
	case JSON_STRING:
		return 's';
	case JSON_INTEGER:
		return 'i';
	case JSON_REAL:
		return 'r';
	default:
		return '-';
	}
}

struct nuncio_str other_text(const struct json_t *v)
{
	return (struct nuncio_str){ json_string_value(v), json_string_length(v) };
}

int64_t other_int(const struct json_t *v)
{
	return json_integer_value(v);
}

double other_real(const struct json_t *v)
{
	return json_real_value(v);
}

size_t other_count(const struct json_t *v)
{
	return json_is_array(v) ? json_array_size(v) : json_object_size(v);
}

const struct json_t *other_item(const struct json_t *v, size_t i)
{
	return json_array_get(v, i);
}

const struct json_t *other_member(const struct json_t *v, const char *key)
{
	return json_object_get(v, key);
}

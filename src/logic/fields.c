/* SPDX-License-Identifier: MIT */
#include "logic/fields.h"

/*
 * Input against its declaration, before a handler sees it. Members of the body are JSON; those of
 * the query are text that has to look like the declared type. The messages name the member, what is
 * wrong, and what is allowed. Logic thread only.
 */

#include <inttypes.h>
#include <string.h>

#include "base/slice.h"
#include "logic/requests.h"
#include "wire/json.h"
#include "wire/uri.h"

static int wrong(struct nuncio_error *err, const struct nuncio_field *field, const char *what)
{
	nuncio_error_set(err, "%s: %s", field->name, what);
	return NUNCIO_E_INVAL;
}

static bool has_limits(const struct nuncio_field *field)
{
	return field->min != 0 || field->max != 0;
}

static int check_range(
	const struct nuncio_field *field, int64_t value, const char *unit, struct nuncio_error *err)
{
	if (!has_limits(field) || (value >= field->min && value <= field->max))
		return 0;
	nuncio_error_set(err, "%s: must be %" PRId64 " to %" PRId64 "%s", field->name, field->min,
		field->max, unit);
	return NUNCIO_E_INVAL;
}

/* Handlers keep names, cursors and the like as C strings, which would end at a zero byte. */
static bool has_zero(struct nuncio_str text)
{
	return text.n && memchr(text.p, '\0', text.n);
}

static int check_text(
	const struct nuncio_field *field, struct nuncio_str text, struct nuncio_error *err)
{
	if (has_zero(text))
		return wrong(err, field, "must not contain the character U+0000");
	return check_range(field, (int64_t)text.n, " bytes long", err);
}

static int check_texts(struct arena *arena, const struct nuncio_field *field,
	struct nuncio_str value, struct nuncio_error *err)
{
	int64_t count = 0;
	struct nuncio_str item, text;
	struct json_iter items = json_items(value);
	if (json_type(value) != JSON_ARRAY)
		return wrong(err, field, "must be an array of strings");
	for (; json_next_item(&items, &item); count++)
		if (json_text(item, arena, &text) < 0)
			return wrong(err, field, "must be an array of strings");
		else if (has_zero(text))
			return wrong(err, field, "must not contain the character U+0000");
	return check_range(field, count, " items", err);
}

static int check_json(struct arena *arena, const struct nuncio_field *field,
	struct nuncio_str value, struct nuncio_error *err)
{
	struct nuncio_str text;
	int64_t number;
	bool yes;
	switch (field->type) {
	case NUNCIO_FIELD_TEXT:
		if (json_text(value, arena, &text) < 0)
			return wrong(err, field, "must be a string");
		return check_text(field, text, err);
	case NUNCIO_FIELD_INT:
		if (json_int(value, &number) < 0)
			return wrong(err, field, "must be an integer");
		return check_range(field, number, "", err);
	case NUNCIO_FIELD_BOOL:
		return json_bool(value, &yes) < 0 ? wrong(err, field, "must be true or false") : 0;
	case NUNCIO_FIELD_OBJECT:
		return json_type(value) != JSON_OBJECT ? wrong(err, field, "must be an object") : 0;
	case NUNCIO_FIELD_TEXTS:
		return check_texts(arena, field, value, err);
	default:
		if (field->max > 0 && (int64_t)value.n > field->max) {
			nuncio_error_set(
				err, "%s: larger than %" PRId64 " bytes", field->name, field->max);
			return NUNCIO_E_TOOBIG;
		}
		return 0;
	}
}

static int check_query(
	const struct nuncio_field *field, struct nuncio_str text, struct nuncio_error *err)
{
	int64_t number;
	switch (field->type) {
	case NUNCIO_FIELD_INT:
		if (str_to_i64(text, &number) < 0)
			return wrong(err, field, "must be an integer");
		return check_range(field, number, "", err);
	case NUNCIO_FIELD_BOOL:
		if (!str_eq_text(text, "true") && !str_eq_text(text, "false") &&
			!str_eq_text(text, "1") && !str_eq_text(text, "0"))
			return wrong(err, field, "must be true or false");
		return 0;
	default:
		return check_text(field, text, err);
	}
}

/*
 * Handlers find a name wherever it stands (request_input.c), so what is declared for one place must
 * not stand in the other, where nobody has checked it. Over WebSocket all members are in data.
 */
static int check_field(struct nuncio_request *rq, const struct nuncio_field *field,
	bool has_json_body, struct nuncio_error *err)
{
	bool is_of_query = rq->is_http && (field->flags & NUNCIO_FIELD_QUERY);
	struct nuncio_str value = { NULL, 0 }, text = { NULL, 0 };
	int in_query =
		rq->is_http ? uri_query_get(rq->http->query, field->name, &rq->arena, &text) : 0;
	int in_data = has_json_body ? json_member(rq->data, field->name, &value) : 0;
	if (is_of_query && in_data == 1)
		return wrong(err, field, "belongs in the query, not in the body");
	if (!is_of_query && in_query != 0)
		return wrong(err, field, "belongs in the body, not in the query");
	if (in_query < 0)
		return wrong(err, field, "is given twice or badly encoded in the query");
	if (in_query == 1)
		return check_query(field, text, err);
	if (in_data == 1 && json_type(value) != JSON_NULL)
		return check_json(&rq->arena, field, value, err);
	return field->flags & NUNCIO_FIELD_REQUIRED ? wrong(err, field, "is missing") : 0;
}

int fields_check(struct nuncio_request *rq, const struct nuncio_field *fields, uint32_t field_bytes,
	bool has_json_body, struct nuncio_error *err)
{
	const char *at = (const char *)fields;
	struct nuncio_field field;
	if (!fields)
		return 0;
	for (;; at += field_bytes) {
		memset(&field, 0, sizeof field);
		memcpy(&field, at, field_bytes < sizeof field ? field_bytes : sizeof field);
		if (!field.name)
			return 0;
		if (!has_json_body && !(field.flags & NUNCIO_FIELD_QUERY))
			continue;
		int rc = check_field(rq, &field, has_json_body, err);
		if (rc < 0)
			return rc;
	}
}

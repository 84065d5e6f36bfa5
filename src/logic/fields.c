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
#include "logic/request_input.h"
#include "logic/requests.h"
#include "logic/shape.h"
#include "provide/sized.h"
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
	char words[256];
	if (has_zero(text))
		return wrong(err, field, "must not contain the character U+0000");
	if (!field->shape)
		return check_range(field, (int64_t)text.n, " bytes long", err);
	if (shape_has_word(str_of(field->shape), text))
		return 0;
	shape_list_words(str_of(field->shape), words, sizeof words);
	nuncio_error_set(err, "%s: must be %s", field->name, words);
	return NUNCIO_E_INVAL;
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
	int in_data = has_json_body ? request_member(rq, field->name, &value) : 0;
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

/* May a member of the body repeat what the path says? Yes: people send back what they got. */
static bool is_same(struct nuncio_request *rq, struct nuncio_str param, struct nuncio_str json)
{
	struct nuncio_str text;
	if (json_text(json, &rq->arena, &text) < 0)
		text = json; /* a number, as it is written */
	return str_eq(param, text);
}

static int check_param(struct nuncio_request *rq, const struct nuncio_field *field,
	bool has_json_body, struct nuncio_error *err)
{
	struct nuncio_str param, other;
	if (!request_param(rq, field->name, &param))
		return 0;
	if (uri_query_get(rq->http->query, field->name, &rq->arena, &other) != 0)
		return wrong(err, field, "belongs in the path, not in the query");
	if (has_json_body && request_member(rq, field->name, &other) == 1 &&
		!is_same(rq, param, other))
		return wrong(err, field, "differs from the one in the path");
	return check_query(field, param, err);
}

bool fields_next(const struct nuncio_field *fields, uint32_t field_bytes, size_t *at,
	struct nuncio_field *field_r)
{
	if (!fields)
		return false;
	sized_take(field_r, sizeof *field_r, sized_at(fields, field_bytes, *at), field_bytes);
	(*at)++;
	return field_r->name != NULL;
}

bool fields_are_sized(const struct nuncio_field *fields, uint32_t field_bytes)
{
	return !fields || field_bytes >= offsetof(struct nuncio_field, help);
}

int fields_check(struct nuncio_request *rq, const struct nuncio_field *fields, uint32_t field_bytes,
	bool has_json_body, struct nuncio_error *err)
{
	struct nuncio_field field;
	size_t at = 0;
	int rc = 0;
	while (rc == 0 && fields_next(fields, field_bytes, &at, &field)) {
		if (rq->is_http && field.flags & NUNCIO_FIELD_PATH)
			rc = check_param(rq, &field, has_json_body, err);
		else if (has_json_body || field.flags & NUNCIO_FIELD_QUERY)
			rc = check_field(rq, &field, has_json_body, err);
	}
	return rc;
}

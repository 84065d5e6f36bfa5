/* SPDX-License-Identifier: MIT */
#include "logic/openapi_private.h"

/*
 * What a request brings, from the declarations that it is checked against (fields.c): so the
 * document says what the server does. Where JSON Schema cannot say it, the document allows more
 * than the server: lengths are bytes here and characters there.
 */

#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "logic/fields.h"

enum { UTF8_BYTES_MAX = 4 }; /* of one character */

/* ---- one field ---- */

static const char *type_name(uint32_t type)
{
	switch (type) {
	case NUNCIO_FIELD_TEXT:
		return "string";
	case NUNCIO_FIELD_INT:
		return "integer";
	case NUNCIO_FIELD_BOOL:
		return "boolean";
	case NUNCIO_FIELD_TEXTS:
		return "array";
	default:
		return "object";
	}
}

static bool has_limits(const struct nuncio_field *field)
{
	return field->min != 0 || field->max != 0;
}

/* A text of n bytes has at least a fourth of that in characters, and at most n. */
static void write_limits(const struct nuncio_field *field, struct json_out *out)
{
	if (!has_limits(field))
		return;
	switch (field->type) {
	case NUNCIO_FIELD_TEXT:
		json_out_key_int(
			out, "minLength", (field->min + UTF8_BYTES_MAX - 1) / UTF8_BYTES_MAX);
		json_out_key_int(out, "maxLength", field->max);
		break;
	case NUNCIO_FIELD_TEXTS:
		json_out_key_int(out, "minItems", field->min);
		json_out_key_int(out, "maxItems", field->max);
		break;
	case NUNCIO_FIELD_INT:
		json_out_key_int(out, "minimum", field->min);
		if (field->max != INT64_MAX)
			json_out_key_int(out, "maximum", field->max);
		break;
	default:
		break;
	}
}

/* In a body null counts as not given, so it is allowed where the member may be missing. */
static void write_type(const struct nuncio_field *field, bool may_be_null, struct json_out *out)
{
	static const char *const any[] = { "string", "number", "boolean", "object", "array" };
	json_out_key(out, "type");
	if (field->type != NUNCIO_FIELD_ANY && !may_be_null) {
		json_out_cstr(out, type_name(field->type));
		return;
	}
	json_out_array_begin(out);
	if (field->type == NUNCIO_FIELD_ANY)
		for (size_t i = 0; i < sizeof any / sizeof any[0]; i++)
			json_out_cstr(out, any[i]);
	else
		json_out_cstr(out, type_name(field->type));
	if (may_be_null)
		json_out_cstr(out, "null");
	json_out_array_end(out);
}

static void write_words(const struct nuncio_field *field, bool may_be_null, struct json_out *out)
{
	struct nuncio_str words = str_of(field->shape), word;
	json_out_key(out, "enum");
	json_out_array_begin(out);
	while (shape_next_word(&words, &word))
		json_out_text(out, word);
	if (may_be_null)
		json_out_null(out);
	json_out_array_end(out);
}

static int write_shape(const struct shapes *shapes, const struct nuncio_field *field,
	bool may_be_null, struct json_out *out, struct nuncio_error *err)
{
	json_out_key(out, "anyOf");
	json_out_array_begin(out);
	int rc = shape_write(shapes, str_of(field->shape), out, err);
	if (may_be_null)
		json_out_raw(out, STR("{\"type\":\"null\"}"));
	json_out_array_end(out);
	return rc;
}

static int write_more(const struct shapes *shapes, const struct nuncio_field *field,
	bool may_be_null, struct json_out *out, struct nuncio_error *err)
{
	if (!field->shape) {
		write_limits(field, out);
		return 0;
	}
	if (field->type != NUNCIO_FIELD_TEXT)
		return write_shape(shapes, field, may_be_null, out, err);
	if (!shape_is_words(str_of(field->shape))) {
		nuncio_error_set(err, "%s: the shape of a text must be words", field->name);
		return NUNCIO_E_INVAL;
	}
	write_words(field, may_be_null, out);
	return 0;
}

static int write_schema(const struct shapes *shapes, const struct nuncio_field *field,
	bool is_member, struct json_out *out, struct nuncio_error *err)
{
	bool may_be_null = is_member && !(field->flags & NUNCIO_FIELD_REQUIRED);
	json_out_object_begin(out);
	if (is_member && field->help)
		json_out_key_cstr(out, "description", field->help);
	write_type(field, may_be_null, out);
	if (field->type == NUNCIO_FIELD_INT)
		json_out_key_cstr(out, "format", "int64");
	if (field->type == NUNCIO_FIELD_TEXTS)
		json_out_key_raw(out, "items", STR("{\"type\":\"string\"}"));
	if (field->flags & NUNCIO_FIELD_SECRET)
		json_out_key_cstr(out, "format", "password");
	int rc = write_more(shapes, field, may_be_null, out, err);
	json_out_object_end(out);
	return rc;
}

/* ---- members of data, or of a body ---- */

static bool is_of_body(const struct nuncio_field *field)
{
	return !(field->flags & (NUNCIO_FIELD_QUERY | NUNCIO_FIELD_PATH));
}

/* How many members there are, and how many must be there. */
static size_t count_members(
	const struct nuncio_field *fields, uint32_t field_bytes, bool is_op, size_t *required_r)
{
	struct nuncio_field field;
	size_t at = 0, n = 0;
	*required_r = 0;
	while (fields_next(fields, field_bytes, &at, &field)) {
		if (!is_op && !is_of_body(&field))
			continue;
		n++;
		if (field.flags & NUNCIO_FIELD_REQUIRED)
			(*required_r)++;
	}
	return n;
}

static int write_members(const struct shapes *shapes, const struct nuncio_field *fields,
	uint32_t field_bytes, bool is_op, struct json_out *out, struct nuncio_error *err)
{
	struct nuncio_field field;
	size_t at = 0, required;
	int rc = 0;
	json_out_object_begin(out);
	json_out_key_cstr(out, "type", "object");
	json_out_key(out, "properties");
	json_out_object_begin(out);
	while (rc == 0 && fields_next(fields, field_bytes, &at, &field)) {
		if (!is_op && !is_of_body(&field))
			continue;
		json_out_key(out, field.name);
		rc = write_schema(shapes, &field, true, out, err);
	}
	json_out_object_end(out);
	count_members(fields, field_bytes, is_op, &required);
	if (required) {
		json_out_key(out, "required");
		json_out_array_begin(out);
		for (at = 0; fields_next(fields, field_bytes, &at, &field);)
			if ((is_op || is_of_body(&field)) && field.flags & NUNCIO_FIELD_REQUIRED)
				json_out_cstr(out, field.name);
		json_out_array_end(out);
	}
	json_out_object_end(out);
	return rc;
}

int openapi_data(const struct shapes *shapes, const struct nuncio_command *command,
	struct json_out *out, struct nuncio_error *err)
{
	return write_members(shapes, command->fields, command->field_size, true, out, err);
}

/* ---- the path ---- */

/* The next ":name" or "*name" behind *at: its name, or false. */
static bool next_param(const char **at, struct nuncio_str *name_r)
{
	const char *sign = *at;
	while (*sign && !((*sign == ':' || *sign == '*') && sign > *at && sign[-1] == '/'))
		sign++;
	if (!*sign)
		return false;
	name_r->p = sign + 1;
	name_r->n = strcspn(sign + 1, "/");
	*at = sign + 1 + name_r->n;
	return true;
}

bool openapi_has_params(const char *path)
{
	struct nuncio_str name;
	return next_param(&path, &name);
}

void openapi_path(const char *path, struct buf *to)
{
	struct nuncio_str name;
	const char *from = path;
	while (next_param(&path, &name)) {
		buf_add(to, from, (size_t)(name.p - 1 - from));
		buf_add_char(to, '{');
		buf_add_str(to, name);
		buf_add_char(to, '}');
		from = path;
	}
	buf_add_text(to, from);
}

bool openapi_has_body(const struct nuncio_route *route)
{
	return strcmp(route->method, "GET") != 0;
}

static bool find_field(
	const struct nuncio_route *route, struct nuncio_str name, struct nuncio_field *field_r)
{
	size_t at = 0;
	while (fields_next(route->fields, route->field_size, &at, field_r))
		if (field_r->flags & NUNCIO_FIELD_PATH && str_eq_text(name, field_r->name))
			return true;
	return false;
}

/* ---- parameters ---- */

static int write_param(const struct shapes *shapes, const struct nuncio_field *field,
	const char *where, struct json_out *out, struct nuncio_error *err)
{
	json_out_object_begin(out);
	json_out_key_cstr(out, "name", field->name);
	json_out_key_cstr(out, "in", where);
	json_out_key_cstr(out, "description", field->help ? field->help : "");
	json_out_key_bool(out, "required", field->flags & NUNCIO_FIELD_REQUIRED);
	json_out_key(out, "schema");
	int rc = write_schema(shapes, field, false, out, err);
	json_out_object_end(out);
	return rc;
}

static int write_path_params(const struct shapes *shapes, const struct nuncio_route *route,
	struct json_out *out, struct nuncio_error *err)
{
	const char *at = route->path;
	struct nuncio_str name;
	int rc = 0;
	while (rc == 0 && next_param(&at, &name)) {
		char copy[65];
		struct nuncio_field field;
		snprintf(copy, sizeof copy, STR_FMT, STR_ARG(name));
		if (!find_field(route, name, &field))
			field = (struct nuncio_field){
				.type = NUNCIO_FIELD_TEXT, .min = 1, .max = 4096
			};
		field.name = copy;
		field.flags |= NUNCIO_FIELD_REQUIRED;
		rc = write_param(shapes, &field, "path", out, err);
	}
	return rc;
}

static int write_query(const struct shapes *shapes, const struct nuncio_route *route,
	struct json_out *out, struct nuncio_error *err)
{
	struct nuncio_field field;
	size_t at = 0;
	int rc = 0;
	while (rc == 0 && fields_next(route->fields, route->field_size, &at, &field))
		if (field.flags & NUNCIO_FIELD_QUERY)
			rc = write_param(shapes, &field, "query", out, err);
	return rc;
}

/* ---- the body ---- */

static int write_body(const struct shapes *shapes, const struct nuncio_route *route,
	struct json_out *out, struct nuncio_error *err)
{
	bool is_raw = route->flags & NUNCIO_RAW_BODY;
	size_t required, n = count_members(route->fields, route->field_size, false, &required);
	int rc = 0;
	if (!openapi_has_body(route) || (!is_raw && n == 0))
		return 0;
	json_out_key(out, "requestBody");
	json_out_object_begin(out);
	json_out_key_bool(out, "required", required > 0);
	json_out_key(out, "content");
	json_out_object_begin(out);
	json_out_key(out, is_raw ? "*/*" : "application/json");
	json_out_object_begin(out);
	if (!is_raw) {
		json_out_key(out, "schema");
		rc = write_members(shapes, route->fields, route->field_size, false, out, err);
	}
	json_out_object_end(out);
	json_out_object_end(out);
	json_out_object_end(out);
	return rc;
}

int openapi_input(const struct shapes *shapes, const struct nuncio_route *route,
	struct json_out *out, struct nuncio_error *err)
{
	json_out_key(out, "parameters");
	json_out_array_begin(out);
	int rc = write_path_params(shapes, route, out, err);
	if (rc == 0)
		rc = write_query(shapes, route, out, err);
	json_out_array_end(out);
	return rc < 0 ? rc : write_body(shapes, route, out, err);
}

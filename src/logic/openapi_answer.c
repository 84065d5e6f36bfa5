/* SPDX-License-Identifier: MIT */
#include "logic/openapi_private.h"

/*
 * What comes back: the good answers as a route declares them, in the unified form or raw; and every
 * refusal by its HTTP status with the codes that stand behind it. Those that any route may give are
 * added here, those of its handler are declared.
 */

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/slice.h"

/* ---- the table of codes ---- */

static const struct {
	int code, status;
	const char *name, *meaning;
} rows[] = {
#define ROW(number, name, http, meaning) { number, http, #name, meaning },
	NUNCIO_CODES(ROW)
#undef ROW
};
enum { ROWS = sizeof rows / sizeof rows[0] };

struct code_set {
	bool has[ROWS];
};

/* False when there is no such code. */
static bool add_name(struct code_set *set, struct nuncio_str name)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (!str_eq_text(name, rows[i].name))
			continue;
		set->has[i] = true;
		return true;
	}
	return false;
}

static int add_names(struct code_set *set, const char *names, struct nuncio_error *err)
{
	struct nuncio_str rest = str_of(names), name;
	while (rest.n) {
		str_cut(rest, ' ', &name, &rest);
		if (name.n && !add_name(set, name)) {
			nuncio_error_set(
				err, "errors: codes.h has no code \"" STR_FMT "\"", STR_ARG(name));
			return NUNCIO_E_INVAL;
		}
	}
	return 0;
}

void openapi_codes(struct json_out *out)
{
	json_out_object_begin(out);
	for (size_t i = 0; i < ROWS; i++) {
		char number[16];
		snprintf(number, sizeof number, "%d", rows[i].code);
		json_out_key(out, number);
		json_out_object_begin(out);
		json_out_key_cstr(out, "name", rows[i].name);
		json_out_key_int(out, "status", rows[i].status);
		json_out_key_cstr(out, "meaning", rows[i].meaning);
		json_out_object_end(out);
	}
	json_out_object_end(out);
}

int openapi_errors(const char *errors, struct json_out *out, struct nuncio_error *err)
{
	struct code_set set = { { false } };
	int rc = add_names(&set, errors, err);
	json_out_array_begin(out);
	for (size_t i = 0; i < ROWS; i++)
		if (set.has[i])
			json_out_cstr(out, rows[i].name);
	json_out_array_end(out);
	return rc;
}

/* ---- what every route has in common ---- */

static void add_common(struct code_set *set, const struct nuncio_route *route, bool has_rules)
{
	/* The first line is what the parser of HTTP refuses before any route is looked for. */
	static const char any[] =
		"bad_request request_timeout uri_too_long head_too_large not_implemented http_version "
		"internal busy unavailable timeout store_failed stopping";
	add_names(set, any, NULL);
	if (!(route->flags & NUNCIO_OPEN))
		add_names(set, "auth_required token_invalid token_expired", NULL);
	if (has_rules)
		add_names(set, "denied rate_limited", NULL);
	if (openapi_has_params(route->path)) /* a parameter may make it another path */
		add_names(set, "not_found method_not_allowed", NULL);
	if (route->fields)
		add_names(set, "invalid_field", NULL);
	if (openapi_has_body(route))
		add_names(set, "too_large", NULL);
	if (openapi_has_body(route) && !(route->flags & NUNCIO_RAW_BODY))
		add_names(set, "bad_json unsupported_media invalid_field", NULL);
}

void openapi_common_schemas(struct json_out *out)
{
	json_out_key_raw(out, "success",
		STR("{\"type\":\"object\",\"description\":\"Every good answer.\",\"properties\":{"
		    "\"code\":{\"const\":0},\"message\":{\"const\":\"\"},\"data\":{},"
		    "\"trace_id\":{\"type\":\"string\",\"pattern\":\"^[0-9a-f]{32}$\"}},"
		    "\"required\":[\"code\",\"message\",\"data\",\"trace_id\"]}"));
	json_out_key_raw(out, "error",
		STR("{\"type\":\"object\",\"description\":\"Every refusal: its code, and words for "
		    "people.\",\"properties\":{\"code\":{\"type\":\"integer\",\"minimum\":1000},"
		    "\"message\":{\"type\":\"string\"},\"data\":{},"
		    "\"trace_id\":{\"type\":\"string\",\"pattern\":\"^[0-9a-f]{32}$\"}},"
		    "\"required\":[\"code\",\"message\",\"data\",\"trace_id\"]}"));
}

/* ---- refusals: one of each kind among the components, the routes name them ---- */

struct refusals {
	struct refusal {
		int status;
		struct code_set codes;
	} * all;
	size_t count;
};

struct refusals *openapi_refusals_new(void)
{
	return ALLOC_NEW(struct refusals);
}

void openapi_refusals_free(struct refusals **refusals)
{
	alloc_free((*refusals)->all);
	alloc_free(*refusals);
	*refusals = NULL;
}

static const struct refusal *refusals_add(struct refusals *refusals, const struct refusal *refusal)
{
	for (size_t i = 0; i < refusals->count; i++)
		if (memcmp(refusals->all[i].codes.has, refusal->codes.has,
			    sizeof refusal->codes.has) == 0) /* a code has one status */
			return &refusals->all[i];
	refusals->all = alloc_grow(refusals->all, (refusals->count + 1) * sizeof refusals->all[0]);
	refusals->all[refusals->count] = *refusal;
	return &refusals->all[refusals->count++];
}

/* "not_found", "denied.not_member": the name of the component, and what people read. */
static void write_names(const struct refusal *refusal, const char *between, struct buf *to)
{
	bool is_first = true;
	for (size_t i = 0; i < ROWS; i++) {
		if (!refusal->codes.has[i])
			continue;
		buf_add_text(to, is_first ? "" : between);
		buf_add_text(to, rows[i].name);
		is_first = false;
	}
}

static void write_refusal(const struct refusal *refusal, struct json_out *out)
{
	struct buf names = { 0 };
	write_names(refusal, ", ", &names);
	json_out_object_begin(out);
	json_out_key_text(out, "description", buf_str(&names));
	json_out_key(out, "content");
	json_out_object_begin(out);
	json_out_key(out, "application/json");
	json_out_object_begin(out);
	json_out_key(out, "schema");
	json_out_object_begin(out);
	json_out_key_cstr(out, "$ref", "#/components/schemas/error");
	json_out_key(out, "properties");
	json_out_object_begin(out);
	json_out_key(out, "code");
	json_out_object_begin(out);
	json_out_key(out, "enum");
	json_out_array_begin(out);
	for (size_t i = 0; i < ROWS; i++)
		if (refusal->codes.has[i])
			json_out_int(out, rows[i].code);
	json_out_array_end(out);
	for (int i = 0; i < 6; i++)
		json_out_object_end(out);
	buf_fini(&names);
}

void openapi_refusals_write(const struct refusals *refusals, struct json_out *out)
{
	struct buf name = { 0 };
	for (size_t i = 0; i < refusals->count; i++) {
		buf_reset(&name);
		write_names(&refusals->all[i], ".", &name);
		json_out_key_str(out, buf_str(&name));
		write_refusal(&refusals->all[i], out);
	}
	buf_fini(&name);
}

static void write_reference(const struct refusal *refusal, struct json_out *out)
{
	char key[16];
	struct buf ref = { 0 };
	snprintf(key, sizeof key, "%d", refusal->status);
	buf_add_text(&ref, "#/components/responses/");
	write_names(refusal, ".", &ref);
	json_out_key(out, key);
	json_out_object_begin(out);
	json_out_key_text(out, "$ref", buf_str(&ref));
	json_out_object_end(out);
	buf_fini(&ref);
}

/* One for each status, rising as the codes of the table do not. */
static void write_refusals(
	struct refusals *refusals, const struct code_set *set, struct json_out *out)
{
	for (int status = 400; status < 600; status++) {
		struct refusal refusal = { .status = status };
		bool is_given = false;
		for (size_t i = 0; i < ROWS; i++) {
			refusal.codes.has[i] = set->has[i] && rows[i].status == status;
			is_given |= refusal.codes.has[i];
		}
		if (is_given)
			write_reference(refusals_add(refusals, &refusal), out);
	}
}

/* ---- good answers ---- */

static int write_unified(const struct shapes *shapes, struct nuncio_str shape, struct json_out *out,
	struct nuncio_error *err)
{
	json_out_key(out, "application/json");
	json_out_object_begin(out);
	json_out_key(out, "schema");
	json_out_object_begin(out);
	json_out_key_cstr(out, "$ref", "#/components/schemas/success");
	json_out_key(out, "properties");
	json_out_object_begin(out);
	json_out_key(out, "data");
	int rc = shape_write(shapes, shape, out, err);
	for (int i = 0; i < 3; i++)
		json_out_object_end(out);
	return rc;
}

static bool is_media_type(struct nuncio_str what)
{
	return str_find(what, '/') > 0 && str_find(what, '{') < 0;
}

/* "200 user", "204", "200 text/html". */
static int write_good(const struct shapes *shapes, struct nuncio_str answer, struct json_out *out,
	struct nuncio_error *err)
{
	struct nuncio_str status, what;
	char key[4];
	int rc = 0;
	str_cut(answer, ' ', &status, &what);
	what = str_trim(what);
	if (status.n != 3 || status.p[0] < '2' || status.p[0] > '3') {
		nuncio_error_set(err, "answer: \"" STR_FMT "\" does not begin with a status",
			STR_ARG(answer));
		return NUNCIO_E_INVAL;
	}
	snprintf(key, sizeof key, STR_FMT, STR_ARG(status));
	json_out_key(out, key);
	json_out_object_begin(out);
	json_out_key_cstr(out, "description", what.n ? "Done." : "Done; there is nothing to say.");
	if (is_media_type(what)) {
		json_out_key(out, "content");
		json_out_object_begin(out);
		json_out_key_str(out, what);
		json_out_raw(out, STR("{}"));
		json_out_object_end(out);
	} else if (what.n) {
		json_out_key(out, "content");
		json_out_object_begin(out);
		rc = write_unified(shapes, what, out, err);
		json_out_object_end(out);
	}
	json_out_object_end(out);
	return rc;
}

int openapi_answers(const struct openapi *o, const struct nuncio_route *route, struct json_out *out,
	struct nuncio_error *err)
{
	struct nuncio_str rest = str_of(route->answer ? route->answer : "200 any"), answer;
	struct code_set set = { { false } };
	int rc = add_names(&set, route->errors, err);
	add_common(&set, route, o->has_rules);
	json_out_object_begin(out);
	while (rc == 0 && rest.n) {
		str_cut(rest, ';', &answer, &rest);
		rc = write_good(o->shapes, str_trim(answer), out, err);
	}
	write_refusals(o->refusals, &set, out);
	json_out_object_end(out);
	return rc;
}

/* SPDX-License-Identifier: MIT */
#include "logic/openapi.h"

/*
 * The API document. Nothing here knows what a route is about: all of it comes from what modules
 * have declared, so what is switched off is not in it, and what is not declared is not true. Made
 * once, when everything is registered; a declaration that cannot be read is a start error, which
 * `nunciod --check` finds as well. Logic thread only.
 */

#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/slice.h"
#include "hook/hook_table.h"
#include "logic/logic.h"
#include "logic/openapi_private.h"

/* ---- one route ---- */

/* A name for generated clients: "GET /users/:id" is get_users_by_id. */
static void write_operation_id(const struct nuncio_route *route, struct json_out *out)
{
	struct buf name = { 0 };
	for (const char *p = route->method; *p; p++)
		buf_add_char(&name, (char)(*p | 0x20));
	for (const char *p = route->path; *p; p++) {
		if (*p == '/')
			buf_add_char(&name, '_');
		else if (*p == ':' || *p == '*')
			buf_add_text(&name, "by_");
		else
			buf_add_char(&name, *p == '.' || *p == '-' ? '_' : *p);
	}
	json_out_key_text(out, "operationId", buf_str(&name));
	buf_fini(&name);
}

static void write_lower(const char *text, struct json_out *out)
{
	char lower[16];
	size_t n = 0;
	for (; text[n] && n + 1 < sizeof lower; n++)
		lower[n] = (char)(text[n] | 0x20);
	lower[n] = '\0';
	json_out_key(out, lower);
}

static int write_route(const struct openapi *o, const struct route *route, struct json_out *out,
	struct nuncio_error *err)
{
	const struct nuncio_route *declared = &route->route;
	write_lower(declared->method, out);
	json_out_object_begin(out);
	write_operation_id(declared, out);
	json_out_key_cstr(out, "summary", declared->help ? declared->help : "");
	json_out_key(out, "tags");
	json_out_array_begin(out);
	json_out_cstr(out, route->owner);
	json_out_array_end(out);
	if (declared->flags & NUNCIO_OPEN)
		json_out_key_raw(out, "security", STR("[]"));
	int rc = openapi_input(o->shapes, declared, out, err);
	json_out_key(out, "responses");
	if (rc == 0)
		rc = openapi_answers(o, declared, out, err);
	json_out_object_end(out);
	if (rc < 0)
		error_prefix(err, "route %s %s of module %s: ", declared->method, declared->path,
			route->owner);
	return rc;
}

/* ---- all routes ---- */

static int compare_routes(const void *a, const void *b)
{
	const struct route *const *x = a, *const *y = b;
	int order = strcmp((*x)->route.path, (*y)->route.path);
	return order ? order : strcmp((*x)->route.method, (*y)->route.method);
}

static struct route **sorted_routes(const struct routes *routes)
{
	struct route **all = ALLOC_ARRAY(struct route *, routes->count + 1);
	if (routes->count)
		memcpy(all, routes->all, routes->count * sizeof *all);
	qsort(all, routes->count, sizeof *all, compare_routes);
	return all;
}

static int write_paths(const struct openapi *o, const struct routes *routes, struct json_out *out,
	struct nuncio_error *err)
{
	struct route **all = sorted_routes(routes);
	struct buf path = { 0 };
	int rc = 0;
	json_out_object_begin(out);
	for (size_t i = 0; rc == 0 && i < routes->count; i++) {
		bool is_new = i == 0 || strcmp(all[i]->route.path, all[i - 1]->route.path) != 0;
		if (is_new) {
			if (i > 0)
				json_out_object_end(out);
			buf_reset(&path);
			openapi_path(all[i]->route.path, &path);
			json_out_key_str(out, buf_str(&path));
			json_out_object_begin(out);
		}
		rc = write_route(o, all[i], out, err);
	}
	if (routes->count)
		json_out_object_end(out);
	json_out_object_end(out);
	buf_fini(&path);
	alloc_free(all);
	return rc;
}

static void write_tag(const struct route *route, struct json_out *out)
{
	json_out_object_begin(out);
	json_out_key_cstr(out, "name", route->owner);
	if (route->about)
		json_out_key_cstr(out, "description", route->about);
	json_out_object_end(out);
}

/* One for each module, in the order in which they are switched on. */
static void write_tags(const struct routes *routes, struct json_out *out)
{
	json_out_array_begin(out);
	for (size_t i = 0; i < routes->count; i++) {
		size_t first = 0;
		while (strcmp(routes->all[first]->owner, routes->all[i]->owner) != 0)
			first++;
		if (first == i)
			write_tag(routes->all[i], out);
	}
	json_out_array_end(out);
}

/* ---- ops ---- */

static int compare_ops(const void *a, const void *b)
{
	const struct op *const *x = a, *const *y = b;
	return strcmp((*x)->command.op, (*y)->command.op);
}

static int write_op(const struct shapes *shapes, const struct op *op, struct json_out *out,
	struct nuncio_error *err)
{
	const struct nuncio_command *declared = &op->command;
	json_out_key(out, declared->op);
	json_out_object_begin(out);
	json_out_key_cstr(out, "summary", declared->help ? declared->help : "");
	json_out_key_cstr(out, "module", op->owner);
	json_out_key(out, "data");
	int rc = openapi_data(shapes, declared, out, err);
	json_out_key(out, "answer");
	if (rc == 0)
		rc = shape_write(
			shapes, str_of(declared->answer ? declared->answer : "any"), out, err);
	json_out_key(out, "errors");
	if (rc == 0)
		rc = openapi_errors(declared->errors, out, err);
	json_out_object_end(out);
	if (rc < 0)
		error_prefix(err, "op %s of module %s: ", declared->op, op->owner);
	return rc;
}

static int write_ops(const struct shapes *shapes, const struct ops *ops, struct json_out *out,
	struct nuncio_error *err)
{
	size_t n = 0, count = map_count(&ops->by_name);
	const struct op **all = ALLOC_ARRAY(const struct op *, count + 1);
	int rc = 0;
	MAP_EACH (&ops->by_name, node)
		all[n++] = CONTAINER_OF(node, struct op, node);
	qsort(all, n, sizeof *all, compare_ops);
	json_out_object_begin(out);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = write_op(shapes, all[i], out, err);
	json_out_object_end(out);
	alloc_free(all);
	return rc;
}

/* ---- components ---- */

static int write_shape(const struct shapes *shapes, const struct named_shape *shape,
	struct json_out *out, struct nuncio_error *err)
{
	json_out_key(out, shape->name);
	json_out_object_begin(out);
	json_out_key_cstr(out, "description", shape->help ? shape->help : "");
	json_out_key(out, "allOf");
	json_out_array_begin(out);
	int rc = shape_write(shapes, str_of(shape->shape), out, err);
	json_out_array_end(out);
	json_out_object_end(out);
	if (rc < 0)
		error_prefix(err, "shape %s of module %s: ", shape->name, shape->owner);
	return rc;
}

static int write_components(const struct openapi *o, struct json_out *out, struct nuncio_error *err)
{
	int rc = 0;
	json_out_object_begin(out);
	json_out_key_raw(out, "securitySchemes",
		STR("{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\",\"bearerFormat\":\"JWT\"}}"));
	json_out_key(out, "schemas");
	json_out_object_begin(out);
	openapi_common_schemas(out);
	for (size_t i = 0; rc == 0 && i < o->shapes->count; i++)
		rc = write_shape(o->shapes, &o->shapes->all[i], out, err);
	json_out_object_end(out);
	json_out_key(out, "responses");
	json_out_object_begin(out);
	openapi_refusals_write(o->refusals, out);
	json_out_object_end(out);
	json_out_object_end(out);
	return rc;
}

/* ---- the document ---- */

static void write_head(const struct routes *routes, struct json_out *out)
{
	json_out_key_cstr(out, "openapi", "3.1.0");
	json_out_key_raw(out, "info",
		STR("{\"title\":\"nuncio\",\"version\":\"" PACKAGE_VERSION "\",\"description\":"
		    "\"Messages over REST. What is told without being asked comes over the "
		    "WebSocket at /ws, which has the operations under x-nuncio-ops.\"}"));
	json_out_key_raw(out, "servers", STR("[{\"url\":\"/\"}]"));
	json_out_key_raw(out, "security", STR("[{\"bearer\":[]}]"));
	json_out_key(out, "tags");
	write_tags(routes, out);
}

int openapi_write(struct logic *logic, struct buf *to, struct nuncio_error *err)
{
	struct openapi o = { .shapes = &logic->shapes,
		.refusals = openapi_refusals_new(),
		.has_rules = hook_has(logic->parts.hooks, NUNCIO_HOOK_may_call) ||
			     logic->routes.skin_count > 0 };
	struct json_out out;
	json_out_init(&out, to);
	json_out_object_begin(&out);
	write_head(&logic->routes, &out);
	json_out_key(&out, "paths");
	int rc = write_paths(&o, &logic->routes, &out, err);
	json_out_key(&out, "components");
	if (rc == 0)
		rc = write_components(&o, &out, err);
	json_out_key(&out, "x-nuncio-ops");
	if (rc == 0)
		rc = write_ops(&logic->shapes, &logic->ops, &out, err);
	json_out_key(&out, "x-nuncio-codes");
	openapi_codes(&out);
	json_out_object_end(&out);
	openapi_refusals_free(&o.refusals);
	return rc;
}

/* ---- GET /openapi.json ---- */

static void on_get(struct nuncio_request *rq, void *user)
{
	const struct logic *logic = user;
	request_add_header(rq, "Cache-Control", "no-cache");
	request_reply_raw(&rq, 200, "application/json", buf_str(&logic->openapi));
}

static const struct nuncio_route openapi_route = {
	.size = sizeof openapi_route,
	.flags = NUNCIO_OPEN,
	.method = "GET",
	.path = "/openapi.json",
	.help = "This document.",
	.fn = on_get,
	.answer = "200 application/json",
};

int openapi_add(struct logic *logic, struct nuncio_error *err)
{
	struct route *route;
	int rc = routes_add(&logic->routes, "core", &openapi_route, logic, &route, err);
	return rc < 0 ? rc : openapi_write(logic, &logic->openapi, err);
}

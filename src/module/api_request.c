/* SPDX-License-Identifier: MIT */
#include <nuncio/request.h>

/*
 * <nuncio/request.h>: commands, routes, middleware; reading and answering requests. Checks thread
 * and stage, then asks logic/.
 */

#include <stdarg.h>

#include "base/alloc.h"
#include "base/check.h"
#include "logic/logic.h"
#include "logic/request_input.h"
#include "module/module_private.h"
#include "provide/sized.h"

struct op_owned {
	struct logic *logic;
	struct op *op;
};

static void undo_op(void *ptr)
{
	struct op_owned *owned = ptr;
	ops_remove(&owned->logic->ops, &owned->op);
	alloc_free(owned);
}

int nuncio_command_add(struct nuncio_module *self, const struct nuncio_command *command, void *user)
{
	struct nuncio_error err;
	struct op *op;
	int rc = module_check_init(self, "nuncio_command_add");
	if (rc < 0)
		return rc;
	struct logic *logic = module_env_of(self)->logic;
	rc = ops_add(&logic->ops, nuncio_module_name(self), command, user, &op, &err);
	if (rc < 0)
		return module_refuse(self, rc, "%s", err.text);
	op->stats = module_callback(self, CALLBACK_OP, "%s", command->op);
	struct op_owned *owned = ALLOC_NEW(struct op_owned);
	owned->logic = logic;
	owned->op = op;
	module_own(self, "command", owned, undo_op);
	return 0;
}

/*
 * Routes, shapes and middleware go with the routes as a whole, which outlive the modules' fini;
 * none is called after stop.
 */
int nuncio_route_add(struct nuncio_module *self, const struct nuncio_route *route, void *user)
{
	struct nuncio_error err;
	struct route *added;
	int rc = module_check_init(self, "nuncio_route_add");
	if (rc < 0)
		return rc;
	rc = routes_add(&module_env_of(self)->logic->routes, nuncio_module_name(self), route, user,
		&added, &err);
	if (rc < 0)
		return module_refuse(self, rc, "%s", err.text);
	added->about = self->info.summary;
	added->stats = module_callback(self, CALLBACK_ROUTE, "%s %s", route->method, route->path);
	return 0;
}

int nuncio_shape_add(struct nuncio_module *self, const struct nuncio_shape *shape)
{
	struct nuncio_error err;
	struct nuncio_shape own;
	int rc = module_check_init(self, "nuncio_shape_add");
	if (rc < 0)
		return rc;
	sized_take(&own, sizeof own, shape, shape->size);
	rc = shapes_add(&module_env_of(self)->logic->shapes, nuncio_module_name(self), &own, &err);
	return rc < 0 ? module_refuse(self, rc, "%s", err.text) : 0;
}

int nuncio_middleware_add(
	struct nuncio_module *self, const struct nuncio_middleware *middleware, void *user)
{
	struct nuncio_error err;
	int rc = module_check_init(self, "nuncio_middleware_add");
	if (rc < 0)
		return rc;
	rc = routes_add_skin(&module_env_of(self)->logic->routes, nuncio_module_name(self),
		middleware, user,
		module_callback(self, CALLBACK_MIDDLEWARE, "%s", middleware->prefix), &err);
	return rc < 0 ? module_refuse(self, rc, "%s", err.text) : 0;
}

struct nuncio_session *nuncio_request_session(const struct nuncio_request *rq)
{
	MODULE_CHECK_THREAD();
	if (rq->is_http)
		return NULL;
	struct session *session = session_find(&rq->logic->sessions, rq->id);
	return session && session->user && session->state != SESSION_CLOSING
		       ? (struct nuncio_session *)session
		       : NULL;
}

struct nuncio_str nuncio_request_user(const struct nuncio_request *rq)
{
	MODULE_CHECK_THREAD();
	return request_user(rq);
}

struct nuncio_str nuncio_request_device(const struct nuncio_request *rq)
{
	MODULE_CHECK_THREAD();
	return request_device(rq);
}

struct nuncio_str nuncio_request_address(const struct nuncio_request *rq)
{
	MODULE_CHECK_THREAD();
	return request_address(rq);
}

int nuncio_request_is_http(const struct nuncio_request *rq)
{
	MODULE_CHECK_THREAD();
	CHECK_MAGIC(rq, REQUEST_MAGIC);
	return rq->is_http;
}

int nuncio_request_text(struct nuncio_request *rq, const char *path, struct nuncio_str *value_r)
{
	MODULE_CHECK_THREAD();
	return request_text(rq, path, value_r);
}

int nuncio_request_param(
	const struct nuncio_request *rq, const char *name, struct nuncio_str *value_r)
{
	MODULE_CHECK_THREAD();
	return request_param(rq, name, value_r);
}

int nuncio_request_int(struct nuncio_request *rq, const char *path, int64_t *value_r)
{
	MODULE_CHECK_THREAD();
	return request_int(rq, path, value_r);
}

int nuncio_request_bool(struct nuncio_request *rq, const char *path, int *value_r)
{
	MODULE_CHECK_THREAD();
	return request_bool(rq, path, value_r);
}

int nuncio_request_raw(struct nuncio_request *rq, const char *path, struct nuncio_str *json_r)
{
	MODULE_CHECK_THREAD();
	return request_raw(rq, path, json_r);
}

struct nuncio_str nuncio_request_data(const struct nuncio_request *rq)
{
	MODULE_CHECK_THREAD();
	return request_data(rq);
}

int nuncio_request_header(
	const struct nuncio_request *rq, const char *name, struct nuncio_str *value_r)
{
	MODULE_CHECK_THREAD();
	return request_header(rq, name, value_r);
}

struct nuncio_str nuncio_request_method(const struct nuncio_request *rq)
{
	MODULE_CHECK_THREAD();
	return request_method(rq);
}

struct nuncio_str nuncio_request_path(const struct nuncio_request *rq)
{
	MODULE_CHECK_THREAD();
	return request_path(rq);
}

void nuncio_reply(struct nuncio_request **rq, int http_status, struct nuncio_str data)
{
	MODULE_CHECK_THREAD();
	request_reply(rq, http_status, data);
}

void nuncio_reply_error(struct nuncio_request **rq, int code, const char *format, ...)
{
	va_list args;
	MODULE_CHECK_THREAD();
	va_start(args, format);
	request_error_args(rq, code, format, args);
	va_end(args);
}

void nuncio_reply_status(struct nuncio_request **rq, int status)
{
	MODULE_CHECK_THREAD();
	request_status(rq, status);
}

void nuncio_reply_store_status(struct nuncio_request **rq, int status)
{
	MODULE_CHECK_THREAD();
	if (status == NUNCIO_E_FAIL)
		request_error(rq, NUNCIO_CODE_store_failed, NULL);
	else if (status == NUNCIO_E_UNSUPPORTED)
		request_error(rq, NUNCIO_CODE_unavailable, "no store module is switched on");
	else
		request_status(rq, status);
}

void nuncio_reply_raw(struct nuncio_request **rq, int http_status, const char *content_type,
	struct nuncio_str body)
{
	MODULE_CHECK_THREAD();
	request_reply_raw(rq, http_status, content_type, body);
}

int nuncio_reply_header(struct nuncio_request *rq, const char *name, const char *value)
{
	MODULE_CHECK_THREAD();
	return request_add_header(rq, name, value);
}

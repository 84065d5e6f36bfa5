/* SPDX-License-Identifier: MIT */
#include "logic/route.h"

/*
 * The road of an HTTP request on the logic thread: route -> skins (middleware) from outside to
 * inside -> token -> may_call -> body and fields as declared -> handler; the answer passes the
 * skins that were entered from inside to outside. Any step may be answered later.
 */

#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/slice.h"
#include "hook/callback.h"
#include "hook/chain.h"
#include "logic/fields.h"
#include "logic/logic.h"
#include "logic/request_input.h"
#include "provide/auth.h"
#include "provide/sized.h"
#include "wire/json.h"

void routes_init(struct routes *routes)
{
	memset(routes, 0, sizeof *routes);
	routes->router = router_new();
}

void routes_fini(struct routes *routes)
{
	for (size_t i = 0; i < routes->count; i++)
		alloc_free(routes->all[i]);
	alloc_free(routes->all);
	router_free(&routes->router);
}

int routes_add(struct routes *routes, const char *owner, const struct nuncio_route *route,
	void *user, struct route **route_r, struct nuncio_error *err)
{
	struct route *own = ALLOC_NEW(struct route);
	int rc = NUNCIO_E_INVAL;
	sized_take(&own->route, sizeof own->route, route, route->size);
	if (!own->route.fn)
		nuncio_error_set(err,
			"route %s %s of module %s: no function, or its size is not given",
			route->method, route->path, owner);
	else if (!fields_are_sized(own->route.fields, own->route.field_size))
		nuncio_error_set(err, "route %s %s of module %s: field_size is not that of a field",
			route->method, route->path, owner);
	else
		rc = router_add(routes->router, route->method, route->path, own, err);
	if (rc < 0) {
		alloc_free(own);
		return rc;
	}
	own->owner = owner;
	own->user = user;
	routes->all = alloc_grow(routes->all, (routes->count + 1) * sizeof(struct route *));
	routes->all[routes->count++] = own;
	*route_r = own;
	return 0;
}

int routes_add_skin(struct routes *routes, const char *owner,
	const struct nuncio_middleware *middleware, void *user, struct callback *stats,
	struct nuncio_error *err)
{
	uint32_t at = routes->skin_count;
	if (at == ROUTE_SKINS_MAX || !middleware->prefix || middleware->prefix[0] != '/') {
		nuncio_error_set(err, "middleware of module %s: %s", owner,
			at == ROUTE_SKINS_MAX ? "too many" : "its prefix must begin with '/'");
		return NUNCIO_E_INVAL;
	}
	while (at > 0 && routes->skins[at - 1].middleware->priority > middleware->priority) {
		routes->skins[at] = routes->skins[at - 1];
		at--;
	}
	routes->skins[at] = (struct skin){
		.middleware = middleware, .owner = owner, .user = user, .stats = stats
	};
	routes->skin_count++;
	return 0;
}

/* ---- inwards ---- */

static bool skin_fits(const struct skin *skin, const struct nuncio_request *rq)
{
	return str_starts(rq->http->path, str_of(skin->middleware->prefix));
}

static bool body_is_expected(const struct nuncio_request *rq)
{
	return !str_eq_text(rq->http->method, "GET") && !str_eq_text(rq->http->method, "HEAD");
}

static bool is_json_type(struct nuncio_str value)
{
	struct nuncio_str type, parameters;
	str_cut(value, ';', &type, &parameters);
	return str_eq_nocase(str_trim(type), STR("application/json"));
}

/* How large a body may be is [core] http_body_limit, which the I/O threads keep. */
static const struct json_limits body_limits = { .depth = 32, .members = 256, .bytes = SIZE_MAX };

/* Leaves the checked object in rq->data; an answer was given when it returns false. */
static bool take_json_body(struct nuncio_request **rq)
{
	struct nuncio_request *r = *rq;
	struct nuncio_str type = { NULL, 0 };
	struct nuncio_error err;
	if (r->data.n == 0) {
		r->data = STR("{}");
		return true;
	}
	if (!request_header(r, "Content-Type", &type) || !is_json_type(type)) {
		request_error(rq, NUNCIO_CODE_unsupported_media,
			"the body must have Content-Type: application/json");
		return false;
	}
	if (json_check(r->data, &body_limits, &r->data, &err) < 0) {
		r->data = STR("{}");
		request_error(rq, NUNCIO_CODE_bad_json, "%s", err.text);
		return false;
	}
	if (json_type(r->data) != JSON_OBJECT) {
		r->data = STR("{}");
		request_error(rq, NUNCIO_CODE_invalid_field, "the body must be a JSON object");
		return false;
	}
	return true;
}

static void route_run(struct nuncio_request *rq)
{
	const struct route *route = rq->http->route;
	bool has_json = !(route->route.flags & NUNCIO_RAW_BODY) && body_is_expected(rq);
	struct nuncio_error err;
	if (has_json && !take_json_body(&rq))
		return;
	if (!has_json && !(route->route.flags & NUNCIO_RAW_BODY))
		rq->data = STR("{}");
	int rc = fields_check(rq, route->route.fields, route->route.field_size, has_json, &err);
	if (rc < 0) {
		request_error(&rq,
			rc == NUNCIO_E_TOOBIG ? NUNCIO_CODE_too_large : NUNCIO_CODE_invalid_field,
			"%s", err.text);
		return;
	}
	int64_t begun_ns = callback_begin();
	route->route.fn(rq, route->user);
	callback_end(route->stats, begun_ns);
}

static void on_may_call(const struct chain_answer *answer, void *user)
{
	struct nuncio_request *rq = user;
	request_unpark(rq);
	if (answer->yes && !rq->is_answered)
		route_run(rq);
	else
		request_error(&rq, answer->code, "%s", answer->text);
}

static void route_ask(struct nuncio_request *rq)
{
	struct hook_table *hooks = rq->logic->parts.hooks;
	if (!hook_has(hooks, NUNCIO_HOOK_may_call)) {
		route_run(rq);
		return;
	}
	struct nuncio_str path = str_of(rq->http->route->route.path);
	rq->call.user = request_user(rq);
	rq->call.address = request_address(rq);
	rq->call.op = arena_printf(
		&rq->arena, "%s " STR_FMT, rq->http->route->route.method, STR_ARG(path));
	struct chain *chain =
		chain_ask(hooks, NUNCIO_HOOK_may_call, &rq->call, NULL, on_may_call, rq);
	if (chain)
		request_park(rq, chain);
}

static void on_auth(int status, const struct nuncio_claims *claims, const char *text, void *user)
{
	struct nuncio_request *rq = user;
	if (status == 0 && chain_is_over(rq->logic->parts.hooks)) {
		/* The last tokens are checked when the modules have stopped. */
		request_error(&rq, NUNCIO_CODE_stopping, "the server is stopping");
		return;
	}
	if (status == 0) {
		request_set_user(rq, claims->user);
		rq->call.issued_at_ms = claims->issued_at_ms;
		if (claims->device.n < sizeof rq->http->device && claims->device.n)
			memcpy(rq->http->device, claims->device.p, claims->device.n);
		route_ask(rq);
		return;
	}
	int code = status == NUNCIO_E_DENIED || status == NUNCIO_E_INVAL
			   ? NUNCIO_CODE_token_invalid
			   : request_code_of_status(status);
	request_error(&rq, code, "%s", text);
}

static void route_prove(struct nuncio_request *rq)
{
	struct nuncio_str value, scheme, token;
	if (rq->http->route->route.flags & NUNCIO_OPEN) {
		route_ask(rq);
		return;
	}
	if (!request_header(rq, "Authorization", &value)) {
		request_error(&rq, NUNCIO_CODE_auth_required,
			"send the header Authorization: Bearer TOKEN");
		return;
	}
	if (!str_cut(value, ' ', &scheme, &token) || !str_eq_nocase(scheme, STR("Bearer"))) {
		request_error(
			&rq, NUNCIO_CODE_token_invalid, "Authorization must be: Bearer TOKEN");
		return;
	}
	auth_check(rq->logic->parts.auth, str_trim(token), on_auth, rq);
}

static void route_find(struct nuncio_request *rq)
{
	struct http_side *http = rq->http;
	int rc = router_find(rq->logic->routes.router, http->method, http->path, &http->match);
	if (rc == 1) {
		http->route = http->match.value;
		route_prove(rq);
		return;
	}
	if (rc == 0) {
		request_error(&rq, NUNCIO_CODE_not_found, "no such path");
		return;
	}
	request_add_header(rq, "Allow", http->match.allow);
	request_error(&rq, NUNCIO_CODE_method_not_allowed, "this path knows %s", http->match.allow);
}

static void route_enter(struct nuncio_request *rq);

static enum nuncio_verdict ask_skin(struct nuncio_ask *ask, const void *what, void *user)
{
	struct nuncio_request *rq = user;
	const struct skin *skin = what;
	enum nuncio_verdict verdict = skin->middleware->before(ask, rq, skin->user);
	if (verdict == NUNCIO_ACCEPT)
		rq->http->is_ended = true;
	return verdict;
}

static void on_skin(const struct chain_answer *answer, void *user)
{
	struct nuncio_request *rq = user;
	request_unpark(rq);
	rq->http->skin++;
	if (answer->yes && !rq->is_answered)
		route_enter(rq);
	else
		request_error(&rq, answer->code, "%s", answer->text);
}

/* Through the skins that are left, one question each; on_skin comes back here. */
static void route_enter(struct nuncio_request *rq)
{
	struct routes *routes = &rq->logic->routes;
	for (; rq->http->skin < routes->skin_count && !rq->http->is_ended; rq->http->skin++) {
		const struct skin *skin = &routes->skins[rq->http->skin];
		if (!skin->middleware->before || !skin_fits(skin, rq))
			continue;
		struct chain_first *first = arena_zero(&rq->arena, sizeof *first);
		first->fn = ask_skin;
		first->what = skin;
		first->stats = skin->stats;
		first->user = rq;
		struct chain *chain = chain_ask(
			rq->logic->parts.hooks, NUNCIO_HOOK_none, NULL, first, on_skin, rq);
		if (chain)
			request_park(rq, chain);
		return;
	}
	route_find(rq);
}

void route_dispatch(struct logic *logic, struct io_http *http)
{
	struct nuncio_request *rq = request_from_http(logic, http);
	route_enter(rq);
}

/* ---- outwards ---- */

void route_leave(struct nuncio_request *rq, int http_status)
{
	struct routes *routes = &rq->logic->routes;
	for (uint32_t i = rq->http->skin; i > 0; i--) {
		const struct skin *skin = &routes->skins[i - 1];
		if (!skin->middleware->after || !skin_fits(skin, rq))
			continue;
		int64_t begun_ns = callback_begin();
		skin->middleware->after(rq, http_status, skin->user);
		callback_end(skin->stats, begun_ns);
	}
}

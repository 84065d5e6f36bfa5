/* SPDX-License-Identifier: MIT */
/*
 * A route, a middleware and two may_call handlers: one refuses, one asks a worker first. Counts
 * calls.
 */
#include <string.h>

#include <nuncio/hooks.h>
#include <nuncio/metric.h>
#include <nuncio/request.h>
#include <nuncio/timer.h>

static struct nuncio_counter *calls;

static void on_get(struct nuncio_request *rq, void *user)
{
	const char *json = "{\"hello\":true}";
	(void)user;
	nuncio_counter_add(calls, 1);
	nuncio_reply(&rq, 200, (struct nuncio_str){ json, strlen(json) });
}

static int is_op(const struct nuncio_call *what, const char *op)
{
	return what->op.n == strlen(op) && memcmp(what->op.p, op, what->op.n) == 0;
}

static enum nuncio_verdict on_call(
	struct nuncio_ask *ask, const struct nuncio_call *what, void *user)
{
	(void)user;
	if (is_op(what, "GET /m/api_hook/no"))
		return nuncio_reject(ask, NUNCIO_CODE_denied, "not this one");
	return NUNCIO_PASS;
}

static void on_work(void *user)
{
	struct nuncio_ticket *ticket = user;
	nuncio_resume(&ticket, NUNCIO_PASS, 0, NULL, (struct nuncio_str){ NULL, 0 });
}

static enum nuncio_verdict on_call_later(
	struct nuncio_ask *ask, const struct nuncio_call *what, void *user)
{
	if (!is_op(what, "GET /m/api_hook/later"))
		return NUNCIO_PASS;
	struct nuncio_ticket *ticket = nuncio_defer(ask, 5000, NULL, NULL);
	if (nuncio_work(user, 0, on_work, NULL, ticket) < 0)
		on_work(ticket);
	return NUNCIO_LATER;
}

static void after(struct nuncio_request *rq, int http_status, void *user)
{
	(void)user;
	(void)http_status;
	nuncio_reply_header(rq, "X-Api", "seen");
}

static const struct nuncio_middleware middleware = {
	.size = sizeof(middleware), .prefix = "/m/api_hook", .after = after
};

#define ROUTE(route_path) \
	{ \
		.size = sizeof(struct nuncio_route), .flags = NUNCIO_OPEN, .method = "GET", \
		.path = (route_path), .help = "Says hello.", \
		.field_size = sizeof(struct nuncio_field), .fn = on_get \
	}
static const struct nuncio_route routes[] = { ROUTE("/m/api_hook/now"), ROUTE("/m/api_hook/later"),
	ROUTE("/m/api_hook/no") };

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	int rc = 0;
	(void)err;
	calls = nuncio_counter_new(self, "calls_total", "kind=\"get\"", "Calls of the test.");
	if (!calls || nuncio_counter_new(self, "Bad name", NULL, "No."))
		return NUNCIO_E_FAIL;
	for (size_t i = 0; rc == 0 && i < 3; i++)
		rc = nuncio_route_add(self, &routes[i], NULL);
	if (rc == 0)
		rc = nuncio_middleware_add(self, &middleware, NULL);
	if (rc == 0)
		rc = nuncio_hook_may_call(self, NUNCIO_PRIO_GUARD, on_call, NULL);
	return rc < 0 ? rc : nuncio_hook_may_call(self, NUNCIO_PRIO_LAST, on_call_later, self);
}

NUNCIO_MODULE("api_hook", .summary = "hooks, routes, metrics", .init = init)

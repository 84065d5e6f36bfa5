/* SPDX-License-Identifier: MIT */
/* Declares an answer of a shape that nobody has declared. */
#include <nuncio/request.h>

static void on_get(struct nuncio_request *rq, void *user)
{
	(void)user;
	nuncio_reply_status(&rq, NUNCIO_OK);
}

static const struct nuncio_route route = { .size = sizeof route,
	.method = "GET",
	.path = "/m/bad_answer",
	.help = "A test.",
	.fn = on_get,
	.answer = "200 {one: thing}" };

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	(void)err;
	return nuncio_route_add(self, &route, self);
}

NUNCIO_MODULE("bad_answer", .summary = "an answer of no shape", .init = init)

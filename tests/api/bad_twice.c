/* SPDX-License-Identifier: MIT */
/* Gives a ticket back twice. */
#include <nuncio/hooks.h>
#include <nuncio/request.h>

static enum nuncio_verdict on_call(
	struct nuncio_ask *ask, const struct nuncio_call *what, void *user)
{
	const struct nuncio_str nothing = { NULL, 0 };
	struct nuncio_ticket *ticket = nuncio_defer(ask, 1000, NULL, NULL), *copy = ticket;
	(void)what;
	(void)user;
	nuncio_resume(&ticket, NUNCIO_PASS, 0, NULL, nothing);
	nuncio_resume(&copy, NUNCIO_PASS, 0, NULL, nothing);
	return NUNCIO_LATER;
}

static void on_get(struct nuncio_request *rq, void *user)
{
	(void)user;
	nuncio_reply(&rq, 200, (struct nuncio_str){ NULL, 0 });
}

static const struct nuncio_route route = { .size = sizeof(route),
	.flags = NUNCIO_OPEN,
	.method = "GET",
	.path = "/m/bad_twice",
	.help = "Answers with nothing.",
	.field_size = sizeof(struct nuncio_field),
	.fn = on_get };

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	(void)err;
	int rc = nuncio_route_add(self, &route, NULL);
	return rc < 0 ? rc : nuncio_hook_may_call(self, NUNCIO_PRIO_NORMAL, on_call, self);
}

NUNCIO_MODULE("bad_twice", .summary = "gives a ticket back twice", .init = init)

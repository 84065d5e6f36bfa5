/* SPDX-License-Identifier: MIT */
/*
 * Blocks the logic thread, in a hook and in a handler, for a moment and for long, and leaves one
 * request without an answer.
 */
#include <time.h>

#include <nuncio/hooks.h>
#include <nuncio/request.h>

static void nap(void)
{
	const struct timespec time = { 0, 20000000 };
	nanosleep(&time, NULL);
}

static enum nuncio_verdict on_call(
	struct nuncio_ask *ask, const struct nuncio_call *what, void *user)
{
	(void)ask;
	(void)what;
	(void)user;
	nap();
	return NUNCIO_PASS;
}

static void on_get(struct nuncio_request *rq, void *user)
{
	(void)user;
	nap();
	nuncio_reply(&rq, 200, (struct nuncio_str){ NULL, 0 });
}

static const struct nuncio_route route = { .size = sizeof(route),
	.flags = NUNCIO_OPEN,
	.method = "GET",
	.path = "/m/bad_blocks",
	.help = "Answers with nothing.",
	.field_size = sizeof(struct nuncio_field),
	.fn = on_get };

static void on_hang(struct nuncio_request *rq, void *user)
{
	(void)user;
	for (int i = 0; i < 50; i++)
		nap();
	nuncio_reply(&rq, 200, (struct nuncio_str){ NULL, 0 });
}

static const struct nuncio_route hang = { .size = sizeof(hang),
	.flags = NUNCIO_OPEN,
	.method = "GET",
	.path = "/m/bad_blocks/hang",
	.help = "Answers after a second.",
	.field_size = sizeof(struct nuncio_field),
	.fn = on_hang };

static void on_silence(struct nuncio_request *rq, void *user)
{
	(void)rq;
	(void)user;
}

static const struct nuncio_route silence = { .size = sizeof(silence),
	.flags = NUNCIO_OPEN,
	.method = "GET",
	.path = "/m/bad_blocks/silence",
	.help = "Never answers.",
	.field_size = sizeof(struct nuncio_field),
	.fn = on_silence };

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	(void)err;
	int rc = nuncio_route_add(self, &route, NULL);
	if (rc == 0)
		rc = nuncio_route_add(self, &silence, NULL);
	if (rc == 0)
		rc = nuncio_route_add(self, &hang, NULL);
	return rc < 0 ? rc : nuncio_hook_may_call(self, NUNCIO_PRIO_NORMAL, on_call, self);
}

NUNCIO_MODULE("bad_blocks", .summary = "dawdles", .init = init)

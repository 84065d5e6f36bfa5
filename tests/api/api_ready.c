/* SPDX-License-Identifier: MIT */
/* Not ready from its start; then as GET /m/api_ready/:word says, by a worker. */
#include <stdlib.h>
#include <string.h>

#include <nuncio/ready.h>
#include <nuncio/request.h>
#include <nuncio/timer.h>

struct said {
	struct nuncio_module *self;
	struct nuncio_request *rq;
	int yes;
};

static void on_work(void *user)
{
	const struct said *said = user;
	nuncio_ready_set(said->self, said->yes, said->yes ? NULL : "the disk is away");
}

static void on_done(void *user)
{
	struct said *said = user;
	nuncio_reply_status(&said->rq, NUNCIO_OK);
	free(said);
}

static void on_get(struct nuncio_request *rq, void *user)
{
	struct nuncio_str word = { NULL, 0 };
	struct said *said = malloc(sizeof *said);
	if (!said)
		abort();
	nuncio_request_text(rq, "word", &word);
	*said = (struct said){ user, rq, word.n == 3 && memcmp(word.p, "yes", 3) == 0 };
	if (nuncio_work(user, 0, on_work, on_done, said) < 0)
		on_done(said);
}

static const struct nuncio_route route = {
	.size = sizeof(route),
	.flags = NUNCIO_OPEN,
	.method = "GET",
	.path = "/m/api_ready/:word",
	.help = "Becomes ready, or not.",
	.fn = on_get,
};

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	(void)err;
	return nuncio_route_add(self, &route, self);
}

static int start(struct nuncio_module *self, struct nuncio_error *err)
{
	(void)err;
	nuncio_ready_set(self, 0, "still looking for the disk");
	return 0;
}

NUNCIO_MODULE("api_ready", .summary = "readiness", .init = init, .start = start)

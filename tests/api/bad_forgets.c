/* SPDX-License-Identifier: MIT */
/* Takes a ticket and never gives it back. */
#include <nuncio/conf.h>
#include <nuncio/hooks.h>
#include <nuncio/request.h>

static enum nuncio_verdict on_call(
	struct nuncio_ask *ask, const struct nuncio_call *what, void *user)
{
	(void)what;
	nuncio_defer(ask, (uint32_t)nuncio_conf_int(user, "patience"), NULL, NULL);
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
	.path = "/m/bad_forgets",
	.help = "Answers with nothing.",
	.field_size = sizeof(struct nuncio_field),
	.fn = on_get };

static const struct nuncio_option options[] = {
	{ "patience", NUNCIO_OPT_MSEC, 0, "30ms", 1, 60000, NULL, "Deadline of its tickets." },
	{ 0 },
};

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	(void)err;
	int rc = nuncio_route_add(self, &route, NULL);
	return rc < 0 ? rc : nuncio_hook_may_call(self, NUNCIO_PRIO_NORMAL, on_call, self);
}

NUNCIO_MODULE(
	"bad_forgets", .summary = "never gives a ticket back", .options = options, .init = init)

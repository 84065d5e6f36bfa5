/* SPDX-License-Identifier: MIT */
/* Refuses all reading, with a code of its own: who asks for a client must pass it on. */
#include <nuncio/codes.h>
#include <nuncio/hooks.h>

static enum nuncio_verdict on_may_query(
	struct nuncio_ask *ask, const struct nuncio_access *what, void *user)
{
	(void)what, (void)user;
	return nuncio_reject(ask, NUNCIO_CODE_rate_limited, "read more slowly");
}

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	(void)err;
	return nuncio_hook_may_query(self, NUNCIO_PRIO_NORMAL, on_may_query, NULL);
}

NUNCIO_MODULE("api_query", .summary = "nobody reads", .init = init)

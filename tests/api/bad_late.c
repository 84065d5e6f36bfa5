/* SPDX-License-Identifier: MIT */
/* Registers a hook in start, which is too late. */
#include <nuncio/hooks.h>

static void on_login(const struct nuncio_login *what, void *user)
{
	(void)what;
	(void)user;
}

static int start(struct nuncio_module *self, struct nuncio_error *err)
{
	(void)err;
	return nuncio_hook_did_login(self, NUNCIO_PRIO_NORMAL, on_login, NULL);
}

NUNCIO_MODULE("bad_late", .summary = "registers too late", .start = start)

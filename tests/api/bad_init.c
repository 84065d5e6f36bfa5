/* SPDX-License-Identifier: MIT */
/* Its init fails, after it has registered something that must be undone. */
#include <nuncio/hooks.h>

static void on_login(const struct nuncio_login *what, void *user)
{
	(void)what;
	(void)user;
}

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	nuncio_hook_did_login(self, NUNCIO_PRIO_NORMAL, on_login, NULL);
	nuncio_error_set(err, "the moon is not full");
	return NUNCIO_E_FAIL;
}

NUNCIO_MODULE("bad_init", .summary = "cannot initialise", .init = init)

/* SPDX-License-Identifier: MIT */
/* Calls a function that the server does not export. */
#include <nuncio/module.h>

int nuncio_does_not_exist(void);

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	(void)self;
	(void)err;
	return nuncio_does_not_exist();
}

NUNCIO_MODULE("bad_symbol", .summary = "calls what is not there", .init = init)

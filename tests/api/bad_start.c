/* SPDX-License-Identifier: MIT */
/* Its start fails without a word: the status must be told. */
#include <nuncio/module.h>

static int start(struct nuncio_module *self, struct nuncio_error *err)
{
	(void)self;
	(void)err;
	return NUNCIO_E_BUSY;
}

NUNCIO_MODULE("bad_start", .summary = "cannot start", .start = start)

/* SPDX-License-Identifier: MIT */
/* The fallback of an option is not in its own range. */
#include <nuncio/module.h>

static const struct nuncio_option options[] = {
	{ "size", NUNCIO_OPT_INT, 0, "11", 1, 10, NULL, "A size." }, { 0 }
};

NUNCIO_MODULE("bad_options", .summary = "has a wrong option table", .options = options)

/* SPDX-License-Identifier: MIT */
/* Declares the same shape twice. */
#include <nuncio/request.h>

static const struct nuncio_shape shape = {
	.size = sizeof shape, .name = "thing", .shape = "{n: int}", .help = "A test."
};

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	(void)err;
	int rc = nuncio_shape_add(self, &shape);
	return rc < 0 ? rc : nuncio_shape_add(self, &shape);
}

NUNCIO_MODULE("bad_shape", .summary = "a shape twice", .init = init)

/* SPDX-License-Identifier: MIT */
/* One of two modules with the same op. */
#include <nuncio/request.h>

static void on_op(struct nuncio_request *rq, void *user)
{
	(void)user;
	nuncio_reply(&rq, 200, (struct nuncio_str){ NULL, 0 });
}

static const struct nuncio_command command = { .size = sizeof(command),
	.op = "bad.op",
	.help = "Does nothing.",
	.field_size = sizeof(struct nuncio_field),
	.fn = on_op };

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	(void)err;
	return nuncio_command_add(self, &command, NULL);
}

NUNCIO_MODULE("bad_op_b", .summary = "offers bad.op", .init = init)

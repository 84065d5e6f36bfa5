/* SPDX-License-Identifier: MIT */
/* Wants a control command that another module has. */
#include <nuncio/control.h>

static void on_command(struct nuncio_request *rq, void *user)
{
	(void)user;
	nuncio_reply_status(&rq, NUNCIO_OK);
}

static const struct nuncio_command command = {
	.size = sizeof command,
	.op = "api_control.now",
	.help = "A test.",
	.fn = on_command,
};

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	(void)err;
	return nuncio_control_add(self, &command, NULL);
}

NUNCIO_MODULE("bad_control", .summary = "a taken control command", .init = init)

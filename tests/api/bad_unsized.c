/* SPDX-License-Identifier: MIT */
/* Three declarations whose sizes were forgotten; then says which of them were refused. */
#include <nuncio/request.h>

static void fn(struct nuncio_request *rq, void *user)
{
	(void)user;
	nuncio_reply_status(&rq, NUNCIO_OK);
}

static const struct nuncio_field fields[] = { { "n", NUNCIO_FIELD_INT, 0, 1, 9, "a number" },
	{ 0 } };
static const struct nuncio_route no_size = {
	.method = "GET", .path = "/m/bad_unsized", .help = "Has no size.", .fn = fn
};
static const struct nuncio_route no_field_size = { .size = sizeof(no_field_size),
	.method = "GET",
	.path = "/m/bad_unsized",
	.help = "Has fields of no size.",
	.fields = fields,
	.fn = fn };
static const struct nuncio_command op = { .size = sizeof(op),
	.op = "bad.unsized",
	.help = "Has fields of no size.",
	.fields = fields,
	.fn = fn };

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	int rc = nuncio_route_add(self, &no_size, NULL);
	(void)err;
	if (rc < 0)
		rc = nuncio_route_add(self, &no_field_size, NULL);
	return rc < 0 ? nuncio_command_add(self, &op, NULL) : rc;
}

NUNCIO_MODULE("bad_unsized", .summary = "forgets sizes", .init = init)

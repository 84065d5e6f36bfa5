/* SPDX-License-Identifier: MIT */
/* Offers the service that api_service offers, too. */
#include <nuncio/service.h>

static const struct {
	uint32_t size;
} ops = { sizeof(ops) };

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	(void)err;
	return nuncio_service_offer(self, "api_test.v1", &ops, NULL);
}

NUNCIO_MODULE("bad_service", .summary = "offers a service of another", .init = init)

/* SPDX-License-Identifier: MIT */
/* Offers a service; see api_service_user.c. */
#include <nuncio/service.h>

#include "api_service.h"

static int twice(void *impl, int number)
{
	++*(int *)impl;
	return 2 * number;
}

static const struct api_test_v1 ops = { .size = sizeof(ops), .twice = twice };
static int calls;

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	(void)err;
	return nuncio_service_offer(self, API_TEST_V1, &ops, &calls);
}

NUNCIO_MODULE("api_service", .summary = "offers a service", .init = init)

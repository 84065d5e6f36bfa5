/* SPDX-License-Identifier: MIT */
/* Uses a service: started after the one who offers it, although listed before. */
#include <nuncio/log.h>
#include <nuncio/service.h>

#include "api_service.h"

static const char *const needs[] = { API_TEST_V1, NULL };
static const char *const wants[] = { "nothing.v1", "api_conf", NULL };

static int start(struct nuncio_module *self, struct nuncio_error *err)
{
	void *impl;
	const struct api_test_v1 *test = nuncio_service_find(self, API_TEST_V1, &impl);
	if (!test || test->twice(impl, 21) != 42 || *(int *)impl != 1) {
		nuncio_error_set(err, "the service does not work");
		return NUNCIO_E_FAIL;
	}
	if (nuncio_service_find(self, "nothing.v1", NULL)) {
		nuncio_error_set(err, "found a service that nobody offers");
		return NUNCIO_E_FAIL;
	}
	nuncio_log(self, NUNCIO_INFO, "api: ok");
	return 0;
}

NUNCIO_MODULE("api_service_user", .summary = "uses a service", .needs = needs, .wants = wants,
	.start = start)

/* SPDX-License-Identifier: MIT */
/* Needs a service that nobody offers. */
#include <nuncio/module.h>

static const char *const needs[] = { "nothing.v1", NULL };

NUNCIO_MODULE("bad_need_service", .summary = "needs a service", .needs = needs)

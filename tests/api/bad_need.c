/* SPDX-License-Identifier: MIT */
/* Needs a module, which the test leaves out. */
#include <nuncio/module.h>

static const char *const needs[] = { "api_conf", NULL };

NUNCIO_MODULE("bad_need", .summary = "needs api_conf", .needs = needs)

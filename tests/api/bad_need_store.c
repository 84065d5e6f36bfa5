/* SPDX-License-Identifier: MIT */
/* Needs a store. */
#include <nuncio/module.h>

static const char *const needs[] = { "store", NULL };

NUNCIO_MODULE("bad_need_store", .summary = "needs a store", .needs = needs)

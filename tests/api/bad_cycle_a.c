/* SPDX-License-Identifier: MIT */
/* One half of two modules that need each other. */
#include <nuncio/module.h>

static const char *const needs[] = { "bad_cycle_b", NULL };

NUNCIO_MODULE("bad_cycle_a", .summary = "needs bad_cycle_b", .needs = needs)

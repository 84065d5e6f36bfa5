/* SPDX-License-Identifier: MIT */
/* One half of two modules that need each other. */
#include <nuncio/module.h>

static const char *const needs[] = { "bad_cycle_a", NULL };

NUNCIO_MODULE("bad_cycle_b", .summary = "needs bad_cycle_a", .needs = needs)

/* SPDX-License-Identifier: MIT */
/* The file has another name than the module. */
#include <nuncio/module.h>

NUNCIO_MODULE("good_name", .summary = "has another name than its file")

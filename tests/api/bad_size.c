/* SPDX-License-Identifier: MIT */
/* A descriptor that ends too early. */
#include <nuncio/module.h>

NUNCIO_EXPORT extern const struct nuncio_module_info nuncio_module_info;
const struct nuncio_module_info nuncio_module_info = { .size = 16,
	.abi_major = NUNCIO_ABI_MAJOR,
	.abi_minor = NUNCIO_ABI_MINOR,
	.name = "bad_size",
	.option_size = sizeof(struct nuncio_option) };

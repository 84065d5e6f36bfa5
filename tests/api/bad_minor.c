/* SPDX-License-Identifier: MIT */
/* Built for a newer minor ABI. */
#include <nuncio/module.h>

NUNCIO_EXPORT extern const struct nuncio_module_info nuncio_module_info;
const struct nuncio_module_info nuncio_module_info = { .size = sizeof(struct nuncio_module_info),
	.abi_major = NUNCIO_ABI_MAJOR,
	.abi_minor = NUNCIO_ABI_MINOR + 1,
	.name = "bad_minor",
	.option_size = sizeof(struct nuncio_option) };

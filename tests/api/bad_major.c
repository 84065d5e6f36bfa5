/* SPDX-License-Identifier: MIT */
/* Built for another major ABI. */
#include <nuncio/module.h>

NUNCIO_EXPORT extern const struct nuncio_module_info nuncio_module_info;
const struct nuncio_module_info nuncio_module_info = { .size = sizeof(struct nuncio_module_info),
	.abi_major = NUNCIO_ABI_MAJOR + 1,
	.abi_minor = 0,
	.name = "bad_major",
	.option_size = sizeof(struct nuncio_option) };

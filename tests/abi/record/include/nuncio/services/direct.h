/* SPDX-License-Identifier: MIT */
#ifndef NUNCIO_SERVICES_DIRECT_H
#define NUNCIO_SERVICES_DIRECT_H

/* Service "direct.v1": who is in a one-to-one conversation. Offered by the module direct. */

#include <nuncio/base.h>

NUNCIO_BEGIN_DECLS

#define NUNCIO_DIRECT_V1 "direct.v1"

struct nuncio_direct_v1 {
	uint32_t size, reserved;
	/*
	 * 1 and the other one in *peer_r (a part of `conversation`; equal to `who` for notes to
	 * oneself), or 0: it is no one-to-one conversation, or `who` is not in it.
	 * Thread: any.
	 */
	int (*peer)(void *impl, struct nuncio_str conversation, struct nuncio_str who,
		struct nuncio_str *peer_r);
};

NUNCIO_END_DECLS

#endif

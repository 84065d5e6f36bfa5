/* SPDX-License-Identifier: MIT */
#ifndef NUNCIO_SERVICES_TOKEN_H
#define NUNCIO_SERVICES_TOKEN_H

/*
 * Service "token.v1": making signed access tokens. Offered by auth_jwt when `sign_with` names one
 * of its private or HMAC keys.
 */

#include <nuncio/base.h>

NUNCIO_BEGIN_DECLS

#define NUNCIO_TOKEN_V1 "token.v1"

struct nuncio_token_v1 {
	uint32_t size, reserved;
	/*
	 * Writes a NUL-ended token for user (`sub`) and device (claim "device", left out when
	 * empty), valid for ttl_ms from now, into out[out_size]. Returns its length;
	 * NUNCIO_E_UNSUPPORTED without a signing key, NUNCIO_E_TOOBIG when it does not fit (1 KiB
	 * is enough).
	 * Thread: logic; HMAC takes microseconds, RSA up to about a millisecond.
	 */
	int (*issue)(void *impl, struct nuncio_str user, struct nuncio_str device, int64_t ttl_ms,
		char *out, size_t out_size, struct nuncio_error *err);
};

NUNCIO_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
#ifndef NUNCIO_AUTH_H
#define NUNCIO_AUTH_H

/* The provider "auth": who is behind a token. One module is it, chosen by `[core] auth`. */

#include <nuncio/module.h>

NUNCIO_BEGIN_DECLS

/* What a good token says. The provider allocates, the core copies. */
struct nuncio_claims {
	uint32_t size, reserved;
	struct nuncio_str
		user; /* 1-64 bytes of UTF-8 without control characters, else the core refuses */
	/* 0-64 bytes; what the client says beside the token counts if this is empty */
	struct nuncio_str device;
	int64_t expires_at_ms; /* wall clock; the session ends then unless renewed */
	int64_t issued_at_ms;  /* wall clock; 0: the token does not say */
};

struct nuncio_auth; /* one question; answered once */

struct nuncio_auth_ops {
	uint32_t size, reserved;
	/*
	 * Check a token (borrowed until this returns: copy to keep). Must not block: use
	 * nuncio_work. Ends in one nuncio_auth_done, now or later.
	 */
	void (*check)(void *impl, struct nuncio_str token, struct nuncio_auth *auth);
};

/*
 * Answers: 0 and claims, or negative (NUNCIO_E_DENIED forged or malformed, NUNCIO_E_EXPIRED,
 * NUNCIO_E_BUSY) and words for the client (may be NULL). *auth becomes NULL.
 * Thread: logic.
 */
void nuncio_auth_done(struct nuncio_auth **auth, int status, const struct nuncio_claims *claims,
	const char *text);

/*
 * Registers this module as a provider of auth under the module's own name.
 * Thread: logic, in init.
 */
int nuncio_provide_auth(struct nuncio_module *self, const struct nuncio_auth_ops *ops, void *impl);

NUNCIO_END_DECLS

#endif

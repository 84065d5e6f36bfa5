/* SPDX-License-Identifier: MIT */
/*
 * The auth of nuncio-module-test: believes everybody. A token is a user id, or "user:device". It is
 * kept out of the folder of nunciod's modules, so that nobody switches it on by mistake.
 */
#include <string.h>

#include <nuncio/auth.h>
#include <nuncio/module.h>
#include <nuncio/timer.h>

/* Ten years: far enough for tests that let days pass. */
#define LIFE_MS (INT64_C(86400000) * 3650)

static void check(void *impl, struct nuncio_str token, struct nuncio_auth *auth)
{
	struct nuncio_claims claims = { .size = sizeof claims, .user = token };
	const char *colon = token.n ? memchr(token.p, ':', token.n) : NULL;
	(void)impl;
	if (colon) {
		claims.user.n = (size_t)(colon - token.p);
		claims.device.p = colon + 1;
		claims.device.n = token.n - claims.user.n - 1;
	}
	claims.expires_at_ms = nuncio_wall_ms() + LIFE_MS;
	nuncio_auth_done(&auth, NUNCIO_OK, &claims, NULL);
}

static const struct nuncio_auth_ops ops = { .size = sizeof ops, .check = check };

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	(void)err;
	return nuncio_provide_auth(self, &ops, NULL);
}

NUNCIO_MODULE("test_auth", .version = "1", .summary = "believes everybody, for tests", .init = init)

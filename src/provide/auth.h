/* SPDX-License-Identifier: MIT */
#ifndef PROVIDE_AUTH_H
#define PROVIDE_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include <nuncio/auth.h>

#include "provide/provider.h"

struct loop;

/* Asking who is behind a token. Everything here: logic thread. */
struct auth;

enum { AUTH_ID_BYTES = 64 }; /* of a user or device */

struct auth *auth_new(struct loop *l, uint32_t timeout_ms); /* an answer takes at most that long */
void auth_free(struct auth **auth);                         /* open questions are forgotten */
void auth_use(struct auth *auth, const struct provider *p); /* NULL: nobody, all is refused */
bool auth_is_there(const struct auth *auth);

/*
 * 0 and claims, or negative and words for the client (never NULL): DENIED, EXPIRED, BUSY, TIMEOUT,
 * UNSUPPORTED (no provider). Borrowed until done returns. The claims' user is 1-64 bytes of UTF-8
 * without control characters.
 */
typedef void auth_done_fn(
	int status, const struct nuncio_claims *claims, const char *text, void *user);

/* NULL: done was called already; otherwise it comes later, and then the question is gone. */
struct nuncio_auth *auth_check(
	struct auth *auth, struct nuncio_str token, auth_done_fn *done, void *user);
void auth_cancel(struct nuncio_auth **question); /* who asked has gone: done is not called */

bool auth_is_user_id(struct nuncio_str id); /* 1-64 bytes, UTF-8, no control characters */
bool auth_is_device(struct nuncio_str id);  /* the same, or empty */

#endif

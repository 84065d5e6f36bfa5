/* SPDX-License-Identifier: MIT */
#include "auth_jwt.h"

/*
 * Making tokens, by libjwt: another hand than the one that checks them. It parses a PEM for every
 * token, which costs up to 1 ms; signing happens once a login, so that is bearable, and an HMAC key
 * has none. Logic thread.
 */

#include <jwt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int claims_add(jwt_t *jwt, const struct key *key, const struct token_rules *rules,
	const char *user, const char *device, int64_t now_s, int64_t ttl_s)
{
	int rc = jwt_add_header(jwt, "kid", key->kid);
	rc |= jwt_add_grant(jwt, "sub", user);
	rc |= jwt_add_grant_int(jwt, "iat", (long)now_s);
	rc |= jwt_add_grant_int(jwt, "exp", (long)(now_s + ttl_s));
	if (*device)
		rc |= jwt_add_grant(jwt, "device", device);
	if (*rules->issuer)
		rc |= jwt_add_grant(jwt, "iss", rules->issuer);
	if (*rules->audience)
		rc |= jwt_add_grant(jwt, "aud", rules->audience);
	return rc;
}

static int key_give(jwt_t *jwt, const struct key *key)
{
	static const jwt_alg_t algs[] = {
		[KEY_HS256] = JWT_ALG_HS256,
		[KEY_RS256] = JWT_ALG_RS256,
		[KEY_ES256] = JWT_ALG_ES256,
	};
	return jwt_set_alg(jwt, algs[key->alg], key->secret, (int)key->secret_bytes);
}

static int token_copy(const char *token, char *out, size_t out_size, struct nuncio_error *err)
{
	size_t n = token ? strlen(token) : 0;
	if (n == 0) {
		nuncio_error_set(err, "the token could not be signed");
		return NUNCIO_E_FAIL;
	}
	if (n >= out_size) {
		nuncio_error_set(err, "the token needs %zu bytes", n + 1);
		return NUNCIO_E_TOOBIG;
	}
	memcpy(out, token, n + 1);
	return (int)n;
}

int issue_token(const struct key *key, const struct token_rules *rules, struct nuncio_str user,
	struct nuncio_str device, int64_t now_s, int64_t ttl_s, char *out, size_t out_size,
	struct nuncio_error *err)
{
	char user_text[TOKEN_NAME_BYTES_MAX + 1], device_text[TOKEN_NAME_BYTES_MAX + 1];
	jwt_t *jwt = NULL;
	if (!key || !key->can_sign) {
		nuncio_error_set(err, "auth_jwt: sign_with names no key");
		return NUNCIO_E_UNSUPPORTED;
	}
	if (user.n == 0 || user.n > TOKEN_NAME_BYTES_MAX || device.n > TOKEN_NAME_BYTES_MAX ||
		ttl_s <= 0) {
		nuncio_error_set(
			err, "user must have 1 to 64 bytes, device 0 to 64, and ttl be positive");
		return NUNCIO_E_INVAL;
	}
	snprintf(user_text, sizeof user_text, "%.*s", (int)user.n, user.p);
	snprintf(device_text, sizeof device_text, "%.*s", (int)device.n, device.n ? device.p : "");
	if (jwt_new(&jwt) != 0 ||
		claims_add(jwt, key, rules, user_text, device_text, now_s, ttl_s) != 0 ||
		key_give(jwt, key) != 0) {
		jwt_free(jwt);
		nuncio_error_set(err, "the token could not be made");
		return NUNCIO_E_FAIL;
	}
	char *token = jwt_encode_str(jwt);
	int rc = token_copy(token, out, out_size, err);
	free(token);
	jwt_free(jwt);
	return rc;
}

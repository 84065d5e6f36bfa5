/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_TOKEN_FORGE_H
#define TESTS_UNIT_TOKEN_FORGE_H

/* Keys in files and tokens of any content, for the tests of modules/auth_jwt. */

#include <stdbool.h>
#include <stddef.h>

/*
 * A directory of its own with hs.key (32 bytes of text), and for rs (RSA 2048), es (P-256), ed
 * (Ed25519): NAME.pem and NAME.private.pem.
 */
const char *forge_dir(void);
void forge_dir_remove(void);
const char *forge_path(const char *name); /* in that directory; valid for the next 8 calls */
void forge_file(const char *name, const void *data, size_t bytes, unsigned mode);
void forge_pem(
	const char *name, const char *type, const char *parameter); /* both files of a new key */

/* base64url without padding; the result is the caller's to free, as all of these. */
char *forge_base64url(const void *data, size_t bytes);

/*
 * header and payload as they are, signed as `alg` wants with the key of that name ("hs", "rs",
 * "es", "ed"; a file name for HS256).
 */
char *forge_token(const char *header, const char *payload, const char *alg, const char *key);
char *forge_token_bytes(const char *header, size_t header_bytes, const char *payload,
	size_t payload_bytes, const char *alg, const char *key);

#endif

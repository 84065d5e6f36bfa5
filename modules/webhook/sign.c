/* SPDX-License-Identifier: MIT */
/*
 * Keys from files, and signatures: HMAC-SHA256 (RFC 2104) over the time and the body, so a
 * recording cannot be played again later. During a rotation there are several keys, and a
 * signature of each: the receiver needs to know only one of them.
 */
#include "webhook.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

int sign_add_file(struct sign_keys *keys, const char *path, struct nuncio_error *err)
{
	FILE *file = fopen(path, "re");
	if (!file) {
		nuncio_error_set(err, "%s: %s", path, strerror(errno));
		return NUNCIO_E_FAIL;
	}
	unsigned char *bytes = keys->key[keys->count].bytes;
	size_t n = fread(bytes, 1, KEY_BYTES_MAX, file);
	int is_whole = !ferror(file) && fgetc(file) == EOF;
	fclose(file);
	while (n && (bytes[n - 1] == '\n' || bytes[n - 1] == '\r'))
		n--;
	if (!is_whole || n < KEY_BYTES_MIN) {
		nuncio_error_set(
			err, "%s: a key has %d to %d bytes", path, KEY_BYTES_MIN, KEY_BYTES_MAX);
		return NUNCIO_E_INVAL;
	}
	keys->key[keys->count++].count = n;
	return 0;
}

void sign_write(const struct sign_keys *keys, int64_t seconds, struct nuncio_str body,
	char out[SIGNATURE_SIZE])
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	char hex[2 * sizeof mac + 1], begin[24];
	int begin_bytes = snprintf(begin, sizeof begin, "%" PRId64 ".", seconds);
	int used = snprintf(out, SIGNATURE_SIZE, "t=%" PRId64, seconds);
	for (size_t i = 0; i < keys->count; i++) {
		crypto_auth_hmacsha256_state state;
		crypto_auth_hmacsha256_init(&state, keys->key[i].bytes, keys->key[i].count);
		crypto_auth_hmacsha256_update(
			&state, (const unsigned char *)begin, (unsigned long long)begin_bytes);
		crypto_auth_hmacsha256_update(&state, (const unsigned char *)body.p, body.n);
		crypto_auth_hmacsha256_final(&state, mac);
		sodium_bin2hex(hex, sizeof hex, mac, sizeof mac);
		used += snprintf(out + used, SIGNATURE_SIZE - (size_t)used, ",v1=%s", hex);
	}
}

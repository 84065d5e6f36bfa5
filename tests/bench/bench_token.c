/* SPDX-License-Identifier: MIT */
/*
 * Mints one-hour HS256 tokens. The first part never changes and is encoded once, so a token costs
 * about as much as its HMAC: a storm of logins measures the server and not this file.
 */
#include "bench_token.h"

#include "bench.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static size_t encode(const unsigned char *in, size_t n, char *out)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t used = 0;

	for (size_t i = 0; i < n; i += 3) {
		unsigned long v = (unsigned long)in[i] << 16;
		v |= i + 1 < n ? (unsigned long)in[i + 1] << 8 : 0;
		v |= i + 2 < n ? in[i + 2] : 0;
		for (unsigned part = 0; part < 4 && i + part <= n; part++)
			out[used++] = digits[v >> (18 - 6 * part) & 63];
	}
	out[used] = '\0';
	return used;
}

void token_maker_init(struct token_maker *m, const char *key_file, const char *kid)
{
	char json[96];
	FILE *f = fopen(key_file, "re");

	memset(m, 0, sizeof *m);
	if (f == NULL)
		bench_die("%s", key_file);
	m->key_bytes = fread(m->key, 1, sizeof m->key, f);
	fclose(f);
	errno = 0;
	if (m->key_bytes == 0 || strlen(kid) > 32)
		bench_die("%s: no key in it, or its id is too long", key_file);
	int n = snprintf(
		json, sizeof json, "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"%s\"}", kid);
	size_t used = encode((const unsigned char *)json, (size_t)n, m->head);
	memcpy(m->head + used, ".", 2);
	m->expires = (long)time(NULL) + 3600;
}

void token_make(const struct token_maker *m, const char *user, char token_r[TOKEN_BYTES_MAX])
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int mac_bytes = 0;
	char json[160];

	int n = snprintf(json, sizeof json, "{\"sub\":\"%.64s\",\"iat\":%ld,\"exp\":%ld}", user,
		m->expires - 3600, m->expires);
	size_t used = strlen(m->head);
	memcpy(token_r, m->head, used);
	used += encode((const unsigned char *)json, (size_t)n, token_r + used);
	if (HMAC(EVP_sha256(), m->key, (int)m->key_bytes, (unsigned char *)token_r, used, mac,
		    &mac_bytes) == NULL)
		bench_die("HMAC failed");
	token_r[used++] = '.';
	encode(mac, mac_bytes, token_r + used);
}

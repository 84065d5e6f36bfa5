/* SPDX-License-Identifier: MIT */
/*
 * Tokens of modules/auth_jwt. The input as it is, which must never be accepted: nobody signs it.
 * And the input as header, line end, payload, signed with the right key, so that the readers behind
 * the signature are reached; what is accepted then must keep what the module promises.
 */
#include "auth_jwt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/hmac.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "%d: %s\n", __LINE__, #cond); \
			abort(); \
		} \
	} while (0)

enum { NOW = 1800000000 };

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static struct key_set *keys(void)
{
	static unsigned char secret[32] = "0123456789abcdef0123456789ABCDE";
	static struct key_set *set;
	if (!set) {
		set = nuncio_alloc(sizeof *set + sizeof set->keys[0]);
		set->refs = set->count = 1;
		set->keys[0] = (struct key){
			.kid = "hs", .alg = KEY_HS256, .secret = secret, .secret_bytes = 32
		};
	}
	return set;
}

static size_t encode(const uint8_t *data, size_t size, char *out)
{
	size_t n = 0;
	for (size_t i = 0; i < size; i += 3) {
		size_t left = size - i < 3 ? size - i : 3;
		uint32_t bits = (uint32_t)data[i] << 16 |
				(left > 1 ? (uint32_t)data[i + 1] << 8 : 0) |
				(left > 2 ? data[i + 2] : 0);
		for (size_t k = 0; k <= left; k++)
			out[n++] = digits[bits >> (18 - 6 * k) & 63];
	}
	return n;
}

static int check(struct nuncio_str text, struct token_claims *claims_r)
{
	static const struct token_rules rules = { .leeway_s = 30 };
	struct token token;
	struct token_refusal why = { 0 };
	int rc = token_open(keys(), text, &token, &why);
	if (rc == 0)
		rc = token_check(&token, text, &why);
	if (rc == 0)
		rc = token_read(&token, text, &rules, NOW, claims_r, &why);
	REQUIRE(rc == 0 || rc == NUNCIO_E_DENIED || rc == NUNCIO_E_EXPIRED);
	REQUIRE(rc == 0 || (why.fault != TOKEN_FAULT_none && strlen(why.text) > 7));
	return rc;
}

static void base64url_round_trip(struct nuncio_str text)
{
	unsigned char *bytes = malloc(text.n + 1);
	char *again = malloc(text.n + 8);
	long n = base64url_decode(text, bytes, text.n);
	if (n >= 0) {
		REQUIRE(encode(bytes, (size_t)n, again) == text.n);
		REQUIRE(memcmp(again, text.p, text.n) == 0);
	}
	free(again);
	free(bytes);
}

static void signed_input(const uint8_t *data, size_t size)
{
	unsigned char mac[32];
	struct token_claims claims;
	const uint8_t *line = memchr(data, '\n', size);
	if (!line)
		return;
	char *token = malloc(size * 2 + 64);
	size_t n = encode(data, (size_t)(line - data), token);
	token[n++] = '.';
	n += encode(line + 1, size - (size_t)(line + 1 - data), token + n);
	HMAC(EVP_sha256(), keys()->keys[0].secret, 32, (unsigned char *)token, n, mac, NULL);
	token[n++] = '.';
	n += encode(mac, sizeof mac, token + n);
	if (check((struct nuncio_str){ token, n }, &claims) == 0) {
		REQUIRE(n <= TOKEN_BYTES_MAX && claims.expires_at_s > NOW);
		REQUIRE(strlen(claims.user) >= 1 && strlen(claims.user) <= TOKEN_NAME_BYTES_MAX);
		for (const char *c = claims.user; *c; c++)
			REQUIRE((unsigned char)*c >= 0x20 && *c != 0x7f);
	}
	free(token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct token_claims claims;
	struct nuncio_str text = { (const char *)data, size };
	REQUIRE(check(text, &claims) < 0);
	base64url_round_trip(text);
	signed_input(data, size);
	return 0;
}

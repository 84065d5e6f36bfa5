/* SPDX-License-Identifier: MIT */
#include "accounts.h"

/*
 * A refresh token is text "r1.USER.FAMILY.SECRET", each part in base64url: the user, because the
 * store shards by it; the family, which is one sign-in and all that was renewed from it; a secret
 * of 256 random bits, of which only a hash is stored. A fast hash is enough: nobody guesses 256
 * bits. Pure, but for the random numbers.
 */

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { FAMILY_BYTES = 16, SECRET_BYTES = 32, VARIANT = sodium_base64_VARIANT_URLSAFE_NO_PADDING };

static void hash_secret(const unsigned char secret[SECRET_BYTES], char out[REFRESH_HASH_SIZE])
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	crypto_hash_sha256(hash, secret, SECRET_BYTES);
	sodium_bin2hex(out, REFRESH_HASH_SIZE, hash, sizeof hash);
}

void refresh_make(struct refresh *refresh, char text_r[REFRESH_TEXT_SIZE])
{
	unsigned char family[FAMILY_BYTES], secret[SECRET_BYTES];
	char user[96], secret_text[48];
	if (!refresh->family[0]) {
		randombytes_buf(family, sizeof family);
		sodium_bin2base64(
			refresh->family, sizeof refresh->family, family, sizeof family, VARIANT);
	}
	randombytes_buf(secret, sizeof secret);
	hash_secret(secret, refresh->hash);
	sodium_bin2base64(user, sizeof user, (const unsigned char *)refresh->user,
		strlen(refresh->user), VARIANT);
	sodium_bin2base64(secret_text, sizeof secret_text, secret, sizeof secret, VARIANT);
	snprintf(text_r, REFRESH_TEXT_SIZE, "r1.%s.%s.%s", user, refresh->family, secret_text);
	sodium_memzero(secret, sizeof secret);
	sodium_memzero(secret_text, sizeof secret_text);
}

/* The part before the next dot (or the end), and *text behind it. */
static struct nuncio_str part_take(struct nuncio_str *text)
{
	const char *dot = text->n ? memchr(text->p, '.', text->n) : NULL;
	struct nuncio_str part = { text->p, dot ? (size_t)(dot - text->p) : text->n };
	size_t used = part.n + (dot != NULL);
	*text = (struct nuncio_str){ text->p ? text->p + used : NULL, text->n - used };
	return part;
}

static long part_decode(struct nuncio_str part, void *out, size_t size)
{
	size_t n;
	const char *end;
	if (part.n == 0 ||
		sodium_base642bin(out, size, part.p, part.n, NULL, &n, &end, VARIANT) != 0)
		return -1;
	return end == part.p + part.n ? (long)n : -1;
}

int refresh_parse(struct nuncio_str text, struct refresh *refresh_r)
{
	unsigned char family_bytes[FAMILY_BYTES], secret_bytes[SECRET_BYTES];
	struct nuncio_str mark = part_take(&text), user = part_take(&text),
			  family = part_take(&text);
	long n = part_decode(user, refresh_r->user, sizeof refresh_r->user - 1);
	if (!nuncio_text_same(mark, nuncio_text("r1")) || n <= 0 ||
		part_decode(family, family_bytes, sizeof family_bytes) != FAMILY_BYTES ||
		part_decode(text, secret_bytes, sizeof secret_bytes) != SECRET_BYTES ||
		nuncio_text_copy(family, refresh_r->family, sizeof refresh_r->family) < 0)
		return -1;
	refresh_r->user[n] = '\0';
	hash_secret(secret_bytes, refresh_r->hash);
	sodium_memzero(secret_bytes, sizeof secret_bytes);
	return id_is_sound((struct nuncio_str){ refresh_r->user, (size_t)n }) ? 0 : -1;
}

bool refresh_is_same(const struct refresh *a, const struct refresh *b)
{
	return sodium_memcmp(a->hash, b->hash, REFRESH_HASH_SIZE) == 0;
}

/* SPDX-License-Identifier: MIT */
#include "auth_jwt.h"

/*
 * Keys: each has a name (kid), one algorithm that is fixed here and nowhere else, and is parsed
 * once, when it is loaded. A file is refused rather than used wrongly: a short HMAC key, a PEM text
 * as HMAC key, a small RSA key, another curve, a secret that everybody on the machine can read. A
 * set is immutable when it is loaded; verifying with it is allowed on any thread, counting its
 * users on the logic thread only.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

static const char *const alg_names[] = {
	[KEY_HS256] = "HS256",
	[KEY_RS256] = "RS256",
	[KEY_ES256] = "ES256",
	[KEY_EDDSA] = "EdDSA",
};

const char *key_alg_name(enum key_alg alg)
{
	return alg_names[alg];
}

/* ---- the option ---- */

static int alg_parse(const char *text, size_t n, enum key_alg *alg_r)
{
	for (int alg = KEY_HS256; alg <= KEY_EDDSA; alg++) {
		if (strlen(alg_names[alg]) == n && memcmp(alg_names[alg], text, n) == 0) {
			*alg_r = (enum key_alg)alg;
			return 0;
		}
	}
	return NUNCIO_E_INVAL;
}

int key_spec_parse(const char *text, struct key_spec *spec_r, struct nuncio_error *err)
{
	const char *alg = strchr(text, ':');
	const char *path = alg ? strchr(alg + 1, ':') : NULL;
	if (!path || alg == text || !path[1]) {
		nuncio_error_set(err, "\"%.80s\" is not kid:ALG:/path", text);
		return NUNCIO_E_INVAL;
	}
	if ((size_t)(alg - text) > TOKEN_NAME_BYTES_MAX) {
		nuncio_error_set(err, "the kid \"%.80s\" has more than %d bytes", text,
			TOKEN_NAME_BYTES_MAX);
		return NUNCIO_E_INVAL;
	}
	if (alg_parse(alg + 1, (size_t)(path - alg - 1), &spec_r->alg) < 0) {
		nuncio_error_set(
			err, "\"%.80s\": the algorithm must be HS256, RS256, ES256 or EdDSA", text);
		return NUNCIO_E_INVAL;
	}
	snprintf(spec_r->kid, sizeof spec_r->kid, "%.*s", (int)(alg - text), text);
	spec_r->path = path + 1;
	return 0;
}

static const struct key_spec *spec_find(const struct key_spec *specs, size_t count, const char *kid)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(specs[i].kid, kid) == 0)
			return &specs[i];
	return NULL;
}

int key_specs_parse(const char *const *texts, size_t count, const char *sign_with,
	struct key_spec *specs_r, struct nuncio_error *err)
{
	for (size_t i = 0; i < count; i++) {
		int rc = key_spec_parse(texts[i], &specs_r[i], err);
		if (rc < 0)
			return rc;
		if (spec_find(specs_r, i, specs_r[i].kid)) {
			nuncio_error_set(err, "two keys have the kid \"%s\"", specs_r[i].kid);
			return NUNCIO_E_INVAL;
		}
	}
	if (*sign_with && !spec_find(specs_r, count, sign_with)) {
		nuncio_error_set(err, "sign_with: no key has the kid \"%.64s\"", sign_with);
		return NUNCIO_E_INVAL;
	}
	return 0;
}

/* ---- files ---- */

static int file_refuse(struct nuncio_error *err, const char *path, const char *why)
{
	nuncio_error_set(err, "key file %s: %s", path, why);
	return NUNCIO_E_INVAL;
}

/* The text gets a NUL behind it. O_NONBLOCK: a FIFO must not stop the server. */
static int file_read(const char *path, unsigned char **data_r, size_t *bytes_r, mode_t *mode_r,
	struct nuncio_error *err)
{
	struct stat st;
	unsigned char *data = NULL;
	ssize_t n = 0;
	int rc = 0, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return file_refuse(err, path, strerror(errno));
	if (fstat(fd, &st) < 0)
		rc = file_refuse(err, path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		rc = file_refuse(err, path, "is not a regular file");
	else if (st.st_size > KEY_FILE_BYTES_MAX)
		rc = file_refuse(err, path, "is larger than 64 KiB");
	if (rc == 0) {
		data = nuncio_alloc((size_t)st.st_size + 1);
		n = read(fd, data, (size_t)st.st_size);
		if (n < 0)
			rc = file_refuse(err, path, strerror(errno));
	}
	close(fd);
	if (rc < 0) {
		free(data);
		return rc;
	}
	*data_r = data;
	*bytes_r = (size_t)n;
	*mode_r = st.st_mode;
	return 0;
}

static void secret_free(struct key *key)
{
	if (key->secret)
		OPENSSL_cleanse(key->secret, key->secret_bytes);
	free(key->secret);
	key->secret = NULL;
	key->secret_bytes = 0;
}

static int hmac_load(struct key *key, const char *path, struct nuncio_error *err)
{
	/* The line end that an editor or `openssl rand -hex` puts there is not part of the key. */
	if (key->secret_bytes && key->secret[key->secret_bytes - 1] == '\n')
		key->secret_bytes--;
	if (key->secret_bytes >= 10 && memcmp(key->secret, "-----BEGIN", 10) == 0)
		return file_refuse(
			err, path, "is a PEM file; HS256 wants a secret of random bytes");
	if (key->secret_bytes < KEY_HMAC_BYTES_MIN)
		return file_refuse(err, path, "an HS256 key has at least 32 bytes");
	key->can_sign = true;
	return 0;
}

/* An encrypted key must not ask for its pass phrase on the terminal. */
static int on_pass_phrase(char *buf, int size, int is_writing, void *user)
{
	(void)buf;
	(void)size;
	(void)is_writing;
	(void)user;
	return -1;
}

static EVP_PKEY *pem_parse(const unsigned char *data, size_t bytes, bool *is_private_r)
{
	EVP_PKEY *pkey = NULL;
	BIO *bio = BIO_new_mem_buf(data, (int)bytes);
	if (!bio)
		abort();
	*is_private_r = true;
	pkey = PEM_read_bio_PrivateKey(bio, NULL, on_pass_phrase, NULL);
	if (!pkey && BIO_reset(bio) >= 0) {
		*is_private_r = false;
		pkey = PEM_read_bio_PUBKEY(bio, NULL, on_pass_phrase, NULL);
	}
	BIO_free(bio);
	ERR_clear_error();
	return pkey;
}

static int pkey_refuse_kind(const struct key *key, const char *path, struct nuncio_error *err)
{
	char group[32] = "";
	if (key->alg == KEY_EDDSA)
		return EVP_PKEY_is_a(key->pkey, "ED25519")
			       ? 0
			       : file_refuse(err, path, "EdDSA wants an Ed25519 key");
	if (key->alg == KEY_RS256) {
		int bits = EVP_PKEY_get_bits(key->pkey);
		if (!EVP_PKEY_is_a(key->pkey, "RSA"))
			return file_refuse(err, path, "RS256 wants an RSA key");
		return bits >= KEY_RSA_BITS_MIN && bits <= KEY_RSA_BITS_MAX
			       ? 0
			       : file_refuse(err, path, "an RS256 key has 2048 to 8192 bits");
	}
	if (!EVP_PKEY_is_a(key->pkey, "EC") ||
		!EVP_PKEY_get_group_name(key->pkey, group, sizeof group, NULL) ||
		strcmp(group, "prime256v1") != 0)
		return file_refuse(
			err, path, "ES256 wants an EC key on the curve P-256 (prime256v1)");
	return 0;
}

static int pem_load(struct key *key, const char *path, struct nuncio_error *err)
{
	bool is_private;
	key->pkey = pem_parse(key->secret, key->secret_bytes, &is_private);
	if (!key->pkey)
		return file_refuse(
			err, path, "has no PEM public key, and no private one without pass phrase");
	if (!is_private)
		secret_free(key);
	key->can_sign = is_private && key->alg != KEY_EDDSA; /* libjwt 1.10 cannot */
	return pkey_refuse_kind(key, path, err);
}

static int key_load(
	struct key *key, const struct key_spec *spec, const char *path, struct nuncio_error *err)
{
	mode_t mode;
	memcpy(key->kid, spec->kid, sizeof key->kid);
	key->alg = spec->alg;
	int rc = file_read(path, &key->secret, &key->secret_bytes, &mode, err);
	if (rc == 0)
		rc = key->alg == KEY_HS256 ? hmac_load(key, path, err) : pem_load(key, path, err);
	if (rc < 0)
		return rc;
	if (mode & S_IWOTH)
		return file_refuse(err, path, "everybody may write it; chmod o-w");
	if (key->secret && (mode & S_IROTH))
		return file_refuse(err, path, "is secret, and everybody may read it; chmod 600");
	return 0;
}

/* ---- sets ---- */

static char *path_join(const char *folder, const char *path)
{
	size_t size = strlen(folder) + strlen(path) + 2;
	char *joined = nuncio_alloc(size);
	if (path[0] == '/')
		snprintf(joined, size, "%s", path);
	else
		snprintf(joined, size, "%s/%s", folder, path);
	return joined;
}

int key_set_load(const struct key_spec *specs, size_t count, const char *sign_with,
	const char *folder, struct key_set **set_r, struct nuncio_error *err)
{
	struct key_set *set = nuncio_alloc(sizeof *set + count * sizeof set->keys[0]);
	int rc = 0;
	set->refs = 1;
	set->count = count;
	for (size_t i = 0; rc == 0 && i < count; i++) {
		char *path = path_join(folder, specs[i].path);
		rc = key_load(&set->keys[i], &specs[i], path, err);
		free(path);
	}
	if (rc == 0 && *sign_with) {
		set->signer =
			key_set_find(set, (struct nuncio_str){ sign_with, strlen(sign_with) });
		if (!set->signer || !set->signer->can_sign) {
			nuncio_error_set(err,
				"sign_with: \"%.64s\" cannot sign; it takes an HS256 key, or a private RS256 or ES256 key",
				sign_with);
			rc = NUNCIO_E_INVAL;
		}
	}
	if (rc < 0)
		key_set_unref(&set);
	*set_r = set;
	return rc;
}

struct key_set *key_set_ref(struct key_set *set)
{
	set->refs++;
	return set;
}

void key_set_unref(struct key_set **set)
{
	struct key_set *s = *set;
	*set = NULL;
	if (!s || --s->refs)
		return;
	for (size_t i = 0; i < s->count; i++) {
		EVP_PKEY_free(s->keys[i].pkey);
		secret_free(&s->keys[i]);
	}
	free(s);
}

const struct key *key_set_find(const struct key_set *set, struct nuncio_str kid)
{
	for (size_t i = 0; i < set->count; i++)
		if (strlen(set->keys[i].kid) == kid.n &&
			memcmp(set->keys[i].kid, kid.p, kid.n) == 0)
			return &set->keys[i];
	return NULL;
}

const struct key *key_set_only(const struct key_set *set, enum key_alg alg)
{
	const struct key *found = NULL;
	for (size_t i = 0; i < set->count; i++) {
		if (set->keys[i].alg != alg)
			continue;
		if (found)
			return NULL;
		found = &set->keys[i];
	}
	return found;
}

/* ---- signatures ---- */

static int hmac_check(const struct key *key, struct nuncio_str text, const unsigned char *signature,
	size_t signature_bytes)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned bytes = 0;
	if (!HMAC(EVP_sha256(), key->secret, (int)key->secret_bytes, (const unsigned char *)text.p,
		    text.n, mac, &bytes))
		return NUNCIO_E_FAIL;
	return signature_bytes == bytes && CRYPTO_memcmp(mac, signature, bytes) == 0;
}

/* JWS has r and s as 32 bytes each (RFC 7518 section 3.4), OpenSSL wants them in DER. */
static int es256_to_der(
	const unsigned char *signature, size_t signature_bytes, unsigned char der[80])
{
	unsigned char *end = der;
	int bytes = 0;
	ECDSA_SIG *pair = signature_bytes == 64 ? ECDSA_SIG_new() : NULL;
	BIGNUM *r = pair ? BN_bin2bn(signature, 32, NULL) : NULL;
	BIGNUM *s = pair ? BN_bin2bn(signature + 32, 32, NULL) : NULL;
	if (r && s && ECDSA_SIG_set0(pair, r, s)) {
		bytes = i2d_ECDSA_SIG(pair, &end); /* at most 72 */
	} else {
		BN_free(r);
		BN_free(s);
	}
	ECDSA_SIG_free(pair);
	return bytes;
}

static int pkey_check(const struct key *key, struct nuncio_str text, const unsigned char *signature,
	size_t signature_bytes)
{
	const EVP_MD *digest = key->alg == KEY_EDDSA ? NULL : EVP_sha256();
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int rc = NUNCIO_E_FAIL;
	if (ctx && EVP_DigestVerifyInit(ctx, NULL, digest, NULL, key->pkey) == 1)
		rc = EVP_DigestVerify(ctx, signature, signature_bytes,
			     (const unsigned char *)text.p, text.n) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return rc;
}

int key_check(const struct key *key, struct nuncio_str text, const unsigned char *signature,
	size_t signature_bytes)
{
	unsigned char der[80];
	if (key->alg == KEY_HS256)
		return hmac_check(key, text, signature, signature_bytes);
	if (key->alg != KEY_ES256)
		return pkey_check(key, text, signature, signature_bytes);
	int bytes = es256_to_der(signature, signature_bytes, der);
	return bytes > 0 ? pkey_check(key, text, der, (size_t)bytes) : 0;
}

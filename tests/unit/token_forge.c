/* SPDX-License-Identifier: MIT */
#include "token_forge.h"

/*
 * Built on OpenSSL alone, so that a mistake of the module is not made here too. Whatever fails
 * stops the test.
 */

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#define MUST(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "token_forge: %d: %s\n", __LINE__, #cond); \
			abort(); \
		} \
	} while (0)

static char dir[64];

const char *forge_path(const char *name)
{
	static char paths[8][sizeof dir + 256];
	static unsigned turn;
	char *path = paths[turn++ % 8];
	snprintf(path, sizeof paths[0], "%s/%s", dir, name);
	return path;
}

void forge_file(const char *name, const void *data, size_t bytes, unsigned mode)
{
	int fd = open(forge_path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	MUST(fd >= 0);
	MUST(write(fd, data, bytes) == (ssize_t)bytes);
	MUST(fchmod(fd, mode) == 0);
	MUST(close(fd) == 0);
}

static EVP_PKEY *pkey_new(const char *type, const char *parameter)
{
	if (strcmp(type, "RSA") == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)strtoul(parameter, NULL, 10));
	if (strcmp(type, "EC") == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, "EC", parameter);
	if (strcmp(type, "ED25519") == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	EVP_PKEY *pkey = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	MUST(ctx && EVP_PKEY_keygen_init(ctx) == 1 && EVP_PKEY_generate(ctx, &pkey) == 1);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

static void pem_write(const char *name, const char *suffix, EVP_PKEY *pkey, bool is_private)
{
	char *text, file[80];
	BIO *bio = BIO_new(BIO_s_mem());
	MUST(bio);
	if (is_private)
		MUST(PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL));
	else
		MUST(PEM_write_bio_PUBKEY(bio, pkey));
	long bytes = BIO_get_mem_data(bio, &text);
	snprintf(file, sizeof file, "%s%s", name, suffix);
	forge_file(file, text, (size_t)bytes, is_private ? 0600 : 0644);
	BIO_free(bio);
}

void forge_pem(const char *name, const char *type, const char *parameter)
{
	EVP_PKEY *pkey = pkey_new(type, parameter);
	MUST(pkey);
	pem_write(name, ".pem", pkey, false);
	pem_write(name, ".private.pem", pkey, true);
	EVP_PKEY_free(pkey);
}

const char *forge_dir(void)
{
	if (*dir)
		return dir;
	snprintf(dir, sizeof dir, "/tmp/nuncio-keys-XXXXXX");
	MUST(mkdtemp(dir));
	forge_file("hs.key", "0123456789abcdef0123456789ABCDEF", 32, 0600);
	forge_pem("rs", "RSA", "2048");
	forge_pem("es", "EC", "P-256");
	forge_pem("ed", "ED25519", NULL);
	return dir;
}

void forge_dir_remove(void)
{
	DIR *d = opendir(dir);
	MUST(d);
	for (struct dirent *e = readdir(d); e; e = readdir(d))
		if (e->d_name[0] != '.')
			MUST(unlink(forge_path(e->d_name)) == 0);
	closedir(d);
	MUST(rmdir(dir) == 0);
	*dir = '\0';
}

char *forge_base64url(const void *data, size_t bytes)
{
	char *out = malloc(bytes / 3 * 4 + 5);
	MUST(out);
	int n = EVP_EncodeBlock((unsigned char *)out, data, (int)bytes);
	while (n > 0 && out[n - 1] == '=')
		out[--n] = '\0';
	for (int i = 0; i < n; i++)
		out[i] = out[i] == '+' ? '-' : out[i] == '/' ? '_' : out[i];
	return out;
}

static size_t hmac_sign(const char *key, const char *text, unsigned char *out)
{
	unsigned char secret[8192];
	unsigned n = 0;
	FILE *f = fopen(forge_path(strcmp(key, "hs") == 0 ? "hs.key" : key), "rb");
	MUST(f);
	size_t bytes = fread(secret, 1, sizeof secret, f);
	fclose(f);
	MUST(HMAC(EVP_sha256(), secret, (int)bytes, (const unsigned char *)text, strlen(text), out,
		&n));
	return n;
}

static size_t es_from_der(const unsigned char *der, size_t bytes, unsigned char *out)
{
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)bytes);
	MUST(pair);
	MUST(BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, 32) == 32);
	MUST(BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + 32, 32) == 32);
	ECDSA_SIG_free(pair);
	return 64;
}

static size_t pkey_sign(const char *alg, const char *key, const char *text, unsigned char *out)
{
	char file[80];
	unsigned char made[1024];
	size_t n = sizeof made;
	snprintf(file, sizeof file, "%s.private.pem", key);
	FILE *f = fopen(forge_path(file), "rb");
	MUST(f);
	EVP_PKEY *pkey = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	fclose(f);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	MUST(pkey && ctx);
	MUST(EVP_DigestSignInit(
		     ctx, NULL, strcmp(alg, "EdDSA") ? EVP_sha256() : NULL, NULL, pkey) == 1);
	MUST(EVP_DigestSign(ctx, made, &n, (const unsigned char *)text, strlen(text)) == 1);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	if (strcmp(alg, "ES256") == 0)
		return es_from_der(made, n, out);
	memcpy(out, made, n);
	return n;
}

char *forge_token_bytes(const char *header, size_t header_bytes, const char *payload,
	size_t payload_bytes, const char *alg, const char *key)
{
	unsigned char signature[1024];
	char *head = forge_base64url(header, header_bytes);
	char *body = forge_base64url(payload, payload_bytes);
	size_t size = strlen(head) + strlen(body) + 1500, n = 0;
	char *token = malloc(size);
	MUST(token);
	snprintf(token, size, "%s.%s", head, body);
	if (strcmp(alg, "HS256") == 0)
		n = hmac_sign(key, token, signature);
	else if (strcmp(alg, "none") != 0)
		n = pkey_sign(alg, key, token, signature);
	char *tail = forge_base64url(signature, n);
	snprintf(token + strlen(token), size - strlen(token), ".%s", tail);
	free(tail);
	free(body);
	free(head);
	return token;
}

char *forge_token(const char *header, const char *payload, const char *alg, const char *key)
{
	return forge_token_bytes(header, strlen(header), payload, strlen(payload), alg, key);
}

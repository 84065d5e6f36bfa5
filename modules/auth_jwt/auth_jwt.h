/* SPDX-License-Identifier: MIT */
#ifndef AUTH_JWT_H
#define AUTH_JWT_H

/*
 * What the files of this module share. All but auth_jwt.c are pure: no server, no clock, no global
 * state.
 */

#include <nuncio/base.h>
#include <nuncio/text.h>

#include <stdbool.h>

#include <openssl/evp.h>

enum {
	KEY_COUNT_MAX = 64,
	KEY_FILE_BYTES_MAX = 64 * 1024,
	KEY_HMAC_BYTES_MIN = 32, /* RFC 7518 section 3.2: as long as the hash */
	KEY_RSA_BITS_MIN = 2048, /* RFC 7518 section 3.3 */
	KEY_RSA_BITS_MAX = 8192,
	TOKEN_BYTES_MAX = 8 * 1024,
	TOKEN_NAME_BYTES_MAX = 64, /* user, device, kid */
	TOKEN_RULE_BYTES_MAX = 256,
	TOKEN_SIGNATURE_BYTES_MAX = KEY_RSA_BITS_MAX / 8,
	TOKEN_HASH_BYTES = 32
};

/* --- base64url.c: RFC 4648 section 5, without padding, one spelling per value --- */

/*
 * Bytes written into out[size], or -1: a foreign character, an impossible length, bits left over,
 * no room.
 */
long base64url_decode(struct nuncio_str text, unsigned char *out, size_t size);

/* --- key.c: keys from files --- */

enum key_alg { KEY_HS256 = 1, KEY_RS256, KEY_ES256, KEY_EDDSA };

/* One `kid:ALG:/path` of the option; borrows nothing. */
struct key_spec {
	char kid[TOKEN_NAME_BYTES_MAX + 1];
	enum key_alg alg;
	const char *path; /* into the text that was parsed */
};

struct key {
	char kid[TOKEN_NAME_BYTES_MAX + 1];
	enum key_alg alg;
	EVP_PKEY *pkey; /* NULL for HS256 */
	/* HS256: the key; otherwise the PEM text if it is private, NUL-ended; or NULL */
	unsigned char *secret;
	size_t secret_bytes;
	bool can_sign;
};

/* Immutable once loaded, so workers read it; counted by the logic thread alone. */
struct key_set {
	unsigned refs;
	size_t count;
	const struct key *signer; /* NULL: verifies only */
	struct key keys[];
};

const char *key_alg_name(enum key_alg alg);
int key_spec_parse(const char *text, struct key_spec *spec_r, struct nuncio_error *err);

/*
 * Parses a list and checks what can be seen without opening a file: kids are unique, sign_with (""
 * for none) is one of them.
 */
int key_specs_parse(const char *const *texts, size_t count, const char *sign_with,
	struct key_spec *specs_r, struct nuncio_error *err);

/* Reads every file; relative ones are in `folder`. The error names the file. */
int key_set_load(const struct key_spec *specs, size_t count, const char *sign_with,
	const char *folder, struct key_set **set_r, struct nuncio_error *err);
struct key_set *key_set_ref(struct key_set *set);
void key_set_unref(struct key_set **set);

/*
 * A key of that kid, and the only key of that algorithm; NULL when there is none, or more than one.
 */
const struct key *key_set_find(const struct key_set *set, struct nuncio_str kid);
const struct key *key_set_only(const struct key_set *set, enum key_alg alg);

/*
 * 1 the signature is this key's over the text, 0 it is not, negative: the library failed. Any
 * thread.
 */
int key_check(const struct key *key, struct nuncio_str text, const unsigned char *signature,
	size_t signature_bytes);

/* --- token.c: what a token says --- */

/* Why a token was refused; each is a label of the metric. */
#define TOKEN_FAULTS(X) \
	X(malformed) \
	X(algorithm) X(key) X(signature) X(claims) X(issuer) X(audience) X(expired) X(early)
enum token_fault {
	TOKEN_FAULT_none,
#define X(name) TOKEN_FAULT_##name,
	TOKEN_FAULTS(X)
#undef X
		TOKEN_FAULT_COUNT
};

struct token_refusal {
	enum token_fault fault;
	char text[160]; /* for the client: nothing of the token and nothing secret in it */
};

struct token_rules {
	char issuer[TOKEN_RULE_BYTES_MAX + 1],
		audience[TOKEN_RULE_BYTES_MAX + 1]; /* "": not checked */
	int64_t leeway_s;
};

/*
 * A token taken apart, its key chosen; nothing in it is proved yet. Offsets, so that the text may
 * move.
 */
struct token {
	const struct key *key; /* of the set that it was opened with */
	size_t signed_bytes, payload_at;
	size_t signature_bytes;
	unsigned char signature[TOKEN_SIGNATURE_BYTES_MAX];
};

struct token_claims {
	char user[TOKEN_NAME_BYTES_MAX + 1], device[TOKEN_NAME_BYTES_MAX + 1];
	int64_t expires_at_s; /* leeway included */
	int64_t issued_at_s;  /* 0: it does not say */
};

/*
 * In this order. Each returns 0, or NUNCIO_E_DENIED or NUNCIO_E_EXPIRED and fills *why_r. Any
 * thread.
 */
int token_open(const struct key_set *set, struct nuncio_str text, struct token *token_r,
	struct token_refusal *why_r);
int token_check(const struct token *token, struct nuncio_str text, struct token_refusal *why_r);
int token_read(const struct token *token, struct nuncio_str text, const struct token_rules *rules,
	int64_t now_s, struct token_claims *claims_r, struct token_refusal *why_r);

/* --- issue.c --- */

/* Length of the token in out, NUNCIO_E_UNSUPPORTED, NUNCIO_E_INVAL or NUNCIO_E_TOOBIG. */
int issue_token(const struct key *key, const struct token_rules *rules, struct nuncio_str user,
	struct nuncio_str device, int64_t now_s, int64_t ttl_s, char *out, size_t out_size,
	struct nuncio_error *err);

/* --- token_cache.c: tokens that were good a moment ago --- */

struct token_cache;
struct token_cache *token_cache_new(size_t count); /* 0: remembers nothing */
void token_cache_free(struct token_cache **cache);
void token_cache_hash(struct nuncio_str text, unsigned char hash_r[TOKEN_HASH_BYTES]);
/* NULL when it is not known or its time has passed. Valid until the next add. */
const struct token_claims *token_cache_find(
	struct token_cache *cache, const unsigned char hash[TOKEN_HASH_BYTES], int64_t now_s);
void token_cache_add(struct token_cache *cache, const unsigned char hash[TOKEN_HASH_BYTES],
	const struct token_claims *claims);

#endif

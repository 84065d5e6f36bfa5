/* SPDX-License-Identifier: MIT */
#include "auth_jwt.h"

/*
 * A JWS in compact form (RFC 7515) with the claims of a JWT (RFC 7519), in three steps: open it and
 * choose the key, check the signature, read the claims. Nothing but the key's name is believed
 * before the second step is done; the algorithm is the key's, and a header that says another one is
 * refused. Of the header only kid and alg are used; `crit` is refused, keys and URLs in it are
 * never looked at. Repeated members, a second spelling of the base64, something behind the end: all
 * refused. Pure; any thread.
 */

#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	TIME_MAX = 253402300799
}; /* the end of year 9999, in s: far, and times 1000 still no overflow */

static int NUNCIO_PRINTF(3, 4)
	refuse(struct token_refusal *why, enum token_fault fault, const char *format, ...)
{
	va_list args;
	size_t at = (size_t)snprintf(why->text, sizeof why->text, "token: ");
	va_start(args, format);
	vsnprintf(why->text + at, sizeof why->text - at, format, args);
	va_end(args);
	why->fault = fault;
	return fault == TOKEN_FAULT_expired || fault == TOKEN_FAULT_early ? NUNCIO_E_EXPIRED
									  : NUNCIO_E_DENIED;
}

/* ---- open ---- */

static int split(struct nuncio_str text, struct nuncio_str parts[3])
{
	const char *at = text.p, *end = text.p + text.n;
	for (int i = 0; i < 3; i++) {
		const char *dot = at <= end ? memchr(at, '.', (size_t)(end - at)) : NULL;
		const char *stop = i < 2 ? dot : end;
		if (!stop || (i == 2 && dot))
			return -1;
		parts[i] = (struct nuncio_str){ at, (size_t)(stop - at) };
		at = stop + 1;
	}
	return 0;
}

/*
 * A JSON object out of one part of the token; NULL if it is not exactly that. jansson takes a NUL
 * behind the value for the end of the text, so there must be none.
 */
static json_t *part_parse(struct nuncio_str part)
{
	unsigned char bytes[TOKEN_BYTES_MAX];
	long n = base64url_decode(part, bytes, sizeof bytes);
	if (n <= 0 || memchr(bytes, 0, (size_t)n))
		return NULL;
	json_t *json = json_loadb((const char *)bytes, (size_t)n, JSON_REJECT_DUPLICATES, NULL);
	if (json && !json_is_object(json)) {
		json_decref(json);
		return NULL;
	}
	return json;
}

static struct nuncio_str text_of(const json_t *json)
{
	return (struct nuncio_str){ json_string_value(json), json_string_length(json) };
}

static int alg_of(const json_t *head, enum key_alg *alg_r)
{
	const json_t *alg = json_object_get(head, "alg");
	for (int i = KEY_HS256; json_is_string(alg) && i <= KEY_EDDSA; i++) {
		if (strcmp(json_string_value(alg), key_alg_name((enum key_alg)i)) == 0) {
			*alg_r = (enum key_alg)i;
			return 0;
		}
	}
	return -1;
}

static int key_choose(const struct key_set *set, const json_t *head, const struct key **key_r,
	struct token_refusal *why)
{
	enum key_alg alg;
	const json_t *kid = json_object_get(head, "kid");
	if (json_object_get(head, "crit"))
		return refuse(
			why, TOKEN_FAULT_malformed, "its header asks for an extension (crit)");
	if (alg_of(head, &alg) < 0)
		return refuse(why, TOKEN_FAULT_algorithm,
			"alg must be that of a key: HS256, RS256, ES256 or EdDSA");
	if (kid && !json_is_string(kid))
		return refuse(why, TOKEN_FAULT_malformed, "kid must be a string");
	*key_r = kid ? key_set_find(set, text_of(kid)) : key_set_only(set, alg);
	if (!*key_r && kid)
		return refuse(why, TOKEN_FAULT_key, "no key has its kid");
	if (!*key_r)
		return refuse(why, TOKEN_FAULT_key,
			"without a kid there must be exactly one key for %s", key_alg_name(alg));
	if ((*key_r)->alg != alg)
		return refuse(why, TOKEN_FAULT_algorithm, "key \"%s\" is for %s only",
			(*key_r)->kid, key_alg_name((*key_r)->alg));
	return 0;
}

int token_open(const struct key_set *set, struct nuncio_str text, struct token *token_r,
	struct token_refusal *why_r)
{
	struct nuncio_str part[3];
	if (text.n == 0 || text.n > TOKEN_BYTES_MAX)
		return refuse(
			why_r, TOKEN_FAULT_malformed, "must have 1 to %d bytes", TOKEN_BYTES_MAX);
	if (split(text, part) < 0)
		return refuse(why_r, TOKEN_FAULT_malformed, "must have three parts");
	json_t *head = part_parse(part[0]);
	if (!head)
		return refuse(why_r, TOKEN_FAULT_malformed,
			"its header is not a JSON object in base64url");
	int rc = key_choose(set, head, &token_r->key, why_r);
	json_decref(head);
	if (rc < 0)
		return rc;
	long n = base64url_decode(part[2], token_r->signature, sizeof token_r->signature);
	if (n <= 0)
		return refuse(
			why_r, TOKEN_FAULT_malformed, "its signature is missing or not base64url");
	token_r->signature_bytes = (size_t)n;
	token_r->payload_at = (size_t)(part[1].p - text.p);
	token_r->signed_bytes = token_r->payload_at + part[1].n;
	return 0;
}

int token_check(const struct token *token, struct nuncio_str text, struct token_refusal *why_r)
{
	struct nuncio_str proved = { text.p, token->signed_bytes };
	int rc = key_check(token->key, proved, token->signature, token->signature_bytes);
	if (rc == 1)
		return 0;
	return refuse(why_r, TOKEN_FAULT_signature, "signature does not match key \"%s\"",
		token->key->kid);
}

/* ---- claims ---- */

/*
 * 1 and seconds, 0 when it is not there, -1 when it is no time. A NumericDate may have a fraction
 * (RFC 7519 section 2).
 */
static int time_get(const json_t *claims, const char *name, int64_t *seconds_r)
{
	const json_t *value = json_object_get(claims, name);
	double number = json_is_number(value) ? floor(json_number_value(value)) : NAN;
	if (!value)
		return 0;
	if (!(number >= 0 && number <= (double)TIME_MAX))
		return -1;
	*seconds_r = (int64_t)number;
	return 1;
}

static int read_times(const json_t *claims, const struct token_rules *rules, int64_t now_s,
	struct token_claims *claims_r, struct token_refusal *why)
{
	int64_t exp = 0, nbf = 0, iat = 0;
	int has_exp = time_get(claims, "exp", &exp);
	if (has_exp != 1)
		return refuse(why, TOKEN_FAULT_claims, "exp %s",
			has_exp ? "is not a time in seconds" : "is missing");
	if (time_get(claims, "nbf", &nbf) < 0)
		return refuse(why, TOKEN_FAULT_claims, "nbf is not a time in seconds");
	if (time_get(claims, "iat", &iat) < 0)
		return refuse(why, TOKEN_FAULT_claims, "iat is not a time in seconds");
	claims_r->expires_at_s = exp + rules->leeway_s;
	claims_r->issued_at_s = iat;
	if (now_s >= claims_r->expires_at_s)
		return refuse(why, TOKEN_FAULT_expired, "has expired");
	if (nbf > now_s + rules->leeway_s)
		return refuse(why, TOKEN_FAULT_early, "is not valid yet (nbf)");
	if (iat > now_s + rules->leeway_s)
		return refuse(why, TOKEN_FAULT_early, "was issued in the future (iat)");
	return 0;
}

static bool is_text(const json_t *value, const char *text)
{
	return json_is_string(value) && json_string_length(value) == strlen(text) &&
	       memcmp(json_string_value(value), text, strlen(text)) == 0;
}

static bool is_for(const json_t *aud, const char *audience)
{
	size_t i;
	const json_t *one;
	if (!json_is_array(aud))
		return is_text(aud, audience);
	json_array_foreach(aud, i, one) if (is_text(one, audience)) return true;
	return false;
}

static int read_parties(
	const json_t *claims, const struct token_rules *rules, struct token_refusal *why)
{
	if (*rules->issuer && !is_text(json_object_get(claims, "iss"), rules->issuer))
		return refuse(
			why, TOKEN_FAULT_issuer, "iss is not the issuer that this server trusts");
	if (*rules->audience && !is_for(json_object_get(claims, "aud"), rules->audience))
		return refuse(why, TOKEN_FAULT_audience, "aud does not name this server");
	return 0;
}

/* The UTF-8 itself was checked by the parser. */
static bool has_control(struct nuncio_str text)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		unsigned char before = i ? (unsigned char)text.p[i - 1] : 0;
		if (c < 0x20 || c == 0x7f || (before == 0xc2 && c < 0xa0))
			return true;
	}
	return false;
}

static int read_name(const json_t *claims, const char *name, size_t min,
	char out[TOKEN_NAME_BYTES_MAX + 1], struct token_refusal *why)
{
	const json_t *value = json_object_get(claims, name);
	struct nuncio_str text = { "", 0 };
	if (value && !json_is_string(value))
		return refuse(why, TOKEN_FAULT_claims, "%s must be a string", name);
	if (value)
		text = text_of(value);
	if (text.n < min || text.n > TOKEN_NAME_BYTES_MAX || has_control(text))
		return refuse(why, TOKEN_FAULT_claims,
			"%s must have %zu to %d bytes and no control characters", name, min,
			TOKEN_NAME_BYTES_MAX);
	memcpy(out, text.p, text.n);
	out[text.n] = '\0';
	return 0;
}

int token_read(const struct token *token, struct nuncio_str text, const struct token_rules *rules,
	int64_t now_s, struct token_claims *claims_r, struct token_refusal *why_r)
{
	struct nuncio_str part = { text.p + token->payload_at,
		token->signed_bytes - token->payload_at };
	json_t *claims = part_parse(part);
	if (!claims)
		return refuse(why_r, TOKEN_FAULT_malformed,
			"its claims are not a JSON object in base64url");
	int rc = read_times(claims, rules, now_s, claims_r, why_r);
	if (rc == 0)
		rc = read_parties(claims, rules, why_r);
	if (rc == 0)
		rc = read_name(claims, "sub", 1, claims_r->user, why_r);
	if (rc == 0)
		rc = read_name(claims, "device", 0, claims_r->device, why_r);
	json_decref(claims);
	return rc;
}

/* SPDX-License-Identifier: MIT */
#include "auth_jwt.h"

#include "tests/lib/unit.h"
#include "token_forge.h"

#define NOW 1800000000
#define GOOD "{\"sub\":\"alice\",\"exp\":1800003600}"

static struct key_set *set;
static struct token_rules rules;
static struct token_claims claims;
static struct token_refusal why;

/* In a heap copy of exactly that size, so that a sanitizer sees a read behind the end. */
static int check(struct nuncio_str text)
{
	struct token token;
	char *copy = memcpy(malloc(text.n + !text.n), text.n ? text.p : "", text.n);
	struct nuncio_str exact = { copy, text.n };
	memset(&why, 0, sizeof why);
	int rc = token_open(set, exact, &token, &why);
	if (rc == 0)
		rc = token_check(&token, exact, &why);
	if (rc == 0)
		rc = token_read(&token, exact, &rules, NOW, &claims, &why);
	free(copy);
	return rc;
}

/* Frees the token. */
static void good(char *token)
{
	if (check((struct nuncio_str){ token, strlen(token) }) < 0)
		fail_msg("refused: %s (%s)", token, why.text);
	free(token);
}

static void bad(char *token, enum token_fault fault)
{
	int rc = check((struct nuncio_str){ token, strlen(token) });
	if (rc == 0)
		fail_msg("accepted: %s", token);
	if (why.fault != fault)
		fail_msg("fault %d (%s), not %d: %s", why.fault, why.text, fault, token);
	bool is_time = fault == TOKEN_FAULT_expired || fault == TOKEN_FAULT_early;
	assert_int_equal(rc, is_time ? NUNCIO_E_EXPIRED : NUNCIO_E_DENIED);
	assert_memory_equal(why.text, "token: ", 7);
	free(token);
}

static char *hs(const char *payload)
{
	return forge_token("{\"alg\":\"HS256\",\"kid\":\"hs\"}", payload, "HS256", "hs");
}

static char *headed(const char *header)
{
	return forge_token(header, GOOD, "HS256", "hs");
}

static void accepts_each_algorithm(void **state)
{
	(void)state;
	good(hs(GOOD));
	assert_string_equal(claims.user, "alice");
	assert_string_equal(claims.device, "");
	assert_int_equal(claims.expires_at_s, 1800003600 + 30);
	good(forge_token("{\"alg\":\"RS256\",\"kid\":\"rs\"}", GOOD, "RS256", "rs"));
	good(forge_token("{\"alg\":\"EdDSA\",\"kid\":\"ed\"}", GOOD, "EdDSA", "ed"));
	for (int i = 0; i < 20; i++) /* r and s with leading zeros among them now and then */
		good(forge_token("{\"alg\":\"ES256\",\"kid\":\"es\"}", GOOD, "ES256", "es"));
	good(forge_token("{\"typ\":\"JWT\",\"kid\":\"hs\",\"x\":[1,{}],\"alg\":\"HS256\"}",
		"{\"device\":\"phone\",\"exp\":1800003600.9,\"sub\":\"\xe4\xbd\xa0\",\"aud\":[1]}",
		"HS256", "hs"));
	assert_string_equal(claims.user, "\xe4\xbd\xa0");
	assert_string_equal(claims.device, "phone");
}

static void the_algorithm_is_the_keys(void **state)
{
	(void)state;
	/* everybody has the RSA public key */
	bad(forge_token("{\"alg\":\"HS256\",\"kid\":\"rs\"}", GOOD, "HS256", "rs.pem"),
		TOKEN_FAULT_algorithm);
	bad(forge_token("{\"alg\":\"HS256\",\"kid\":\"hs\"}", GOOD, "HS256", "rs.pem"),
		TOKEN_FAULT_signature);
	bad(forge_token("{\"alg\":\"HS256\"}", GOOD, "HS256", "rs.pem"), TOKEN_FAULT_signature);
	bad(forge_token("{\"alg\":\"RS256\",\"kid\":\"hs\"}", GOOD, "HS256", "hs"),
		TOKEN_FAULT_algorithm);
	bad(forge_token("{\"alg\":\"RS256\",\"kid\":\"es\"}", GOOD, "RS256", "rs"),
		TOKEN_FAULT_algorithm);
	bad(forge_token("{\"alg\":\"EdDSA\",\"kid\":\"es\"}", GOOD, "EdDSA", "ed"),
		TOKEN_FAULT_algorithm);
	bad(forge_token("{\"alg\":\"ES256\",\"kid\":\"es\"}", GOOD, "RS256", "rs"),
		TOKEN_FAULT_signature);
	bad(forge_token("{\"alg\":\"RS256\",\"kid\":\"rs\"}", GOOD, "ES256", "es"),
		TOKEN_FAULT_signature);
	bad(forge_token("{\"alg\":\"EdDSA\",\"kid\":\"ed\"}", GOOD, "ES256", "es"),
		TOKEN_FAULT_signature);
}

static void none_is_no_algorithm(void **state)
{
	static const char *const algs[] = { "none", "None", "NONE", "nOnE", "", "hs256", "HS256 ",
		"HS384", "HS512", "RS512", "PS256" };
	char header[80];
	(void)state;
	for (size_t i = 0; i < COUNT_OF(algs); i++) {
		snprintf(header, sizeof header, "{\"alg\":\"%s\",\"kid\":\"hs\"}", algs[i]);
		bad(forge_token(header, GOOD, "none", "hs"), TOKEN_FAULT_algorithm);
		bad(headed(header), TOKEN_FAULT_algorithm);
	}
	bad(headed("{\"kid\":\"hs\"}"), TOKEN_FAULT_algorithm);
	bad(headed("{\"alg\":null,\"kid\":\"hs\"}"), TOKEN_FAULT_algorithm);
	bad(headed("{\"alg\":[\"HS256\"],\"kid\":\"hs\"}"), TOKEN_FAULT_algorithm);
	bad(headed("{\"alg\":\"HS256\\u0000\",\"kid\":\"hs\"}"), TOKEN_FAULT_malformed);
	bad(forge_token("{\"alg\":\"HS256\",\"kid\":\"hs\"}", GOOD, "none", "hs"),
		TOKEN_FAULT_malformed);
}

static void the_kid_picks_one_key(void **state)
{
	(void)state;
	bad(headed("{\"alg\":\"HS256\",\"kid\":\"nobody\"}"), TOKEN_FAULT_key);
	bad(headed("{\"alg\":\"HS256\",\"kid\":\"\"}"), TOKEN_FAULT_key);
	bad(headed("{\"alg\":\"HS256\",\"kid\":\"../hs\"}"), TOKEN_FAULT_key);
	bad(headed("{\"alg\":\"HS256\",\"kid\":\"hs' OR 1=1 --\"}"), TOKEN_FAULT_key);
	bad(headed("{\"alg\":\"HS256\",\"kid\":7}"), TOKEN_FAULT_malformed);
	bad(headed("{\"alg\":\"HS256\",\"kid\":null}"), TOKEN_FAULT_malformed);
	bad(headed("{\"alg\":\"HS256\",\"kid\":\"hs\",\"kid\":\"rs\"}"), TOKEN_FAULT_malformed);
	good(headed("{\"alg\":\"HS256\"}"));
	/* two keys for it */
	bad(forge_token("{\"alg\":\"ES256\"}", GOOD, "ES256", "es"), TOKEN_FAULT_key);
}

static void a_key_in_the_header_opens_nothing(void **state)
{
	(void)state;
	bad(headed("{\"alg\":\"HS256\",\"kid\":\"hs\",\"crit\":[\"exp\"]}"), TOKEN_FAULT_malformed);
	bad(headed("{\"alg\":\"HS256\",\"kid\":\"hs\",\"crit\":null}"), TOKEN_FAULT_malformed);
	bad(forge_token(
		    "{\"alg\":\"ES256\",\"kid\":\"es\",\"jwk\":{\"kty\":\"EC\"},\"jku\":\"http://127.0.0.1/\"}",
		    GOOD, "ES256", "stranger"),
		TOKEN_FAULT_signature);
}

static void the_signature_covers_every_byte(void **state)
{
	static const char *const heads[][2] = { { "hs", "HS256" }, { "rs", "RS256" },
		{ "es", "ES256" }, { "ed", "EdDSA" } };
	char header[80];
	(void)state;
	for (size_t i = 0; i < COUNT_OF(heads); i++) {
		snprintf(header, sizeof header, "{\"alg\":\"%s\",\"kid\":\"%s\"}", heads[i][1],
			heads[i][0]);
		char *token = forge_token(header, GOOD, heads[i][1], heads[i][0]);
		for (size_t at = 0; at < strlen(token); at++) {
			char before = token[at];
			token[at] = before == 'A' ? 'B' : 'A';
			if (check((struct nuncio_str){ token, strlen(token) }) == 0)
				fail_msg("byte %zu may be changed: %s", at, token);
			token[at] = before;
		}
		for (size_t n = 0; n < strlen(token); n++)
			if (check((struct nuncio_str){ token, n }) == 0)
				fail_msg("%zu bytes are enough: %s", n, token);
		good(token);
	}
}

static char *with(char *token, const char *tail)
{
	char *longer = malloc(strlen(token) + strlen(tail) + 1);
	sprintf(longer, "%s%s", token, tail);
	free(token);
	return longer;
}

static void nothing_may_follow(void **state)
{
	(void)state;
	bad(with(hs(GOOD), "."), TOKEN_FAULT_malformed);
	bad(with(hs(GOOD), ".x"), TOKEN_FAULT_malformed);
	bad(with(hs(GOOD), "="), TOKEN_FAULT_malformed);
	bad(with(hs(GOOD), "\n"), TOKEN_FAULT_malformed);
	bad(with(hs(GOOD), "A"), TOKEN_FAULT_signature);
	bad(with(hs(GOOD), "AAAA"), TOKEN_FAULT_signature);
	assert_int_equal(check((struct nuncio_str){ "", 0 }), NUNCIO_E_DENIED);
	bad(strdup("."), TOKEN_FAULT_malformed);
	bad(strdup(".."), TOKEN_FAULT_malformed);
	bad(strdup("a.b"), TOKEN_FAULT_malformed);
	char *big = malloc(TOKEN_BYTES_MAX + 2);
	memset(big, 'A', TOKEN_BYTES_MAX + 1);
	big[TOKEN_BYTES_MAX + 1] = '\0';
	big[100] = big[200] = '.';
	bad(big, TOKEN_FAULT_malformed);
	char *with_nul = forge_token_bytes("{\"alg\":\"HS256\",\"kid\":\"hs\"}", 26, GOOD "\0{}",
		sizeof(GOOD "\0{}") - 1, "HS256", "hs");
	bad(with_nul, TOKEN_FAULT_malformed);
}

/* The last character of a 32-byte signature has two bits to spare; only zeros are the signature. */
static void base64_has_one_spelling(void **state)
{
	(void)state;
	char *token = hs(GOOD);
	char *last = token + strlen(token) - 1;
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t value = (size_t)(strchr(digits, *last) - digits);
	assert_int_equal(value % 4, 0);
	*last = digits[value + 1];
	bad(token, TOKEN_FAULT_malformed);
}

static char *es_with(const unsigned char *signature, size_t bytes)
{
	char *token = forge_token("{\"alg\":\"ES256\",\"kid\":\"es\"}", GOOD, "ES256", "es");
	*(strrchr(token, '.') + 1) = '\0';
	char *tail = forge_base64url(signature, bytes);
	token = with(token, tail);
	free(tail);
	return token;
}

static void es256_wants_64_sound_bytes(void **state)
{
	unsigned char bytes[80];
	(void)state;
	memset(bytes, 0, sizeof bytes);
	bad(es_with(bytes, 64), TOKEN_FAULT_signature); /* r = s = 0: the psychic signature */
	memset(bytes, 0xff, sizeof bytes);
	bad(es_with(bytes, 64), TOKEN_FAULT_signature); /* r, s above the order */
	bad(es_with(bytes, 63), TOKEN_FAULT_signature);
	bad(es_with(bytes, 65), TOKEN_FAULT_signature);
	bad(es_with(bytes, 1), TOKEN_FAULT_signature);
	memcpy(bytes, "\x30\x06\x02\x01\x01\x02\x01\x01", 8);
	bad(es_with(bytes, 8), TOKEN_FAULT_signature); /* DER */
}

static void times_are_checked(void **state)
{
	(void)state;
	bad(hs("{\"sub\":\"a\"}"), TOKEN_FAULT_claims);
	bad(hs("{\"sub\":\"a\",\"exp\":null}"), TOKEN_FAULT_claims);
	bad(hs("{\"sub\":\"a\",\"exp\":\"1800003600\"}"), TOKEN_FAULT_claims);
	bad(hs("{\"sub\":\"a\",\"exp\":true}"), TOKEN_FAULT_claims);
	bad(hs("{\"sub\":\"a\",\"exp\":-1}"), TOKEN_FAULT_claims);
	bad(hs("{\"sub\":\"a\",\"exp\":1e300}"), TOKEN_FAULT_claims);
	bad(hs("{\"sub\":\"a\",\"exp\":9223372036854775807}"), TOKEN_FAULT_claims);
	bad(hs("{\"sub\":\"a\",\"exp\":99999999999999999999}"), TOKEN_FAULT_malformed);
	good(hs("{\"sub\":\"a\",\"exp\":253402300799}"));
	good(hs("{\"sub\":\"a\",\"exp\":1.8000036e9}"));
	good(hs("{\"sub\":\"a\",\"exp\":1799999971}"));
	bad(hs("{\"sub\":\"a\",\"exp\":1799999970}"), TOKEN_FAULT_expired);
	bad(hs("{\"sub\":\"a\",\"exp\":1799999970.9}"), TOKEN_FAULT_expired);
	bad(hs("{\"sub\":\"a\",\"exp\":0}"), TOKEN_FAULT_expired);
	good(hs("{\"sub\":\"a\",\"exp\":1800003600,\"nbf\":1800000030,\"iat\":1800000030.5}"));
	assert_int_equal(claims.issued_at_s, 1800000030);
	good(hs("{\"sub\":\"a\",\"exp\":1800003600}"));
	assert_int_equal(claims.issued_at_s, 0);
	bad(hs("{\"sub\":\"a\",\"exp\":1800003600,\"nbf\":1800000031}"), TOKEN_FAULT_early);
	bad(hs("{\"sub\":\"a\",\"exp\":1800003600,\"iat\":1800000031}"), TOKEN_FAULT_early);
	bad(hs("{\"sub\":\"a\",\"exp\":1800003600,\"nbf\":\"x\"}"), TOKEN_FAULT_claims);
	bad(hs("{\"sub\":\"a\",\"exp\":1800003600,\"iat\":[]}"), TOKEN_FAULT_claims);
	bad(hs("{\"sub\":\"a\",\"exp\":1800003600,\"exp\":1900000000}"), TOKEN_FAULT_malformed);
}

static void names_are_checked(void **state)
{
	(void)state;
	bad(hs("{\"exp\":1800003600}"), TOKEN_FAULT_claims);
	bad(hs("{\"exp\":1800003600,\"sub\":\"\"}"), TOKEN_FAULT_claims);
	bad(hs("{\"exp\":1800003600,\"sub\":7}"), TOKEN_FAULT_claims);
	bad(hs("{\"exp\":1800003600,\"sub\":\"a\\nb\"}"), TOKEN_FAULT_claims);
	bad(hs("{\"exp\":1800003600,\"sub\":\"a\\u007f\"}"), TOKEN_FAULT_claims);
	bad(hs("{\"exp\":1800003600,\"sub\":\"a\\u0085\"}"), TOKEN_FAULT_claims);
	bad(hs("{\"exp\":1800003600,\"sub\":\"a\\u0000b\"}"), TOKEN_FAULT_malformed);
	bad(hs("{\"exp\":1800003600,\"sub\":\"a\xff\"}"), TOKEN_FAULT_malformed);
	bad(hs("{\"exp\":1800003600,\"sub\":\"alice\",\"sub\":\"bob\"}"), TOKEN_FAULT_malformed);
	good(hs("{\"exp\":1800003600,\"sub\":\"\\u00a0\xc3\x85\"}"));
	good(hs("{\"exp\":1800003600,\"sub\":\"0123456789012345678901234567890123456789012345678901234567890123\"}"));
	bad(hs("{\"exp\":1800003600,\"sub\":\"01234567890123456789012345678901234567890123456789012345678901234\"}"),
		TOKEN_FAULT_claims);
	bad(hs("{\"exp\":1800003600,\"sub\":\"a\",\"device\":7}"), TOKEN_FAULT_claims);
	bad(hs("{\"exp\":1800003600,\"sub\":\"a\",\"device\":\"\\t\"}"), TOKEN_FAULT_claims);
	bad(hs("[1]"), TOKEN_FAULT_malformed);
	bad(hs("\"x\""), TOKEN_FAULT_malformed);
	bad(hs("{} {}"), TOKEN_FAULT_malformed);
	bad(hs(""), TOKEN_FAULT_malformed);
}

static void issuer_and_audience_when_wanted(void **state)
{
	(void)state;
	strcpy(rules.issuer, "https://id.example/");
	bad(hs(GOOD), TOKEN_FAULT_issuer);
	bad(hs("{\"sub\":\"a\",\"exp\":1800003600,\"iss\":\"https://id.example\"}"),
		TOKEN_FAULT_issuer);
	bad(hs("{\"sub\":\"a\",\"exp\":1800003600,\"iss\":[\"https://id.example/\"]}"),
		TOKEN_FAULT_issuer);
	good(hs("{\"sub\":\"a\",\"exp\":1800003600,\"iss\":\"https://id.example/\"}"));
	rules.issuer[0] = '\0';
	strcpy(rules.audience, "im");
	bad(hs(GOOD), TOKEN_FAULT_audience);
	bad(hs("{\"sub\":\"a\",\"exp\":1800003600,\"aud\":\"imx\"}"), TOKEN_FAULT_audience);
	bad(hs("{\"sub\":\"a\",\"exp\":1800003600,\"aud\":[]}"), TOKEN_FAULT_audience);
	bad(hs("{\"sub\":\"a\",\"exp\":1800003600,\"aud\":[[\"im\"],{\"im\":\"im\"},null]}"),
		TOKEN_FAULT_audience);
	bad(hs("{\"sub\":\"a\",\"exp\":1800003600,\"aud\":{\"0\":\"im\"}}"), TOKEN_FAULT_audience);
	good(hs("{\"sub\":\"a\",\"exp\":1800003600,\"aud\":\"im\"}"));
	good(hs("{\"sub\":\"a\",\"exp\":1800003600,\"aud\":[\"web\",1,\"im\"]}"));
	rules.audience[0] = '\0';
}

static void says_what_without_secrets(void **state)
{
	(void)state;
	bad(forge_token("{\"alg\":\"HS256\",\"kid\":\"hs\"}", GOOD, "HS256", "rs.pem"),
		TOKEN_FAULT_signature);
	assert_string_equal(why.text, "token: signature does not match key \"hs\"");
	bad(headed("{\"alg\":\"HS256\",\"kid\":\"<script>\"}"), TOKEN_FAULT_key);
	assert_string_equal(why.text, "token: no key has its kid");
	bad(headed("{\"alg\":\"HS256\",\"kid\":\"es\"}"), TOKEN_FAULT_algorithm);
	assert_string_equal(why.text, "token: key \"es\" is for ES256 only");
}

static int issue(const char *kid, const char *user, char *out, size_t size)
{
	struct nuncio_error err;
	return issue_token(key_set_find(set, (struct nuncio_str){ kid, strlen(kid) }), &rules,
		(struct nuncio_str){ user, strlen(user) }, (struct nuncio_str){ "phone", 5 }, NOW,
		60, out, size, &err);
}

static void what_is_issued_is_accepted(void **state)
{
	static const char *const kids[] = { "hs", "rsp", "esp" };
	char token[1024];
	(void)state;
	strcpy(rules.issuer, "me");
	strcpy(rules.audience, "us");
	for (size_t i = 0; i < COUNT_OF(kids); i++) {
		int n = issue(kids[i], "o'neil \xe4\xbd\xa0", token, sizeof token);
		assert_true(n > 0 && (size_t)n == strlen(token));
		good(strdup(token));
		assert_string_equal(claims.user, "o'neil \xe4\xbd\xa0");
		assert_string_equal(claims.device, "phone");
		assert_int_equal(claims.expires_at_s, NOW + 60 + 30);
	}
	rules.issuer[0] = rules.audience[0] = '\0';
	assert_int_equal(issue("rs", "alice", token, sizeof token), NUNCIO_E_UNSUPPORTED);
	assert_int_equal(issue("ed", "alice", token, sizeof token), NUNCIO_E_UNSUPPORTED);
	assert_int_equal(issue("nobody", "alice", token, sizeof token), NUNCIO_E_UNSUPPORTED);
	assert_int_equal(issue("hs", "", token, sizeof token), NUNCIO_E_INVAL);
	int n = issue("hs", "alice", token, sizeof token);
	assert_int_equal(issue("hs", "alice", token, (size_t)n), NUNCIO_E_TOOBIG);
	assert_int_equal(issue("hs", "alice", token, (size_t)n + 1), n);
}

static int setup(void **state)
{
	static const char *const texts[] = { "hs:HS256:hs.key", "rs:RS256:rs.pem",
		"es:ES256:es.pem", "ed:EdDSA:ed.private.pem", "rsp:RS256:rs.private.pem",
		"esp:ES256:es.private.pem" };
	struct key_spec specs[COUNT_OF(texts)];
	struct nuncio_error err;
	(void)state;
	forge_dir();
	forge_pem("stranger", "EC", "P-256");
	rules.leeway_s = 30;
	assert_int_equal(key_specs_parse(texts, COUNT_OF(texts), "hs", specs, &err), 0);
	return key_set_load(specs, COUNT_OF(texts), "hs", forge_dir(), &set, &err);
}

static int teardown(void **state)
{
	(void)state;
	key_set_unref(&set);
	forge_dir_remove();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_each_algorithm),
		cmocka_unit_test(the_algorithm_is_the_keys),
		cmocka_unit_test(none_is_no_algorithm),
		cmocka_unit_test(the_kid_picks_one_key),
		cmocka_unit_test(a_key_in_the_header_opens_nothing),
		cmocka_unit_test(the_signature_covers_every_byte),
		cmocka_unit_test(nothing_may_follow),
		cmocka_unit_test(base64_has_one_spelling),
		cmocka_unit_test(es256_wants_64_sound_bytes),
		cmocka_unit_test(times_are_checked),
		cmocka_unit_test(names_are_checked),
		cmocka_unit_test(issuer_and_audience_when_wanted),
		cmocka_unit_test(says_what_without_secrets),
		cmocka_unit_test(what_is_issued_is_accepted),
	};
	return cmocka_run_group_tests_name("token", tests, setup, teardown);
}

/* SPDX-License-Identifier: MIT */
#include "auth_jwt.h"

/*
 * The module: provider "auth" and service "token.v1" on the parts beside it.
 *
 * A token is opened on the logic thread. HS256 (about 5 us) and RS256 (24 us) are checked there and
 * then: handing them to a worker costs 30 us. ES256 and EdDSA (70 us and more) go to workers,
 * spread over all, so that a storm of reconnects does not stop the chat; what the queue does not
 * take is answered NUNCIO_E_BUSY. Good tokens of the slow algorithms are remembered until they
 * expire.
 *
 * Reload builds a new key set beside the old one and exchanges them when it is complete. A check
 * that was under way meanwhile is done again with the new set, so a removed key opens nothing from
 * the moment on when the reload is logged.
 */

#include <nuncio/auth.h>
#include <nuncio/conf.h>
#include <nuncio/control.h>
#include <nuncio/json.h>
#include <nuncio/log.h>
#include <nuncio/metric.h>
#include <nuncio/service.h>
#include <nuncio/services/token.h>
#include <nuncio/timer.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPERATOR_TTL_S = 3600, OPERATOR_TTL_MAX_S = 10 * 365 * 86400, OPERATOR_TOKEN_BYTES = 2048 };

struct auth_jwt {
	struct nuncio_module *self;
	struct key_set *keys;
	struct token_rules rules;
	struct token_cache *cache;
	uint64_t reloads, checks;
	bool is_offered; /* token.v1; only init can change that */
	struct nuncio_counter *verified, *cache_hits, *refused[TOKEN_FAULT_COUNT];
};

/* A check on its way through a worker. */
struct check {
	struct auth_jwt *a;
	struct nuncio_auth *question;
	struct key_set *keys;
	uint64_t reloads;
	struct token token;
	int status;
	struct token_refusal why;
	size_t text_bytes;
	char text[];
};

static const struct nuncio_option options[] = {
	{ "keys", NUNCIO_OPT_LIST, NUNCIO_OPT_LIVE, NULL, 1, KEY_COUNT_MAX, NULL,
		"Keys that tokens may be signed with, each kid:ALG:/path; ALG is HS256, RS256, ES256 or EdDSA. HS256: a file of at least 32 random bytes (one line end at its end does not count); others: PEM, public or private." },
	{ "sign_with", NUNCIO_OPT_TEXT, NUNCIO_OPT_LIVE, "", 0, TOKEN_NAME_BYTES_MAX, NULL,
		"The kid of the key that signs tokens of this server (HS256, or a private RS256 or ES256 key). Empty: tokens are only verified, and accounts has nothing to sign with." },
	{ "issuer", NUNCIO_OPT_TEXT, NUNCIO_OPT_LIVE, "", 0, TOKEN_RULE_BYTES_MAX, NULL,
		"The iss that a token must have; also put into own tokens. Empty: not checked." },
	{ "audience", NUNCIO_OPT_TEXT, NUNCIO_OPT_LIVE, "", 0, TOKEN_RULE_BYTES_MAX, NULL,
		"A name that the token's aud must be or contain; also put into own tokens. Empty: not checked." },
	{ "leeway", NUNCIO_OPT_MSEC, NUNCIO_OPT_LIVE, "30s", 0, 600000, NULL,
		"How far clocks may differ when exp, nbf and iat are compared." },
	{ "cache", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "4096", 0, 1000000, NULL,
		"How many verified RS256, ES256 and EdDSA tokens are remembered; about 200 bytes each, once used." },
	{ NULL },
};

/* ---- checking ---- */

static void answer_good(
	struct auth_jwt *a, struct nuncio_auth **question, const struct token_claims *found)
{
	struct nuncio_claims claims = {
		.size = sizeof claims,
		.user = { found->user, strlen(found->user) },
		.device = { found->device, strlen(found->device) },
		.expires_at_ms = found->expires_at_s * 1000,
		.issued_at_ms = found->issued_at_s * 1000,
	};
	nuncio_counter_add(a->verified, 1);
	nuncio_auth_done(question, 0, &claims, NULL);
}

static void answer_bad(struct auth_jwt *a, struct nuncio_auth **question, int status,
	const struct token_refusal *why)
{
	nuncio_counter_add(a->refused[why->fault], 1);
	nuncio_auth_done(question, status, NULL, why->text);
}

/* The signature is good. */
static void finish(struct auth_jwt *a, struct nuncio_auth **question, const struct token *token,
	struct nuncio_str text)
{
	struct token_claims claims;
	struct token_refusal why;
	unsigned char hash[TOKEN_HASH_BYTES];
	int rc = token_read(token, text, &a->rules, nuncio_wall_ms() / 1000, &claims, &why);
	if (rc < 0) {
		answer_bad(a, question, rc, &why);
		return;
	}
	if (token->key->alg != KEY_HS256) {
		token_cache_hash(text, hash);
		token_cache_add(a->cache, hash, &claims);
	}
	answer_good(a, question, &claims);
}

static bool answer_known(struct auth_jwt *a, struct nuncio_auth **question, struct nuncio_str text)
{
	unsigned char hash[TOKEN_HASH_BYTES];
	token_cache_hash(text, hash);
	const struct token_claims *claims =
		token_cache_find(a->cache, hash, nuncio_wall_ms() / 1000);
	if (!claims)
		return false;
	nuncio_counter_add(a->cache_hits, 1);
	answer_good(a, question, claims);
	return true;
}

static void on_check(void *impl, struct nuncio_str text, struct nuncio_auth *question);

static void check_work(void *user)
{
	struct check *c = user;
	c->status = token_check(&c->token, (struct nuncio_str){ c->text, c->text_bytes }, &c->why);
}

static void check_done(void *user)
{
	struct check *c = user;
	struct nuncio_str text = { c->text, c->text_bytes };
	if (c->reloads != c->a->reloads)
		on_check(c->a, text, c->question);
	else if (c->status < 0)
		answer_bad(c->a, &c->question, c->status, &c->why);
	else
		finish(c->a, &c->question, &c->token, text);
	key_set_unref(&c->keys);
	free(c);
}

static void check_elsewhere(struct auth_jwt *a, struct nuncio_auth *question,
	const struct token *token, struct nuncio_str text)
{
	struct check *c = nuncio_alloc(sizeof *c + text.n);
	c->a = a;
	c->question = question;
	c->keys = key_set_ref(a->keys);
	c->reloads = a->reloads;
	c->token = *token;
	c->text_bytes = text.n;
	memcpy(c->text, text.p, text.n);
	int rc = nuncio_work(a->self, a->checks++, check_work, check_done, c);
	if (rc == 0)
		return;
	nuncio_auth_done(&c->question, NUNCIO_E_BUSY, NULL, "too many tokens are being checked");
	key_set_unref(&c->keys);
	free(c);
}

static bool is_slow(enum key_alg alg)
{
	return alg == KEY_ES256 || alg == KEY_EDDSA;
}

static void on_check(void *impl, struct nuncio_str text, struct nuncio_auth *question)
{
	struct auth_jwt *a = impl;
	struct token token;
	struct token_refusal why;
	int rc = token_open(a->keys, text, &token, &why);
	if (rc == 0 && token.key->alg != KEY_HS256 && answer_known(a, &question, text))
		return;
	if (rc == 0 && is_slow(token.key->alg)) {
		check_elsewhere(a, question, &token, text);
		return;
	}
	if (rc == 0)
		rc = token_check(&token, text, &why);
	if (rc < 0)
		answer_bad(a, &question, rc, &why);
	else
		finish(a, &question, &token, text);
}

static const struct nuncio_auth_ops auth_ops = { .size = sizeof auth_ops, .check = on_check };

/* ---- issuing ---- */

static int on_issue(void *impl, struct nuncio_str user, struct nuncio_str device, int64_t ttl_ms,
	char *out, size_t out_size, struct nuncio_error *err)
{
	struct auth_jwt *a = impl;
	return issue_token(a->keys->signer, &a->rules, user, device, nuncio_wall_ms() / 1000,
		ttl_ms / 1000, out, out_size, err);
}

static const struct nuncio_token_v1 token_ops = { .size = sizeof token_ops, .issue = on_issue };

/* `nuncioctl token`: for bots, and for trying things out. */
static void on_token(struct nuncio_request *rq, void *user)
{
	struct auth_jwt *a = user;
	struct nuncio_str name = { NULL, 0 }, device = { NULL, 0 };
	struct nuncio_error err;
	char text[OPERATOR_TOKEN_BYTES];
	int64_t ttl_s = OPERATOR_TTL_S;
	nuncio_request_text(rq, "user", &name);
	nuncio_request_text(rq, "device", &device);
	nuncio_request_int(rq, "seconds", &ttl_s);
	int rc = on_issue(a, name, device, ttl_s * 1000, text, sizeof text, &err);
	if (rc < 0) {
		nuncio_reply_error(&rq,
			rc == NUNCIO_E_INVAL ? NUNCIO_CODE_invalid_field : NUNCIO_CODE_unavailable,
			"%s", err.text);
		return;
	}
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "token");
	nuncio_json_put_text(json, (struct nuncio_str){ text, (size_t)rc });
	nuncio_json_object_end(json);
	nuncio_reply(&rq, 200, nuncio_json_str(json));
	nuncio_json_free(&json);
}

static const struct nuncio_field token_fields[] = {
	{ "user", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_REQUIRED, 1, TOKEN_NAME_BYTES_MAX,
		"whom it stands for" },
	{ "seconds", NUNCIO_FIELD_INT, 0, 1, OPERATOR_TTL_MAX_S, "how long it is good; 3600" },
	{ "device", NUNCIO_FIELD_TEXT, 0, 0, TOKEN_NAME_BYTES_MAX, "that it is bound to" },
	{ NULL },
};

static const struct nuncio_command token_command = {
	.size = sizeof token_command,
	.flags = NUNCIO_CONTROL_CHANGES,
	.op = "token",
	.help = "Makes an access token for a user, whoever that is.",
	.fields = token_fields,
	.field_size = sizeof token_fields[0],
	.fn = on_token,
};

/* ---- options ---- */

static int specs_parse(const struct nuncio_module *self, struct key_spec *specs_r, size_t *count_r,
	struct nuncio_error *err)
{
	const char *texts[KEY_COUNT_MAX];
	size_t count = nuncio_conf_count(self, "keys");
	for (size_t i = 0; i < count; i++)
		texts[i] = nuncio_conf_item(self, "keys", i);
	*count_r = count;
	return key_specs_parse(texts, count, nuncio_conf_text(self, "sign_with"), specs_r, err);
}

/* Every mistake here is one of a line of the file; says which. */
static int keys_are_wrong(const struct nuncio_module *self, int rc, struct nuncio_error *err)
{
	static const char other[] = "sign_with: ";
	char where[300];
	bool is_other = strncmp(err->text, other, sizeof other - 1) == 0;
	nuncio_error_set(err, "%s: %s",
		nuncio_conf_where(self, is_other ? "sign_with" : "keys", where, sizeof where),
		err->text + (is_other ? sizeof other - 1 : 0));
	return rc;
}

static int keys_load(struct nuncio_module *self, struct key_set **keys_r, struct nuncio_error *err)
{
	struct key_spec specs[KEY_COUNT_MAX];
	size_t count;
	int rc = specs_parse(self, specs, &count, err);
	if (rc == 0)
		rc = key_set_load(specs, count, nuncio_conf_text(self, "sign_with"),
			nuncio_conf_data_dir(), keys_r, err);
	return rc < 0 ? keys_are_wrong(self, rc, err) : 0;
}

static int configure(struct auth_jwt *a, struct nuncio_error *err)
{
	struct key_set *keys = NULL;
	int rc = keys_load(a->self, &keys, err);
	if (rc < 0)
		return rc;
	key_set_unref(&a->keys);
	token_cache_free(&a->cache);
	a->keys = keys;
	a->cache = token_cache_new((size_t)nuncio_conf_int(a->self, "cache"));
	a->rules.leeway_s = nuncio_conf_int(a->self, "leeway") / 1000;
	snprintf(
		a->rules.issuer, sizeof a->rules.issuer, "%s", nuncio_conf_text(a->self, "issuer"));
	snprintf(a->rules.audience, sizeof a->rules.audience, "%s",
		nuncio_conf_text(a->self, "audience"));
	a->reloads++;
	return 0;
}

/* ---- life ---- */

static const char *const fault_labels[] = { [TOKEN_FAULT_none] = NULL,
#define X(name) [TOKEN_FAULT_##name] = "reason=\"" #name "\"",
	TOKEN_FAULTS(X)
#undef X
};

static void metrics_add(struct auth_jwt *a)
{
	a->verified = nuncio_counter_new(a->self, "verified_total", NULL, "Tokens that were good.");
	a->cache_hits = nuncio_counter_new(a->self, "cache_hits_total", NULL,
		"Good tokens whose signature was known already.");
	for (int i = TOKEN_FAULT_none + 1; i < TOKEN_FAULT_COUNT; i++)
		a->refused[i] = nuncio_counter_new(a->self, "refused_total", fault_labels[i],
			"Tokens that were refused, by reason.");
}

/* Also finds mistakes in the keys' line; the files are opened in start. */
static int auth_jwt_init(struct nuncio_module *self, struct nuncio_error *err)
{
	struct key_spec specs[KEY_COUNT_MAX];
	size_t count;
	int rc = specs_parse(self, specs, &count, err);
	if (rc < 0)
		return keys_are_wrong(self, rc, err);
	struct auth_jwt *a = nuncio_alloc(sizeof *a);
	a->self = self;
	nuncio_module_set_data(self, a);
	metrics_add(a);
	a->is_offered = *nuncio_conf_text(self, "sign_with") != '\0';
	rc = nuncio_provide_auth(self, &auth_ops, a);
	if (rc == 0 && a->is_offered)
		rc = nuncio_service_offer(self, NUNCIO_TOKEN_V1, &token_ops, a);
	if (rc == 0)
		rc = nuncio_control_add(self, &token_command, a);
	if (rc < 0)
		nuncio_error_set(err, "cannot register: %s", nuncio_status_name(rc));
	return rc;
}

static int auth_jwt_start(struct nuncio_module *self, struct nuncio_error *err)
{
	return configure(nuncio_module_data(self), err);
}

static int auth_jwt_reload(struct nuncio_module *self, struct nuncio_error *err)
{
	struct auth_jwt *a = nuncio_module_data(self);
	int rc = configure(a, err);
	if (rc == 0 && a->keys->signer && !a->is_offered)
		nuncio_log(self, NUNCIO_WARN,
			"sign_with was empty at the start: other modules can sign only after a restart");
	return rc;
}

static void auth_jwt_fini(struct nuncio_module *self)
{
	struct auth_jwt *a = nuncio_module_data(self);
	if (!a)
		return;
	key_set_unref(&a->keys);
	token_cache_free(&a->cache);
	free(a);
	nuncio_module_set_data(self, NULL);
}

NUNCIO_MODULE("auth_jwt", .version = "1.0",
	.summary = "tokens: JWT with HS256, RS256, ES256 and EdDSA, several keys, reload",
	.options = options, .init = auth_jwt_init, .start = auth_jwt_start,
	.reload = auth_jwt_reload, .fini = auth_jwt_fini)

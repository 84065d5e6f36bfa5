/* SPDX-License-Identifier: MIT */
#include "accounts.h"

/*
 * The module: users with passwords, for those who have no user directory of their own. It keeps
 * everything as records in the store (README.md lists them), signs access tokens through the
 * service token.v1, and refuses by hook tokens of accounts that have ended or changed since.
 * Logic thread; only hashing runs on workers.
 */

#include <nuncio/conf.h>
#include <nuncio/hooks.h>
#include <nuncio/service.h>
#include <nuncio/session.h>

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static const struct nuncio_option options[] = {
	{ "registration", NUNCIO_OPT_CHOICE, NUNCIO_OPT_LIVE, "open", 0, 0, "open closed",
		"open: anybody may make an account. closed: nobody." },
	{ "ids", NUNCIO_OPT_CHOICE, NUNCIO_OPT_LIVE, "plain", 0, 0, "plain any",
		"What a new id may be. plain: a-z 0-9 . _ - so that no two look alike. any: text of up to 64 bytes without control characters." },
	{ "access_ttl", NUNCIO_OPT_MSEC, NUNCIO_OPT_LIVE, "1h", 900000, 86400000, NULL,
		"How long an access token is good." },
	{ "refresh_ttl", NUNCIO_OPT_MSEC, NUNCIO_OPT_LIVE, "30d", 3600000, 31536000000, NULL,
		"How long a refresh token is good; each renewal starts anew." },
	{ "hash_ops", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "2", 1, 20, NULL,
		"Passes of argon2id over its memory. Old hashes are made anew at the next login." },
	{ "hash_memory", NUNCIO_OPT_BYTES, NUNCIO_OPT_LIVE, "64M", 8192, 1073741824, NULL,
		"Memory of one password hash." },
	{ "hash_threads", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "2", 1, HASH_THREADS_MAX, NULL,
		"Passwords that are hashed at the same time at most." },
	{ "hash_queue", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "64", 1, 10000, NULL,
		"Passwords that wait to be hashed; more are answered busy." },
	{ "hashes_per_user", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "2", 0, 10000, NULL,
		"Of one user that are hashed or wait; more are answered rate_limited. 0: no limit." },
	{ "hashes_per_address", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "8", 0, 10000, NULL,
		"Of one address likewise; an IPv6 address counts as its /64. 0: no limit." },
	{ "sign_ins_per_user", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "50", 1, 1000, NULL,
		"Sign-ins of one user that can be renewed; one more ends the one that was used longest ago." },
	{ "failures_per_user", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "10", 0, 1000000, NULL,
		"Wrong passwords for one user from one address in a failure_window (ten times as many from all addresses). 0: no limit." },
	{ "failures_per_address", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "100", 0, 1000000, NULL,
		"Wrong passwords from one address in a failure_window; an IPv6 address counts as its /64. 0: no limit." },
	{ "registrations_per_address", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "100", 0, 1000000, NULL,
		"Tries to make an account from one address in a failure_window. 0: no limit." },
	{ "failure_window", NUNCIO_OPT_MSEC, NUNCIO_OPT_LIVE, "15m", 1000, 86400000, NULL,
		"The time over which those limits fade." },
	{ NULL },
};

static void configure(struct accounts *a)
{
	const struct nuncio_module *self = a->self;
	a->is_open = strcmp(nuncio_conf_text(self, "registration"), "open") == 0;
	a->takes_any_id = strcmp(nuncio_conf_text(self, "ids"), "any") == 0;
	a->access_ttl_ms = nuncio_conf_int(self, "access_ttl");
	a->refresh_ttl_ms = nuncio_conf_int(self, "refresh_ttl");
	a->hash_ops = (uint64_t)nuncio_conf_int(self, "hash_ops");
	a->hash_bytes = (uint64_t)nuncio_conf_int(self, "hash_memory");
	a->hash_threads = (uint32_t)nuncio_conf_int(self, "hash_threads");
	a->hash_queue = (uint32_t)nuncio_conf_int(self, "hash_queue");
	a->hashes_per_user = (uint32_t)nuncio_conf_int(self, "hashes_per_user");
	a->hashes_per_address = (uint32_t)nuncio_conf_int(self, "hashes_per_address");
	a->sign_ins = (uint32_t)nuncio_conf_int(self, "sign_ins_per_user");
	a->failures_per_user = nuncio_conf_int(self, "failures_per_user");
	a->failures_per_address = nuncio_conf_int(self, "failures_per_address");
	a->registrations_per_address = nuncio_conf_int(self, "registrations_per_address");
	a->window_ms = nuncio_conf_int(self, "failure_window");
}

/* ---- life ---- */

static void metrics_add(struct accounts *a)
{
	struct nuncio_module *self = a->self;
	a->registered =
		nuncio_counter_new(self, "registered_total", NULL, "Accounts that were made.");
	a->logins = nuncio_counter_new(self, "logins_total", NULL, "Sign-ins with a password.");
	a->failures = nuncio_counter_new(
		self, "failures_total", NULL, "Wrong passwords and unknown users.");
	a->throttled = nuncio_counter_new(self, "throttled_total", NULL,
		"Requests refused because too many before them failed, or of the same user or address wait.");
	a->renewed =
		nuncio_counter_new(self, "renewed_total", NULL, "Refresh tokens that were used.");
	a->reused = nuncio_counter_new(self, "reused_total", NULL,
		"Refresh tokens that were used twice; each ended a sign-in.");
	a->hashing_gauge = nuncio_gauge_new(
		self, "hashing", NULL, "Passwords that are being hashed or wait for it.");
}

static int accounts_init(struct nuncio_module *self, struct nuncio_error *err)
{
	struct accounts *a = nuncio_alloc(sizeof *a);
	a->self = self;
	nuncio_module_set_data(self, a);
	configure(a);
	metrics_add(a);
	int rc = users_add_routes(a);
	if (rc == 0)
		rc = signin_add_routes(a);
	if (rc == 0)
		rc = search_add_routes(a);
	if (rc == 0)
		rc = operator_add_commands(a);
	if (rc == 0)
		rc = voids_init(a);
	if (rc == 0)
		rc = guesses_init(a);
	if (rc == 0)
		rc = entry_init(a);
	if (rc < 0)
		nuncio_error_set(err, "cannot register: %s", nuncio_status_name(rc));
	return rc;
}

static int accounts_start(struct nuncio_module *self, struct nuncio_error *err)
{
	struct accounts *a = nuncio_module_data(self);
	if (sodium_init() < 0) {
		nuncio_error_set(err, "libsodium cannot start: no source of random numbers");
		return NUNCIO_E_FAIL;
	}
	a->tokens = nuncio_service_find(self, NUNCIO_TOKEN_V1, &a->tokens_impl);
	if (!a->tokens) {
		nuncio_error_set(err, "nobody offers token.v1: set [auth_jwt] sign_with");
		return NUNCIO_E_UNSUPPORTED;
	}
	a->throttle = throttle_new();
	int rc = password_start(a, err);
	if (rc == 0)
		voids_start(a);
	return rc;
}

static int accounts_reload(struct nuncio_module *self, struct nuncio_error *err)
{
	struct accounts *a = nuncio_module_data(self);
	uint64_t ops = a->hash_ops, bytes = a->hash_bytes;
	(void)err;
	configure(a);
	if (ops != a->hash_ops || bytes != a->hash_bytes)
		password_change_cost(a);
	return 0;
}

static void accounts_stop(struct nuncio_module *self)
{
	struct accounts *a = nuncio_module_data(self);
	flow_stop(a);
	voids_stop(a);
}

static void accounts_fini(struct nuncio_module *self)
{
	struct accounts *a = nuncio_module_data(self);
	if (!a)
		return;
	throttle_free(&a->throttle);
	voids_fini(a);
	entry_fini(a);
	free(a);
	nuncio_module_set_data(self, NULL);
}

static const char *const needs[] = { "store", NUNCIO_TOKEN_V1, NULL };

NUNCIO_MODULE("accounts", .version = "1.0",
	.summary = "users with passwords: sign up, sign in, look people up", .needs = needs,
	.options = options, .init = accounts_init, .start = accounts_start,
	.reload = accounts_reload, .stop = accounts_stop, .fini = accounts_fini)

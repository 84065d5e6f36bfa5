/* SPDX-License-Identifier: MIT */
#include "accounts.h"

/*
 * POST /auth/login, /auth/refresh, /auth/logout. A sign-in makes a family (family.c): one record
 * with the hash of the one secret that is good now. Renewing replaces the secret against the
 * version that was read, so of two that come with the same token one wins. Any other secret for a
 * known family is an old one: it was used twice, by its owner or by a thief, and the family ends. A
 * family also ends when its epoch is not the account's any more: a new password or the end of the
 * account voids all of them in one write.
 *
 * So that nothing which is under way survives such a change, the access token is made first, and
 * then the family is written on condition that the account is still the one that was looked at: the
 * change either comes after both, and voids both, or the write fails. Then all is looked at again,
 * because the account may have got just another name.
 */

#include <string.h>

enum { TRIES_MAX = 5 };

static struct nuncio_str none(void)
{
	return (struct nuncio_str){ NULL, 0 };
}

/* ---- the answer ---- */

static void put_text(struct nuncio_json *json, const char *key, const char *text)
{
	nuncio_json_key(json, key);
	nuncio_json_put_text(json, nuncio_text(text));
}

static void reply_tokens(struct flow *f)
{
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	put_text(json, "access_token", f->access);
	put_text(json, "refresh_token", f->refresh_text);
	put_text(json, "token_type", "Bearer");
	nuncio_json_key(json, "expires_in");
	nuncio_json_put_int(json, f->a->access_ttl_ms / 1000);
	nuncio_json_key(json, "user");
	account_show(&f->account, json);
	nuncio_json_object_end(json);
	nuncio_reply_header(f->rq, "Cache-Control", "no-store");
	nuncio_reply(&f->rq, 200, nuncio_json_str(json));
	nuncio_json_free(&json);
	flow_free(&f);
}

/* False: refused. */
static bool issue(struct flow *f)
{
	struct nuncio_error err = { "" };
	if (f->a->tokens->issue(f->a->tokens_impl, nuncio_text(f->account.id),
		    nuncio_text(f->device), f->a->access_ttl_ms, f->access, sizeof f->access,
		    &err) >= 0)
		return true;
	nuncio_log_request(
		f->a->self, f->rq, NUNCIO_ERROR, "no access token for a user: %s", err.text);
	flow_refuse(f, NUNCIO_CODE_unavailable, "access tokens cannot be signed now");
	return false;
}

/* The account has changed so often meanwhile that it is somebody's game: false, and refused. */
static bool may_try_again(struct flow *f)
{
	if (++f->tries <= TRIES_MAX)
		return true;
	flow_refuse(f, NUNCIO_CODE_busy, "the account was changed meanwhile; try again");
	return false;
}

/* ---- login ---- */

static void family_room(struct flow *f);

/* The password is that of the epoch for which it was checked. */
static void login_again(struct flow *f)
{
	if (f->is_known && f->account.epoch == f->epoch)
		flow_wait(f, f->account.tokens_from_ms, family_room);
	else
		flow_refuse(f, NUNCIO_CODE_login_failed, NULL);
}

static void on_family_made(struct flow *f, int status)
{
	if (status == 0) {
		nuncio_counter_add(f->a->logins, 1);
		reply_tokens(f);
	} else if (may_try_again(f)) {
		flow_load(f, login_again);
	}
}

static void family_make(struct flow *f)
{
	if (!issue(f))
		return;
	f->made = (struct refresh){ "" };
	memcpy(f->made.user, f->account.id, sizeof f->made.user);
	refresh_make(&f->made, f->refresh_text);
	family_save(f, NUNCIO_EXPECT_ABSENT, on_family_made);
}

static void family_room(struct flow *f)
{
	family_choose(f, family_make);
}

/* Right after a new password: no token of now would be good. */
static void login_proved(struct flow *f)
{
	f->epoch = f->account.epoch;
	flow_wait(f, f->account.tokens_from_ms, family_room);
}

static void login_prove(struct flow *f)
{
	f->mends = f->is_known;
	password_prove(f, NUNCIO_CODE_login_failed, login_proved);
}

static void on_login(struct nuncio_request *rq, void *user)
{
	struct flow *f = flow_new(user, rq);
	if (flow_text(f, "user", f->id, sizeof f->id) < 0 ||
		flow_text(f, "password", f->password, sizeof f->password) < 0 ||
		flow_text(f, "device", f->device, sizeof f->device) < 0)
		return;
	if (text_chars(nuncio_text(f->device)) < 0)
		flow_refuse(
			f, NUNCIO_CODE_invalid_field, "device: must not have control characters");
	else if (!id_is_sound(nuncio_text(f->id)))
		flow_refuse(f, NUNCIO_CODE_login_failed, NULL);
	else
		flow_load(f, login_prove);
}

/* ---- refresh ---- */

static void refuse_refresh(struct flow *f)
{
	flow_refuse(f, NUNCIO_CODE_refresh_invalid, NULL);
}

static void on_ended(int status, void *user)
{
	if (status < 0)
		flow_fail(user, status);
	else
		refuse_refresh(user);
}

static void end_reused(struct flow *f)
{
	nuncio_counter_add(f->a->reused, 1);
	nuncio_log_request(f->a->self, f->rq, NUNCIO_WARN,
		"a refresh token was used twice; this sign-in of the user has ended");
	family_end(f, on_ended);
}

static void family_load(struct flow *f);

/* The family or the account has changed: a second look says which. */
static void on_renewed(struct flow *f, int status)
{
	if (status == 0) {
		nuncio_counter_add(f->a->renewed, 1);
		reply_tokens(f);
	} else if (may_try_again(f)) {
		family_load(f);
	}
}

static void family_renew(struct flow *f)
{
	if (!issue(f))
		return;
	f->made = f->refresh;
	refresh_make(&f->made, f->refresh_text);
	family_save(f, (int64_t)f->family_version, on_renewed);
}

static void refresh_renew(struct flow *f)
{
	if (f->is_known && f->account.epoch == f->epoch)
		flow_wait(f, f->account.tokens_from_ms, family_renew);
	else
		family_end(f, on_ended);
}

static int family_read(struct flow *f, const struct nuncio_record *row, struct refresh *stored_r)
{
	struct nuncio_str hash, device, epoch;
	f->family_version = row->version;
	if (nuncio_json_check(row->value, NULL) < 0 ||
		!nuncio_json_get(row->value, "hash", &hash) ||
		!nuncio_json_get(row->value, "device", &device) ||
		!nuncio_json_get(row->value, "epoch", &epoch) ||
		nuncio_json_text(hash, stored_r->hash, sizeof stored_r->hash) < 0 ||
		nuncio_json_text(device, f->device, sizeof f->device) < 0)
		return NUNCIO_E_FAIL;
	return nuncio_json_int(epoch, &f->epoch);
}

static void on_family(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct flow *f = user;
	struct refresh stored = { "" };
	(void)more;
	if (status == 0 && n == 1)
		status = family_read(f, rows, &stored);
	if (status == NUNCIO_E_NOTFOUND)
		refuse_refresh(f);
	else if (status < 0)
		flow_fail(f, status);
	else if (!refresh_is_same(&stored, &f->refresh))
		end_reused(f);
	else
		flow_load(f, refresh_renew);
}

static void family_load(struct flow *f)
{
	int rc = nuncio_store_get(f->a->self, nuncio_text(SPACE_REFRESH),
		nuncio_text(f->refresh.user), nuncio_text(f->refresh.family), on_family, f);
	if (rc < 0)
		flow_fail(f, rc);
}

/* 0 or -1. */
static int refresh_take(struct flow *f)
{
	struct nuncio_str text = none();
	nuncio_request_text(f->rq, "refresh_token", &text);
	if (refresh_parse(text, &f->refresh) < 0)
		return -1;
	memcpy(f->id, f->refresh.user, sizeof f->id);
	return 0;
}

static void on_refresh(struct nuncio_request *rq, void *user)
{
	struct flow *f = flow_new(user, rq);
	if (refresh_take(f) < 0)
		refuse_refresh(f);
	else
		family_load(f);
}

/* ---- logout ---- */

static void on_signed_out(int status, void *user)
{
	struct flow *f = user;
	if (status < 0) {
		flow_fail(f, status);
		return;
	}
	nuncio_reply(&f->rq, 204, none());
	flow_free(&f);
}

/* Whoever knows a token of the family may end it; whether there was one is nobody's business. */
static void on_logout(struct nuncio_request *rq, void *user)
{
	struct flow *f = flow_new(user, rq);
	if (refresh_take(f) < 0)
		on_signed_out(0, f);
	else
		family_end(f, on_signed_out);
}

/* ---- registration ---- */

int signin_add_routes(struct accounts *a)
{
	static const struct nuncio_field login_fields[] = {
		{ "user", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_REQUIRED, 1, ACCOUNT_ID_BYTES_MAX,
			"The user's id." },
		{ "password", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_REQUIRED, 1,
			ACCOUNT_PASSWORD_BYTES_MAX, "The password." },
		{ "device", NUNCIO_FIELD_TEXT, 0, 0, ACCOUNT_ID_BYTES_MAX,
			"Tells this user's clients apart; goes into the tokens." },
		{ NULL },
	};
	static const struct nuncio_field refresh_fields[] = {
		{ "refresh_token", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_REQUIRED, 1, 8192,
			"As it came from login or refresh." },
		{ NULL },
	};
	static const struct nuncio_shape tokens = {
		.size = sizeof tokens,
		.name = "tokens",
		.shape = "{access_token: text, refresh_token: text, token_type: 'Bearer',"
			 "expires_in: int, user: user}",
		.help = "What a sign-in gives; expires_in are seconds of the access token.",
	};
	static const struct nuncio_route routes[] = {
		ROUTE("POST", "/api/v1/auth/login", NUNCIO_OPEN, "Signs in.", login_fields,
			on_login, "200 tokens", "login_failed rate_limited"),
		ROUTE("POST", "/api/v1/auth/refresh", NUNCIO_OPEN,
			"New tokens for a refresh token, which is used up.", refresh_fields,
			on_refresh, "200 tokens", "refresh_invalid"),
		ROUTE("POST", "/api/v1/auth/logout", NUNCIO_OPEN,
			"Ends what was signed in with this refresh token.", refresh_fields,
			on_logout, "204", NULL),
	};
	int rc = nuncio_shape_add(a->self, &tokens);
	for (size_t i = 0; rc == 0 && i < sizeof routes / sizeof routes[0]; i++)
		rc = nuncio_route_add(a->self, &routes[i], a);
	return rc;
}

/* SPDX-License-Identifier: MIT */
#include "accounts.h"

/*
 * POST /users, GET, PUT and DELETE /users/:id. Whoever is signed in may look at anybody, and change
 * only themselves; a new password and the end of the account need the password again. A change is
 * written against the version that was read, so two at once do not mix: the second is answered
 * `conflict`.
 */

#include <nuncio/session.h>

#include <stdio.h>
#include <string.h>

/* ---- new ---- */

static void on_registered(struct flow *f, int status)
{
	if (status < 0) {
		flow_refuse(f, NUNCIO_CODE_exists, "id: is taken");
		return;
	}
	nuncio_counter_add(f->a->registered, 1);
	flow_reply_account(f, 201);
}

static void register_save(struct flow *f)
{
	flow_save(f, NUNCIO_EXPECT_ABSENT, on_registered);
}

static void register_index(struct flow *f)
{
	struct account *account = &f->account;
	if (!f->new_hash[0]) {
		flow_refuse(f, NUNCIO_CODE_busy, "not enough memory to hash the password");
		return;
	}
	*account = (struct account){ .epoch = 1, .created_at_ms = nuncio_wall_ms() };
	memcpy(account->id, f->id, sizeof account->id);
	memcpy(account->name, f->name, sizeof account->name);
	memcpy(account->hash, f->new_hash, sizeof account->hash);
	flow_index(f, register_save);
}

/* The hash costs much: first see whether the id is free. */
static void register_hash(struct flow *f)
{
	if (f->is_known || f->account.deleted_at_ms) {
		flow_refuse(f, NUNCIO_CODE_exists, "id: is taken");
		return;
	}
	f->makes = true;
	password_run(f, register_index);
}

static bool is_registration_allowed(struct flow *f)
{
	if (!f->a->is_open) {
		flow_refuse(f, NUNCIO_CODE_registration_closed, NULL);
		return false;
	}
	if (registration_take(f))
		return true;
	nuncio_counter_add(f->a->throttled, 1);
	flow_refuse(f, NUNCIO_CODE_rate_limited, "too many new accounts; try again later");
	return false;
}

static bool is_id_good(struct flow *f)
{
	struct nuncio_str id = nuncio_text(f->id);
	if (f->a->takes_any_id ? id_is_any(id) : id_is_plain(id))
		return true;
	flow_refuse(f, NUNCIO_CODE_invalid_field,
		f->a->takes_any_id
			? "id: must be 1 to 64 bytes of text without control characters and /"
			: "id: must be 1 to 64 of a-z 0-9 . _ - and begin with a letter or digit");
	return false;
}

static bool is_name_good(struct flow *f)
{
	if (name_is_sound(nuncio_text(f->name)))
		return true;
	flow_refuse(f, NUNCIO_CODE_invalid_field,
		"name: must be at most 64 characters, none of them control characters");
	return false;
}

void users_register(struct flow *f)
{
	if (is_id_good(f) && is_name_good(f))
		flow_load(f, register_hash);
}

static void on_post(struct nuncio_request *rq, void *user)
{
	struct flow *f = flow_new(user, rq);
	if (flow_text(f, "id", f->id, sizeof f->id) < 0 ||
		flow_text(f, "password", f->new_password, sizeof f->new_password) < 0 ||
		flow_text(f, "name", f->name, sizeof f->name) < 0)
		return;
	if (is_registration_allowed(f))
		users_register(f);
}

/* ---- look ---- */

static void get_show(struct flow *f)
{
	if (f->is_known)
		flow_reply_account(f, 200);
	else
		flow_refuse(f, NUNCIO_CODE_not_found, "there is no such user");
}

static void on_get(struct nuncio_request *rq, void *user)
{
	struct flow *f = flow_new(user, rq);
	if (flow_path_id(f) == 0)
		flow_load(f, get_show);
}

/* ---- what was signed in before ---- */

/* Every token that was issued until the account is saved becomes void with it. */
static void void_tokens(struct flow *f)
{
	f->account.epoch++; /* voids every refresh token in the same write */
	f->voids = true;
}

/* ---- change ---- */

static void on_changed(struct flow *f, int status)
{
	char old_folded[FOLD_SIZE], folded[FOLD_SIZE];
	if (status < 0) {
		flow_refuse(
			f, NUNCIO_CODE_conflict, "the account was changed meanwhile; try again");
		return;
	}
	text_fold(nuncio_text(f->old_name), old_folded);
	text_fold(nuncio_text(f->account.name), folded);
	if (strcmp(old_folded, folded) != 0) {
		text_fold(nuncio_text(f->id), folded);
		if (strcmp(old_folded, folded) != 0)
			index_drop(f->a, nuncio_text(old_folded), nuncio_text(f->id),
				NUNCIO_EXPECT_ANY);
	}
	if (f->voids)
		voids_add(f->a, &f->account);
	flow_reply_account(f, 200);
}

static void put_save(struct flow *f)
{
	flow_save(f, (int64_t)f->account.version, on_changed);
}

void users_change(struct flow *f)
{
	struct account *account = &f->account;
	memcpy(f->old_name, account->name, sizeof f->old_name);
	if (f->sets_name)
		memcpy(account->name, f->name, sizeof account->name);
	if (f->makes && !f->new_hash[0]) {
		flow_refuse(f, NUNCIO_CODE_busy, "not enough memory to hash the password");
		return;
	}
	if (f->makes) {
		memcpy(account->hash, f->new_hash, sizeof account->hash);
		void_tokens(f);
	}
	if (f->sets_name)
		flow_index(f, put_save);
	else
		put_save(f);
}

static void put_prove(struct flow *f)
{
	if (!f->is_known)
		flow_refuse(f, NUNCIO_CODE_not_found, "there is no such user");
	else if (f->makes)
		password_prove(f, NUNCIO_CODE_password_required, users_change);
	else if (f->sets_name)
		users_change(f);
	else
		flow_reply_account(f, 200);
}

static bool is_self(struct flow *f)
{
	if (nuncio_text_same(nuncio_request_user(f->rq), nuncio_text(f->id)))
		return true;
	flow_refuse(f, NUNCIO_CODE_denied, "only the user themselves may do this");
	return false;
}

static void on_put(struct nuncio_request *rq, void *user)
{
	struct flow *f = flow_new(user, rq);
	int name, password, current;
	if (flow_path_id(f) < 0 || !is_self(f))
		return;
	if ((name = flow_text(f, "name", f->name, sizeof f->name)) < 0 ||
		(password = flow_text(f, "password", f->new_password, sizeof f->new_password)) <
			0 ||
		(current = flow_text(f, "current_password", f->password, sizeof f->password)) < 0)
		return;
	f->sets_name = name;
	f->makes = password;
	if (!is_name_good(f))
		return;
	if (password && !current)
		flow_refuse(f, NUNCIO_CODE_password_required,
			"current_password: is needed to change the password");
	else
		flow_load(f, put_prove);
}

/* ---- end ---- */

static void index_drop_text(struct flow *f, const char *text)
{
	char folded[FOLD_SIZE];
	text_fold(nuncio_text(text), folded);
	index_drop(f->a, nuncio_text(folded), nuncio_text(f->id), NUNCIO_EXPECT_ANY);
}

static void on_deleted(struct flow *f, int status)
{
	if (status < 0) {
		flow_refuse(
			f, NUNCIO_CODE_conflict, "the account was changed meanwhile; try again");
		return;
	}
	index_drop_text(f, f->id);
	index_drop_text(f, f->old_name);
	voids_add(f->a, &f->account);
	nuncio_reply(&f->rq, 204, (struct nuncio_str){ NULL, 0 });
	flow_free(&f);
}

void users_delete(struct flow *f)
{
	memcpy(f->old_name, f->account.name, sizeof f->old_name);
	f->account.name[0] = f->account.hash[0] = '\0';
	f->account.deleted_at_ms = nuncio_wall_ms();
	void_tokens(f);
	flow_save(f, (int64_t)f->account.version, on_deleted);
}

static void delete_prove(struct flow *f)
{
	if (f->is_known)
		password_prove(f, NUNCIO_CODE_password_required, users_delete);
	else
		flow_refuse(f, NUNCIO_CODE_not_found, "there is no such user");
}

static void on_delete(struct nuncio_request *rq, void *user)
{
	struct flow *f = flow_new(user, rq);
	int password;
	if (flow_path_id(f) < 0 || !is_self(f))
		return;
	if ((password = flow_text(f, "password", f->password, sizeof f->password)) < 0)
		return;
	if (password)
		flow_load(f, delete_prove);
	else
		flow_refuse(f, NUNCIO_CODE_password_required,
			"password: is needed to delete the account");
}

/* ---- registration ---- */

#define ID_PATH \
	{ \
		"id", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_PATH, 0, 0, "The user's id." \
	}
#define SELF_ERRORS "not_found denied password_required rate_limited conflict"

int users_add_routes(struct accounts *a)
{
	static const struct nuncio_field post_fields[] = {
		{ "id", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_REQUIRED, 1, ACCOUNT_ID_BYTES_MAX,
			"The new user's id, for good." },
		{ "password", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_REQUIRED, ACCOUNT_PASSWORD_BYTES_MIN,
			ACCOUNT_PASSWORD_BYTES_MAX, "Any text of 8 to 256 bytes." },
		{ "name", NUNCIO_FIELD_TEXT, 0, 0, ACCOUNT_NAME_BYTES_MAX,
			"What people see; at most 64 characters." },
		{ NULL },
	};
	static const struct nuncio_field put_fields[] = {
		ID_PATH,
		{ "name", NUNCIO_FIELD_TEXT, 0, 0, ACCOUNT_NAME_BYTES_MAX,
			"What people see; empty removes it." },
		{ "password", NUNCIO_FIELD_TEXT, 0, ACCOUNT_PASSWORD_BYTES_MIN,
			ACCOUNT_PASSWORD_BYTES_MAX,
			"The new password; needs current_password. Ends everything that was signed in with the old one." },
		{ "current_password", NUNCIO_FIELD_TEXT, 0, 0, ACCOUNT_PASSWORD_BYTES_MAX,
			"The password until now." },
		{ NULL },
	};
	static const struct nuncio_field delete_fields[] = {
		ID_PATH,
		{ "password", NUNCIO_FIELD_TEXT, 0, 0, ACCOUNT_PASSWORD_BYTES_MAX,
			"The password again." },
		{ NULL },
	};
	static const struct nuncio_field get_fields[] = { ID_PATH, { NULL } };
	static const struct nuncio_route routes[] = {
		ROUTE("POST", "/api/v1/users", NUNCIO_OPEN, "Makes an account.", post_fields,
			on_post, "201 user", "exists registration_closed rate_limited"),
		ROUTE("GET", "/api/v1/users/:id", 0, "One user.", get_fields, on_get, "200 user",
			"not_found"),
		ROUTE("PUT", "/api/v1/users/:id", 0, "Changes one's own name or password.",
			put_fields, on_put, "200 user", SELF_ERRORS),
		ROUTE("DELETE", "/api/v1/users/:id", 0, "Deletes one's own account.", delete_fields,
			on_delete, "204", SELF_ERRORS),
	};
	static const struct nuncio_shape user = {
		.size = sizeof user,
		.name = "user",
		.shape = "{id: text, name: text, created_at: time}",
		.help = "Somebody with an account.",
	};
	int rc = nuncio_shape_add(a->self, &user);
	for (size_t i = 0; rc == 0 && i < sizeof routes / sizeof routes[0]; i++)
		rc = nuncio_route_add(a->self, &routes[i], a);
	return rc;
}

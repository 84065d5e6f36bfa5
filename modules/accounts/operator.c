/* SPDX-License-Identifier: MIT */
#include "accounts.h"

/*
 * What an operator may do over the control socket: user list, add, passwd, delete. The same steps
 * as over REST, without what protects users from each other: no password is asked for, registration
 * may be closed, nothing is counted.
 */

#include <nuncio/control.h>

/* false: refused */
static bool take_id(struct flow *f)
{
	if (flow_text(f, "id", f->id, sizeof f->id) < 0)
		return false;
	if (id_is_sound(nuncio_text(f->id)))
		return true;
	flow_refuse(f, NUNCIO_CODE_not_found, "there is no such user");
	return false;
}

static void on_add(struct nuncio_request *rq, void *user)
{
	struct flow *f = flow_new(user, rq);
	if (flow_text(f, "id", f->id, sizeof f->id) < 0 ||
		flow_text(f, "password", f->new_password, sizeof f->new_password) < 0 ||
		flow_text(f, "name", f->name, sizeof f->name) < 0)
		return;
	users_register(f);
}

static void passwd_hash(struct flow *f)
{
	if (!f->is_known) {
		flow_refuse(f, NUNCIO_CODE_not_found, "there is no such user");
		return;
	}
	f->makes = true;
	password_run(f, users_change);
}

static void on_passwd(struct nuncio_request *rq, void *user)
{
	struct flow *f = flow_new(user, rq);
	if (take_id(f) && flow_text(f, "password", f->new_password, sizeof f->new_password) >= 0)
		flow_load(f, passwd_hash);
}

static void delete_known(struct flow *f)
{
	if (f->is_known)
		users_delete(f);
	else
		flow_refuse(f, NUNCIO_CODE_not_found, "there is no such user");
}

static void on_delete(struct nuncio_request *rq, void *user)
{
	struct flow *f = flow_new(user, rq);
	if (take_id(f))
		flow_load(f, delete_known);
}

static const struct nuncio_field list_fields[] = {
	{ "query", NUNCIO_FIELD_TEXT, 0, 0, ACCOUNT_ID_BYTES_MAX,
		"what the id or the name starts with; none: everybody" },
	{ "after", NUNCIO_FIELD_TEXT, 0, 0, 256, "`next` of the page before" },
	{ NULL },
};
static const struct nuncio_field add_fields[] = {
	{ "id", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_REQUIRED, 1, ACCOUNT_ID_BYTES_MAX,
		"the new user's id, for good" },
	{ "name", NUNCIO_FIELD_TEXT, 0, 0, ACCOUNT_NAME_BYTES_MAX, "what people see" },
	{ "password", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_REQUIRED | NUNCIO_FIELD_SECRET,
		ACCOUNT_PASSWORD_BYTES_MIN, ACCOUNT_PASSWORD_BYTES_MAX,
		"any text of 8 to 256 bytes" },
	{ NULL },
};
static const struct nuncio_field passwd_fields[] = {
	{ "id", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_REQUIRED, 1, ACCOUNT_ID_BYTES_MAX, "whose" },
	{ "password", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_REQUIRED | NUNCIO_FIELD_SECRET,
		ACCOUNT_PASSWORD_BYTES_MIN, ACCOUNT_PASSWORD_BYTES_MAX,
		"any text of 8 to 256 bytes" },
	{ NULL },
};
static const struct nuncio_field delete_fields[] = {
	{ "id", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_REQUIRED, 1, ACCOUNT_ID_BYTES_MAX, "whose" },
	{ NULL },
};

#define COMMAND(OP, HELP, FIELDS, FLAGS, FN) \
	{ \
		.size = sizeof(struct nuncio_command), .flags = (FLAGS), .op = (OP), \
		.help = (HELP), .fields = (FIELDS), .field_size = sizeof(struct nuncio_field), \
		.fn = (FN) \
	}

static const struct nuncio_command commands[] = {
	COMMAND("user.list", "Accounts whose id or name begins with a text.", list_fields, 0,
		search_run),
	COMMAND("user.add", "Makes an account, also when registration is closed.", add_fields,
		NUNCIO_CONTROL_CHANGES, on_add),
	COMMAND("user.passwd", "Gives an account another password; ends its sign-ins.",
		passwd_fields, NUNCIO_CONTROL_CHANGES, on_passwd),
	COMMAND("user.delete", "Deletes an account and closes its sessions.", delete_fields,
		NUNCIO_CONTROL_CHANGES, on_delete),
};

int operator_add_commands(struct accounts *a)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < sizeof commands / sizeof commands[0]; i++)
		rc = nuncio_control_add(a->self, &commands[i], a);
	return rc;
}

/* SPDX-License-Identifier: MIT */
/*
 * Who knows whom: contacts by request and consent, blocked people, and who may write to whom and
 * see whom. Without this module anybody may write to anybody, and see them.
 *
 * Thread: logic. State: a cache of fixed size (relation.c).
 */
#include "contacts.h"

#include <nuncio/bus.h>
#include <nuncio/service.h>

#include <stdlib.h>

/* ---- tables ---- */

#define USER_FIELD \
	{ \
		"user", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_REQUIRED, 1, USER_BYTES, "the other one" \
	}
#define MESSAGE_FIELD \
	{ \
		"message", NUNCIO_FIELD_TEXT, 0, 0, GREETING_BYTES, "a word to them" \
	}
#define REMARK_FIELD \
	{ \
		"remark", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_REQUIRED, 0, REMARK_BYTES, \
			"what one calls them; empty: nothing" \
	}
#define POLICY_WORDS "'everyone'|'contacts'|'nobody'"
#define USER_PATH \
	{ \
		"user", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_PATH, 0, 0, "the other one" \
	}
#define PAGE_FIELDS(FLAGS) \
	{ "after", NUNCIO_FIELD_TEXT, (FLAGS), 0, USER_BYTES, "`next` of the page before" }, \
	{ \
		"limit", NUNCIO_FIELD_INT, (FLAGS), 1, 200, "at most so many; 100 if not given" \
	}

static const struct nuncio_field user_fields[] = { USER_FIELD, { 0 } };
static const struct nuncio_field request_fields[] = { USER_FIELD, MESSAGE_FIELD, { 0 } };
static const struct nuncio_field update_fields[] = { USER_FIELD, REMARK_FIELD, { 0 } };
static const struct nuncio_field page_fields[] = { PAGE_FIELDS(0), { 0 } };
static const struct nuncio_field policy_fields[] = {
	{ "messages", NUNCIO_FIELD_TEXT, 0, 1, 16, "who may write to one", POLICY_WORDS },
	{ "presence", NUNCIO_FIELD_TEXT, 0, 1, 16,
		"who sees whether one is there, and when one was last seen", POLICY_WORDS },
	{ 0 },
};
static const struct nuncio_field user_url_fields[] = { USER_PATH, { 0 } };
static const struct nuncio_field remark_url_fields[] = { USER_PATH, REMARK_FIELD, { 0 } };
static const struct nuncio_field page_url_fields[] = { PAGE_FIELDS(NUNCIO_FIELD_QUERY), { 0 } };

static const struct nuncio_shape contact_shape = {
	.size = sizeof contact_shape,
	.name = "contact",
	.shape =
		"{user: text, state: 'asked'|'asks'|'friend'|'none', since: time|null, remark: text,"
		"message: text}",
	.help = "Somebody whom one knows, or who has asked, or was asked.",
};
#define LIST_SHAPE "{contacts: [contact], next: text|null}"
#define BLOCKED_SHAPE "{user: text, blocked: bool}"
#define BLOCKS_SHAPE "{blocked: [{user: text, since: time}], next: text|null}"
#define POLICY_SHAPE "{messages: " POLICY_WORDS ", presence: " POLICY_WORDS "}"
#define PAIR_ERRORS "not_found not_accepted you_blocked conflict"

#define COMMAND(OP, HELP, FIELDS, FN, ANSWER, ERRORS) \
	{ \
		.size = sizeof(struct nuncio_command), .op = (OP), .help = (HELP), \
		.fields = (FIELDS), .field_size = sizeof(struct nuncio_field), .fn = (FN), \
		.answer = (ANSWER), .errors = (ERRORS) \
	}
static const struct nuncio_command commands[] = {
	COMMAND("contact.request", "Asks somebody to be a contact.", request_fields, on_request,
		"contact", PAIR_ERRORS),
	COMMAND("contact.accept", "Accepts who has asked.", user_fields, on_accept, "contact",
		PAIR_ERRORS),
	COMMAND("contact.decline", "Declines who has asked.", user_fields, on_decline, "contact",
		PAIR_ERRORS),
	COMMAND("contact.remove", "Ends a contact, or takes a request back.", user_fields,
		on_remove, "contact", PAIR_ERRORS),
	COMMAND("contact.update", "Sets one's own remark about somebody.", update_fields, on_update,
		"contact", PAIR_ERRORS),
	COMMAND("contact.list", "One's contacts and requests.", page_fields, on_list, LIST_SHAPE,
		NULL),
	COMMAND("contact.policy", "Says who may write to one, and who sees one.", policy_fields,
		on_policy_set, POLICY_SHAPE, NULL),
	COMMAND("contact.policy_get", "Who may write to one, and who sees one.", NULL,
		on_policy_get, POLICY_SHAPE, NULL),
	COMMAND("block.add", "Blocks somebody.", user_fields, on_block, BLOCKED_SHAPE, PAIR_ERRORS),
	COMMAND("block.remove", "Blocks somebody no longer.", user_fields, on_unblock,
		BLOCKED_SHAPE, PAIR_ERRORS),
	COMMAND("block.list", "Whom one has blocked.", page_fields, on_block_list, BLOCKS_SHAPE,
		NULL),
};

#define ROUTE(METHOD, PATH, HELP, FIELDS, FN, ANSWER, ERRORS) \
	{ \
		.size = sizeof(struct nuncio_route), .method = (METHOD), .path = (PATH), \
		.help = (HELP), .fields = (FIELDS), .field_size = sizeof(struct nuncio_field), \
		.fn = (FN), .answer = (ANSWER), .errors = (ERRORS) \
	}
static const struct nuncio_route routes[] = {
	ROUTE("GET", "/api/v1/contacts", "One's contacts and requests.", page_url_fields, on_list,
		"200 " LIST_SHAPE, NULL),
	ROUTE("POST", "/api/v1/contacts", "Asks somebody to be a contact.", request_fields,
		on_request, "200 contact", PAIR_ERRORS),
	ROUTE("POST", "/api/v1/contacts/:user/accept", "Accepts who has asked.", user_url_fields,
		on_accept, "200 contact", PAIR_ERRORS),
	ROUTE("POST", "/api/v1/contacts/:user/decline", "Declines who has asked.", user_url_fields,
		on_decline, "200 contact", PAIR_ERRORS),
	ROUTE("PUT", "/api/v1/contacts/:user", "Sets one's own remark about somebody.",
		remark_url_fields, on_update, "200 contact", PAIR_ERRORS),
	ROUTE("DELETE", "/api/v1/contacts/:user", "Ends a contact, or takes a request back.",
		user_url_fields, on_remove, "200 contact", PAIR_ERRORS),
	ROUTE("GET", "/api/v1/blocks", "Whom one has blocked.", page_url_fields, on_block_list,
		"200 " BLOCKS_SHAPE, NULL),
	ROUTE("PUT", "/api/v1/blocks/:user", "Blocks somebody.", user_url_fields, on_block,
		"200 " BLOCKED_SHAPE, PAIR_ERRORS),
	ROUTE("DELETE", "/api/v1/blocks/:user", "Blocks somebody no longer.", user_url_fields,
		on_unblock, "200 " BLOCKED_SHAPE, PAIR_ERRORS),
	ROUTE("GET", "/api/v1/policy", "Who may write to one, and who sees one.", NULL,
		on_policy_get, "200 " POLICY_SHAPE, NULL),
	ROUTE("PUT", "/api/v1/policy", "Says who may write to one, and who sees one.",
		policy_fields, on_policy_set, "200 " POLICY_SHAPE, NULL),
};

/* ---- the module ---- */

static void on_relation(void *impl, struct nuncio_str owner, struct nuncio_str other,
	nuncio_relation_fn *done, void *user)
{
	struct contacts *c = impl;
	relations_ask(c->relations, owner, other, done, user);
}

static void on_may_see(void *impl, struct nuncio_str owner, struct nuncio_str other,
	nuncio_relation_fn *done, void *user)
{
	sight_ask(impl, owner, other, done, user);
}

static int on_watch(void *impl, nuncio_relation_changed_fn *fn, void *user)
{
	struct contacts *c = impl;
	return relations_watch(c->relations, fn, user);
}

static const struct nuncio_contacts_v1 service = {
	.size = sizeof service,
	.relation = on_relation,
	.may_see = on_may_see,
	.watch = on_watch,
};

/* Who has blocked whom may have been told while this node heard nothing. */
static void on_did_recover(const struct nuncio_recovery *what, void *user)
{
	struct contacts *c = user;
	(void)what;
	relations_forget_all(c->relations);
}

static int add_all(struct contacts *c)
{
	int rc = nuncio_shape_add(c->self, &contact_shape);
	for (size_t i = 0; rc == 0 && i < sizeof commands / sizeof commands[0]; i++)
		rc = nuncio_command_add(c->self, &commands[i], c);
	for (size_t i = 0; rc == 0 && i < sizeof routes / sizeof routes[0]; i++)
		rc = nuncio_route_add(c->self, &routes[i], c);
	if (rc == 0)
		rc = nuncio_service_offer(c->self, NUNCIO_CONTACTS_V1, &service, c);
	if (rc == 0)
		rc = nuncio_peer_add(c->self, "changed", relations_on_peer, c);
	if (rc == 0)
		rc = nuncio_hook_may_send(c->self, NUNCIO_PRIO_GUARD, gate_on_send, c);
	if (rc == 0)
		rc = nuncio_hook_may_join(c->self, NUNCIO_PRIO_GUARD, gate_on_join, c);
	if (rc == 0)
		rc = nuncio_hook_did_recover(c->self, NUNCIO_PRIO_FIRST, on_did_recover, c);
	return rc;
}

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	struct contacts *c = nuncio_alloc(sizeof *c);
	c->self = self;
	c->relations = relations_new(c);
	c->refused = nuncio_counter_new(self, "refused_total", NULL,
		"Messages refused because of a block or of who may write to whom.");
	nuncio_module_set_data(self, c);
	int rc = add_all(c);
	if (rc < 0)
		nuncio_error_set(err, "its ops, routes and hooks cannot be added: %s",
			nuncio_status_name(rc));
	return rc;
}

static int start(struct nuncio_module *self, struct nuncio_error *err)
{
	struct contacts *c = nuncio_module_data(self);
	(void)err;
	c->direct = nuncio_service_find(self, NUNCIO_DIRECT_V1, &c->direct_impl);
	return 0;
}

static void fini(struct nuncio_module *self)
{
	struct contacts *c = nuncio_module_data(self);
	if (c)
		relations_free(&c->relations);
	free(c);
	nuncio_module_set_data(self, NULL);
}

static const struct nuncio_option options[] = {
	{ "messages_from", NUNCIO_OPT_CHOICE, NUNCIO_OPT_LIVE, "everyone", 0, 0,
		"everyone contacts nobody", "Who may write to those who have not chosen." },
	{ "presence_to", NUNCIO_OPT_CHOICE, NUNCIO_OPT_LIVE, "everyone", 0, 0,
		"everyone contacts nobody",
		"Who sees whether those who have not chosen are there, and when they were last." },
	{ 0 },
};

static const char *const needs[] = { "store", NULL };
static const char *const wants[] = { NUNCIO_DIRECT_V1, NULL };

NUNCIO_MODULE("contacts", .version = "1.0",
	.summary = "Contacts by consent, blocked people, who may write to whom.", .needs = needs,
	.wants = wants, .options = options, .init = init, .start = start, .fini = fini)

/* SPDX-License-Identifier: MIT */
/*
 * What people do with messages that are there: edit, recall, react, pin, forward. Each change is an
 * event in the log of its conversation, so every device and every later reader learns of it, and
 * the message itself carries its effect.
 *
 * Thread: logic. State: none beyond the questions under way.
 */
#include "messages.h"

#include <nuncio/conf.h>

#include <stdlib.h>
#include <string.h>

bool messages_pins_need_role(const struct messages *m, const char *kind)
{
	for (size_t i = 0; kind && i < nuncio_conf_count(m->self, "pin_roles"); i++)
		if (strcmp(nuncio_conf_item(m->self, "pin_roles", i), kind) == 0)
			return true;
	return false;
}

/* ---- tables ---- */

#define CONVERSATION_FIELD \
	{ \
		"conversation", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_REQUIRED, 1, CONVERSATION_BYTES, \
			"its id" \
	}
#define SEQ_FIELD \
	{ \
		"seq", NUNCIO_FIELD_INT, NUNCIO_FIELD_REQUIRED, 1, INT64_MAX, "of the message" \
	}
#define BODY_FIELD \
	{ \
		"body", NUNCIO_FIELD_ANY, NUNCIO_FIELD_REQUIRED, 0, 32768, \
			"the new body: a string for text, else any JSON" \
	}
#define EMOJI_FIELD \
	{ \
		"emoji", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_REQUIRED, 1, EMOJI_BYTES, \
			"text without blanks" \
	}
#define TO_FIELDS \
	{ "to", NUNCIO_FIELD_OBJECT, NUNCIO_FIELD_REQUIRED, 0, 0, \
		"where to: user, group or conversation" }, \
	{ \
		"client_id", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_REQUIRED, 1, 64, \
			"the sender's own name for the new message" \
	}

static const struct nuncio_field seq_fields[] = { CONVERSATION_FIELD, SEQ_FIELD, { 0 } };
static const struct nuncio_field edit_fields[] = { CONVERSATION_FIELD, SEQ_FIELD, BODY_FIELD,
	{ 0 } };
static const struct nuncio_field react_fields[] = { CONVERSATION_FIELD, SEQ_FIELD, EMOJI_FIELD,
	{ "remove", NUNCIO_FIELD_BOOL, 0, 0, 0, "take it back" }, { 0 } };
static const struct nuncio_field pinned_fields[] = { CONVERSATION_FIELD, { 0 } };
static const struct nuncio_field forward_fields[] = { CONVERSATION_FIELD, SEQ_FIELD, TO_FIELDS,
	{ 0 } };
static const struct nuncio_field edit_url_fields[] = { BODY_FIELD, { 0 } };
static const struct nuncio_field forward_url_fields[] = { TO_FIELDS, { 0 } };

#define COMMAND(OP, HELP, FIELDS, FN) \
	{ \
		.size = sizeof(struct nuncio_command), .op = (OP), .help = (HELP), \
		.fields = (FIELDS), .field_size = sizeof(struct nuncio_field), .fn = (FN) \
	}
static const struct nuncio_command commands[] = {
	COMMAND("message.edit", "Gives one's own message another body.", edit_fields, on_edit),
	COMMAND("message.recall", "Takes a message back.", seq_fields, on_recall),
	COMMAND("message.react", "Adds or takes back a reaction.", react_fields, on_react),
	COMMAND("message.pin", "Pins a message.", seq_fields, on_pin),
	COMMAND("message.unpin", "Pins a message no longer.", seq_fields, on_unpin),
	COMMAND("message.pinned", "The pinned messages of a conversation.", pinned_fields,
		on_pinned),
	COMMAND("message.forward", "Sends a message on.", forward_fields, on_forward),
};

#define MESSAGE_PATH "/api/v1/conversations/:id/messages/:seq"
#define ROUTE(METHOD, PATH, HELP, FIELDS, FN) \
	{ \
		.size = sizeof(struct nuncio_route), .method = (METHOD), .path = (PATH), \
		.help = (HELP), .fields = (FIELDS), .field_size = sizeof(struct nuncio_field), \
		.fn = (FN) \
	}
static const struct nuncio_route routes[] = {
	ROUTE("PUT", MESSAGE_PATH, "Gives one's own message another body.", edit_url_fields,
		on_edit),
	ROUTE("DELETE", MESSAGE_PATH, "Takes a message back.", NULL, on_recall),
	ROUTE("PUT", MESSAGE_PATH "/reactions/:emoji", "Adds a reaction.", NULL, on_react),
	ROUTE("DELETE", MESSAGE_PATH "/reactions/:emoji", "Takes a reaction back.", NULL,
		on_unreact),
	ROUTE("PUT", MESSAGE_PATH "/pin", "Pins a message.", NULL, on_pin),
	ROUTE("DELETE", MESSAGE_PATH "/pin", "Pins a message no longer.", NULL, on_unpin),
	ROUTE("POST", MESSAGE_PATH "/forward", "Sends a message on.", forward_url_fields,
		on_forward),
	ROUTE("GET", "/api/v1/conversations/:id/pinned", "The pinned messages of a conversation.",
		NULL, on_pinned),
};

/* ---- the module ---- */

static int read_options(struct nuncio_module *self, struct nuncio_error *err)
{
	struct messages *m = nuncio_module_data(self);
	(void)err;
	m->edit_window_ms = nuncio_conf_int(self, "edit_window");
	m->recall_window_ms = nuncio_conf_int(self, "recall_window");
	m->max_pins = (uint32_t)nuncio_conf_int(self, "max_pins");
	m->max_reactions = (uint32_t)nuncio_conf_int(self, "max_reactions");
	return 0;
}

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	struct messages *m = nuncio_alloc(sizeof *m);
	int rc = 0;
	m->self = self;
	nuncio_module_set_data(self, m);
	read_options(self, err);
	for (size_t i = 0; rc == 0 && i < sizeof commands / sizeof commands[0]; i++)
		rc = nuncio_command_add(self, &commands[i], m);
	for (size_t i = 0; rc == 0 && i < sizeof routes / sizeof routes[0]; i++)
		rc = nuncio_route_add(self, &routes[i], m);
	if (rc < 0)
		nuncio_error_set(
			err, "its ops and routes cannot be added: %s", nuncio_status_name(rc));
	return rc;
}

static void fini(struct nuncio_module *self)
{
	free(nuncio_module_data(self));
	nuncio_module_set_data(self, NULL);
}

static const struct nuncio_option options[] = {
	{ "edit_window", NUNCIO_OPT_MSEC, NUNCIO_OPT_LIVE, "2d", 0, INT64_C(315360000000), NULL,
		"How long after sending a message can be edited; 0: never." },
	{ "recall_window", NUNCIO_OPT_MSEC, NUNCIO_OPT_LIVE, "1d", 0, INT64_C(315360000000), NULL,
		"How long after sending its sender can recall a message; 0: never. Admins of a "
		"group can always." },
	{ "max_reactions", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "100", 1, 300, NULL,
		"How many reactions one message can have, of all users and emojis together." },
	{ "max_pins", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "50", 1, 500, NULL,
		"How many messages of one conversation can be pinned." },
	{ "pin_roles", NUNCIO_OPT_LIST, NUNCIO_OPT_LIVE, "group", 0, 16, NULL,
		"Kinds of conversations in which only members with a role (admins) pin." },
	{ 0 },
};

static const char *const wants[] = { "store", NULL };

NUNCIO_MODULE("messages", .version = "1.0",
	.summary = "Editing, recalling, reactions, pins, forwarding.", .wants = wants,
	.options = options, .init = init, .reload = read_options, .fini = fini)

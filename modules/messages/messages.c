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
		"body", NUNCIO_FIELD_ANY, NUNCIO_FIELD_REQUIRED, 0, BODY_BYTES, \
			"the new body: a string for text, else any JSON" \
	}
#define EMOJI_FIELD \
	{ \
		"emoji", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_REQUIRED, 1, EMOJI_BYTES, \
			"text without blanks" \
	}
#define TO_FIELDS \
	{ "to", NUNCIO_FIELD_OBJECT, NUNCIO_FIELD_REQUIRED, 0, 0, "where to: one of these", \
		"{user: text}|{group: text}|{conversation: text}" }, \
	{ \
		"client_id", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_REQUIRED, 1, 64, \
			"the sender's own name for the new message" \
	}

static const struct nuncio_field seq_fields[] = { CONVERSATION_FIELD, SEQ_FIELD, { 0 } };
static const struct nuncio_field edit_fields[] = { CONVERSATION_FIELD, SEQ_FIELD, BODY_FIELD,
	{ 0 } };
static const struct nuncio_field react_fields[] = { CONVERSATION_FIELD, SEQ_FIELD, EMOJI_FIELD,
	{ "remove", NUNCIO_FIELD_BOOL, 0, 0, 0, "take it back" }, { 0 } };
#define PINNED_PAGE(WHERE) \
	{ "after", NUNCIO_FIELD_INT, WHERE, 0, INT64_MAX, \
		"go on behind it: `next` of an answer" }, \
	{ \
		"limit", NUNCIO_FIELD_INT, WHERE, 1, PINS_PAGE, "at most so many" \
	}
static const struct nuncio_field pinned_fields[] = { CONVERSATION_FIELD, PINNED_PAGE(0), { 0 } };
static const struct nuncio_field forward_fields[] = { CONVERSATION_FIELD, SEQ_FIELD, TO_FIELDS,
	{ 0 } };

#define ID_PATH \
	{ \
		"id", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_PATH, 0, 0, "the conversation's" \
	}
#define SEQ_PATH \
	{ \
		"seq", NUNCIO_FIELD_INT, NUNCIO_FIELD_PATH, 1, INT64_MAX, "of the message" \
	}
static const struct nuncio_field pinned_url_fields[] = { ID_PATH, PINNED_PAGE(NUNCIO_FIELD_QUERY),
	{ 0 } };
static const struct nuncio_field seq_url_fields[] = { ID_PATH, SEQ_PATH, { 0 } };
static const struct nuncio_field edit_url_fields[] = { ID_PATH, SEQ_PATH, BODY_FIELD, { 0 } };
static const struct nuncio_field react_url_fields[] = { ID_PATH, SEQ_PATH,
	{ "emoji", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_PATH, 1, EMOJI_BYTES, "text without blanks" },
	{ 0 } };
static const struct nuncio_field forward_url_fields[] = { ID_PATH, SEQ_PATH, TO_FIELDS, { 0 } };

static const struct nuncio_shape changed_shape = {
	.size = sizeof changed_shape,
	.name = "changed_message",
	.shape = "{conversation: text, seq?: int, id?: id, sent_at?: time, message: event}",
	.help = "The message as it is now; and the event that says so, if it was not so before.",
};
#define PINNED_SHAPE "{events: [event], more: bool, next: int|null}"
/* As for sending: how a conversation may refuse; then what is wrong with the message. */
#define ENTER_ERRORS "not_found not_member denied muted read_only not_accepted you_blocked"
#define CHANGE_ERRORS ENTER_ERRORS " invalid_field conflict"

#define COMMAND(OP, HELP, FIELDS, FN, ANSWER, ERRORS) \
	{ \
		.size = sizeof(struct nuncio_command), .op = (OP), .help = (HELP), \
		.fields = (FIELDS), .field_size = sizeof(struct nuncio_field), .fn = (FN), \
		.answer = (ANSWER), .errors = (ERRORS) \
	}
static const struct nuncio_command commands[] = {
	COMMAND("message.edit", "Gives one's own message another body.", edit_fields, on_edit,
		"changed_message", CHANGE_ERRORS " too_large"),
	COMMAND("message.recall", "Takes a message back.", seq_fields, on_recall, "changed_message",
		CHANGE_ERRORS),
	COMMAND("message.react", "Adds or takes back a reaction.", react_fields, on_react,
		"changed_message", CHANGE_ERRORS " too_large"),
	COMMAND("message.pin", "Pins a message.", seq_fields, on_pin, "changed_message",
		CHANGE_ERRORS " too_large"),
	COMMAND("message.unpin", "Pins a message no longer.", seq_fields, on_unpin,
		"changed_message", CHANGE_ERRORS),
	COMMAND("message.pinned", "The pinned messages of a conversation.", pinned_fields,
		on_pinned, PINNED_SHAPE, ENTER_ERRORS),
	COMMAND("message.forward", "Sends a message on.", forward_fields, on_forward, "sent",
		CHANGE_ERRORS " client_id_conflict rate_limited"),
};

#define MESSAGE_PATH "/api/v1/conversations/:id/messages/:seq"
#define ROUTE(METHOD, PATH, HELP, FIELDS, FN, ANSWER, ERRORS) \
	{ \
		.size = sizeof(struct nuncio_route), .method = (METHOD), .path = (PATH), \
		.help = (HELP), .fields = (FIELDS), .field_size = sizeof(struct nuncio_field), \
		.fn = (FN), .answer = (ANSWER), .errors = (ERRORS) \
	}
static const struct nuncio_route routes[] = {
	ROUTE("PUT", MESSAGE_PATH, "Gives one's own message another body.", edit_url_fields,
		on_edit, "200 changed_message", CHANGE_ERRORS " too_large"),
	ROUTE("DELETE", MESSAGE_PATH, "Takes a message back.", seq_url_fields, on_recall,
		"200 changed_message", CHANGE_ERRORS),
	ROUTE("PUT", MESSAGE_PATH "/reactions/:emoji", "Adds a reaction.", react_url_fields,
		on_react, "200 changed_message", CHANGE_ERRORS " too_large"),
	ROUTE("DELETE", MESSAGE_PATH "/reactions/:emoji", "Takes a reaction back.",
		react_url_fields, on_unreact, "200 changed_message", CHANGE_ERRORS),
	ROUTE("PUT", MESSAGE_PATH "/pin", "Pins a message.", seq_url_fields, on_pin,
		"200 changed_message", CHANGE_ERRORS " too_large"),
	ROUTE("DELETE", MESSAGE_PATH "/pin", "Pins a message no longer.", seq_url_fields, on_unpin,
		"200 changed_message", CHANGE_ERRORS),
	ROUTE("POST", MESSAGE_PATH "/forward", "Sends a message on.", forward_url_fields,
		on_forward, "201 sent; 200 sent", CHANGE_ERRORS " client_id_conflict rate_limited"),
	ROUTE("GET", "/api/v1/conversations/:id/pinned", "The pinned messages of a conversation.",
		pinned_url_fields, on_pinned, "200 " PINNED_SHAPE, ENTER_ERRORS),
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
	m->max_own_reactions = (uint32_t)nuncio_conf_int(self, "max_own_reactions");
	return 0;
}

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	struct messages *m = nuncio_alloc(sizeof *m);
	int rc;
	m->self = self;
	nuncio_module_set_data(self, m);
	read_options(self, err);
	rc = nuncio_shape_add(self, &changed_shape);
	for (size_t i = 0; rc == 0 && i < sizeof commands / sizeof commands[0]; i++)
		rc = nuncio_command_add(self, &commands[i], m);
	for (size_t i = 0; rc == 0 && i < sizeof routes / sizeof routes[0]; i++)
		rc = nuncio_route_add(self, &routes[i], m);
	if (rc < 0)
		nuncio_error_set(
			err, "its ops and routes cannot be added: %s", nuncio_status_name(rc));
	return rc;
}

static int start(struct nuncio_module *self, struct nuncio_error *err)
{
	(void)err;
	blocked_start(nuncio_module_data(self));
	return 0;
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
	{ "max_own_reactions", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "10", 1, 300, NULL,
		"How many of them one user can have, so that none takes up the room of all." },
	{ "max_pins", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "50", 1, 500, NULL,
		"How many messages of one conversation can be pinned." },
	{ "pin_roles", NUNCIO_OPT_LIST, NUNCIO_OPT_LIVE, "group", 0, 16, NULL,
		"Kinds of conversations in which only members with a role (admins) pin." },
	{ 0 },
};

static const char *const wants[] = { "store", NUNCIO_CONTACTS_V1, NUNCIO_DIRECT_V1, NULL };

NUNCIO_MODULE("messages", .version = "1.0",
	.summary = "Editing, recalling, reactions, pins, forwarding.", .wants = wants,
	.options = options, .init = init, .start = start, .reload = read_options, .fini = fini)

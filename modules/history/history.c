/* SPDX-License-Identifier: MIT */
/*
 * Reading what is stored: pages of one conversation, the list of one's conversations, search, and
 * `sync`, everything since a cursor. All of it is the store's; here is who may see it (the
 * conversation's kind is asked first), what one has hidden from oneself, what clients may ask, and
 * the answer's form.
 *
 * Thread: logic. State: none beyond the questions under way.
 */
#include "history.h"

#define LIMIT_FIELD(FLAGS) \
	{ \
		"limit", NUNCIO_FIELD_INT, (FLAGS), 1, PAGE_MAX, \
			"at most so many; 50 if not given" \
	}
#define SEQ_FIELDS(FLAGS) \
	{ "before", NUNCIO_FIELD_INT, (FLAGS), 1, INT64_MAX, "the newest events below this seq" }, \
		{ "after", NUNCIO_FIELD_INT, (FLAGS), 0, INT64_MAX, \
			"the oldest events above this seq" }, \
		{ "around", NUNCIO_FIELD_INT, (FLAGS), 1, INT64_MAX, \
			"events up to this seq and behind it" }, \
	{ \
		"date", NUNCIO_FIELD_TEXT, (FLAGS), 10, 39, \
			"the oldest events from this date on (RFC 3339)" \
	}
#define AFTER_FIELD(FLAGS) \
	{ \
		"after", NUNCIO_FIELD_TEXT, (FLAGS), 0, CURSOR_BYTES, "`next` of the page before" \
	}
#define ARCHIVED_FIELD(FLAGS) \
	{ \
		"archived", NUNCIO_FIELD_TEXT, (FLAGS), 4, 7, "with (if not given), without, only" \
	}
#define SEARCH_FIELDS(FLAGS) \
	{ "text", NUNCIO_FIELD_TEXT, (FLAGS) | NUNCIO_FIELD_REQUIRED, 1, TEXT_BYTES, \
		"words; all must be there" }, \
		{ "conversation", NUNCIO_FIELD_TEXT, (FLAGS), 0, CONVERSATION_BYTES, \
			"only there" }, \
		{ "from", NUNCIO_FIELD_TEXT, (FLAGS), 0, USER_BYTES, "only of this sender" }, \
		{ "from_date", NUNCIO_FIELD_TEXT, (FLAGS), 10, 39, "sent at or after it" }, \
	{ \
		"to_date", NUNCIO_FIELD_TEXT, (FLAGS), 10, 39, "sent at or before it" \
	}
#define CONVERSATION_FIELD \
	{ \
		"conversation", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_REQUIRED, 1, CONVERSATION_BYTES, \
			"its id" \
	}
#define UPTO_FIELD \
	{ \
		"seq", NUNCIO_FIELD_INT, NUNCIO_FIELD_REQUIRED, 1, INT64_MAX, "up to this one" \
	}

static const struct nuncio_field query_fields[] = { CONVERSATION_FIELD, SEQ_FIELDS(0),
	LIMIT_FIELD(0), { 0 } };
static const struct nuncio_field query_url_fields[] = { SEQ_FIELDS(NUNCIO_FIELD_QUERY),
	LIMIT_FIELD(NUNCIO_FIELD_QUERY), { 0 } };
static const struct nuncio_field list_fields[] = { AFTER_FIELD(0), ARCHIVED_FIELD(0),
	LIMIT_FIELD(0), { 0 } };
static const struct nuncio_field list_url_fields[] = { AFTER_FIELD(NUNCIO_FIELD_QUERY),
	ARCHIVED_FIELD(NUNCIO_FIELD_QUERY), LIMIT_FIELD(NUNCIO_FIELD_QUERY), { 0 } };
static const struct nuncio_field sync_fields[] = {
	{ "cursor", NUNCIO_FIELD_TEXT, 0, 0, CURSOR_BYTES, "as the last answer gave it" },
	LIMIT_FIELD(0), { 0 }
};
static const struct nuncio_field search_fields[] = { SEARCH_FIELDS(0), AFTER_FIELD(0),
	LIMIT_FIELD(0), { 0 } };
static const struct nuncio_field search_url_fields[] = { SEARCH_FIELDS(NUNCIO_FIELD_QUERY),
	AFTER_FIELD(NUNCIO_FIELD_QUERY), LIMIT_FIELD(NUNCIO_FIELD_QUERY), { 0 } };
static const struct nuncio_field hide_fields[] = { CONVERSATION_FIELD,
	{ "seq", NUNCIO_FIELD_INT, 0, 1, INT64_MAX, "of an event" },
	{ "seqs", NUNCIO_FIELD_ANY, 0, 0, 4096, "or of several, an array" }, { 0 } };
static const struct nuncio_field clear_fields[] = { CONVERSATION_FIELD, UPTO_FIELD, { 0 } };
static const struct nuncio_field clear_url_fields[] = { UPTO_FIELD, { 0 } };

#define COMMAND(OP, HELP, FIELDS, FN) \
	{ \
		.size = sizeof(struct nuncio_command), .op = (OP), .help = (HELP), \
		.fields = (FIELDS), .field_size = sizeof(struct nuncio_field), .fn = (FN) \
	}
static const struct nuncio_command commands[] = {
	COMMAND("history.query", "A page of one conversation.", query_fields, on_query),
	COMMAND("history.search", "Finds messages, the newest first.", search_fields, on_search),
	COMMAND("conversation.list", "One's conversations, the most recently active first.",
		list_fields, on_list),
	COMMAND("conversation.clear", "Hides everything up to a seq from oneself.", clear_fields,
		on_clear),
	COMMAND("message.hide", "Hides single events from oneself.", hide_fields, on_hide),
	COMMAND("sync", "Everything in all of one's conversations since a cursor.", sync_fields,
		on_sync),
};

#define ROUTE(METHOD, PATH, HELP, FIELDS, FN) \
	{ \
		.size = sizeof(struct nuncio_route), .method = (METHOD), .path = (PATH), \
		.help = (HELP), .fields = (FIELDS), .field_size = sizeof(struct nuncio_field), \
		.fn = (FN) \
	}
static const struct nuncio_route routes[] = {
	ROUTE("GET", "/api/v1/conversations",
		"One's conversations, the most recently active first.", list_url_fields, on_list),
	ROUTE("GET", "/api/v1/conversations/:id/messages", "A page of one conversation.",
		query_url_fields, on_query),
	ROUTE("POST", "/api/v1/conversations/:id/clear",
		"Hides everything up to a seq from oneself.", clear_url_fields, on_clear),
	ROUTE("PUT", "/api/v1/conversations/:id/messages/:seq/hidden",
		"Hides an event from oneself.", NULL, on_hide),
	ROUTE("GET", "/api/v1/search", "Finds messages, the newest first.", search_url_fields,
		on_search),
};

static int history_init(struct nuncio_module *self, struct nuncio_error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < sizeof commands / sizeof commands[0]; i++)
		rc = nuncio_command_add(self, &commands[i], self);
	for (size_t i = 0; rc == 0 && i < sizeof routes / sizeof routes[0]; i++)
		rc = nuncio_route_add(self, &routes[i], self);
	if (rc < 0)
		nuncio_error_set(
			err, "its ops and routes cannot be added: %s", nuncio_status_name(rc));
	return rc;
}

/* Without a store the ops are there and answer that there is none: clearer than an unknown op. */
static const char *const history_wants[] = { "store", NULL };

NUNCIO_MODULE("history", .version = "1.0",
	.summary = "Pages of conversations, the list of them, search, and sync.",
	.wants = history_wants, .init = history_init)

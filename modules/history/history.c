/* SPDX-License-Identifier: MIT */
/*
 * Reading what is stored: pages of one conversation, the list of one's conversations, search, and
 * `sync`, everything since a cursor. All of it is the store's; here is who may see it (the
 * conversation's kind is asked first), what one has hidden from oneself, what clients may ask, and
 * the answer's form.
 *
 * Thread: logic. State: the questions under way, and what is kept in memory (recent.c).
 */
#include "history.h"

#include <nuncio/services/group.h>
#include <nuncio/services/recent.h>

#include "recent.h"
#include "unseen.h"

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
		"archived", NUNCIO_FIELD_TEXT, (FLAGS), 4, 7, \
			"whether archived ones are in the list: with if not given", \
			"'with'|'without'|'only'" \
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

#define ID_PATH \
	{ \
		"id", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_PATH, 0, 0, "the conversation's" \
	}

static const struct nuncio_field query_fields[] = { CONVERSATION_FIELD, SEQ_FIELDS(0),
	LIMIT_FIELD(0), { 0 } };
static const struct nuncio_field query_url_fields[] = { ID_PATH, SEQ_FIELDS(NUNCIO_FIELD_QUERY),
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
	{ "seqs", NUNCIO_FIELD_ANY, 0, 0, 4096, "or of several", "[int]" }, { 0 } };
static const struct nuncio_field hide_url_fields[] = { ID_PATH,
	{ "seq", NUNCIO_FIELD_INT, NUNCIO_FIELD_PATH, 1, INT64_MAX, "of an event" }, { 0 } };
static const struct nuncio_field clear_fields[] = { CONVERSATION_FIELD, UPTO_FIELD, { 0 } };
static const struct nuncio_field clear_url_fields[] = { ID_PATH, UPTO_FIELD, { 0 } };

static const struct nuncio_shape conversation_shape = {
	.size = sizeof conversation_shape,
	.name = "conversation",
	.shape = "{conversation: text, kind: text|null, peer: text|null, peer_delivered?: int,"
		 "peer_read?: int, last_seq: int, delivered: int, read: int, unread: int,"
		 "mentions: int, since: int, role: int, member_count: int, settings: {*: bool},"
		 "last: event|null}",
	.help = "One's own view of a conversation: how far one has read, and its last event.",
};
#define PAGE_SHAPE "{events: [event], more?: bool, more_before?: bool, more_after?: bool}"
#define LIST_SHAPE "{conversations: [conversation], next: text|null}"
#define FOUND_SHAPE "{found: [{message: event, marks: [[int]]}], next: text|null}"
#define HIDDEN_SHAPE "{conversation: text, hidden: {upto?: int, seqs?: [int]}}"
#define SYNC_SHAPE \
	"{events: [event], receipts: [{conversation: text, user: text, delivered: int, read: int}]," \
	"records: [{space: text, key: text, value: any}], cursor: text, more: bool, gap: bool}"
#define ENTER_ERRORS "not_found not_member denied"

#define COMMAND(OP, HELP, FIELDS, FN, ANSWER, ERRORS) \
	{ \
		.size = sizeof(struct nuncio_command), .op = (OP), .help = (HELP), \
		.fields = (FIELDS), .field_size = sizeof(struct nuncio_field), .fn = (FN), \
		.answer = (ANSWER), .errors = (ERRORS) \
	}
static const struct nuncio_command commands[] = {
	COMMAND("history.query", "A page of one conversation.", query_fields, on_query, PAGE_SHAPE,
		ENTER_ERRORS),
	COMMAND("history.search", "Finds messages, the newest first.", search_fields, on_search,
		FOUND_SHAPE, ENTER_ERRORS),
	COMMAND("conversation.list", "One's conversations, the most recently active first.",
		list_fields, on_list, LIST_SHAPE, NULL),
	COMMAND("conversation.clear", "Hides everything up to a seq from oneself.", clear_fields,
		on_clear, HIDDEN_SHAPE, ENTER_ERRORS),
	COMMAND("message.hide", "Hides single events from oneself.", hide_fields, on_hide,
		HIDDEN_SHAPE, ENTER_ERRORS " too_large"),
	COMMAND("sync", "Everything in all of one's conversations since a cursor.", sync_fields,
		on_sync, SYNC_SHAPE, NULL),
};

#define ROUTE(METHOD, PATH, HELP, FIELDS, FN, ANSWER, ERRORS) \
	{ \
		.size = sizeof(struct nuncio_route), .method = (METHOD), .path = (PATH), \
		.help = (HELP), .fields = (FIELDS), .field_size = sizeof(struct nuncio_field), \
		.fn = (FN), .answer = (ANSWER), .errors = (ERRORS) \
	}
static const struct nuncio_route routes[] = {
	ROUTE("GET", "/api/v1/conversations",
		"One's conversations, the most recently active first.", list_url_fields, on_list,
		"200 " LIST_SHAPE, NULL),
	ROUTE("GET", "/api/v1/conversations/:id/messages", "A page of one conversation.",
		query_url_fields, on_query, "200 " PAGE_SHAPE, ENTER_ERRORS),
	ROUTE("POST", "/api/v1/conversations/:id/clear",
		"Hides everything up to a seq from oneself.", clear_url_fields, on_clear,
		"200 " HIDDEN_SHAPE, ENTER_ERRORS),
	ROUTE("PUT", "/api/v1/conversations/:id/messages/:seq/hidden",
		"Hides an event from oneself.", hide_url_fields, on_hide, "200 " HIDDEN_SHAPE,
		ENTER_ERRORS " too_large conflict"),
	ROUTE("GET", "/api/v1/search", "Finds messages, the newest first.", search_url_fields,
		on_search, "200 " FOUND_SHAPE, ENTER_ERRORS),
};

static void history_fini(struct nuncio_module *self)
{
	struct history *history = nuncio_module_data(self);
	if (!history)
		return;
	recent_free(&history->recent);
	unseen_free(&history->unseen);
	free(history);
	nuncio_module_set_data(self, NULL);
}

static int add_ops(struct nuncio_module *self)
{
	int rc = nuncio_shape_add(self, &conversation_shape);
	for (size_t i = 0; rc == 0 && i < sizeof commands / sizeof commands[0]; i++)
		rc = nuncio_command_add(self, &commands[i], self);
	for (size_t i = 0; rc == 0 && i < sizeof routes / sizeof routes[0]; i++)
		rc = nuncio_route_add(self, &routes[i], self);
	return rc;
}

static int history_init(struct nuncio_module *self, struct nuncio_error *err)
{
	struct history *history = nuncio_alloc(sizeof *history);
	int rc = NUNCIO_E_FAIL;
	nuncio_module_set_data(self, history);
	history->recent = recent_new(self, err);
	if (history->recent) {
		history->unseen = unseen_new(self);
		rc = history->unseen ? add_ops(self) : rc;
		if (rc < 0)
			nuncio_error_set(err, "its ops and routes cannot be added: %s",
				nuncio_status_name(rc));
	}
	if (rc < 0)
		history_fini(self);
	return rc;
}

static int history_reload(struct nuncio_module *self, struct nuncio_error *err)
{
	const struct history *history = nuncio_module_data(self);
	(void)err;
	recent_configure(history->recent);
	return 0;
}

static int history_start(struct nuncio_module *self, struct nuncio_error *err)
{
	const struct history *history = nuncio_module_data(self);
	recent_find_place(history->recent);
	return history_reload(self, err);
}

static const struct nuncio_option history_options[] = {
	{ "cache", NUNCIO_OPT_BYTES, NUNCIO_OPT_LIVE, "16M", 0, INT64_C(1) << 40, NULL,
		"Memory for the newest events of conversations that are being read; 0: none." },
	{ 0 },
};

/* Without a store the ops are there and answer that there is none: clearer than an unknown op. */
static const char *const history_wants[] = { "store", NUNCIO_RECENT_V1, NUNCIO_GROUP_V1, NULL };

NUNCIO_MODULE("history", .version = "1.0",
	.summary = "Pages of conversations, the list of them, search, and sync.",
	.wants = history_wants, .options = history_options, .init = history_init,
	.start = history_start, .reload = history_reload, .fini = history_fini)

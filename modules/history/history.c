/* SPDX-License-Identifier: MIT */
/*
 * Reading what is stored: pages of one conversation by seq, the list of one's conversations, and
 * `sync`, everything since a cursor. All of it is the store's; here is who may see it (the
 * conversation's kind is asked first), what clients may ask, and the answer's form.
 *
 * Thread: logic. State: none beyond the questions under way.
 */
#include <stdlib.h>

#include <nuncio/conversation.h>
#include <nuncio/request.h>

#include "page.h"

enum { CONVERSATION_BYTES = 192, CURSOR_BYTES = 255 };

static uint32_t limit_of(struct nuncio_request *rq)
{
	int64_t limit = PAGE_DEFAULT;
	nuncio_request_int(rq, "limit", &limit);
	return limit < 1 || limit > PAGE_MAX ? PAGE_DEFAULT : (uint32_t)limit;
}

/* ---- one conversation ---- */

struct entering {
	struct nuncio_module *self;
	struct nuncio_request *rq;
	struct page_question question;
};

static void on_entered(int status, const char *text, void *user)
{
	struct entering *entering = user;
	struct nuncio_request *rq = entering->rq;
	if (status == 0)
		page_of_events(entering->self, rq, &entering->question);
	else if (status == NUNCIO_E_DENIED)
		nuncio_reply_error(&rq, NUNCIO_CODE_not_member, "%s", text ? text : "not a member");
	else if (status == NUNCIO_E_NOTFOUND)
		nuncio_reply_error(
			&rq, NUNCIO_CODE_not_found, "conversation: there is no such conversation");
	else
		nuncio_reply_status(&rq, status);
	free(entering);
}

/* Over WebSocket the conversation is a member of data, over HTTP a part of the path. */
static void on_query(struct nuncio_request *rq, void *user)
{
	struct page_question question = { .limit = limit_of(rq) };
	int64_t after = 0, before = 0;
	question.is_forward = nuncio_request_int(rq, "after", &after);
	int is_backward = nuncio_request_int(rq, "before", &before);
	nuncio_request_text(
		rq, nuncio_request_is_http(rq) ? "id" : "conversation", &question.conversation);
	if (question.is_forward && is_backward) {
		nuncio_reply_error(&rq, NUNCIO_CODE_invalid_field,
			"before, after: only one of them may be given");
		return;
	}
	question.after = (uint64_t)after;
	question.before = (uint64_t)before;
	struct entering *entering = malloc(sizeof *entering);
	if (!entering)
		abort();
	*entering = (struct entering){ .self = user, .rq = rq, .question = question };
	const struct nuncio_access what = {
		.session = nuncio_request_session(rq),
		.user = nuncio_request_user(rq),
		.conversation = question.conversation,
		.access = NUNCIO_ACCESS_READ,
	};
	nuncio_conversation_enter(user, &what, on_entered, entering);
}

/* ---- all of one's conversations ---- */

static void on_list(struct nuncio_request *rq, void *user)
{
	struct page_question question = { .limit = limit_of(rq), .from = { "", 0 } };
	nuncio_request_text(rq, "after", &question.from);
	page_of_conversations(user, rq, &question);
}

static void on_sync(struct nuncio_request *rq, void *user)
{
	struct page_question question = { .limit = limit_of(rq), .from = { "", 0 } };
	nuncio_request_text(rq, "cursor", &question.from);
	page_of_changes(user, rq, &question);
}

/* ---- tables ---- */

#define LIMIT_FIELD(FLAGS) \
	{ \
		"limit", NUNCIO_FIELD_INT, (FLAGS), 1, PAGE_MAX, \
			"at most so many; 50 if not given" \
	}
#define SEQ_FIELDS(FLAGS) \
	{ "before", NUNCIO_FIELD_INT, (FLAGS), 1, INT64_MAX, "the newest events below this seq" }, \
	{ \
		"after", NUNCIO_FIELD_INT, (FLAGS), 0, INT64_MAX, \
			"the oldest events above this seq" \
	}
#define AFTER_FIELD(FLAGS) \
	{ \
		"after", NUNCIO_FIELD_TEXT, (FLAGS), 0, CURSOR_BYTES, "`next` of the page before" \
	}

static const struct nuncio_field query_fields[] = {
	{ "conversation", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_REQUIRED, 1, CONVERSATION_BYTES,
		"its id" },
	SEQ_FIELDS(0),
	LIMIT_FIELD(0),
	{ 0 },
};
static const struct nuncio_field query_url_fields[] = {
	SEQ_FIELDS(NUNCIO_FIELD_QUERY),
	LIMIT_FIELD(NUNCIO_FIELD_QUERY),
	{ 0 },
};
static const struct nuncio_field list_fields[] = { AFTER_FIELD(0), LIMIT_FIELD(0), { 0 } };
static const struct nuncio_field list_url_fields[] = {
	AFTER_FIELD(NUNCIO_FIELD_QUERY),
	LIMIT_FIELD(NUNCIO_FIELD_QUERY),
	{ 0 },
};
static const struct nuncio_field sync_fields[] = {
	{ "cursor", NUNCIO_FIELD_TEXT, 0, 0, CURSOR_BYTES, "as the last answer gave it" },
	LIMIT_FIELD(0),
	{ 0 },
};

#define COMMAND(OP, HELP, FIELDS, FN) \
	{ \
		.size = sizeof(struct nuncio_command), .op = (OP), .help = (HELP), \
		.fields = (FIELDS), .field_size = sizeof(struct nuncio_field), .fn = (FN) \
	}
#define ROUTE(PATH, HELP, FIELDS, FN) \
	{ \
		.size = sizeof(struct nuncio_route), .method = "GET", .path = (PATH), \
		.help = (HELP), .fields = (FIELDS), .field_size = sizeof(struct nuncio_field), \
		.fn = (FN) \
	}
static const struct nuncio_command history_commands[] = {
	COMMAND("history.query", "A page of one conversation.", query_fields, on_query),
	COMMAND("conversation.list", "One's conversations, the most recently active first.",
		list_fields, on_list),
	COMMAND("sync", "Everything in all of one's conversations since a cursor.", sync_fields,
		on_sync),
};
static const struct nuncio_route history_routes[] = {
	ROUTE("/api/v1/conversations", "One's conversations, the most recently active first.",
		list_url_fields, on_list),
	ROUTE("/api/v1/conversations/:id/messages", "A page of one conversation.", query_url_fields,
		on_query),
};

static int history_init(struct nuncio_module *self, struct nuncio_error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < sizeof history_commands / sizeof history_commands[0]; i++)
		rc = nuncio_command_add(self, &history_commands[i], self);
	for (size_t i = 0; rc == 0 && i < sizeof history_routes / sizeof history_routes[0]; i++)
		rc = nuncio_route_add(self, &history_routes[i], self);
	if (rc < 0)
		nuncio_error_set(
			err, "its ops and routes cannot be added: %s", nuncio_status_name(rc));
	return rc;
}

/* Without a store the ops are there and answer that there is none: clearer than an unknown op. */
static const char *const history_wants[] = { "store", NULL };

NUNCIO_MODULE("history", .version = "1.0",
	.summary = "Pages of conversations, the list of them, and sync.", .wants = history_wants,
	.init = history_init)

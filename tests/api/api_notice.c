/* SPDX-License-Identifier: MIT */
/*
 * Everything that a module is told, as lines at GET /m/api_notice; may_join, asked by the op
 * notice.join; and an outbox: may_send adds a record to each message, at once or with its ticket.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nuncio/hooks.h>
#include <nuncio/json.h>
#include <nuncio/log.h>
#include <nuncio/request.h>
#include <nuncio/session.h>
#include <nuncio/store.h>
#include <nuncio/timer.h>

#define TEXT(text) ((struct nuncio_str){ text, sizeof(text) - 1 })
#define ARG(str) (int)(str).n, (str).p

enum { LINES_MAX = 200, LINE_BYTES = 120 };
static char lines[LINES_MAX][LINE_BYTES];
static size_t line_count;
static struct nuncio_module *self_;

static void note(const char *format, ...)
{
	va_list args;
	if (line_count == LINES_MAX)
		return;
	va_start(args, format);
	vsnprintf(lines[line_count++], LINE_BYTES, format, args);
	va_end(args);
}

static int is(struct nuncio_str text, const char *word)
{
	return text.n == strlen(word) && memcmp(text.p, word, text.n) == 0;
}

/* ---- notices ---- */

static void on_event(const struct nuncio_told *what, void *user)
{
	(void)user;
	note("event %.*s %u", ARG(what->event->type), what->is_remote);
}

static void on_miss(const struct nuncio_miss *what, void *user)
{
	(void)user;
	note("miss %.*s %u", ARG(what->user), what->is_called);
}

static void on_presence(const struct nuncio_state *what, void *user)
{
	(void)user;
	note("presence %.*s %u %u", ARG(what->user), what->was, what->is);
}

static void on_request(const struct nuncio_answered *what, void *user)
{
	(void)user;
	if (what->took_us < 0 || what->took_us > 60000000)
		abort();
	note("request %.*s %.*s %d %u %d", ARG(what->user), ARG(what->op), what->code,
		what->http_status, what->session != NULL);
}

static void on_drain(const struct nuncio_drain *what, void *user)
{
	nuncio_log(user, NUNCIO_INFO, "drain within %lld ms", (long long)what->timeout_ms);
}

/* ---- may_join ---- */

static void resume(void *user)
{
	struct nuncio_ticket *ticket = user;
	nuncio_resume(&ticket, NUNCIO_PASS, 0, NULL, (struct nuncio_str){ NULL, 0 });
}

static enum nuncio_verdict later(struct nuncio_ask *ask, struct nuncio_ticket **ticket_r)
{
	struct nuncio_ticket *ticket = nuncio_defer(ask, 5000, NULL, NULL);
	*ticket_r = ticket;
	if (nuncio_work(self_, 0, resume, NULL, ticket) < 0)
		resume(ticket);
	return NUNCIO_LATER;
}

static enum nuncio_verdict on_join(
	struct nuncio_ask *ask, const struct nuncio_join *what, void *user)
{
	struct nuncio_ticket *ticket;
	(void)user;
	note("join %.*s %.*s %.*s %u", ARG(what->user), ARG(what->by), ARG(what->conversation),
		what->role);
	if (is(what->user, "evil"))
		return nuncio_reject(ask, NUNCIO_CODE_not_member, "not this one");
	return is(what->user, "slow") ? later(ask, &ticket) : NUNCIO_PASS;
}

static void on_joined(int status, const struct nuncio_entry *entry, void *user)
{
	struct nuncio_request *rq = user;
	char json[100];
	int n = snprintf(json, sizeof json, "{\"status\":%d,\"code\":%d,\"text\":\"%s\"}", status,
		entry->code, entry->text);
	nuncio_reply(&rq, 200, (struct nuncio_str){ json, (size_t)n });
}

static void on_notice_join(struct nuncio_request *rq, void *user)
{
	struct nuncio_join what = { .size = sizeof what,
		.role = 7,
		.session = nuncio_request_session(rq),
		.by = nuncio_request_user(rq),
		.conversation = TEXT("g:1") };
	(void)user;
	nuncio_request_text(rq, "user", &what.user);
	nuncio_conversation_join_ask(self_, &what, on_joined, rq);
}

/* ---- an outbox ---- */

static enum nuncio_verdict on_send(
	struct nuncio_ask *ask, const struct nuncio_send *what, void *user)
{
	struct nuncio_record_write write = { .size = sizeof write,
		.space = TEXT("api_notice.out"),
		.owner = what->event->conversation,
		.key = what->event->client_id,
		.value = TEXT("\"now\"") };
	(void)user;
	if (nuncio_ask_add_write(ask, &write) < 0)
		return nuncio_reject(ask, NUNCIO_CODE_internal, "no write");
	if (!is(what->event->body, "\"later\""))
		return NUNCIO_PASS;
	struct nuncio_ticket *ticket = nuncio_defer(ask, 5000, NULL, NULL);
	write.key = TEXT("l");
	write.value = TEXT("\"later\"");
	if (nuncio_ticket_add_write(ticket, &write) < 0)
		abort();
	if (nuncio_work(self_, 0, resume, NULL, ticket) < 0)
		resume(ticket);
	return NUNCIO_LATER;
}

static void on_records(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct nuncio_request *rq = user;
	struct nuncio_json *json = nuncio_json_new();
	(void)status, (void)more;
	nuncio_json_array_begin(json);
	for (size_t i = 0; i < n; i++)
		nuncio_json_put_text(json, rows[i].key);
	nuncio_json_array_end(json);
	nuncio_reply(&rq, 200, nuncio_json_str(json));
	nuncio_json_free(&json);
}

static void on_notice_outbox(struct nuncio_request *rq, void *user)
{
	struct nuncio_records_query query = {
		.size = sizeof query, .space = TEXT("api_notice.out"), .limit = 100
	};
	(void)user;
	nuncio_request_text(rq, "conversation", &query.owner);
	int rc = nuncio_store_list(self_, &query, on_records, rq);
	if (rc < 0)
		nuncio_reply_status(&rq, rc);
}

/* ---- what was told ---- */

static void on_get(struct nuncio_request *rq, void *user)
{
	struct nuncio_json *json = nuncio_json_new();
	(void)user;
	nuncio_json_array_begin(json);
	for (size_t i = 0; i < line_count; i++)
		nuncio_json_put_text(json, (struct nuncio_str){ lines[i], strlen(lines[i]) });
	nuncio_json_array_end(json);
	nuncio_reply(&rq, 200, nuncio_json_str(json));
	nuncio_json_free(&json);
}

static const struct nuncio_field text_fields[] = {
	{ "user", NUNCIO_FIELD_TEXT, 0, 1, 64, "who" },
	{ "conversation", NUNCIO_FIELD_TEXT, 0, 1, 192, "where" },
	{ 0 },
};
#define COMMAND(OP, FN) \
	{ \
		.size = sizeof(struct nuncio_command), .op = (OP), .help = "Of the test.", \
		.fields = text_fields, .field_size = sizeof(struct nuncio_field), .fn = (FN) \
	}
static const struct nuncio_command commands[] = { COMMAND("notice.join", on_notice_join),
	COMMAND("notice.outbox", on_notice_outbox) };
static const struct nuncio_route route = { .size = sizeof route,
	.flags = NUNCIO_OPEN,
	.method = "GET",
	.path = "/m/api_notice",
	.help = "What was told.",
	.field_size = sizeof(struct nuncio_field),
	.fn = on_get };

static int add_hooks(struct nuncio_module *self)
{
	int rc = nuncio_hook_did_event(self, 0, on_event, NULL);
	if (rc == 0)
		rc = nuncio_hook_did_miss(self, 0, on_miss, NULL);
	if (rc == 0)
		rc = nuncio_hook_did_presence(self, 0, on_presence, NULL);
	if (rc == 0)
		rc = nuncio_hook_did_request(self, 0, on_request, NULL);
	if (rc == 0)
		rc = nuncio_hook_did_drain(self, 0, on_drain, self);
	if (rc == 0)
		rc = nuncio_hook_may_send(self, 0, on_send, NULL);
	return rc < 0 ? rc : nuncio_hook_may_join(self, 0, on_join, NULL);
}

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	(void)err;
	self_ = self;
	int rc = add_hooks(self);
	for (size_t i = 0; rc == 0 && i < 2; i++)
		rc = nuncio_command_add(self, &commands[i], NULL);
	return rc < 0 ? rc : nuncio_route_add(self, &route, NULL);
}

NUNCIO_MODULE("api_notice", .summary = "hooks that tell, may_join, an outbox", .init = init)

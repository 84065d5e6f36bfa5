/* SPDX-License-Identifier: MIT */
#include "logic/core_ops.h"

/*
 * Small handlers of the core's own; anything that knows about chat beyond "a log of events" is a
 * module. Logic thread only.
 */

#include "base/clock.h"
#include "base/slice.h"
#include "logic/health.h"
#include "logic/logic.h"
#include "logic/login.h"
#include "logic/openapi.h"
#include "logic/request_input.h"
#include "logic/send.h"
#include "wire/json_out.h"
#include "wire/limits.h"

/*
 * The I/O threads answer it for open sessions; this is for those that are not open yet, and for no
 * other reason than to be true.
 */
static void on_ping(struct nuncio_request *rq, void *user)
{
	char now[CLOCK_RFC3339_SIZE];
	struct json_out out;
	struct buf *to = &rq->logic->scratch;
	(void)user;
	clock_format_rfc3339(clock_wall_ms(), now);
	buf_reset(to);
	json_out_init(&out, to);
	json_out_object_begin(&out);
	json_out_key_cstr(&out, "server_time", now);
	json_out_object_end(&out);
	request_reply(&rq, 200, buf_str(to));
}

/* ---- cursors ---- */

struct marking {
	struct nuncio_request *rq;
	bool is_read;
};

static void on_may_mark(int status, const struct nuncio_entry *entry, void *user)
{
	struct marking *marking = user;
	struct nuncio_request *rq = marking->rq;
	struct nuncio_str conversation;
	int64_t seq = 0;
	if (status < 0) {
		request_error(&rq, entry->code, "%s", entry->text);
		return;
	}
	request_text(rq, "conversation", &conversation);
	request_int(rq, "seq", &seq);
	marks_raise(rq, conversation, (uint64_t)seq, marking->is_read ? (uint64_t)seq : 0);
}

static void start_marking(struct nuncio_request *rq, bool is_read)
{
	struct marking *marking = arena_zero(&rq->arena, sizeof *marking);
	struct nuncio_access what = { .user = request_user(rq), .access = NUNCIO_ACCESS_READ };
	marking->rq = rq;
	marking->is_read = is_read;
	request_text(rq, "conversation", &what.conversation);
	if (!rq->is_http)
		what.session = (struct nuncio_session *)session_find(&rq->logic->sessions, rq->id);
	kinds_enter_to_mark(rq->logic, &what, on_may_mark, marking);
}

static void on_confirm(struct nuncio_request *rq, void *user)
{
	(void)user;
	start_marking(rq, false);
}

static void on_read(struct nuncio_request *rq, void *user)
{
	(void)user;
	start_marking(rq, true);
}

/* ---- tables ---- */

static const struct nuncio_field open_fields[] = {
	{ "token", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_REQUIRED, 1, LIMIT_TOKEN_BYTES,
		"an access token" },
	{ "device", NUNCIO_FIELD_TEXT, 0, 0, LIMIT_DEVICE_BYTES, "tells one user's clients apart" },
	{ 0 },
};

static const struct nuncio_field mark_fields[] = {
	{ "conversation", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_REQUIRED, 1, LIMIT_CONVERSATION_BYTES,
		"its id" },
	{ "seq", NUNCIO_FIELD_INT, NUNCIO_FIELD_REQUIRED, 1, INT64_MAX, "all up to this one" },
	{ 0 },
};

/*
 * What is said of events here is what all of them have; what later events make of one stands there
 * as members of its own.
 */
static const struct nuncio_shape event_shape = {
	.size = sizeof event_shape,
	.name = "event",
	.shape = "{event: text, conversation: text, seq: int, id: id, from: text, client_id?: text,"
		 "kind: text, body: any, reply_to?: int, mentions?: [text], mention_all?: bool,"
		 "sent_at: time, changed?: int, target?: int, message?: event}",
	.help = "An entry in the log of a conversation: a message, or a change.",
};
static const struct nuncio_shape sent_shape = {
	.size = sizeof sent_shape,
	.name = "sent",
	.shape = "{conversation: text, seq: int, id: id, sent_at: time, durability: 'stored',"
		 "duplicate: bool}",
	.help = "Where a message has got its place; duplicate: it had it before.",
};

/* How a conversation may refuse, and what a module may say to a message. */
#define ENTER_ERRORS "not_found not_member denied"
#define SEND_ERRORS \
	ENTER_ERRORS " muted read_only not_accepted you_blocked client_id_conflict rate_limited"

#define COMMAND(OP, HELP, FIELDS, FLAGS, FN, ANSWER, ERRORS) \
	{ \
		.size = sizeof(struct nuncio_command), .flags = (FLAGS), .op = (OP), \
		.help = (HELP), .fields = (FIELDS), .field_size = sizeof(struct nuncio_field), \
		.fn = (FN), .answer = (ANSWER), .errors = (ERRORS) \
	}
#define ROUTE(METHOD, PATH, HELP, FIELDS, FLAGS, FN, ANSWER, ERRORS) \
	{ \
		.size = sizeof(struct nuncio_route), .flags = (FLAGS), .method = (METHOD), \
		.path = (PATH), .help = (HELP), .fields = (FIELDS), \
		.field_size = sizeof(struct nuncio_field), .fn = (FN), .answer = (ANSWER), \
		.errors = (ERRORS) \
	}

static const struct nuncio_command session_ops[] = {
	COMMAND("session.open",
		"Proves who the client is, or prolongs the session with a fresh token.",
		open_fields, NUNCIO_OPEN, login_open, "{}",
		"token_invalid token_expired session_open denied"),
	COMMAND("ping", "Tells the server's time.", NULL, 0, on_ping, "{server_time: time}", NULL),
};

static const struct nuncio_command conversation_ops[] = {
	COMMAND("message.send", "Stores a message and delivers it.", send_fields, 0, send_message,
		"sent", SEND_ERRORS),
	COMMAND("message.confirm", "Everything up to seq has arrived.", mark_fields, 0, on_confirm,
		"{}", ENTER_ERRORS),
	COMMAND("message.read", "Everything up to seq was read.", mark_fields, 0, on_read, "{}",
		ENTER_ERRORS),
};

static const struct nuncio_route conversation_routes[] = {
	ROUTE("POST", "/api/v1/messages", "Stores a message and delivers it.", send_fields, 0,
		send_message, "201 sent; 200 sent", SEND_ERRORS),
};

static int add_ops(struct logic *logic, const struct nuncio_command *commands, size_t count,
	struct nuncio_error *err)
{
	struct op *op;
	for (size_t i = 0; i < count; i++) {
		int rc = ops_add(&logic->ops, "core", &commands[i], NULL, &op, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int add_routes(struct logic *logic, const struct nuncio_route *routes, size_t count,
	struct nuncio_error *err)
{
	struct route *route;
	for (size_t i = 0; i < count; i++) {
		int rc = routes_add(&logic->routes, "core", &routes[i], NULL, &route, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int add_health(struct logic *logic, struct nuncio_error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && health_routes[i].path; i++)
		rc = add_routes(logic, &health_routes[i], 1, err);
	return rc;
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int add_conversations(struct logic *logic, struct nuncio_error *err)
{
	int rc = add_ops(logic, conversation_ops, COUNT(conversation_ops), err);
	return rc < 0 ? rc
		      : add_routes(logic, conversation_routes, COUNT(conversation_routes), err);
}

int core_ops_add(struct logic *logic, struct nuncio_error *err)
{
	int rc = shapes_add(&logic->shapes, "core", &event_shape, err);
	if (rc == 0)
		rc = shapes_add(&logic->shapes, "core", &sent_shape, err);
	if (rc == 0)
		rc = add_ops(logic, session_ops, COUNT(session_ops), err);
	if (rc == 0)
		rc = add_health(logic, err);
	if (rc == 0 && logic->kinds.count)
		rc = add_conversations(logic, err);
	return rc < 0 ? rc : openapi_add(logic, err);
}

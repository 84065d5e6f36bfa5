/* SPDX-License-Identifier: MIT */
/*
 * Sessions, ops and routes through the real logic thread code, without sockets: coming in, order
 * while parked, leaving early.
 */
#include "logic/logic.h"

#include "base/alloc.h"
#include "base/slice.h"
#include "hook/chain.h"
#include "logic/deliver.h"
#include "logic/login.h"
#include "logic/request_input.h"

#include "tests/lib/loopback.h"
#include "tests/lib/unit.h"

static struct {
	struct nuncio_ticket *ticket;
	struct nuncio_request *kept;
	int cancelled, logins, leaves, befores, afters;
	char order[64];
} seen;

static enum nuncio_verdict on_call(
	struct nuncio_ask *ask, const struct nuncio_call *what, void *user);

static void on_cancelled(void *user)
{
	(void)user;
	seen.cancelled++;
}

static void on_login(const struct nuncio_login *what, void *user)
{
	(void)what, (void)user;
	seen.logins++;
}

static void on_disconnect(const struct nuncio_leave *what, void *user)
{
	(void)user;
	assert_str(what->user, "alice");
	seen.leaves++;
}

static void on_mark(struct nuncio_request *rq, void *user)
{
	struct nuncio_str text;
	(void)user;
	assert_true(request_text(rq, "n", &text));
	strncat(seen.order, text.p, text.n);
	request_reply(&rq, 200, STR("{}"));
}

static void on_keep(struct nuncio_request *rq, void *user)
{
	(void)user;
	seen.kept = rq;
}

static void on_item(struct nuncio_request *rq, void *user)
{
	struct nuncio_str id;
	int64_t limit = 7;
	char answer[100];
	(void)user;
	assert_true(request_text(rq, "id", &id));
	request_int(rq, "limit", &limit);
	snprintf(answer, sizeof answer, "{\"id\":\"" STR_FMT "\",\"limit\":%d}", STR_ARG(id),
		(int)limit);
	request_reply(&rq, 200, str_of(answer));
}

/* The path says what is acted on, whatever the body has under the same name. */
static void on_path(struct nuncio_request *rq, void *user)
{
	struct nuncio_str id;
	(void)user;
	assert_false(request_param(rq, "other", &id));
	assert_true(request_param(rq, "id", &id));
	assert_str(id, "here");
	assert_true(request_text(rq, "id", &id));
	assert_str(id, "here");
	assert_true(request_raw(rq, "id", &id));
	assert_str(id, "\"body\"");
	request_reply(&rq, 200, STR("{}"));
}

static enum nuncio_verdict before(struct nuncio_ask *ask, struct nuncio_request *rq, void *user)
{
	(void)ask, (void)rq;
	strcat(seen.order, user);
	return NUNCIO_PASS;
}

static void after(struct nuncio_request *rq, int status, void *user)
{
	(void)status;
	strncat(seen.order, (const char *)user + 1, 1);
	request_add_header(rq, "X-Skin", user);
}

static const struct nuncio_field mark_fields[] = {
	{ "n", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_REQUIRED, 1, 3, "what to write down" },
	{ 0 },
};
static const struct nuncio_field item_fields[] = {
	{ "limit", NUNCIO_FIELD_INT, NUNCIO_FIELD_QUERY, 1, 10, "how many" },
	{ 0 },
};
static const struct nuncio_command mark = { .size = sizeof mark,
	.op = "mark",
	.fields = mark_fields,
	.field_size = sizeof(struct nuncio_field),
	.fn = on_mark };
static const struct nuncio_command keep = { .size = sizeof keep, .op = "keep", .fn = on_keep };
static const struct nuncio_route item = { .size = sizeof item,
	.method = "GET",
	.path = "/items/:id",
	.fields = item_fields,
	.field_size = sizeof(struct nuncio_field),
	.fn = on_item };
static const struct nuncio_route open_item = { .size = sizeof item,
	.flags = NUNCIO_OPEN,
	.method = "POST",
	.path = "/open",
	.fields = mark_fields,
	.field_size = sizeof(struct nuncio_field),
	.fn = on_mark };
static const struct nuncio_route path_item = { .size = sizeof item,
	.flags = NUNCIO_OPEN,
	.method = "POST",
	.path = "/paths/:id",
	.fn = on_path };
static const struct nuncio_middleware outer = {
	.size = sizeof outer, .priority = -1, .prefix = "/items", .before = before, .after = after
};
static const struct nuncio_middleware inner = {
	.size = sizeof inner, .priority = 5, .prefix = "/", .before = before, .after = after
};

static enum nuncio_verdict on_call(
	struct nuncio_ask *ask, const struct nuncio_call *what, void *user)
{
	(void)user;
	if (!str_eq_text(what->op, "mark") || seen.ticket)
		return NUNCIO_PASS;
	seen.ticket = nuncio_defer(ask, 5000, on_cancelled, NULL);
	return NUNCIO_LATER;
}

static int setup(void **state)
{
	static struct loopback lb;
	struct nuncio_error err;
	struct route *route;
	struct op *op;
	memset(&seen, 0, sizeof seen);
	loopback_init(&lb);
	hook_table_add(lb.hooks, NUNCIO_HOOK_did_login, 0, "t", 0, (nuncio_any_fn *)on_login, NULL);
	hook_table_add(lb.hooks, NUNCIO_HOOK_did_disconnect, 0, "t", 0,
		(nuncio_any_fn *)on_disconnect, NULL);
	assert_int_equal(ops_add(&lb.logic->ops, "t", &mark, NULL, &op, &err), 0);
	assert_int_equal(ops_add(&lb.logic->ops, "t", &keep, NULL, &op, &err), 0);
	assert_int_equal(ops_add(&lb.logic->ops, "u", &keep, NULL, &op, &err), NUNCIO_E_EXISTS);
	assert_string_equal(err.text, "op keep is offered by two modules: t and u");
	assert_int_equal(routes_add(&lb.logic->routes, "t", &item, NULL, &route, &err), 0);
	assert_int_equal(routes_add(&lb.logic->routes, "t", &open_item, NULL, &route, &err), 0);
	assert_int_equal(routes_add(&lb.logic->routes, "t", &path_item, NULL, &route, &err), 0);
	assert_int_equal(
		routes_add_skin(&lb.logic->routes, "t", &inner, (void *)"c3", NULL, &err), 0);
	assert_int_equal(
		routes_add_skin(&lb.logic->routes, "t", &outer, (void *)"a4", NULL, &err), 0);
	*state = &lb;
	return 0;
}

static int setup_ready(void **state)
{
	setup(state);
	loopback_ready(*state);
	return 0;
}

static int setup_guarded(void **state)
{
	setup(state);
	struct loopback *lb = *state;
	hook_table_add(lb->hooks, NUNCIO_HOOK_may_call, 0, "t", 0, (nuncio_any_fn *)on_call, NULL);
	loopback_ready(lb);
	return 0;
}

static int teardown(void **state)
{
	loopback_fini(*state);
	return 0;
}

#define NEXT(lb, text) assert_string_equal(loopback_next(lb), text)
#define NEXT_STARTS(lb, text) \
	do { \
		const char *line_ = loopback_next(lb); \
		if (strncmp(line_, text, strlen(text)) != 0) \
			assert_string_equal(line_, text); \
	} while (0)
#define RESPONSE(SEQ, CODE) "send {\"type\":\"response\",\"seq\":" #SEQ ",\"code\":" #CODE ","

static void a_token_on_the_upgrade_opens_the_session(void **state)
{
	struct loopback *lb = *state;
	nuncio_sid id = loopback_connect(lb, "good:alice:phone");
	NEXT_STARTS(lb,
		"admit ready {\"type\":\"notify\",\"op\":\"session.ready\",\"data\":{\"user\":\"alice\",\"device\":\"phone\",");
	assert_int_equal(seen.logins, 1);
	assert_int_equal(users_count(&lb->logic->users), 1);
	loopback_closed(lb, id);
	assert_int_equal(seen.leaves, 1);
	assert_int_equal(users_count(&lb->logic->users), 0);
	assert_int_equal(lb->logic->sessions.count, 0);
	NEXT(lb, "nothing");
}

static void a_bad_token_on_the_upgrade_is_refused(void **state)
{
	struct loopback *lb = *state;
	nuncio_sid id = loopback_connect(lb, "bad");
	NEXT(lb, "refuse 2001");
	loopback_packet(lb, id, 1, "mark", "{\"n\":\"1\"}");
	NEXT(lb, "nothing");
	loopback_closed(lb, id);
	assert_int_equal(seen.leaves, 0);
	assert_int_equal(lb->logic->sessions.count, 0);
}

static void session_open_comes_first(void **state)
{
	struct loopback *lb = *state;
	nuncio_sid id = loopback_connect(lb, NULL);
	NEXT(lb, "admit ");
	loopback_packet(lb, id, 1, "mark", "{\"n\":\"1\"}");
	NEXT_STARTS(lb, RESPONSE(1, 2000));
	loopback_packet(lb, id, 2, "session.open", "{}");
	NEXT_STARTS(lb, RESPONSE(2, 1002));
	loopback_packet(
		lb, id, 3, "session.open", "{\"token\":\"good:alice\",\"device\":\"desk\"}");
	NEXT_STARTS(lb, RESPONSE(3, 0));
	NEXT(lb, "ready");
	NEXT_STARTS(lb,
		"send {\"type\":\"notify\",\"op\":\"session.ready\",\"data\":{\"user\":\"alice\",\"device\":\"desk\"");
	loopback_packet(lb, id, 4, "mark", "{\"n\":\"1\"}");
	NEXT_STARTS(lb, RESPONSE(4, 0));
}

static void packets_wait_while_a_token_is_checked(void **state)
{
	struct loopback *lb = *state;
	nuncio_sid id = loopback_connect(lb, NULL);
	NEXT(lb, "admit ");
	loopback_packet(lb, id, 1, "session.open", "{\"token\":\"later:alice\"}");
	loopback_packet(lb, id, 2, "mark", "{\"n\":\"x\"}");
	NEXT(lb, "nothing");
	loopback_answer_auth(lb, "alice");
	NEXT_STARTS(lb, RESPONSE(1, 0));
	NEXT(lb, "ready");
	NEXT_STARTS(lb, "send {\"type\":\"notify\",\"op\":\"session.ready\"");
	NEXT_STARTS(lb, RESPONSE(2, 0));
	assert_string_equal(seen.order, "x");
}

static void a_client_that_leaves_while_its_token_is_checked_is_forgotten(void **state)
{
	struct loopback *lb = *state;
	nuncio_sid id = loopback_connect(lb, "later:alice");
	NEXT(lb, "nothing");
	loopback_closed(lb, id);
	assert_int_equal(lb->logic->sessions.count, 0);
	loopback_answer_auth(lb, "alice");
	NEXT(lb, "nothing");
	assert_int_equal(seen.logins, 0);
}

static void a_bad_token_in_session_open_closes(void **state)
{
	struct loopback *lb = *state;
	nuncio_sid id = loopback_connect(lb, NULL);
	NEXT(lb, "admit ");
	loopback_packet(lb, id, 1, "session.open", "{\"token\":\"bad\"}");
	NEXT_STARTS(lb, RESPONSE(1, 2001));
	NEXT(lb, "close 4001");
}

static void a_device_has_no_control_characters(void **state)
{
	struct loopback *lb = *state;
	nuncio_sid id = loopback_connect(lb, NULL);
	NEXT(lb, "admit ");
	loopback_packet(lb, id, 1, "session.open",
		"{\"token\":\"good:alice\",\"device\":\"pho\\u0000ne\"}");
	NEXT_STARTS(lb, RESPONSE(1, 1002));
	NEXT(lb, "nothing");
	loopback_packet(
		lb, id, 2, "session.open", "{\"token\":\"good:alice\",\"device\":\"phone\"}");
	NEXT_STARTS(lb, RESPONSE(2, 0));
}

static void a_token_for_ever_is_good(void **state)
{
	struct loopback *lb = *state;
	lb->token_expires_ms = INT64_MAX;
	loopback_login(lb, "good:alice");
	wheel_turn(
		&lb->logic->wheel, (uint32_t)loop_now_ms(lb->loop) + 3600000, login_due, lb->logic);
	loopback_turn(lb);
	NEXT(lb, "nothing");
}

static void what_never_got_an_answer_is_freed_at_the_end(void **state)
{
	struct loopback *lb = *state;
	nuncio_sid id = loopback_login(lb, "good:alice");
	loopback_packet(lb, id, 1, "keep", "{}");
	loopback_http(lb, "GET", "/items/x", "", "later:alice", NULL);
	NEXT(lb, "nothing");
}

/* The last tokens are checked after the modules have stopped; no handler of theirs is called. */
static void a_late_token_is_answered_stopping(void **state)
{
	struct loopback *lb = *state;
	loopback_http(lb, "GET", "/items/x", "", "later:alice", NULL);
	logic_end_sessions(lb->logic);
	chain_refuse_all(lb->hooks, NUNCIO_CODE_stopping);
	loopback_answer_auth(lb, "alice");
	NEXT_STARTS(lb, "answer 503 {\"code\":5005");
}

static void nothing_is_carried_out_after_the_end(void **state)
{
	struct loopback *lb = *state;
	loopback_login(lb, "good:alice");
	struct arena arena;
	arena_init(&arena, 0);
	struct io_http *http = arena_zero(&arena, sizeof *http);
	http->mail.kind = IO_HTTP;
	http->method = STR("POST");
	http->path = STR("/open");
	http->body = STR("{\"n\":\"y\"}");
	http->arena = arena;
	mailbox_post_forced(&lb->logic->inbox, &http->mail);
	logic_end_sessions(lb->logic);
	assert_int_equal(seen.leaves, 1);
	assert_int_equal(lb->logic->sessions.count, 0);
	assert_string_equal(seen.order, "");
}

static void a_fresh_token_prolongs_the_session_of_the_same_user_only(void **state)
{
	struct loopback *lb = *state;
	nuncio_sid id = loopback_login(lb, "good:alice");
	loopback_packet(lb, id, 1, "session.open", "{\"token\":\"good:alice\"}");
	NEXT_STARTS(lb, RESPONSE(1, 0));
	NEXT(lb, "nothing");
	loopback_packet(lb, id, 2, "session.open", "{\"token\":\"good:mallory\"}");
	NEXT_STARTS(lb, RESPONSE(2, 2004));
	loopback_packet(lb, id, 3, "session.open", "{\"token\":\"bad\"}");
	NEXT_STARTS(lb, RESPONSE(3, 2001));
	loopback_packet(lb, id, 4, "mark", "{\"n\":\"1\"}");
	NEXT_STARTS(lb, RESPONSE(4, 0));
	assert_int_equal(seen.logins, 1);
}

static void unknown_ops_and_wrong_input_are_named(void **state)
{
	struct loopback *lb = *state;
	nuncio_sid id = loopback_login(lb, "good:alice");
	loopback_packet(lb, id, 1, "nothing.here", "{}");
	assert_non_null(strstr(loopback_next(lb), "\\\"nothing.here\\\""));
	loopback_packet(lb, id, 2, "mark", "{\"n\":5}");
	assert_non_null(
		strstr(loopback_next(lb), "\"code\":1002,\"message\":\"n: must be a string\""));
	loopback_packet(lb, id, 3, "mark", "{\"n\":\"four\"}");
	assert_non_null(strstr(loopback_next(lb), "n: must be 1 to 3 bytes long"));
	loopback_packet(lb, id, 4, "mark", "{}");
	assert_non_null(strstr(loopback_next(lb), "n: is missing"));
	loopback_packet(lb, id, 5, "mark", "{\"n\":\"a\\u0000\"}");
	assert_non_null(strstr(loopback_next(lb), "n: must not contain the character U+0000"));
	loopback_packet(lb, id, 6, "message.send", "{}");
	assert_non_null(
		strstr(loopback_next(lb), "\"code\":1003")); /* no kind of conversations is there */
}

static void packets_keep_their_order_while_one_is_parked(void **state)
{
	struct loopback *lb = *state;
	nuncio_sid id = loopback_login(lb, "good:alice");
	loopback_packet(lb, id, 1, "mark", "{\"n\":\"1\"}");
	loopback_packet(lb, id, 2, "mark", "{\"n\":\"2\"}");
	loopback_packet(lb, id, 3, "mark", "{\"n\":\"3\"}");
	NEXT(lb, "nothing");
	nuncio_resume(&seen.ticket, NUNCIO_PASS, 0, NULL, (struct nuncio_str){ NULL, 0 });
	seen.ticket = (void *)1; /* the handler passes from now on */
	loopback_turn(lb);
	NEXT_STARTS(lb, RESPONSE(1, 0));
	NEXT_STARTS(lb, RESPONSE(2, 0));
	NEXT_STARTS(lb, RESPONSE(3, 0));
	assert_string_equal(seen.order, "123");
}

/* Each is answered at once, and begins with the end of the one before: the stack stays flat. */
static void thousands_wait_behind_a_parked_one(void **state)
{
	struct loopback *lb = *state;
	nuncio_sid id = loopback_login(lb, "good:alice");
	loopback_packet(lb, id, 1, "mark", "{\"n\":\"1\"}");
	for (int i = 0; i < 20000; i++)
		loopback_packet(lb, id, 2, "session.open", "{\"token\":\"bad\"}");
	NEXT(lb, "nothing");
	nuncio_resume(&seen.ticket, NUNCIO_PASS, 0, NULL, (struct nuncio_str){ NULL, 0 });
	loopback_turn(lb);
	NEXT_STARTS(lb, RESPONSE(1, 0));
	for (int i = 0; i < 20000; i++)
		NEXT_STARTS(lb, RESPONSE(2, 2001));
	NEXT(lb, "nothing");
}

static void a_parked_question_dies_with_its_session(void **state)
{
	struct loopback *lb = *state;
	nuncio_sid id = loopback_login(lb, "good:alice");
	loopback_packet(lb, id, 1, "mark", "{\"n\":\"1\"}");
	loopback_packet(lb, id, 2, "mark", "{\"n\":\"2\"}");
	loopback_closed(lb, id);
	assert_int_equal(seen.cancelled, 1);
	nuncio_resume(&seen.ticket, NUNCIO_PASS, 0, NULL, (struct nuncio_str){ NULL, 0 });
	loopback_turn(lb);
	NEXT(lb, "nothing");
	assert_string_equal(seen.order, "");
	assert_int_equal(lb->logic->requests.count, 0);
}

static void what_was_answered_timeout_is_not_carried_out_later(void **state)
{
	struct loopback *lb = *state;
	nuncio_sid id = loopback_login(lb, "good:alice");
	loopback_packet(lb, id, 1, "mark", "{\"n\":\"1\"}");
	requests_expire(lb->logic, loop_now_ms(lb->loop) + 60000);
	loopback_turn(lb);
	NEXT_STARTS(lb, RESPONSE(1, 5003));
	nuncio_resume(&seen.ticket, NUNCIO_PASS, 0, NULL, (struct nuncio_str){ NULL, 0 });
	seen.ticket = (void *)1; /* the handler passes from now on */
	loopback_packet(lb, id, 2, "mark", "{\"n\":\"2\"}");
	NEXT_STARTS(lb, RESPONSE(2, 0));
	NEXT(lb, "nothing");
	assert_string_equal(seen.order, "2");
}

static void a_refusal_reaches_the_client(void **state)
{
	struct loopback *lb = *state;
	nuncio_sid id = loopback_login(lb, "good:alice");
	loopback_packet(lb, id, 1, "mark", "{\"n\":\"1\"}");
	nuncio_resume(&seen.ticket, NUNCIO_REJECT, NUNCIO_CODE_rate_limited, "not so fast",
		(struct nuncio_str){ NULL, 0 });
	loopback_turn(lb);
	assert_non_null(strstr(loopback_next(lb), "\"code\":4290,\"message\":\"not so fast\""));
}

static void an_answer_may_come_after_the_session(void **state)
{
	struct loopback *lb = *state;
	nuncio_sid id = loopback_login(lb, "good:alice");
	loopback_packet(lb, id, 1, "keep", "{}");
	loopback_packet(
		lb, id, 2, "mark", "{\"n\":\"2\"}"); /* a kept request does not hold up the next */
	NEXT_STARTS(lb, RESPONSE(2, 0));
	loopback_closed(lb, id);
	request_reply(&seen.kept, 200, STR("{}"));
	loopback_turn(lb);
	NEXT(lb, "nothing");
	assert_int_equal(lb->logic->requests.count, 0);
}

static void routes_take_path_query_token_and_skins(void **state)
{
	struct loopback *lb = *state;
	loopback_http(lb, "GET", "/items/a b", "limit=3", "good:alice", NULL);
	const char *line = loopback_next(lb);
	assert_non_null(strstr(line,
		"answer 200 {\"code\":0,\"message\":\"\",\"data\":{\"id\":\"a b\",\"limit\":3},\"trace_id\":\""));
	assert_non_null(strstr(line, "|X-Skin: c3|X-Skin: a4"));
	assert_string_equal(seen.order, "a4c334");
	loopback_http(lb, "GET", "/items/x", "limit=11", "good:alice", NULL);
	assert_non_null(strstr(loopback_next(lb),
		"answer 422 {\"code\":1002,\"message\":\"limit: must be 1 to 10\""));
	loopback_http(lb, "GET", "/items/x", "limit=1&limit=2", "good:alice", NULL);
	NEXT_STARTS(lb, "answer 422 ");
	loopback_http(lb, "GET", "/items/x", "", NULL, NULL);
	line = loopback_next(lb);
	assert_non_null(strstr(line, "answer 401 {\"code\":2000"));
	assert_non_null(strstr(line, "|WWW-Authenticate: Bearer"));
	loopback_http(lb, "GET", "/items/x", "", "bad", NULL);
	NEXT_STARTS(lb, "answer 401 {\"code\":2001,\"message\":\"token: forged\"");
}

static void a_parameter_of_the_path_wins_over_the_body(void **state)
{
	struct loopback *lb = *state;
	loopback_http(lb, "POST", "/paths/here", "", NULL, "{\"id\":\"body\"}");
	NEXT_STARTS(lb, "answer 200 ");
}

static void paths_and_bodies_are_checked(void **state)
{
	struct loopback *lb = *state;
	loopback_http(lb, "GET", "/nowhere", "", NULL, NULL);
	NEXT_STARTS(lb, "answer 404 {\"code\":1007");
	loopback_http(lb, "DELETE", "/items/x", "", NULL, NULL);
	assert_non_null(strstr(loopback_next(lb), "|Allow: GET, HEAD"));
	loopback_http(lb, "POST", "/open", "", NULL, "{\"n\":\"y\"}");
	NEXT_STARTS(lb, "answer 200 ");
	loopback_http(lb, "POST", "/open", "", NULL, "{\"n\":\"y\",\"n\":\"z\"}");
	NEXT_STARTS(lb, "answer 400 {\"code\":1001");
	loopback_http(lb, "POST", "/open", "", NULL, "[1]");
	NEXT_STARTS(lb, "answer 422 {\"code\":1002");
	loopback_http(lb, "POST", "/open", "", NULL, NULL);
	NEXT_STARTS(lb, "answer 422 {\"code\":1002,\"message\":\"n: is missing\"");
}

static void draining_refuses_and_closes(void **state)
{
	struct loopback *lb = *state;
	nuncio_sid id = loopback_login(lb, "good:alice");
	logic_drain(lb->logic, NULL, NULL);
	loopback_turn(lb);
	NEXT(lb, "close 1001");
	loopback_connect(lb, "good:bob");
	NEXT(lb, "refuse 5005");
	loopback_http(lb, "GET", "/readyz", "", NULL, NULL);
	NEXT_STARTS(lb, "answer 503 {\"code\":5005");
	loopback_http(lb, "GET", "/healthz", "", NULL, NULL);
	NEXT_STARTS(lb, "answer 200 ");
	loopback_closed(lb, id);
	assert_int_equal(seen.leaves, 1);
}

/* A module that closes the session wherever it is told of it. */
static struct {
	struct logic *logic;
	enum nuncio_hook in;
	bool parks;
	int refuses; /* may_login: a code */
} closing;

static void close_here(const struct nuncio_session *session, enum nuncio_hook hook)
{
	if (closing.in == hook)
		login_close(
			closing.logic, (struct session *)session, 4002, NUNCIO_CODE_denied, "go");
}

static enum nuncio_verdict close_in_login(
	struct nuncio_ask *ask, const struct nuncio_login *what, void *user)
{
	(void)user;
	close_here(what->session, NUNCIO_HOOK_may_login);
	if (closing.refuses)
		return nuncio_reject(ask, closing.refuses, "not now");
	if (!closing.parks)
		return NUNCIO_PASS;
	seen.ticket = nuncio_defer(ask, 5000, on_cancelled, NULL);
	return NUNCIO_LATER;
}

static void close_in_did_login(const struct nuncio_login *what, void *user)
{
	(void)user;
	close_here(what->session, NUNCIO_HOOK_did_login);
}

static enum nuncio_verdict close_in_call(
	struct nuncio_ask *ask, const struct nuncio_call *what, void *user)
{
	(void)ask, (void)user;
	close_here(what->session, NUNCIO_HOOK_may_call);
	return NUNCIO_PASS;
}

static void close_in_disconnect(const struct nuncio_leave *what, void *user)
{
	(void)user;
	close_here(what->session, NUNCIO_HOOK_did_disconnect);
	assert_int_equal(
		deliver_notify_user(closing.logic, what->user, STR("bye"), STR("{}"), 0), 0);
}

static int setup_closing(void **state)
{
	setup(state);
	struct loopback *lb = *state;
	memset(&closing, 0, sizeof closing);
	closing.logic = lb->logic;
#define HOOK(name, fn) \
	hook_table_add(lb->hooks, NUNCIO_HOOK_##name, 0, "t", 0, (nuncio_any_fn *)fn, NULL)
	HOOK(may_login, close_in_login);
	HOOK(did_login, close_in_did_login);
	HOOK(may_call, close_in_call);
	HOOK(did_disconnect, close_in_disconnect);
#undef HOOK
	loopback_ready(lb);
	return 0;
}

static void a_module_may_close_in_may_login(void **state)
{
	struct loopback *lb = *state;
	closing.in = NUNCIO_HOOK_may_login;
	nuncio_sid id = loopback_connect(lb, "good:alice");
	NEXT(lb, "refuse 3000");
	loopback_closed(lb, id);
	assert_int_equal(seen.logins, 0);
	id = loopback_connect(lb, NULL);
	NEXT(lb, "admit ");
	loopback_packet(lb, id, 1, "session.open", "{\"token\":\"good:alice\"}");
	NEXT(lb, "close 4002");
	loopback_closed(lb, id);
	NEXT(lb, "nothing");
	assert_int_equal(seen.leaves, 0);
	assert_int_equal(lb->logic->requests.count, 0);
}

/* A token that was good, but not now: the client is to come back, not to get another token. */
static void a_refused_login_says_whether_to_come_back(void **state)
{
	static const struct {
		int code;
		const char *closed;
	} cases[] = {
		{ NUNCIO_CODE_busy, "close 4005" },
		{ NUNCIO_CODE_timeout, "close 4005" },
		{ NUNCIO_CODE_store_failed, "close 4005" },
		{ NUNCIO_CODE_rate_limited, "close 4005" },
		{ NUNCIO_CODE_denied, "close 4005" },
		{ NUNCIO_CODE_token_invalid, "close 4001" },
		{ NUNCIO_CODE_token_expired, "close 4001" },
	};
	struct loopback *lb = *state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char answer[64];
		closing.refuses = cases[i].code;
		nuncio_sid id = loopback_connect(lb, NULL);
		NEXT(lb, "admit ");
		loopback_packet(lb, id, 1, "session.open", "{\"token\":\"good:alice\"}");
		snprintf(answer, sizeof answer, "send {\"type\":\"response\",\"seq\":1,\"code\":%d",
			cases[i].code);
		NEXT_STARTS(lb, answer);
		NEXT(lb, cases[i].closed);
		loopback_closed(lb, id);
		NEXT(lb, "nothing");
	}
}

static void a_parked_login_dies_with_its_session(void **state)
{
	struct loopback *lb = *state;
	closing.in = NUNCIO_HOOK_may_login;
	closing.parks = true;
	nuncio_sid id = loopback_connect(lb, "good:alice");
	NEXT(lb, "refuse 3000");
	loopback_closed(lb, id);
	assert_int_equal(seen.cancelled, 1);
	nuncio_resume(&seen.ticket, NUNCIO_PASS, 0, NULL, (struct nuncio_str){ NULL, 0 });
	loopback_turn(lb);
	NEXT(lb, "nothing");
}

static void a_module_may_close_in_did_login(void **state)
{
	struct loopback *lb = *state;
	closing.in = NUNCIO_HOOK_did_login;
	nuncio_sid id = loopback_login(lb, "good:alice");
	NEXT(lb, "close 4002");
	loopback_packet(lb, id, 1, "mark", "{\"n\":\"1\"}");
	NEXT(lb, "nothing");
	loopback_closed(lb, id);
	assert_int_equal(seen.leaves, 1);
}

static void a_module_may_close_in_may_call(void **state)
{
	struct loopback *lb = *state;
	closing.in = NUNCIO_HOOK_may_call;
	nuncio_sid id = loopback_login(lb, "good:alice");
	loopback_packet(lb, id, 1, "keep", "{}");
	NEXT(lb, "close 4002");
	loopback_closed(lb, id);
	request_reply(&seen.kept, 200, STR("{}"));
	loopback_turn(lb);
	NEXT(lb, "nothing");
}

static void a_module_may_close_in_did_disconnect(void **state)
{
	struct loopback *lb = *state;
	closing.in = NUNCIO_HOOK_did_disconnect;
	nuncio_sid id = loopback_login(lb, "good:alice");
	loopback_closed(lb, id);
	NEXT(lb, "nothing");
	assert_int_equal(seen.leaves, 1);
}

static void a_close_while_draining_is_one(void **state)
{
	struct loopback *lb = *state;
	closing.in = NUNCIO_HOOK_did_disconnect;
	nuncio_sid id = loopback_login(lb, "good:alice");
	logic_drain(lb->logic, NULL, NULL);
	login_close(
		lb->logic, session_find(&lb->logic->sessions, id), 4002, NUNCIO_CODE_denied, "go");
	loopback_turn(lb);
	NEXT(lb, "close 1001");
	loopback_closed(lb, id);
	NEXT(lb, "nothing");
}

static void a_close_reason_is_cut_between_characters(void **state)
{
	struct loopback *lb = *state;
	nuncio_sid id = loopback_login(lb, "good:alice");
	char text[200] = "a";
	for (size_t i = 0; i < 60; i++)
		strcat(text, "\xE4\xB8\xAD");
	login_close(
		lb->logic, session_find(&lb->logic->sessions, id), 4002, NUNCIO_CODE_denied, text);
	loopback_turn(lb);
	const struct io_close *close = (const struct io_close *)lb->received;
	assert_int_equal(strlen(close->reason), 118);
	NEXT(lb, "close 4002");
}

#define READY(fn) cmocka_unit_test_setup_teardown(fn, setup_ready, teardown)
#define CLOSING(fn) cmocka_unit_test_setup_teardown(fn, setup_closing, teardown)
#define GUARDED(fn) cmocka_unit_test_setup_teardown(fn, setup_guarded, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		READY(a_token_on_the_upgrade_opens_the_session),
		READY(a_bad_token_on_the_upgrade_is_refused),
		READY(session_open_comes_first),
		READY(packets_wait_while_a_token_is_checked),
		READY(a_client_that_leaves_while_its_token_is_checked_is_forgotten),
		READY(a_bad_token_in_session_open_closes),
		READY(a_device_has_no_control_characters),
		READY(a_token_for_ever_is_good),
		READY(what_never_got_an_answer_is_freed_at_the_end),
		READY(a_late_token_is_answered_stopping),
		READY(nothing_is_carried_out_after_the_end),
		READY(a_fresh_token_prolongs_the_session_of_the_same_user_only),
		READY(unknown_ops_and_wrong_input_are_named),
		GUARDED(packets_keep_their_order_while_one_is_parked),
		GUARDED(thousands_wait_behind_a_parked_one),
		GUARDED(a_parked_question_dies_with_its_session),
		GUARDED(what_was_answered_timeout_is_not_carried_out_later),
		GUARDED(a_refusal_reaches_the_client),
		READY(an_answer_may_come_after_the_session),
		READY(routes_take_path_query_token_and_skins),
		READY(a_parameter_of_the_path_wins_over_the_body),
		READY(paths_and_bodies_are_checked),
		READY(draining_refuses_and_closes),
		CLOSING(a_module_may_close_in_may_login),
		CLOSING(a_refused_login_says_whether_to_come_back),
		CLOSING(a_parked_login_dies_with_its_session),
		CLOSING(a_module_may_close_in_did_login),
		CLOSING(a_module_may_close_in_may_call),
		CLOSING(a_module_may_close_in_did_disconnect),
		CLOSING(a_close_while_draining_is_one),
		CLOSING(a_close_reason_is_cut_between_characters),
	};
	return cmocka_run_group_tests_name("logic", tests, NULL, NULL);
}

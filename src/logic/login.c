/* SPDX-License-Identifier: MIT */
#include "logic/login.h"

/*
 * Coming in: handshake -> may_connect -> token -> provider auth -> may_login -> READY, each step
 * perhaps answered later; and going out. The `struct login` is what is under way for one session;
 * it dies with the last answer or with the session, whichever comes first, and then cancels what it
 * was waiting for.
 */

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "hook/chain.h"
#include "logic/logic.h"
#include "logic/op.h"
#include "logic/request_input.h"
#include "provide/auth.h"
#include "wire/json_out.h"
#include "wire/limits.h"

struct login {
	struct logic *logic;
	struct session *session;
	struct io_connect *connect; /* owned: facts of may_connect and the token of the upgrade */
	struct nuncio_request *rq;  /* session.open, owned until answered; NULL on the upgrade */
	struct nuncio_str said_device;
	struct nuncio_peer peer;
	struct nuncio_login facts;
	struct chain *chain;
	struct nuncio_auth *auth;
	int64_t expires_at_ms, issued_at_ms;
	char user[AUTH_ID_BYTES + 1], device[AUTH_ID_BYTES + 1];
};

/* Names beyond these codes of PROTOCOL.md 1.3 belong to the I/O threads. */
enum { CLOSE_TOKEN = 4001, CLOSE_LATER = 4005 };

#define DEVICE_FAULT "device: must be at most 64 bytes of UTF-8 without control characters"
#define DUE_MAX_MS (INT64_C(100) * 366 * 86400000) /* a token for ever must not overflow a sum */

static void login_free(struct login **login)
{
	struct login *l = *login;
	if (!l)
		return;
	chain_cancel(&l->chain);
	auth_cancel(&l->auth);
	request_drop(&l->rq);
	if (l->session)
		l->session->login = NULL;
	alloc_free(l->connect);
	alloc_free(l);
	*login = NULL;
}

static struct login *login_new(struct logic *logic, struct session *session)
{
	struct login *login = ALLOC_NEW(struct login);
	login->logic = logic;
	login->session = session;
	session->login = login;
	return login;
}

/* ---- answers ---- */

static void session_admit(
	struct logic *logic, struct session *session, struct packet_out *first, bool is_ready)
{
	struct io_admit *admit = ALLOC_NEW(struct io_admit);
	admit->mail.kind = IO_ADMIT;
	admit->id = session->id;
	admit->first = first;
	admit->ready = is_ready;
	session->is_upgrade = false;
	logic_post_io(logic, session->id, &admit->mail);
}

static void session_refuse(struct logic *logic, struct session *session, int code, const char *text)
{
	struct io_refuse *refuse = ALLOC_NEW(struct io_refuse);
	refuse->mail.kind = IO_REFUSE;
	refuse->id = session->id;
	refuse->code = code;
	snprintf(refuse->text, sizeof refuse->text, "%s", text);
	trace_new(refuse->trace);
	session->state = SESSION_CLOSING;
	logic_post_io(logic, session->id, &refuse->mail);
}

/* The hash of its id puts each session evenly somewhere into the spread. */
static int64_t retry_after_ms(const struct logic *logic, const struct session *session)
{
	const struct logic_settings *s = &logic->settings;
	if (!logic->is_draining)
		return 0;
	return s->retry_after_ms +
	       (int64_t)(hash_u64(session->id) % (uint64_t)(s->retry_spread_ms + 1));
}

static struct packet_out *closing_packet(
	struct logic *logic, const struct session *session, int code, const char *text)
{
	struct json_out out;
	buf_reset(&logic->scratch);
	json_out_init(&out, &logic->scratch);
	json_out_object_begin(&out);
	json_out_key_int(&out, "code", code);
	json_out_key_cstr(&out, "reason", text);
	json_out_key_int(&out, "retry_after_ms", retry_after_ms(logic, session));
	json_out_object_end(&out);
	return packet_out_notify(STR("session.closing"), buf_str(&logic->scratch));
}

/* A close frame has room for so much; half a character in it would be an error of the protocol. */
static void reason_set(char reason[124], const char *text)
{
	size_t all = strlen(text), n = 0, bytes;
	while (n < all && (bytes = utf8_char_bytes(text + n, all - n)) != 0 && n + bytes <= 120)
		n += bytes;
	memcpy(reason, text, n);
	reason[n] = '\0';
}

void login_close(
	struct logic *logic, struct session *session, int close_code, int code, const char *text)
{
	if (session->state == SESSION_CLOSING)
		return;
	if (session->is_upgrade) {
		session_refuse(logic, session, code, text);
		return;
	}
	struct io_close *close = ALLOC_NEW(struct io_close);
	close->mail.kind = IO_CLOSE;
	close->id = session->id;
	close->last = closing_packet(logic, session, code, text);
	close->close_code = (uint16_t)close_code;
	reason_set(close->reason, text);
	session->state = SESSION_CLOSING;
	list_remove(&session->deadline);
	logic_post_io(logic, session->id, &close->mail);
}

/* What a rule, a rate or a busy server refuses may be good another time; a bad token stays bad. */
static int close_code_of(int code)
{
	int status = nuncio_code_http_status(code);
	return status == 403 || status == 429 || status >= 500 ? CLOSE_LATER : CLOSE_TOKEN;
}

/*
 * A session that never became one: refused on the upgrade, answered and closed after session.open.
 */
static void login_fail(struct login *login, int code, const char *text)
{
	struct logic *logic = login->logic;
	struct session *session = login->session;
	metric_add(logic->count.logins_refused, 1);
	if (login->rq)
		request_error(&login->rq, code, "%s", text);
	login_free(&login);
	login_close(logic, session, close_code_of(code), code, text);
}

/* ---- success ---- */

static struct packet_out *ready_packet(struct logic *logic, const struct session *session)
{
	char now[CLOCK_RFC3339_SIZE], id[24];
	struct json_out out;
	clock_format_rfc3339(clock_wall_ms(), now);
	snprintf(id, sizeof id, "%llx", (unsigned long long)session->id);
	buf_reset(&logic->scratch);
	json_out_init(&out, &logic->scratch);
	json_out_object_begin(&out);
	json_out_key_text(&out, "user", session_user_name(session));
	json_out_key_text(&out, "device", session_device(session));
	json_out_key_cstr(&out, "session", id);
	json_out_key_cstr(&out, "node", logic->settings.node);
	json_out_key_int(&out, "heartbeat_ms", logic->settings.heartbeat_ms);
	json_out_key(&out, "limits");
	json_out_object_begin(&out);
	json_out_key_int(&out, "packet_bytes", LIMIT_PACKET_BYTES);
	json_out_key_int(&out, "body_bytes", logic->settings.body_bytes);
	json_out_key_int(&out, "page", logic->settings.page_limit);
	json_out_object_end(&out);
	json_out_key_cstr(&out, "server_time", now);
	json_out_object_end(&out);
	return packet_out_notify(STR("session.ready"), buf_str(&logic->scratch));
}

static void session_send(struct logic *logic, struct session *session, struct packet_out *packet)
{
	struct io_send *send = alloc_get(sizeof *send + sizeof(nuncio_sid));
	send->mail.kind = IO_SEND;
	send->packet = packet;
	send->count = 1;
	send->ids[0] = session->id;
	logic_post_io(logic, session->id, &send->mail);
}

static void session_tell_ready(struct logic *logic, struct session *session)
{
	struct packet_out *packet = ready_packet(logic, session);
	if (session->is_upgrade) {
		session_admit(logic, session, packet, true);
		return;
	}
	struct io_ready *ready = ALLOC_NEW(struct io_ready);
	ready->mail.kind = IO_READY;
	ready->id = session->id;
	logic_post_io(logic, session->id, &ready->mail);
	session_send(logic, session, packet);
}

/* The wheel's own times are short and may wrap; login_due puts back what is not due yet. */
static void session_set_due(struct logic *logic, struct session *session, int64_t in_ms)
{
	int64_t round_ms = LOGIC_TICK_MS * (WHEEL_SLOTS - 1);
	int64_t now_ms = loop_now_ms(logic->parts.loop);
	if (in_ms > DUE_MAX_MS)
		in_ms = DUE_MAX_MS;
	session->due_ms = now_ms + in_ms;
	wheel_put(&logic->wheel, &session->deadline,
		(uint32_t)(now_ms + (in_ms < round_ms ? in_ms : round_ms)));
}

static void login_finish(struct login *login)
{
	struct logic *logic = login->logic;
	struct session *session = login->session;
	struct nuncio_login facts = { .session = (struct nuncio_session *)session,
		.expires_at_ms = login->expires_at_ms,
		.issued_at_ms = login->issued_at_ms };
	nuncio_sid id = session->id;
	session->device = login->device[0] ? alloc_text(str_of(login->device)) : NULL;
	session->since_ms = clock_wall_ms();
	session->state = SESSION_READY;
	user_add_session(&logic->users, str_of(login->user), session);
	if (session->user->session_count == 1)
		cluster_user(logic, user_name(session->user), true);
	session_set_due(logic, session, login->expires_at_ms - clock_wall_ms());
	logic->sessions.ready_count++;
	metric_add(logic->count.logins, 1);
	if (login->rq)
		request_reply(&login->rq, 200, STR("{}"));
	session_tell_ready(logic, session);
	login_free(&login);
	session->is_told = true;
	facts.user = session_user_name(session);
	facts.device = session_device(session);
	hook_tell(logic->parts.hooks, NUNCIO_HOOK_did_login, &facts);
	op_resume_session(logic, id);
}

static void login_renew(struct login *login)
{
	struct session *session = login->session;
	struct logic *logic = login->logic;
	nuncio_sid id = session->id;
	session->state = SESSION_READY;
	if (!str_eq(session_user_name(session), str_of(login->user))) {
		request_error(&login->rq, NUNCIO_CODE_session_open,
			"this connection is another user's session");
	} else {
		session_set_due(logic, session, login->expires_at_ms - clock_wall_ms());
		request_reply(&login->rq, 200, STR("{}"));
	}
	login_free(&login);
	op_resume_session(logic, id);
}

/* ---- the steps ---- */

/* The session was closed while the answer was awaited. */
static bool login_is_over(struct login *login)
{
	if (login->session->state != SESSION_CLOSING)
		return false;
	login_free(&login);
	return true;
}

/*
 * Those that are closing count, too: what one user can make of us is bounded whatever their
 * connections do. The last to come is refused, not the first closed, or two clients too many would
 * throw each other out for ever.
 */
static bool login_has_room(const struct login *login)
{
	const struct logic *logic = login->logic;
	const struct user *user = user_find(&logic->users, str_of(login->user));
	return !user || user->session_count < logic->settings.user_sessions;
}

static void on_may_login(const struct chain_answer *answer, void *user)
{
	struct login *login = user;
	login->chain = NULL;
	if (login_is_over(login))
		return;
	if (!answer->yes)
		login_fail(login, answer->code, answer->text);
	else if (!login_has_room(login))
		login_fail(login, NUNCIO_CODE_session_limit,
			"this user has as many sessions as allowed");
	else
		login_finish(login);
}

static void login_ask(struct login *login)
{
	struct logic *logic = login->logic;
	login->facts = (struct nuncio_login){
		.session = (struct nuncio_session *)login->session,
		.user = str_of(login->user),
		.device = str_of(login->device),
		.expires_at_ms = login->expires_at_ms,
		.issued_at_ms = login->issued_at_ms,
	};
	struct chain *chain = chain_ask(logic->parts.hooks, NUNCIO_HOOK_may_login, &login->facts,
		NULL, on_may_login, login);
	if (chain)
		login->chain = chain;
}

static int code_of_auth(int status)
{
	switch (status) {
	case NUNCIO_E_EXPIRED:
		return NUNCIO_CODE_token_expired;
	case NUNCIO_E_BUSY:
		return NUNCIO_CODE_busy;
	case NUNCIO_E_TIMEOUT:
		return NUNCIO_CODE_timeout;
	case NUNCIO_E_UNSUPPORTED:
		return NUNCIO_CODE_unavailable;
	default:
		return NUNCIO_CODE_token_invalid;
	}
}

/* Both ids were looked at: the provider's by auth.c, the client's before the token was checked. */
static void login_take_claims(struct login *login, const struct nuncio_claims *claims)
{
	struct nuncio_str device = claims->device.n ? claims->device : login->said_device;
	snprintf(login->user, sizeof login->user, STR_FMT, STR_ARG(claims->user));
	snprintf(login->device, sizeof login->device, STR_FMT, STR_ARG(device));
	login->expires_at_ms = claims->expires_at_ms;
	login->issued_at_ms = claims->issued_at_ms;
}

/* A renewal that fails leaves the session as it was; its old token's end still comes. */
static void login_renew_fail(struct login *login, int code, const char *text)
{
	struct logic *logic = login->logic;
	nuncio_sid id = login->session->id;
	login->session->state = SESSION_READY;
	request_error(&login->rq, code, "%s", text);
	login_free(&login);
	op_resume_session(logic, id);
}

static void on_auth(int status, const struct nuncio_claims *claims, const char *text, void *user)
{
	struct login *login = user;
	bool is_renewal = login->session->user != NULL;
	login->auth = NULL;
	if (login_is_over(login))
		return;
	if (status == 0)
		login_take_claims(login, claims);
	if (status < 0 && is_renewal)
		login_renew_fail(login, code_of_auth(status), text);
	else if (status < 0)
		login_fail(login, code_of_auth(status), text);
	else if (is_renewal)
		login_renew(login);
	else
		login_ask(login);
}

static void login_prove(struct login *login, struct nuncio_str token)
{
	login->session->state = SESSION_PROVING;
	struct nuncio_auth *auth = auth_check(login->logic->parts.auth, token, on_auth, login);
	if (auth)
		login->auth = auth;
}

static void on_may_connect(const struct chain_answer *answer, void *user)
{
	struct login *login = user;
	struct logic *logic = login->logic;
	struct session *session = login->session;
	login->chain = NULL;
	if (login_is_over(login))
		return;
	if (!answer->yes) {
		int code = answer->code;
		session_refuse(logic, session, code, answer->text);
		login_free(&login);
		return;
	}
	if (login->connect->token.n) {
		login_prove(login, login->connect->token);
		return;
	}
	session->state = SESSION_OPENING;
	session_admit(logic, session, NULL, false);
	login_free(&login);
}

void login_connect(struct logic *logic, struct io_connect *connect)
{
	struct session *session = session_new(&logic->sessions, connect);
	struct login *login = login_new(logic, session);
	login->connect = connect;
	login->said_device = connect->device;
	login->peer = (struct nuncio_peer){
		.address = str_of(connect->address),
		.origin = connect->origin,
		.agent = connect->agent,
		.port = connect->port,
	};
	session_set_due(logic, session, logic->settings.auth_timeout_ms);
	if (!auth_is_device(connect->device)) {
		session_refuse(logic, session, NUNCIO_CODE_invalid_field, DEVICE_FAULT);
		login_free(&login);
		return;
	}
	if (logic->is_draining) {
		session_refuse(logic, session, NUNCIO_CODE_stopping, "the server is stopping");
		login_free(&login);
		return;
	}
	struct chain *chain = chain_ask(logic->parts.hooks, NUNCIO_HOOK_may_connect, &login->peer,
		NULL, on_may_connect, login);
	if (chain)
		login->chain = chain;
}

void login_open(struct nuncio_request *rq, void *user)
{
	struct logic *logic = rq->logic;
	struct session *session = session_find(&logic->sessions, rq->id);
	struct nuncio_str token = { NULL, 0 }, device = { NULL, 0 };
	(void)user;
	if (!session || session->login) {
		request_error(&rq, NUNCIO_CODE_session_open, "a token is being checked already");
		return;
	}
	request_text(rq, "token", &token);
	request_text(rq, "device", &device);
	if (!auth_is_device(device)) {
		request_error(&rq, NUNCIO_CODE_invalid_field, DEVICE_FAULT);
		return;
	}
	struct login *login = login_new(logic, session);
	login->rq = rq;
	login->said_device = device;
	login_prove(login, token);
}

/* ---- the end ---- */

void login_closed(struct logic *logic, const struct io_closed *closed)
{
	struct session *session = session_find(&logic->sessions, closed->id);
	if (!session)
		return;
	session->state = SESSION_CLOSING;
	login_free(&session->login);
	session_end_questions(session);
	if (session->parked) {
		struct nuncio_request *rq = session->parked;
		session->parked = NULL;
		request_drop(&rq);
	}
	if (session->is_told) {
		struct nuncio_leave facts = {
			.session = (struct nuncio_session *)session,
			.user = session_user_name(session),
			.device = session_device(session),
			.close_code = closed->close_code,
		};
		hook_tell(logic->parts.hooks, NUNCIO_HOOK_did_disconnect, &facts);
	}
	if (session->user) {
		logic->sessions.ready_count--;
		slots_free_data(&logic->sessions.slot_kinds, &session->slots);
		if (session->user->session_count == 1) {
			live_user_ends(logic, session->user);
			cluster_user(logic, user_name(session->user), false);
		}
		user_remove_session(&logic->users, session);
	}
	session_free(&logic->sessions, &session);
}

void login_due(struct list *node, void *user)
{
	struct logic *logic = user;
	struct session *session = CONTAINER_OF(node, struct session, deadline);
	int64_t left_ms = session->due_ms - loop_now_ms(logic->parts.loop);
	if (left_ms > 0)
		session_set_due(logic, session, left_ms);
	else if (session->user)
		login_close(logic, session, CLOSE_TOKEN, NUNCIO_CODE_token_expired,
			"the token has expired");
	else
		login_close(logic, session, CLOSE_TOKEN, NUNCIO_CODE_auth_required,
			"no token came in time");
}

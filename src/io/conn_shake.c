/* SPDX-License-Identifier: MIT */
/*
 * The door to /ws: handshake by the RFC, Origin, then the logic thread is asked with the token as
 * the client gave it, and the connection waits for IO_ADMIT or IO_REFUSE. What the client sends
 * before the answer stays unread. Tokens are passed on and never logged.
 */
#include "io/conn_private.h"

#include <string.h>

#include <nuncio/codes.h>

#include "base/alloc.h"
#include "base/slice.h"
#include "io/origin.h"
#include "io/refusal.h"
#include "wire/limits.h"
#include "wire/packet.h"
#include "wire/uri.h"

enum { AGENT_BYTES = 256 };

/* What the logic thread wants to know; borrowed from the request or the arena. */
struct visitor {
	struct nuncio_str origin, agent, token, device;
};

/* "Bearer TOKEN" (RFC 6750 2.1). Another scheme is no token of ours. */
static struct nuncio_str bearer(const struct http1_request *rq)
{
	struct nuncio_str scheme, token;
	if (!str_cut(http1_header(rq, "Authorization"), ' ', &scheme, &token) ||
		!str_eq_nocase(scheme, STR("Bearer")))
		return STR("");
	return str_trim(token);
}

/* NULL, or what is wrong. */
static const char *read_token(const struct http1_request *rq, struct arena *a, struct visitor *v)
{
	struct nuncio_str in_query = { 0 };
	if (http1_header_count(rq, "Authorization") > 1)
		return "Authorization was given twice";
	v->token = bearer(rq);
	int rc = uri_query_get(rq->query, "access_token", a, &in_query);
	if (rc < 0)
		return "access_token is given twice or badly encoded";
	if (rc > 0 && v->token.n)
		return "Authorization and access_token together: one token is enough";
	if (rc > 0)
		v->token = in_query;
	return v->token.n > LIMIT_TOKEN_BYTES ? "the token is too long" : NULL;
}

static const char *read_visitor(const struct http1_request *rq, struct arena *a, struct visitor *v)
{
	const char *wrong = read_token(rq, a, v);
	if (wrong)
		return wrong;
	if (uri_query_get(rq->query, "device", a, &v->device) < 0)
		return "device is given twice or badly encoded";
	if (v->device.n > LIMIT_DEVICE_BYTES)
		return "device is longer than 64 bytes";
	v->agent = http1_header(rq, "User-Agent");
	if (v->agent.n > AGENT_BYTES)
		v->agent.n = AGENT_BYTES;
	return NULL;
}

static bool is_welcome(const struct conn *c, const struct http1_request *rq, struct visitor *v)
{
	const struct io_settings *s = c->thread->settings;
	size_t count = http1_header_count(rq, "Origin");
	if (count == 0) /* not a browser */
		return true;
	v->origin = http1_header(rq, "Origin");
	return count == 1 && origin_is_allowed(v->origin, rq->host, s->origins, s->origin_count);
}

static struct nuncio_str put(char **at, struct nuncio_str s)
{
	struct nuncio_str copy = { *at, s.n };
	if (s.n)
		memcpy(*at, s.p, s.n);
	*at += s.n;
	return copy;
}

static void ask(struct conn *c, const struct visitor *v)
{
	size_t bytes =
		sizeof(struct io_connect) + v->origin.n + v->agent.n + v->token.n + v->device.n;
	struct io_connect *m = alloc_get(bytes);
	char *at = m->text;
	m->mail.kind = IO_CONNECT;
	m->id = c->id;
	conn_peer(c, m->address, &m->port);
	m->origin = put(&at, v->origin);
	m->agent = put(&at, v->agent);
	m->token = put(&at, v->token);
	m->device = put(&at, v->device);
	outbox_add_bytes(&c->thread->outbox, &m->mail, bytes);
	c->is_known = true;
	conn_set_state(c, CONN_ADMITTING);
}

void conn_shake(struct conn *c, const struct http1_request *rq)
{
	struct io_thread *t = c->thread;
	struct visitor v = { 0 };
	struct nuncio_error err;
	struct arena a;
	int status = ws_shake_check(rq, t->settings->deflate, &c->http->shake, &err);
	if (status) {
		conn_http_refuse(c, refusal_code(status), err.text, NULL);
		return;
	}
	if (t->is_draining) {
		conn_http_refuse(c, NUNCIO_CODE_stopping, "the server is stopping", NULL);
		return;
	}
	if (!is_welcome(c, rq, &v)) {
		conn_http_refuse(c, NUNCIO_CODE_origin_refused,
			"this Origin is not listed in [core] origins", NULL);
		return;
	}
	arena_init(&a, 0);
	const char *wrong = read_visitor(rq, &a, &v);
	if (wrong)
		conn_http_refuse(c, NUNCIO_CODE_bad_request, wrong, NULL);
	else
		ask(c, &v);
	arena_fini(&a);
}

/* ---- the answer of the logic thread ---- */

static enum packet_form form_of(const struct ws_shake *shake)
{
	if (shake->protocol == WS_PROTOCOL_FRAME)
		return shake->deflate ? PACKET_FRAME_DEFLATE : PACKET_FRAME;
	return shake->deflate ? PACKET_JSON_DEFLATE : PACKET_JSON;
}

/* From here on it is a WebSocket: everything of HTTP goes. */
static void open_websocket(struct conn *c)
{
	struct buf *text = &c->thread->text;
	buf_reset(text);
	ws_shake_write(text, &c->http->shake);
	c->form = (uint8_t)form_of(&c->http->shake);
	conn_http_close(c);
	if (c->outq) /* an answer from before is still leaving */
		COUNTER_ADD(c->thread->counters.http_bytes, -(int64_t)c->outq->bytes);
	c->is_http = false;
	c->parser = NULL;
	c->is_waiting = false;
	c->heard_ms = io_now(c->thread);
	conn_set_state(c, CONN_OPEN);
	conn_send_copy(c, buf_str(text));
}

void conn_shake_admit(struct conn *c, struct packet_out *first, bool ready)
{
	if (c->state != CONN_ADMITTING)
		return;
	char *rest = c->http->rest;
	size_t rest_bytes = c->http->rest_bytes;
	c->http->rest = NULL;
	open_websocket(c);
	c->is_ready = ready;
	if (first)
		conn_send_packet(c, first);
	conn_update_events(c);
	if (rest && c->state == CONN_OPEN)
		conn_ws_input(c, rest, rest_bytes);
	alloc_free(rest);
}

void conn_shake_refuse(struct conn *c, const struct io_refuse *refuse)
{
	if (c->state != CONN_ADMITTING)
		return;
	conn_report_closed(c, 1006);
	conn_http_refuse(c, refuse->code, refuse->text, refuse->trace);
}

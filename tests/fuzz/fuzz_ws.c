/* SPDX-License-Identifier: MIT */
/*
 * WebSocket input four ways, which must agree: in one read (so whole frames are decoded in place),
 * cut into pieces by a pattern (so wslay's frame API and the pool do the work), both with pauses,
 * and through wslay's own event API. First byte: bit 0 deflate, bits 1-2 kind, bit 3 the input is
 * unmasked frames that we mask first; second byte: the pieces. Known differences to the event API,
 * left out:
 *   - it refuses invalid UTF-8 at the bad byte, we at the end of the message;
 *   - it lets a close frame of one byte pass as if empty, and refuses the codes 1012 to 1014;
 *   - it counts control frames against the limit of messages (so the limit here is above 125).
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wslay/wslay.h>

#include "base/buf.h"
#include "base/slice.h"
#include "wire/ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "%d: %s\n", __LINE__, #cond); \
			abort(); \
		} \
	} while (0)

#define MESSAGE_BYTES 1000
#define INPUT_BYTES 4000 /* below wslay's buffer, so that it sees close frames in one piece */

struct log {
	struct buf b;
	bool has_odd_close; /* one that the event API judges otherwise */
	bool pauses;        /* behind every frame */
};

static int note(struct log *log, unsigned opcode, struct nuncio_str data)
{
	buf_printf(&log->b, "%u %zu ", opcode, data.n);
	buf_add_str(&log->b, data);
	return log->pauses ? WS_PAUSED : WS_MORE;
}

static int on_message(enum ws_opcode kind, struct nuncio_str data, void *user)
{
	return note(user, kind, data);
}

static int on_ping(struct nuncio_str data, void *user)
{
	return note(user, WS_PING, data);
}

static int on_pong(struct nuncio_str data, void *user)
{
	return note(user, WS_PONG, data);
}

static void on_close(uint16_t code, struct nuncio_str reason, void *user)
{
	struct log *log = user;
	log->has_odd_close = code >= 1012 && code <= 1014;
	buf_printf(&log->b, "close %u ", code);
	buf_add_str(&log->b, reason);
}

static const struct ws_events events = { on_message, on_ping, on_pong, on_close };

/* cuts: 0 is one read; else lengths from a small generator. */
static int run_ours(const struct ws_rules *rules, struct nuncio_str in, unsigned cuts,
	struct log *log, const char **why_r)
{
	struct ws_pool *pool = ws_pool_new();
	struct ws_parser *parser = NULL;
	int rc = 0;
	for (size_t at = 0; at < in.n && rc == 0;) {
		size_t n = cuts ? 1 + cuts % 7 * (cuts >> 3 & 3) : in.n;
		cuts = cuts ? cuts * 5 + 3 : 0;
		if (n > in.n - at)
			n = in.n - at;
		char *copy = malloc(n);
		memcpy(copy, in.p + at, n);
		rc = ws_feed(pool, &parser, rules, copy, n, &events, log, why_r);
		free(copy);
		while (rc == WS_PAUSED)
			rc = ws_go_on(pool, &parser, rules, &events, log, why_r);
		at += n;
		REQUIRE(!rc || !parser);
	}
	ws_parser_give(pool, &parser);
	REQUIRE(ws_pool_lent_count(pool) == 0);
	ws_pool_free(&pool);
	return rc;
}

/* ---- the event API ---- */

struct other {
	struct nuncio_str in;
	struct log log;
	int rc;
};

static ssize_t other_recv(wslay_event_context_ptr c, uint8_t *to, size_t n, int flags, void *user)
{
	struct other *o = user;
	(void)flags;
	if (o->in.n == 0) {
		wslay_event_set_error(c, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	n = n < o->in.n ? n : o->in.n;
	memcpy(to, o->in.p, n);
	o->in.p += n;
	o->in.n -= n;
	return (ssize_t)n;
}

static ssize_t other_send(
	wslay_event_context_ptr c, const uint8_t *data, size_t n, int flags, void *user)
{
	(void)c;
	(void)data;
	(void)flags;
	(void)user;
	return (ssize_t)n;
}

static void other_message(
	wslay_event_context_ptr c, const struct wslay_event_on_msg_recv_arg *arg, void *user)
{
	struct other *o = user;
	struct nuncio_str data = { (const char *)arg->msg, arg->msg_length };
	(void)c;
	if (arg->opcode != WSLAY_CONNECTION_CLOSE) {
		note(&o->log, arg->opcode, data);
		return;
	}
	o->rc = WS_ENDED;
	o->log.has_odd_close = data.n == 1;
	on_close(arg->status_code ? arg->status_code : WS_CLOSE_NO_CODE,
		data.n > 2 ? (struct nuncio_str){ data.p + 2, data.n - 2 } : STR(""), &o->log);
	o->log.has_odd_close = data.n == 1;
}

static int run_other(struct other *o)
{
	const struct wslay_event_callbacks callbacks = { .recv_callback = other_recv,
		.send_callback = other_send,
		.on_msg_recv_callback = other_message };
	wslay_event_context_ptr c;
	REQUIRE(wslay_event_context_server_init(&c, &callbacks, o) == 0);
	wslay_event_config_set_max_recv_msg_length(c, MESSAGE_BYTES);
	wslay_event_recv(c);
	wslay_event_send(c);
	if (o->rc == 0 && wslay_event_get_close_sent(c)) {
		uint16_t code = wslay_event_get_status_code_sent(c);
		o->rc = code == WS_CLOSE_NO_CODE ? WS_CLOSE_PROTOCOL : code;
	}
	wslay_event_context_free(c);
	return o->rc;
}

static void compare_with_other(struct nuncio_str in, int rc, const struct log *log)
{
	struct other o = { .in = in };
	int other_rc = run_other(&o);
	if (other_rc == WS_CLOSE_TEXT) {
		REQUIRE(log->b.used >= o.log.b.used); /* we go on for a while */
		REQUIRE(o.log.b.used == 0 || memcmp(log->b.data, o.log.b.data, o.log.b.used) == 0);
	} else if (!o.log.has_odd_close && !log->has_odd_close) {
		if (rc != other_rc || !str_eq(buf_str(&log->b), buf_str(&o.log.b))) {
			fprintf(stderr, "ours %d, wslay %d\n", rc, other_rc);
			abort();
		}
	}
	buf_fini(&o.log.b);
}

/* Sets the mask bit and masks, as far as frames can be made out: gets the search past the mask. */
static void add_masks(struct nuncio_str in, struct buf *out)
{
	static const char key[4] = { 0x11, 0x22, 0x43, 0x64 };
	while (in.n >= 2) {
		size_t length = (unsigned char)in.p[1] & 127, head = length == 126 ? 4 : 2;
		if (in.n < head || length == 127)
			break;
		if (head == 4)
			length = (size_t)(unsigned char)in.p[2] << 8 | (unsigned char)in.p[3];
		if (length > in.n - head)
			length = in.n - head;
		buf_add_char(out, in.p[0]);
		buf_add_char(out, (char)(in.p[1] | 0x80));
		buf_add(out, in.p + 2, head - 2);
		buf_add(out, key, 4);
		for (size_t i = 0; i < length; i++)
			buf_add_char(out, (char)(in.p[head + i] ^ key[i & 3]));
		in.p += head + length;
		in.n -= head + length;
	}
	buf_add_str(out, in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum ws_opcode kinds[] = { 0, 0, WS_TEXT, WS_BINARY };
	if (size < 2 || size > INPUT_BYTES)
		return 0;
	struct ws_rules rules = { .kind = kinds[data[0] >> 1 & 3],
		.deflate = data[0] & 1,
		.message_bytes = MESSAGE_BYTES };
	struct nuncio_str in = { (const char *)data + 2, size - 2 };
	struct log whole = { .has_odd_close = false }, cut = { .has_odd_close = false };
	const char *why = NULL, *cut_why = NULL;
	struct buf masked;
	buf_init(&masked);
	if (data[0] & 8) {
		add_masks(in, &masked);
		in = buf_str(&masked);
	}
	int rc = run_ours(&rules, in, 0, &whole, &why);
	for (unsigned way = 1; way < 4; way++) {
		cut.pauses = way & 2;
		buf_reset(&cut.b);
		int cut_rc = run_ours(&rules, in, way & 1 ? data[1] | 1u : 0, &cut, &cut_why);
		if (rc != cut_rc || !str_eq(buf_str(&whole.b), buf_str(&cut.b))) {
			fprintf(stderr, "whole %d (%s), cut or paused (%u) %d (%s)\n", rc,
				why ? why : "", way, cut_rc, cut_why ? cut_why : "");
			abort();
		}
	}
	if (!rules.deflate && !rules.kind && in.n <= INPUT_BYTES)
		compare_with_other(in, rc, &whole);
	buf_fini(&whole.b);
	buf_fini(&cut.b);
	buf_fini(&masked);
	return 0;
}

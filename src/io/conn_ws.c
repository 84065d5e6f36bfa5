/* SPDX-License-Identifier: MIT */
/*
 * A WebSocket's messages in and out. Requests go to the logic thread in the order of arrival, each
 * in memory of its own, and are counted until their response passes by; at the limit the connection
 * is not read from.
 *
 * A read of 64 KiB may hold 500 messages that inflate to 64 KiB each. So behind each message we
 * look if that is enough: FEED_BYTES of messages in one turn, requests in flight, an outbox that is
 * full. The rest of the read waits in the parser then, and goes on with the next turn, or when what
 * was in the way has gone. A limit may be passed by one message.
 *
 * Who has not proven yet who it is gets no more than that needs: short messages of few packets, one
 * request at a time, and little that waits for it.
 *
 * The op ping of an open session is answered here: it concerns nobody else, and a wake-up of the
 * logic thread would cost six times as much as the answer. What cannot be read as a packet is
 * answered here too; what breaks the protocol closes the connection.
 */
#include "io/conn_private.h"

#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "base/slice.h"
#include "wire/frame.h"
#include "wire/packet.h"

/* More than any read brings without deflate: only a flood of inflated messages ever reaches it. */
enum { FEED_BYTES = 4 * IO_SCRATCH_BYTES };

/* ---- limits ---- */

static size_t lesser(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t message_limit(const struct conn *c)
{
	size_t limit = c->thread->settings->message_bytes;
	return c->is_ready ? limit : lesser(limit, LIMIT_OPEN_MESSAGE_BYTES);
}

size_t conn_ws_queue_limit(const struct conn *c)
{
	size_t limit = c->thread->settings->queue_bytes;
	return c->is_ready ? limit : lesser(limit, LIMIT_OPEN_QUEUE_BYTES);
}

bool conn_ws_is_busy(const struct conn *c)
{
	unsigned limit = c->is_ready ? c->thread->settings->inflight : 1;
	return c->is_throttled ? c->inflight > limit / 2 : c->inflight >= limit;
}

/* ---- packets in ---- */

static char *put(char *at, struct nuncio_str s)
{
	memcpy(at, s.p, s.n);
	return at + s.n;
}

static char *put_decimal(char *at, uint32_t v)
{
	char digits[10];
	int n = 0;
	do
		digits[n++] = (char)('0' + v % 10);
	while (v /= 10);
	while (n)
		*at++ = digits[--n];
	return at;
}

static bool is_frame(const struct conn *c)
{
	return c->form == PACKET_FRAME || c->form == PACKET_FRAME_DEFLATE;
}

/*
 * Written by hand: the hottest answer of all. Both forms stay below 126 bytes, so that the
 * WebSocket header is two bytes; uncompressed is always allowed.
 */
static void answer_ping(struct conn *c, uint32_t seq)
{
	static const struct nuncio_str begin = STR_INIT("{\"type\":\"response\",\"seq\":");
	static const struct nuncio_str rest =
		STR_INIT("\"code\":0,\"message\":\"\",\"data\":{\"server_time\":\"");
	struct nuncio_str time = { io_thread_time(c->thread), 24 };
	char out[2 + 125], *at = out + 2;
	if (is_frame(c)) {
		at += LIMIT_FRAME_HEAD_BYTES;
		*at++ = '{';
	} else {
		at = put(at, begin);
		at = put_decimal(at, seq);
		*at++ = ',';
	}
	at = put(at, rest);
	at = put(at, time);
	at = put(at, STR("\"}}"));
	size_t n = (size_t)(at - out) - 2;
	ws_head(out, is_frame(c) ? WS_BINARY : WS_TEXT, false, n);
	if (is_frame(c))
		frame_head(out + 2, PACKET_RESPONSE, seq, (uint16_t)(n - LIMIT_FRAME_HEAD_BYTES));
	COUNTER_ADD(c->thread->counters.pings, 1);
	COUNTER_ADD(c->thread->counters.messages_out, 1);
	conn_send_copy(c, (struct nuncio_str){ out, n + 2 });
}

static void give_packet(struct conn *c, const struct packet *packet)
{
	size_t bytes = sizeof(struct io_packet) + packet->op.n + packet->data.n;
	struct io_packet *m = alloc_get(bytes);
	m->mail.kind = IO_PACKET;
	m->id = c->id;
	m->packet.seq = packet->seq;
	m->packet.op = (struct nuncio_str){ m->text, packet->op.n };
	m->packet.data = (struct nuncio_str){ m->text + packet->op.n, packet->data.n };
	put(put(m->text, packet->op), packet->data);
	outbox_add_bytes(&c->thread->outbox, &m->mail, bytes);
	c->inflight += c->inflight < UINT16_MAX;
	if (!c->is_throttled && conn_ws_is_busy(c))
		conn_update_throttle(c);
}

static void on_packet(struct conn *c, const struct packet *packet)
{
	COUNTER_ADD(c->thread->counters.messages_in, 1);
	if (c->is_ready && str_eq(packet->op, STR("ping")))
		answer_ping(c, packet->seq);
	else
		give_packet(c, packet);
}

static void on_fault(struct conn *c, const struct packet_fault *fault)
{
	struct packet_out *answer = packet_out_fault(fault);
	COUNTER_ADD(c->thread->counters.messages_in, 1);
	conn_send_packet(c, answer);
	packet_out_unref(&answer);
}

static void read_text(struct conn *c, struct nuncio_str data)
{
	struct packet packet;
	struct packet_fault fault;
	if (packet_read_json(data, &packet, &fault) < 0)
		on_fault(c, &fault);
	else
		on_packet(c, &packet);
}

static void too_many(struct conn *c)
{
	conn_report_closed(c, WS_CLOSE_TOO_BIG);
	conn_ws_close(c, WS_CLOSE_TOO_BIG, STR("too many packets before session.ready"));
}

static void read_frames(struct conn *c, struct nuncio_str rest)
{
	struct packet packet;
	struct packet_fault fault;
	int rc = 1, left = c->is_ready ? INT_MAX : LIMIT_OPEN_PACKETS;
	while (rc && c->state == CONN_OPEN) {
		if (rest.n && !left--) {
			too_many(c);
			break;
		}
		rc = packet_read_frame(&rest, &packet, &fault);
		if (rc > 0)
			on_packet(c, &packet);
		else if (rc < 0)
			on_fault(c, &fault);
		if (rc < 0 && !rest.n)
			break;
	}
}

/* ---- what the parser found ---- */

/* While we wait for the peer's close frame, its messages are dropped. */
static enum ws_fed goes_on(const struct conn *c)
{
	const struct io_thread *t = c->thread;
	if (c->state != CONN_OPEN && c->state != CONN_CLOSING)
		return WS_STOPPED;
	if (c->is_throttled || !t->feed_left || outbox_is_over(&t->outbox))
		return WS_PAUSED;
	return WS_MORE;
}

static int on_message(enum ws_opcode kind, struct nuncio_str data, void *user)
{
	struct conn *c = user;
	(void)kind; /* ws_rules let only the right one through */
	c->thread->feed_left -= lesser(c->thread->feed_left, data.n);
	if (c->state == CONN_OPEN && is_frame(c))
		read_frames(c, data);
	else if (c->state == CONN_OPEN)
		read_text(c, data);
	return goes_on(c);
}

static void send_control(struct conn *c, enum ws_opcode opcode, struct nuncio_str data)
{
	struct buf *text = &c->thread->text;
	buf_reset(text);
	ws_write(text, opcode, data);
	conn_send_copy(c, buf_str(text));
}

static int on_ping(struct nuncio_str data, void *user)
{
	struct conn *c = user;
	if (c->state == CONN_OPEN)
		send_control(c, WS_PONG, data);
	return goes_on(c);
}

static int on_pong(struct nuncio_str data, void *user)
{
	(void)data; /* that bytes came is all that counts */
	return goes_on(user);
}

static void send_close(struct conn *c, uint16_t code, struct nuncio_str reason)
{
	struct buf *text = &c->thread->text;
	buf_reset(text);
	ws_write_close(text, code, reason);
	conn_send_copy(c, buf_str(text));
}

static void on_close(uint16_t code, struct nuncio_str reason, void *user)
{
	struct conn *c = user;
	(void)reason;
	if (c->state == CONN_CLOSING && !c->outq) { /* both have said it */
		conn_kill(c, code);
		return;
	}
	if (c->state == CONN_OPEN) {
		conn_report_closed(c, code);
		conn_set_state(c, CONN_CLOSING);
		send_close(c, code, STR(""));
	}
	conn_end(c);
}

static const struct ws_events events = { on_message, on_ping, on_pong, on_close };

static struct ws_rules rules_of(const struct conn *c)
{
	return (struct ws_rules){ .kind = is_frame(c) ? WS_BINARY : WS_TEXT,
		.deflate = c->form >= PACKET_JSON_DEFLATE,
		.message_bytes = message_limit(c) };
}

static void fed(struct conn *c, int rc, const char *why)
{
	if (rc == WS_PAUSED && c->parser) {
		c->is_paused = true;
		COUNTER_ADD(c->thread->counters.pauses, 1);
		conn_update_events(c);
		return;
	}
	if (rc <= WS_PAUSED)
		return;
	conn_report_closed(c, (uint16_t)rc);
	if (c->state == CONN_OPEN) {
		conn_set_state(c, CONN_CLOSING);
		send_close(c, (uint16_t)rc, str_of(why));
	}
	conn_end(c); /* nothing more can be understood */
}

void conn_ws_input(struct conn *c, char *bytes, size_t n)
{
	struct io_thread *t = c->thread;
	const struct ws_rules rules = rules_of(c);
	const char *why = "protocol error";
	t->feed_left = FEED_BYTES;
	int rc = ws_feed(t->ws, &c->parser, &rules, bytes, n, &events, c, &why);
	fed(c, rc, why);
}

void conn_ws_go_on(struct conn *c)
{
	struct io_thread *t = c->thread;
	const struct ws_rules rules = rules_of(c);
	const char *why = "protocol error";
	if (!c->is_paused || c->is_throttled || c->is_held || c->state == CONN_DEAD)
		return;
	if (io_thread_is_full(t)) {
		io_thread_hold(t, c);
		return;
	}
	c->is_paused = false;
	t->feed_left = FEED_BYTES;
	fed(c, ws_go_on(t->ws, &c->parser, &rules, &events, c, &why), why);
	conn_update_events(c);
}

/* ---- out ---- */

void conn_ws_ping(struct conn *c)
{
	send_control(c, WS_PING, STR(""));
}

void conn_ws_send(struct conn *c, struct packet_out *packet)
{
	if (c->state != CONN_OPEN)
		return;
	if (packet_out_type(packet) == PACKET_RESPONSE && c->inflight)
		c->inflight--; /* the sending at the end of the turn looks at it */
	conn_send_packet(c, packet);
}

void conn_ws_close(struct conn *c, uint16_t code, struct nuncio_str reason)
{
	if (c->state != CONN_OPEN)
		return;
	if (!c->close_code)
		c->close_code = code;
	conn_set_state(c, CONN_CLOSING);
	send_close(c, code, reason);
	conn_update_throttle(c);
}

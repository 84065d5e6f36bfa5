/* SPDX-License-Identifier: MIT */
/*
 * WebSocket input. Bytes of a read go one of two ways: whole unfragmented frames at the front of a
 * read are unmasked where they lie and handed on (9-16 ns instead of 94-133 for 100 bytes); from
 * the first frame on that is cut off or fragmented wslay parses, in a context taken from the pool
 * (ws_pool.c). Both ways meet in judge_frame and end_message, so the rules of RFC 6455 stand here
 * once.
 *
 * wslay's frame API is used, not its event API: that one answers pings and closes by itself into a
 * queue without bound, allocates what a header announces, and when a close frame arrives in pieces
 * checks the wrong bytes of its reason. Nothing is queued here and memory grows with received bytes
 * only.
 *
 * A pause may fall behind any frame. What is left of the read moves into the parser then; what
 * wslay has taken into its own buffer stays there, so the next feeding looks into it first.
 *
 * A pool and all that is lent from it belong to one thread.
 */
#include "wire/ws.h"

#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/utf8.h"
#include "wire/deflate.h"
#include "wire/ws_private.h"

#define SCRATCH_BYTES 65536 /* a larger scratch buffer is freed after use */
#define RSV1 4              /* of the three reserved bits */

/* One call of ws_feed. */
struct feed {
	struct ws_pool *pool;
	const struct ws_rules *rules;
	size_t limit;
	char *bytes; /* what is left of the read */
	size_t n;
	const struct ws_events *events;
	void *user;
	const char *why;
};

struct head {
	bool fin, masked;
	uint8_t rsv, opcode;
	uint64_t payload_bytes;
};

/* ---- rules ---- */

static int refuse(struct feed *f, int code, const char *why)
{
	f->why = why;
	return code;
}

static bool is_control(uint8_t opcode)
{
	return opcode >= WS_CLOSE;
}

static int judge_control(struct feed *f, const struct head *head)
{
	if (head->opcode > WS_PONG)
		return refuse(f, WS_CLOSE_PROTOCOL, "unknown opcode");
	if (!head->fin || head->payload_bytes > LIMIT_WS_CONTROL_BYTES)
		return refuse(
			f, WS_CLOSE_PROTOCOL, "a control frame that is fragmented or too long");
	if (head->rsv)
		return refuse(f, WS_CLOSE_PROTOCOL, "a reserved bit in a control frame");
	return 0;
}

static int judge_data(struct feed *f, const struct head *head, bool is_open)
{
	bool is_first = head->opcode != WS_CONTINUATION;
	if (head->opcode > WS_BINARY)
		return refuse(f, WS_CLOSE_PROTOCOL, "unknown opcode");
	if (is_first == is_open)
		return refuse(f, WS_CLOSE_PROTOCOL,
			is_open ? "a message inside another" : "nothing to continue");
	if (head->rsv && !(head->rsv == RSV1 && f->rules->deflate && is_first))
		return refuse(f, WS_CLOSE_PROTOCOL, "a reserved bit that was not negotiated");
	if (is_first && f->rules->kind && head->opcode != f->rules->kind)
		return refuse(f, WS_CLOSE_KIND,
			f->rules->kind == WS_TEXT ? "only text messages here"
						  : "only binary messages here");
	return 0;
}

/* 0, or the close code. open_bytes: of the message in progress. */
static int judge_frame(struct feed *f, const struct head *head, bool is_open, size_t open_bytes)
{
	int rc = is_control(head->opcode) ? judge_control(f, head) : judge_data(f, head, is_open);
	if (rc)
		return rc;
	if (!head->masked)
		return refuse(f, WS_CLOSE_PROTOCOL, "a frame without mask");
	if (!is_control(head->opcode) && head->payload_bytes > f->limit - open_bytes)
		return refuse(f, WS_CLOSE_TOO_BIG, "the message is too long");
	return 0;
}

static int end_close(struct feed *f, struct nuncio_str payload)
{
	if (payload.n == 0) {
		f->events->on_close(WS_CLOSE_NO_CODE, payload, f->user);
		return WS_ENDED;
	}
	if (payload.n == 1)
		return refuse(f, WS_CLOSE_PROTOCOL, "half a close code");
	uint16_t code = (uint16_t)((unsigned char)payload.p[0] << 8 | (unsigned char)payload.p[1]);
	struct nuncio_str reason = { payload.p + 2, payload.n - 2 };
	if (!ws_close_code_is_valid(code))
		return refuse(f, WS_CLOSE_PROTOCOL, "a close code that may not be sent");
	if (!utf8_is_valid(reason.p, reason.n))
		return refuse(f, WS_CLOSE_TEXT, "the close reason is not UTF-8");
	f->events->on_close(code, reason, f->user);
	return WS_ENDED;
}

/* What a callback wants. */
static int wish(int rc)
{
	return rc == WS_MORE || rc == WS_PAUSED ? rc : WS_STOPPED;
}

static int end_control(struct feed *f, uint8_t opcode, struct nuncio_str payload)
{
	if (opcode == WS_CLOSE)
		return end_close(f, payload);
	return wish(opcode == WS_PING ? f->events->on_ping(payload, f->user)
				      : f->events->on_pong(payload, f->user));
}

static int hand_on(struct feed *f, uint8_t opcode, bool is_ascii, struct nuncio_str text)
{
	if (opcode == WS_TEXT && !is_ascii && !utf8_is_valid(text.p, text.n))
		return refuse(f, WS_CLOSE_TEXT, "the text is not UTF-8");
	return wish(f->events->on_message((enum ws_opcode)opcode, text, f->user));
}

static int end_deflated(struct feed *f, uint8_t opcode, struct nuncio_str payload)
{
	struct buf *scratch = &f->pool->scratch;
	buf_reset(scratch);
	int rc = inflater_run(f->pool->inflater, payload, f->limit, scratch);
	if (rc == NUNCIO_E_TOOBIG)
		rc = refuse(f, WS_CLOSE_TOO_BIG, "the message is too long when inflated");
	else if (rc < 0)
		rc = refuse(f, WS_CLOSE_TEXT, "the message cannot be inflated");
	else
		rc = hand_on(f, opcode, false, buf_str(scratch));
	if (scratch->size > SCRATCH_BYTES)
		buf_fini(scratch);
	return rc;
}

static int end_message(
	struct feed *f, uint8_t opcode, bool is_deflated, bool is_ascii, struct nuncio_str payload)
{
	return is_deflated ? end_deflated(f, opcode, payload)
			   : hand_on(f, opcode, is_ascii, payload);
}

/* ---- in place ---- */

/* XORs the mask over the payload; true when nothing but ASCII came out. */
static bool unmask(char *p, size_t n, const char key[4])
{
	uint64_t mask, seen = 0;
	memcpy(&mask, key, 4);
	memcpy((char *)&mask + 4, key, 4);
	for (; n >= 8; p += 8, n -= 8) {
		uint64_t word;
		memcpy(&word, p, 8);
		word ^= mask;
		seen |= word;
		memcpy(p, &word, 8);
	}
	for (size_t i = 0; i < n; i++) {
		p[i] = (char)(p[i] ^ key[i & 3]);
		seen |= (unsigned char)p[i];
	}
	return (seen & UINT64_C(0x8080808080808080)) == 0;
}

/*
 * Header bytes (with the mask) of a frame that lies whole in the read, or 0: cut off, or nothing
 * for this way. Lengths of eight bytes and the checks of their form are left to wslay.
 */
static size_t read_head(const unsigned char *p, size_t n, struct head *head)
{
	size_t head_bytes = 6;
	if (n < 6)
		return 0;
	head->fin = p[0] >> 7;
	head->rsv = p[0] >> 4 & 7;
	head->opcode = p[0] & 15;
	head->masked = p[1] >> 7;
	head->payload_bytes = p[1] & 127;
	if (!head->fin || !head->masked || head->opcode == WS_CONTINUATION ||
		head->payload_bytes == 127)
		return 0;
	if (head->payload_bytes == 126) {
		head->payload_bytes = (uint64_t)p[2] << 8 | p[3];
		head_bytes = 8;
		if (head->payload_bytes < 126)
			return 0;
	}
	return n >= head_bytes && n - head_bytes >= head->payload_bytes ? head_bytes : 0;
}

/* Takes whole frames off the front. 0 when wslay has to go on with what is left, if anything is. */
static int feed_in_place(struct feed *f)
{
	struct head head;
	size_t head_bytes;
	while ((head_bytes = read_head((const unsigned char *)f->bytes, f->n, &head)) != 0) {
		int rc = judge_frame(f, &head, false, 0);
		if (rc)
			return rc;
		char *at = f->bytes + head_bytes;
		struct nuncio_str payload = { at, (size_t)head.payload_bytes };
		bool is_ascii = unmask(at, payload.n, at - 4);
		f->bytes = at + payload.n;
		f->n -= head_bytes + payload.n;
		rc = is_control(head.opcode)
			     ? end_control(f, head.opcode, payload)
			     : end_message(f, head.opcode, head.rsv == RSV1, is_ascii, payload);
		if (rc)
			return rc;
	}
	return 0;
}

/* ---- through wslay ---- */

static int begin_frame(struct feed *f, struct ws_parser *parser, const struct head *head)
{
	int rc = judge_frame(f, head, parser->message_opcode != 0, parser->message.used);
	if (rc)
		return rc;
	parser->is_in_frame = true;
	parser->frame_got = 0;
	if (head->opcode == WS_TEXT || head->opcode == WS_BINARY) {
		parser->message_opcode = head->opcode;
		parser->message_deflated = head->rsv == RSV1;
	}
	return 0;
}

static int end_frame(struct feed *f, struct ws_parser *parser, const struct head *head)
{
	uint64_t n = head->payload_bytes;
	parser->is_in_frame = false;
	parser->framed_bytes += 2 + (n > 65535 ? 8 : n > 125 ? 2 : 0) + 4 + n;
	if (is_control(head->opcode))
		return end_control(
			f, head->opcode, (struct nuncio_str){ parser->control, (size_t)n });
	if (!head->fin)
		return 0;
	int rc = end_message(f, parser->message_opcode, parser->message_deflated, false,
		buf_str(&parser->message));
	parser->message_opcode = 0;
	buf_reset(&parser->message);
	return rc;
}

static int take_piece(
	struct feed *f, struct ws_parser *parser, const struct wslay_frame_iocb *piece)
{
	const struct head head = { .fin = piece->fin,
		.masked = piece->mask,
		.rsv = piece->rsv,
		.opcode = piece->opcode,
		.payload_bytes = piece->payload_length };
	int rc = parser->is_in_frame ? 0 : begin_frame(f, parser, &head);
	if (rc)
		return rc;
	if (is_control(head.opcode) && piece->data_length)
		memcpy(parser->control + parser->frame_got, piece->data, piece->data_length);
	else if (piece->data_length)
		buf_add(&parser->message, piece->data, piece->data_length);
	parser->frame_got += piece->data_length;
	return parser->frame_got == head.payload_bytes ? end_frame(f, parser, &head) : 0;
}

static int feed_wslay(struct feed *f, struct ws_parser *parser)
{
	int rc = 0;
	parser->in = f->bytes;
	parser->in_bytes = f->n;
	while (rc == 0) {
		struct wslay_frame_iocb piece;
		memset(&piece, 0, sizeof(piece));
		ssize_t got = wslay_frame_recv(parser->wslay, &piece);
		if (got == WSLAY_ERR_WANT_READ)
			break;
		rc = got < 0 ? refuse(f, WS_CLOSE_PROTOCOL, "malformed frame header")
			     : take_piece(f, parser, &piece);
	}
	f->bytes = parser->in;
	f->n = parser->in_bytes;
	parser->in_bytes = 0;
	return rc;
}

/* ---- both ---- */

static struct feed feed_of(struct ws_pool *pool, const struct ws_rules *rules,
	const struct ws_events *events, void *user)
{
	return (struct feed){ .pool = pool,
		.rules = rules,
		.limit = rules->message_bytes ? rules->message_bytes : LIMIT_MESSAGE_BYTES,
		.events = events,
		.user = user };
}

static int feed(struct feed *f, struct ws_parser **parser)
{
	bool is_clean = !*parser || ws_parser_is_between(*parser);
	int rc = is_clean ? feed_in_place(f) : 0;
	if (rc || (is_clean && f->n == 0))
		return rc;
	if (!*parser)
		*parser = ws_parser_take(f->pool);
	return feed_wslay(f, *parser);
}

/* A parser stays with the connection only while there is something to remember. */
static int end_feed(struct feed *f, struct ws_parser **parser, int rc, const char **why_r)
{
	bool is_over = rc && rc != WS_PAUSED;
	if (*parser && (is_over || (!(*parser)->rest.data && ws_parser_is_between(*parser))))
		ws_parser_give(f->pool, parser);
	if (why_r)
		*why_r = f->why;
	return rc;
}

int ws_feed(struct ws_pool *pool, struct ws_parser **parser, const struct ws_rules *rules,
	char *bytes, size_t n, const struct ws_events *events, void *user, const char **why_r)
{
	struct feed f = feed_of(pool, rules, events, user);
	f.bytes = bytes;
	f.n = n;
	CHECK(!*parser || !(*parser)->rest.data);
	int rc = feed(&f, parser);
	if (rc == WS_PAUSED && f.n) {
		if (!*parser)
			*parser = ws_parser_take(pool);
		buf_add(&(*parser)->rest, f.bytes, f.n);
	}
	return end_feed(&f, parser, rc, why_r);
}

int ws_go_on(struct ws_pool *pool, struct ws_parser **parser, const struct ws_rules *rules,
	const struct ws_events *events, void *user, const char **why_r)
{
	struct feed f = feed_of(pool, rules, events, user);
	struct ws_parser *p = *parser;
	if (!p)
		return WS_MORE;
	if (p->rest.data) { /* else wslay has all that is left */
		f.bytes = p->rest.data + p->rest_at;
		f.n = p->rest.used - p->rest_at;
	}
	int rc = feed(&f, parser);
	if (rc == WS_PAUSED && f.n)
		p->rest_at = p->rest.used - f.n;
	else
		ws_parser_drop_rest(p);
	return end_feed(&f, parser, rc, why_r);
}

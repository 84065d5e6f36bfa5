/* SPDX-License-Identifier: MIT */
#ifndef WIRE_WS_H
#define WIRE_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nuncio/base.h>

#include "base/buf.h"
#include "wire/limits.h"

/*
 * WebSocket frames, the server's side (RFC 6455). Input is parsed by wslay, except for the common
 * case: a read that brought nothing but whole, short, unfragmented frames is decoded in place at a
 * tenth of the cost. tests/fuzz/fuzz_ws holds both ways against each other.
 *
 * A parser is state of a connection only while a frame or a fragmented message is in flight.
 * Between frames there is nothing to keep, so idle connections own none: contexts come from the
 * thread's pool.
 */
enum ws_opcode {
	WS_CONTINUATION = 0,
	WS_TEXT = 1,
	WS_BINARY = 2,
	WS_CLOSE = 8,
	WS_PING = 9,
	WS_PONG = 10
};

enum ws_close_code {
	WS_CLOSE_NORMAL = 1000,
	WS_CLOSE_GOING_AWAY = 1001,
	WS_CLOSE_PROTOCOL = 1002,
	WS_CLOSE_KIND = 1003,    /* text where binary is spoken, or the other way round */
	WS_CLOSE_NO_CODE = 1005, /* never on the wire: the peer named none */
	WS_CLOSE_TEXT = 1007,    /* not UTF-8, or not inflatable */
	WS_CLOSE_POLICY = 1008,
	WS_CLOSE_TOO_BIG = 1009,
	WS_CLOSE_INTERNAL = 1011,
	WS_CLOSE_TOKEN = 4001, /* 40xx: src/wire/PROTOCOL.md section 1.3 */
	WS_CLOSE_REPLACED = 4002,
	WS_CLOSE_TOO_SLOW = 4003,
	WS_CLOSE_SILENT = 4004,
	WS_CLOSE_REFUSED = 4005
};

/* What a connection agreed on at the handshake; decides what its frames may look like. */
struct ws_rules {
	enum ws_opcode kind;  /* WS_TEXT or WS_BINARY: the only message kind allowed; 0: both */
	bool deflate;         /* permessage-deflate was negotiated: RSV1 is allowed */
	size_t message_bytes; /* limit of one message, after inflating; 0: LIMIT_MESSAGE_BYTES */
};

enum ws_fed {
	WS_MORE = 0,    /* all taken; go on */
	WS_ENDED = 1,   /* the peer's close frame came, on_close was called; echo it, then close */
	WS_STOPPED = 2, /* a callback asked to stop */
	WS_PAUSED = 3   /* a callback asked for a pause; ws_go_on comes before the next ws_feed */
			/* 1002, 1003, 1007, 1009: fail the connection with this close code */
};

/*
 * Called while bytes are fed. Data is valid during the call only and may be changed in place. The
 * result is WS_MORE to go on, WS_PAUSED when it is enough for now, or WS_STOPPED (any other) when
 * nothing more is wanted. A callback must not feed or free anything of the same pool. Pongs are not
 * sent by the parser: on_ping has to.
 */
struct ws_events {
	int (*on_message)(enum ws_opcode kind, struct nuncio_str data, void *user);
	int (*on_ping)(struct nuncio_str data, void *user);
	int (*on_pong)(struct nuncio_str data, void *user);
	void (*on_close)(uint16_t code, struct nuncio_str reason,
		void *user); /* WS_CLOSE_NO_CODE if none given */
};

struct ws_pool;   /* one per I/O thread: idle parsers, the inflater, scratch memory */
struct ws_parser; /* a connection that is in the middle of something */

struct ws_pool *ws_pool_new(void);
void ws_pool_free(struct ws_pool **pool); /* all parsers must have been given back */
size_t ws_pool_idle_count(const struct ws_pool *pool);
size_t ws_pool_lent_count(const struct ws_pool *pool);
/* Frees parsers that nobody uses and the scratch memory; for a timer. */
void ws_pool_trim(struct ws_pool *pool);

/*
 * Feeds what a read brought. *parser is the connection's: NULL at first; a parser is taken from the
 * pool when bytes end in the middle and given back when a later read completes the frame or
 * message. bytes are changed (unmasked in place). A failure's reason is a constant text in *why_r
 * (may be NULL).
 *
 * After WS_PAUSED the parser keeps a copy of what is left of the read, and ws_go_on feeds that;
 * nothing else may be fed before it returns WS_MORE. Is *parser NULL then, nothing was left, and
 * ws_go_on need not be called. After any other result but WS_MORE nothing may be fed and *parser is
 * NULL. Thread: the pool's.
 */
int ws_feed(struct ws_pool *pool, struct ws_parser **parser, const struct ws_rules *rules,
	char *bytes, size_t n, const struct ws_events *events, void *user, const char **why_r);
int ws_go_on(struct ws_pool *pool, struct ws_parser **parser, const struct ws_rules *rules,
	const struct ws_events *events, void *user, const char **why_r);

/* Gives back a parser when its connection dies in the middle. NULL inside is fine. */
void ws_parser_give(struct ws_pool *pool, struct ws_parser **parser);
size_t ws_parser_bytes(const struct ws_parser *parser); /* heap it holds; 0 for NULL */

/* ---- output: server frames are not masked ---- */

/* Header of a whole (FIN) frame; returns its length, 2, 4 or 10. */
size_t ws_head(
	char out[LIMIT_WS_HEAD_BYTES], enum ws_opcode opcode, bool rsv1, size_t payload_bytes);
/* A whole frame behind what is in the buffer. Control payloads over 125 bytes are cut. */
void ws_write(struct buf *to, enum ws_opcode opcode, struct nuncio_str payload);
/* May a close frame carry it (RFC 6455 section 7.4 and the IANA registry)? */
bool ws_close_code_is_valid(uint16_t code);
/* A close frame. A code that may not stand on the wire (1005, 1006, 1015, out of range) writes an
   empty one. The reason is cut to 123 bytes at a character's border. */
void ws_write_close(struct buf *to, uint16_t code, struct nuncio_str reason);

#endif

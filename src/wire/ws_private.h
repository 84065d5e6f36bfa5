/* SPDX-License-Identifier: MIT */
#ifndef WIRE_WS_PRIVATE_H
#define WIRE_WS_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wslay/wslay.h>

#include "base/buf.h"
#include "wire/ws.h"

/* What ws_feed.c (who feeds) and ws_pool.c (who lends) know of a parser. */
struct ws_parser {
	struct ws_parser *next; /* in the pool's idle list */
	wslay_frame_context_ptr wslay;
	char *in; /* what the current read still has for wslay */
	size_t in_bytes;
	struct buf rest;                  /* of a read, while paused */
	size_t rest_at;                   /* so much of it is done */
	uint64_t fed_bytes, framed_bytes; /* equal between frames */
	bool is_in_frame;                 /* the current frame's payload has begun */
	uint64_t frame_got;
	uint8_t message_opcode; /* of the message in progress, or 0 */
	bool message_deflated;
	struct buf message;
	char control[LIMIT_WS_CONTROL_BYTES];
};

struct ws_pool {
	struct ws_parser *idle;
	size_t idle_count, lent_count;
	struct inflater *inflater;
	struct buf scratch; /* an inflated message while its callback runs */
};

struct ws_parser *ws_parser_take(struct ws_pool *pool);
/* All that wslay was fed is through. */
bool ws_parser_is_between(const struct ws_parser *parser);
void ws_parser_drop_rest(struct ws_parser *parser);

#endif

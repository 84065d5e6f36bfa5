/* SPDX-License-Identifier: MIT */
/*
 * WebSocket parsers, lent to connections that are in the middle of something, and the memory that
 * they share. wslay's part of a parser is 4.4 KiB, so a few idle ones are kept for who needs one
 * next.
 *
 * A context may go back when nothing is in flight: all bytes handed to wslay are accounted for by
 * whole frames (a partial header hides inside the context otherwise), and no fragmented message is
 * open.
 *
 * A pool and all that is lent from it belong to one thread.
 */
#include "wire/ws.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/check.h"
#include "wire/deflate.h"
#include "wire/ws_private.h"

#define IDLE_PARSERS 64
#define WSLAY_FRAME_HEAP_BYTES 4264 /* measured: the frame context with its 4 KiB input buffer */

static ssize_t on_recv(uint8_t *to, size_t n, int flags, void *user)
{
	struct ws_parser *parser = user;
	(void)flags;
	if (parser->in_bytes == 0)
		return -1;
	if (n > parser->in_bytes)
		n = parser->in_bytes;
	memcpy(to, parser->in, n);
	parser->in += n;
	parser->in_bytes -= n;
	parser->fed_bytes += n;
	return (ssize_t)n;
}

static struct ws_parser *parser_new(void)
{
	const struct wslay_frame_callbacks callbacks = { .recv_callback = on_recv };
	struct ws_parser *parser = ALLOC_NEW(struct ws_parser);
	buf_init(&parser->message);
	buf_init(&parser->rest);
	int rc = wslay_frame_context_init(&parser->wslay, &callbacks, parser);
	CHECK(rc == 0); /* fails only without memory */
	return parser;
}

static void parser_free(struct ws_parser *parser)
{
	wslay_frame_context_free(parser->wslay);
	buf_fini(&parser->message);
	buf_fini(&parser->rest);
	alloc_free(parser);
}

struct ws_pool *ws_pool_new(void)
{
	struct ws_pool *pool = ALLOC_NEW(struct ws_pool);
	pool->inflater = inflater_new();
	buf_init(&pool->scratch);
	return pool;
}

void ws_pool_trim(struct ws_pool *pool)
{
	while (pool->idle) {
		struct ws_parser *parser = pool->idle;
		pool->idle = parser->next;
		pool->idle_count--;
		parser_free(parser);
	}
	buf_fini(&pool->scratch);
}

void ws_pool_free(struct ws_pool **pool)
{
	struct ws_pool *p = *pool;
	*pool = NULL;
	if (!p)
		return;
	CHECK(p->lent_count == 0);
	ws_pool_trim(p);
	inflater_free(&p->inflater);
	alloc_free(p);
}

size_t ws_pool_idle_count(const struct ws_pool *pool)
{
	return pool->idle_count;
}

size_t ws_pool_lent_count(const struct ws_pool *pool)
{
	return pool->lent_count;
}

struct ws_parser *ws_parser_take(struct ws_pool *pool)
{
	struct ws_parser *parser = pool->idle;
	pool->lent_count++;
	if (!parser)
		return parser_new();
	pool->idle = parser->next;
	pool->idle_count--;
	parser->next = NULL;
	return parser;
}

bool ws_parser_is_between(const struct ws_parser *parser)
{
	return parser->in_bytes == 0 && parser->fed_bytes == parser->framed_bytes &&
	       !parser->is_in_frame && parser->message_opcode == 0;
}

void ws_parser_drop_rest(struct ws_parser *parser)
{
	buf_fini(&parser->rest);
	parser->rest_at = 0;
}

void ws_parser_give(struct ws_pool *pool, struct ws_parser **parser)
{
	struct ws_parser *p = *parser;
	*parser = NULL;
	if (!p)
		return;
	pool->lent_count--;
	buf_fini(&p->message);
	ws_parser_drop_rest(p);
	if (!ws_parser_is_between(p) || pool->idle_count >= IDLE_PARSERS) {
		parser_free(p);
		return;
	}
	p->fed_bytes = p->framed_bytes = 0;
	p->next = pool->idle;
	pool->idle = p;
	pool->idle_count++;
}

size_t ws_parser_bytes(const struct ws_parser *parser)
{
	return parser ? sizeof(*parser) + WSLAY_FRAME_HEAP_BYTES + parser->message.size +
				parser->rest.size
		      : 0;
}

/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/slice.h"
#include "wire/deflate.h"
#include "wire/ws.h"
#include "wire/ws_shake.h"

/* ---- a client's frames, and a log of what the server saw ---- */

static void add_frame(struct buf *to, unsigned first, struct nuncio_str payload, const char key[4])
{
	buf_add_char(to, (char)first);
	if (payload.n < 126) {
		buf_add_char(to, (char)(0x80 | payload.n));
	} else if (payload.n < 65536) {
		buf_add_char(to, (char)(0x80 | 126));
		buf_add_char(to, (char)(payload.n >> 8));
		buf_add_char(to, (char)payload.n);
	} else {
		buf_add_char(to, (char)(0x80 | 127));
		for (int shift = 56; shift >= 0; shift -= 8)
			buf_add_char(to, (char)((uint64_t)payload.n >> shift));
	}
	buf_add(to, key, 4);
	for (size_t i = 0; i < payload.n; i++)
		buf_add_char(to, (char)(payload.p[i] ^ key[i & 3]));
}

static void add(struct buf *to, unsigned first, const char *payload)
{
	add_frame(to, first, str_of(payload), "\x37\xfa\x21\x3d");
}

struct client {
	struct ws_pool *pool;
	struct ws_parser *parser;
	struct ws_rules rules;
	struct buf seen; /* "text:hello;ping:;" */
	bool stop, pause;
	const char *why;
};

static int note(struct client *c, const char *what, struct nuncio_str data)
{
	buf_add_text(&c->seen, what);
	buf_add_str(&c->seen, data);
	buf_add_char(&c->seen, ';');
	return c->pause ? WS_PAUSED : c->stop;
}

static int on_message(enum ws_opcode kind, struct nuncio_str data, void *user)
{
	return note(user, kind == WS_TEXT ? "text:" : "binary:", data);
}

static int on_ping(struct nuncio_str data, void *user)
{
	return note(user, "ping:", data);
}

static int on_pong(struct nuncio_str data, void *user)
{
	return note(user, "pong:", data);
}

static void on_close(uint16_t code, struct nuncio_str reason, void *user)
{
	struct client *c = user;
	buf_printf(&c->seen, "close %u:" STR_FMT ";", code, STR_ARG(reason));
}

static const struct ws_events events = { on_message, on_ping, on_pong, on_close };

static struct client client_new(void)
{
	return (struct client){ .pool = ws_pool_new() };
}

static void client_fini(struct client *c)
{
	ws_parser_give(c->pool, &c->parser);
	ws_pool_free(&c->pool);
	buf_fini(&c->seen);
}

/* In pieces of exactly that many bytes, each in memory of its own. */
static int feed(struct client *c, struct nuncio_str bytes, size_t piece)
{
	int rc = 0;
	for (size_t at = 0; at < bytes.n && rc == 0; at += piece) {
		size_t n = bytes.n - at < piece ? bytes.n - at : piece;
		char *copy = memcpy(test_malloc(n), bytes.p + at, n);
		rc = ws_feed(c->pool, &c->parser, &c->rules, copy, n, &events, c, &c->why);
		test_free(copy);
		while (rc == WS_PAUSED)
			rc = ws_go_on(c->pool, &c->parser, &c->rules, &events, c, &c->why);
	}
	return rc;
}

static void expect(struct client *c, struct buf *bytes, int rc, const char *seen)
{
	for (size_t piece = 1; piece < bytes->used + 2;
		piece = piece < 40 ? piece + 1 : piece * 3) {
		buf_reset(&c->seen);
		int got = feed(c, buf_str(bytes), piece);
		if (got != rc || !str_eq_text(buf_str(&c->seen), seen))
			fail_msg("pieces of %zu: %d " STR_FMT " (%s)", piece, got,
				STR_ARG(buf_str(&c->seen)), c->why ? c->why : "");
		if (rc)
			assert_null(c->parser);
		ws_parser_give(c->pool, &c->parser);
	}
	buf_reset(bytes);
}

/* ---- input ---- */

static void reads_messages_however_they_are_cut(void **state)
{
	struct client c = client_new();
	struct buf b;
	(void)state;
	buf_init(&b);
	add(&b, 0x81, "hello");
	add(&b, 0x82, "");
	add(&b, 0x89, "are you there");
	add(&b, 0x81,
		"\xE4\xB8\xAD\xE6\x96\x87 and much more text, so that the length needs two bytes of "
		"its own, which begins at one hundred and twenty-six, and that is passed here");
	add(&b, 0x8A, "");
	expect(&c, &b, WS_MORE,
		"text:hello;binary:;ping:are you there;text:\xE4\xB8\xAD\xE6\x96\x87 and much more text, so that the "
		"length needs two bytes of its own, which begins at one hundred and twenty-six, and that is passed "
		"here;pong:;");
	buf_fini(&b);
	client_fini(&c);
}

static void joins_fragments(void **state)
{
	struct client c = client_new();
	struct buf b;
	(void)state;
	buf_init(&b);
	add(&b, 0x01, "one \xE4");
	add(&b, 0x89, "between");
	add(&b, 0x00, "\xB8");
	add(&b, 0x00, "");
	add(&b, 0x80, "\xAD two");
	add(&b, 0x81, "next");
	expect(&c, &b, WS_MORE, "ping:between;text:one \xE4\xB8\xAD two;text:next;");
	buf_fini(&b);
	client_fini(&c);
}

static void gives_the_parser_back(void **state)
{
	struct client c = client_new();
	struct buf b;
	(void)state;
	buf_init(&b);
	add(&b, 0x81, "hello");
	assert_int_equal(feed(&c, buf_str(&b), b.used), WS_MORE);
	assert_null(c.parser); /* never needed one */
	assert_int_equal(ws_pool_idle_count(c.pool), 0);
	for (size_t cut = 1; cut < b.used; cut++) {
		assert_int_equal(feed(&c, (struct nuncio_str){ b.data, cut }, cut), WS_MORE);
		assert_non_null(c.parser);
		assert_int_equal(ws_pool_lent_count(c.pool), 1);
		assert_true(ws_parser_bytes(c.parser) > 4096);
		assert_int_equal(
			feed(&c, (struct nuncio_str){ b.data + cut, b.used - cut }, b.used),
			WS_MORE);
		assert_null(c.parser);
		assert_int_equal(ws_pool_idle_count(c.pool), 1);
		assert_int_equal(ws_pool_lent_count(c.pool), 0);
	}
	buf_reset(&b);
	add(&b, 0x01, "open");
	assert_int_equal(feed(&c, buf_str(&b), 100), WS_MORE);
	assert_non_null(c.parser); /* between frames, but inside a message */
	ws_parser_give(c.pool, &c.parser);
	assert_int_equal(ws_pool_lent_count(c.pool), 0);
	ws_pool_trim(c.pool);
	assert_int_equal(ws_pool_idle_count(c.pool), 0);
	buf_fini(&b);
	client_fini(&c);
}

static void refuses_what_the_rfc_forbids(void **state)
{
	struct client c = client_new();
	struct buf b;
	(void)state;
	buf_init(&b);
	buf_add(&b, "\x81\x05hello", 7);
	expect(&c, &b, WS_CLOSE_PROTOCOL, ""); /* no mask */
	add(&b, 0xC1, "x");
	expect(&c, &b, WS_CLOSE_PROTOCOL, ""); /* RSV1 without agreement */
	add(&b, 0xA1, "x");
	expect(&c, &b, WS_CLOSE_PROTOCOL, "");
	add(&b, 0x83, "x");
	expect(&c, &b, WS_CLOSE_PROTOCOL, "");
	add(&b, 0x8B, "x");
	expect(&c, &b, WS_CLOSE_PROTOCOL, "");
	add(&b, 0x80, "x");
	expect(&c, &b, WS_CLOSE_PROTOCOL, ""); /* nothing to continue */
	add(&b, 0x01, "x");
	add(&b, 0x81, "x");
	expect(&c, &b, WS_CLOSE_PROTOCOL, ""); /* a message inside another */
	add(&b, 0x09, "x");
	expect(&c, &b, WS_CLOSE_PROTOCOL, ""); /* fragmented ping */
	buf_add(&b, "\x89\xFE\x00\x7E\0\0\0\0", 8);
	expect(&c, &b, WS_CLOSE_PROTOCOL, ""); /* ping of 126 bytes */
	buf_add(&b, "\x81\xFE\x00\x05\0\0\0\0hello", 13);
	expect(&c, &b, WS_CLOSE_PROTOCOL, ""); /* length in a longer form than needed */
	buf_add(&b, "\x81\xFF\x80\0\0\0\0\0\0\0\0\0\0\0x", 15);
	expect(&c, &b, WS_CLOSE_PROTOCOL, ""); /* length over 2^63 */
	add(&b, 0x81, "good");
	add(&b, 0x81, "\xC0\x80");
	add(&b, 0x81, "never");
	expect(&c, &b, WS_CLOSE_TEXT, "text:good;");
	add(&b, 0x81, "\xE4\xB8"); /* cut at the end of the message */
	expect(&c, &b, WS_CLOSE_TEXT, "");
	buf_fini(&b);
	client_fini(&c);
}

static void keeps_kind_and_size(void **state)
{
	struct client c = client_new();
	struct buf b;
	(void)state;
	buf_init(&b);
	c.rules = (struct ws_rules){ .kind = WS_TEXT, .message_bytes = 10 };
	add(&b, 0x81, "0123456789");
	add(&b, 0x01, "01234");
	add(&b, 0x80, "56789");
	add(&b, 0x89, "pings may be longer");
	expect(&c, &b, WS_MORE, "text:0123456789;text:0123456789;ping:pings may be longer;");
	add(&b, 0x81, "0123456789a");
	expect(&c, &b, WS_CLOSE_TOO_BIG, "");
	add(&b, 0x01, "01234");
	add(&b, 0x80, "56789a");
	expect(&c, &b, WS_CLOSE_TOO_BIG, "");
	add(&b, 0x82, "x");
	expect(&c, &b, WS_CLOSE_KIND, "");
	/*
	 * A header that announces 2^62 bytes: refused with the first byte of its payload, nothing
	 * allocated.
	 */
	buf_add(&b, "\x81\xFF\x40\0\0\0\0\0\0\0\0\0\0\0x", 15);
	expect(&c, &b, WS_CLOSE_TOO_BIG, "");
	buf_fini(&b);
	client_fini(&c);
}

static void reads_close_frames(void **state)
{
	struct client c = client_new();
	struct buf b;
	(void)state;
	buf_init(&b);
	add(&b, 0x88, "");
	add(&b, 0x81, "behind it");
	expect(&c, &b, WS_ENDED, "close 1005:;");
	add(&b, 0x88,
		"\x03\xE8"
		"bye \xE4\xB8\xAD");
	expect(&c, &b, WS_ENDED, "close 1000:bye \xE4\xB8\xAD;");
	add(&b, 0x88, "\x0F\xA0");
	expect(&c, &b, WS_ENDED, "close 4000:;");
	add(&b, 0x88, "\x03");
	expect(&c, &b, WS_CLOSE_PROTOCOL, "");
	add(&b, 0x88, "\x03\xED"); /* 1005 */
	expect(&c, &b, WS_CLOSE_PROTOCOL, "");
	add(&b, 0x88, "\x07\xD0"); /* 2000 */
	expect(&c, &b, WS_CLOSE_PROTOCOL, "");
	add(&b, 0x88, "\x03\xE8\xFF");
	expect(&c, &b, WS_CLOSE_TEXT, "");
	add(&b, 0x01, "open");
	add(&b, 0x88, "\x03\xE9");
	expect(&c, &b, WS_ENDED, "close 1001:;");
	buf_fini(&b);
	client_fini(&c);
}

static void stops_when_told(void **state)
{
	struct client c = client_new();
	struct buf b;
	(void)state;
	buf_init(&b);
	c.stop = true;
	add(&b, 0x81, "one");
	add(&b, 0x81, "two");
	expect(&c, &b, WS_STOPPED, "text:one;");
	add(&b, 0x89, "one");
	expect(&c, &b, WS_STOPPED, "ping:one;");
	buf_fini(&b);
	client_fini(&c);
}

static void add_all_kinds(struct buf *b)
{
	for (int i = 0; i < 2; i++) {
		add(b, 0x81, "one");
		add(b, 0x81, "two");
		add(b, 0x01, "th");
		add(b, 0x89, "p");
		add(b, 0x80, "ree");
		add(b, 0x8A, "q");
		add(b, 0x81, "");
		add(b, 0x82, "four");
	}
}

/* One frame at a time, whichever way it is parsed: nothing is lost, and all comes in order. */
static void pauses_behind_any_frame(void **state)
{
	struct client c = client_new();
	struct buf b;
	(void)state;
	buf_init(&b);
	c.pause = true;
	add_all_kinds(&b);
	size_t whole = b.used;
	assert_int_equal(
		ws_feed(c.pool, &c.parser, &c.rules, b.data, b.used, &events, &c, NULL), WS_PAUSED);
	assert_true(str_eq_text(buf_str(&c.seen), "text:one;"));
	assert_true(ws_parser_bytes(c.parser) > whole - 9);
	ws_parser_give(c.pool, &c.parser); /* it may end here, too */
	assert_int_equal(ws_pool_lent_count(c.pool), 0);
	buf_reset(&b);
	add_all_kinds(&b);
	expect(&c, &b, WS_MORE,
		"text:one;text:two;ping:p;text:three;pong:q;text:;binary:four;"
		"text:one;text:two;ping:p;text:three;pong:q;text:;binary:four;");
	add(&b, 0x81, "last");
	add(&b, 0x88, "\x03\xE9");
	expect(&c, &b, WS_ENDED, "text:last;close 1001:;");
	add(&b, 0x81, "last");
	add(&b, 0x83, "bad");
	expect(&c, &b, WS_CLOSE_PROTOCOL, "text:last;");
	buf_fini(&b);
	client_fini(&c);
}

static void inflates_within_the_limit(void **state)
{
	struct client c = client_new();
	struct deflater *deflater = deflater_new();
	struct buf b, packed, text;
	(void)state;
	buf_init(&b);
	buf_init(&packed);
	buf_init(&text);
	c.rules = (struct ws_rules){ .deflate = true, .message_bytes = 1000 };
	for (int i = 0; i < 100; i++)
		buf_add_text(&text, "0123456789");
	assert_true(deflater_run(deflater, buf_str(&text), &packed));
	add_frame(&b, 0xC2, buf_str(&packed), "abcd");
	add_frame(&b, 0x42, (struct nuncio_str){ packed.data, 5 }, "abcd");
	add_frame(&b, 0x80, (struct nuncio_str){ packed.data + 5, packed.used - 5 }, "efgh");
	add(&b, 0x81, "plain");
	buf_reset(&c.seen);
	assert_int_equal(feed(&c, buf_str(&b), 7), WS_MORE);
	assert_int_equal(c.seen.used, 2 * (7 + 1000 + 1) + 11);
	c.rules.message_bytes = 999;
	buf_reset(&b);
	add_frame(&b, 0xC2, buf_str(&packed), "abcd");
	expect(&c, &b, WS_CLOSE_TOO_BIG, "");
	add_frame(&b, 0xC1, STR("\xFF\xFF\xFF"), "abcd");
	expect(&c, &b, WS_CLOSE_TEXT, "");
	add_frame(&b, 0xC1, STR("\xf2\x48\xcd\xc9\xc9\x07\x00"),
		"abcd"); /* RFC 7692 section 7.2.3.1 */
	expect(&c, &b, WS_MORE, "text:Hello;");
	add_frame(&b, 0xC1, STR("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), "abcd"); /* section 7.2.3.4 */
	expect(&c, &b, WS_MORE, "text:Hello;");
	add_frame(&b, 0xC1, STR("\x00"), "abcd"); /* an empty message */
	expect(&c, &b, WS_MORE, "text:;");
	add(&b, 0xC9, "x"); /* RSV1 on a control frame */
	expect(&c, &b, WS_CLOSE_PROTOCOL, "");
	add(&b, 0x01, "x");
	add(&b, 0xC0, "x"); /* RSV1 on a continuation */
	expect(&c, &b, WS_CLOSE_PROTOCOL, "");
	deflater_free(&deflater);
	buf_fini(&b);
	buf_fini(&packed);
	buf_fini(&text);
	client_fini(&c);
}

/* ---- output ---- */

static void writes_close_frames(void **state)
{
	struct buf b;
	char longer[200];
	(void)state;
	buf_init(&b);
	ws_write_close(&b, 1000, STR("bye"));
	assert_int_equal(b.used, 7);
	assert_memory_equal(b.data,
		"\x88\x05\x03\xE8"
		"bye",
		7);
	buf_reset(&b);
	ws_write_close(&b, WS_CLOSE_NO_CODE, STR("ignored"));
	assert_int_equal(b.used, 2);
	assert_memory_equal(b.data, "\x88\x00", 2);
	buf_reset(&b);
	for (size_t i = 0; i < sizeof(longer); i++)
		longer[i] = "\xE4\xB8\xAD"[i % 3];
	ws_write_close(&b, 4005, (struct nuncio_str){ longer, sizeof(longer) });
	assert_int_equal((unsigned char)b.data[1], 2 + 123);
	buf_reset(&b);
	ws_write_close(&b, 4005, (struct nuncio_str){ longer, 124 }); /* ends inside a character */
	assert_int_equal((unsigned char)b.data[1], 2 + 123);
	buf_reset(&b);
	ws_write(&b, WS_PONG, STR("x"));
	assert_memory_equal(b.data, "\x8A\x01x", 3);
	buf_fini(&b);
}

/* ---- handshake ---- */

#define BASE "GET /ws HTTP/1.1\r\nHost: h\r\n"
#define ASK BASE "Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"

static int shake(const char *head, struct ws_shake *shake_r)
{
	struct http1 *h = http1_new(NULL);
	struct nuncio_error err;
	struct buf b;
	size_t used;
	buf_init(&b);
	buf_add_text(&b, head);
	buf_add_text(&b, "\r\n");
	if (http1_feed(h, b.data, b.used, &used) != HTTP1_READY)
		fail_msg("%s: %s", head, http1_failure(h).text);
	int rc = ws_shake_check(http1_request(h), true, shake_r, &err);
	http1_free(&h);
	buf_fini(&b);
	return rc;
}

static void accepts_the_handshake_of_the_rfc(void **state)
{
	struct ws_shake s;
	struct buf b;
	(void)state;
	buf_init(&b);
	assert_int_equal(shake(ASK KEY VERSION, &s), 0);
	assert_string_equal(s.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	assert_int_equal(s.protocol, WS_PROTOCOL_JSON);
	assert_false(s.deflate);
	ws_shake_write(&b, &s);
	buf_add_char(&b, '\0');
	assert_string_equal(b.data, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
				    "Connection: Upgrade\r\n"
				    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
	buf_fini(&b);
}

static void refuses_a_bad_handshake(void **state)
{
	struct ws_shake s;
	(void)state;
	assert_int_equal(shake(BASE KEY VERSION, &s), 426);
	assert_int_equal(shake(BASE "Upgrade: websocket\r\n" KEY VERSION, &s), 426);
	assert_int_equal(shake(ASK KEY, &s), 426);
	assert_int_equal(shake(ASK KEY "Sec-WebSocket-Version: 8\r\n", &s), 426);
	assert_int_equal(shake(ASK KEY VERSION VERSION, &s), 426);
	assert_int_equal(shake(ASK VERSION, &s), 400);
	assert_int_equal(shake(ASK KEY KEY VERSION, &s), 400);
	assert_int_equal(
		shake(ASK "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n" VERSION, &s), 400);
	assert_int_equal(
		shake(ASK "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25*ZQ==\r\n" VERSION, &s), 400);
	assert_int_equal(
		shake("POST /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: upgrade\r\n" KEY
				VERSION,
			&s),
		405);
	assert_int_equal(
		shake("GET /ws HTTP/1.0\r\nUpgrade: websocket\r\nConnection: upgrade\r\n" KEY
				VERSION,
			&s),
		400);
}

static void chooses_a_subprotocol(void **state)
{
	struct ws_shake s;
	(void)state;
	assert_int_equal(
		shake(ASK KEY VERSION
			"Sec-WebSocket-Protocol: mqtt, nuncio.frame.v1, nuncio.json.v1\r\n",
			&s),
		0);
	assert_int_equal(s.protocol, WS_PROTOCOL_FRAME);
	assert_true(s.protocol_named);
	assert_int_equal(shake(ASK KEY VERSION "Sec-WebSocket-Protocol: mqtt\r\n"
					       "Sec-WebSocket-Protocol: nuncio.json.v1\r\n",
				 &s),
		0);
	assert_int_equal(s.protocol, WS_PROTOCOL_JSON);
	assert_int_equal(shake(ASK KEY VERSION "Sec-WebSocket-Protocol: mqtt\r\n", &s), 400);
	assert_int_equal(
		shake(ASK KEY VERSION "Sec-WebSocket-Protocol: Nuncio.json.v1\r\n", &s), 400);
}

static bool deflates(const char *offer, bool *window_named_r)
{
	struct ws_shake s;
	struct buf b;
	buf_init(&b);
	buf_printf(&b, "%sSec-WebSocket-Extensions: %s\r\n", ASK KEY VERSION, offer);
	buf_add_char(&b, '\0');
	assert_int_equal(shake(b.data, &s), 0);
	buf_fini(&b);
	*window_named_r = s.window_named;
	return s.deflate;
}

static void negotiates_deflate(void **state)
{
	bool named;
	(void)state;
	assert_true(deflates("permessage-deflate", &named));
	assert_false(named);
	assert_true(deflates("permessage-deflate; client_max_window_bits", &named));
	assert_true(deflates(
		"permessage-deflate; client_max_window_bits=10 ; server_no_context_takeover",
		&named));
	assert_true(deflates("permessage-deflate; server_max_window_bits=12", &named));
	assert_true(named);
	assert_true(deflates("permessage-deflate; server_max_window_bits=\"15\"", &named));
	assert_false(deflates("permessage-deflate; server_max_window_bits=11", &named));
	assert_true(deflates(
		"permessage-deflate; server_max_window_bits=9, permessage-deflate", &named));
	assert_false(named);
	assert_false(deflates("permessage-deflate; server_max_window_bits", &named));
	assert_false(deflates("permessage-deflate; server_max_window_bits=16", &named));
	assert_false(deflates("permessage-deflate; server_max_window_bits=012", &named));
	assert_false(deflates("permessage-deflate; server_no_context_takeover=1", &named));
	assert_false(deflates(
		"permessage-deflate; client_max_window_bits; client_max_window_bits", &named));
	assert_false(deflates("permessage-deflate; x", &named));
	assert_false(deflates("permessage-bzip2", &named));
}

static void names_what_was_agreed(void **state)
{
	struct ws_shake s;
	struct buf b;
	(void)state;
	buf_init(&b);
	assert_int_equal(
		shake(ASK KEY VERSION
			"Sec-WebSocket-Protocol: nuncio.frame.v1\r\n"
			"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=14\r\n",
			&s),
		0);
	ws_shake_write(&b, &s);
	buf_add_char(&b, '\0');
	assert_non_null(strstr(b.data, "\r\nSec-WebSocket-Protocol: nuncio.frame.v1\r\n"));
	assert_non_null(strstr(b.data,
		"\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
		"client_no_context_takeover; server_max_window_bits=12\r\n\r\n"));
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_messages_however_they_are_cut),
		cmocka_unit_test(joins_fragments),
		cmocka_unit_test(gives_the_parser_back),
		cmocka_unit_test(refuses_what_the_rfc_forbids),
		cmocka_unit_test(keeps_kind_and_size),
		cmocka_unit_test(reads_close_frames),
		cmocka_unit_test(stops_when_told),
		cmocka_unit_test(pauses_behind_any_frame),
		cmocka_unit_test(inflates_within_the_limit),
		cmocka_unit_test(writes_close_frames),
		cmocka_unit_test(accepts_the_handshake_of_the_rfc),
		cmocka_unit_test(refuses_a_bad_handshake),
		cmocka_unit_test(chooses_a_subprotocol),
		cmocka_unit_test(negotiates_deflate),
		cmocka_unit_test(names_what_was_agreed),
	};
	return cmocka_run_group_tests_name("ws", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * The WebSocket handshake, server side. Pure; any thread. permessage-deflate is agreed to without
 * context takeover on both sides whatever the client offers, so that compression state belongs to
 * threads and not to connections, and a compressed message can be shared by all its receivers. That
 * needs one window for all: an offer that wants a smaller one than DEFLATE_WINDOW_BITS is passed
 * over.
 */
#include "wire/ws_shake.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/check.h"
#include "base/slice.h"
#include "wire/deflate.h"

#define KEY_BYTES 24 /* 16 bytes in base64 */

bool ws_shake_is_asked(const struct http1_request *rq)
{
	return http1_header_has(rq, "Upgrade", "websocket");
}

static int refuse(int status, const char *text, struct nuncio_error *err)
{
	nuncio_error_set(err, "%s", text);
	return status;
}

static bool is_base64_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '+' || c == '/';
}

static bool is_key(struct nuncio_str key)
{
	if (key.n != KEY_BYTES || key.p[22] != '=' || key.p[23] != '=')
		return false;
	for (size_t i = 0; i < 22; i++)
		if (!is_base64_char(key.p[i]))
			return false;
	return true;
}

/* RFC 6455 section 4.2.2 item 5. */
static void make_accept(struct nuncio_str key, char out[29])
{
	static const struct nuncio_str guid = STR_INIT("258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
	char text[KEY_BYTES + 36];
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned digest_bytes = 0;
	memcpy(text, key.p, KEY_BYTES);
	memcpy(text + KEY_BYTES, guid.p, guid.n);
	int ok = EVP_Digest(text, sizeof(text), digest, &digest_bytes, EVP_sha1(), NULL);
	CHECK(ok == 1 && digest_bytes == 20);
	EVP_EncodeBlock((unsigned char *)out, digest, 20);
}

/* ---- subprotocol ---- */

static enum ws_protocol protocol_of(struct nuncio_str name)
{
	if (str_eq_text(name, "nuncio.json.v1"))
		return WS_PROTOCOL_JSON;
	return str_eq_text(name, "nuncio.frame.v1") ? WS_PROTOCOL_FRAME : (enum ws_protocol)0;
}

/* The first that we know, in the client's order. False: it offers some, but none of ours. */
static bool choose_protocol(const struct http1_request *rq, struct ws_shake *shake)
{
	shake->protocol = WS_PROTOCOL_JSON;
	for (size_t i = 0; i < rq->field_count; i++) {
		struct nuncio_str list = rq->fields[i].value, name;
		if (!str_eq_nocase(rq->fields[i].name, STR("Sec-WebSocket-Protocol")))
			continue;
		while (list.n) {
			str_cut(list, ',', &name, &list);
			enum ws_protocol protocol = protocol_of(str_trim(name));
			if (protocol) {
				shake->protocol = protocol;
				shake->protocol_named = true;
				return true;
			}
		}
	}
	return http1_header_count(rq, "Sec-WebSocket-Protocol") == 0;
}

/* ---- permessage-deflate ---- */

enum {
	SEEN_SERVER_TAKEOVER = 1,
	SEEN_CLIENT_TAKEOVER = 2,
	SEEN_SERVER_BITS = 4,
	SEEN_CLIENT_BITS = 8
};

/* 8..15 without leading zero, plain or quoted; 0 for anything else. */
static unsigned window_bits(struct nuncio_str value)
{
	uint64_t bits;
	if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
		value = (struct nuncio_str){ value.p + 1, value.n - 2 };
	if (value.n == 0 || value.p[0] == '0' || str_to_u64(value, &bits) < 0 || bits < 8 ||
		bits > 15)
		return 0;
	return (unsigned)bits;
}

/* False: unknown, malformed or twice, so the whole offer has to be passed over (RFC 7692 section
   7.1). */
static bool take_parameter(struct nuncio_str parameter, unsigned *seen, unsigned *server_bits)
{
	struct nuncio_str name, value;
	bool has_value = str_cut(parameter, '=', &name, &value);
	unsigned flag = 0;
	name = str_trim(name);
	value = str_trim(value);
	if (str_eq_nocase(name, STR("server_no_context_takeover")))
		flag = has_value ? 0 : SEEN_SERVER_TAKEOVER;
	else if (str_eq_nocase(name, STR("client_no_context_takeover")))
		flag = has_value ? 0 : SEEN_CLIENT_TAKEOVER;
	else if (str_eq_nocase(name, STR("client_max_window_bits")))
		flag = !has_value || window_bits(value) ? SEEN_CLIENT_BITS : 0;
	else if (str_eq_nocase(name, STR("server_max_window_bits")))
		flag = (*server_bits = window_bits(value)) ? SEEN_SERVER_BITS : 0;
	if (!flag || (*seen & flag))
		return false;
	*seen |= flag;
	return true;
}

static bool take_offer(struct nuncio_str offer, struct ws_shake *shake)
{
	struct nuncio_str name, rest, parameter;
	unsigned seen = 0, server_bits = 15;
	bool more = str_cut(offer, ';', &name, &rest);
	if (!str_eq_nocase(str_trim(name), STR("permessage-deflate")))
		return false;
	while (more) {
		more = str_cut(rest, ';', &parameter, &rest);
		if (!take_parameter(parameter, &seen, &server_bits))
			return false;
	}
	if (server_bits < DEFLATE_WINDOW_BITS)
		return false;
	shake->deflate = true;
	shake->window_named = (seen & SEEN_SERVER_BITS) != 0;
	return true;
}

/* The first offer that can be met; a comma in quotes would cut an offer in two that are both
   unknown. */
static void choose_deflate(const struct http1_request *rq, struct ws_shake *shake)
{
	for (size_t i = 0; i < rq->field_count; i++) {
		struct nuncio_str list = rq->fields[i].value, offer;
		if (!str_eq_nocase(rq->fields[i].name, STR("Sec-WebSocket-Extensions")))
			continue;
		while (list.n) {
			str_cut(list, ',', &offer, &list);
			if (take_offer(offer, shake))
				return;
		}
	}
}

/* ---- all together ---- */

int ws_shake_check(const struct http1_request *rq, bool deflate_allowed, struct ws_shake *shake_r,
	struct nuncio_error *err)
{
	struct nuncio_str key = http1_header(rq, "Sec-WebSocket-Key");
	memset(shake_r, 0, sizeof(*shake_r));
	if (!str_eq_text(rq->method, "GET"))
		return refuse(405, "a WebSocket begins with GET", err);
	if (rq->minor < 1)
		return refuse(400, "a WebSocket needs HTTP/1.1", err);
	if (!ws_shake_is_asked(rq) || !http1_header_has(rq, "Connection", "upgrade"))
		return refuse(426,
			"this path speaks WebSocket: Upgrade and Connection headers are missing",
			err);
	if (http1_header_count(rq, "Sec-WebSocket-Version") != 1 ||
		!str_eq_text(http1_header(rq, "Sec-WebSocket-Version"), "13"))
		return refuse(426, "only WebSocket version 13 is spoken here", err);
	if (http1_header_count(rq, "Sec-WebSocket-Key") != 1 || !is_key(key))
		return refuse(400, "Sec-WebSocket-Key must be 16 bytes in base64, once", err);
	if (rq->body.n)
		return refuse(400, "a WebSocket handshake has no body", err);
	if (!choose_protocol(rq, shake_r))
		return refuse(
			400, "no subprotocol in common: nuncio.json.v1, nuncio.frame.v1", err);
	if (deflate_allowed)
		choose_deflate(rq, shake_r);
	make_accept(key, shake_r->accept);
	return 0;
}

void ws_shake_write(struct buf *to, const struct ws_shake *shake)
{
	buf_printf(to,
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Accept: %s\r\n",
		shake->accept);
	if (shake->protocol_named)
		buf_printf(to, "Sec-WebSocket-Protocol: %s\r\n",
			shake->protocol == WS_PROTOCOL_FRAME ? "nuncio.frame.v1"
							     : "nuncio.json.v1");
	if (shake->deflate) {
		buf_add_text(to,
			"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
			"client_no_context_takeover");
		if (shake->window_named)
			buf_printf(to, "; server_max_window_bits=%d", DEFLATE_WINDOW_BITS);
		buf_add_text(to, "\r\n");
	}
	buf_add_text(to, "\r\n");
}

/* SPDX-License-Identifier: MIT */
/*
 * WebSocket output: frame headers and control frames of a server. Pure; any thread. Server frames
 * have no mask, so a message that goes to many is framed once. Input is in ws_feed.c, the handshake
 * in ws_shake.c.
 */
#include "wire/ws.h"

#include <string.h>

#include "base/utf8.h"

#define CLOSE_REASON_BYTES (LIMIT_WS_CONTROL_BYTES - 2)

size_t ws_head(
	char out[LIMIT_WS_HEAD_BYTES], enum ws_opcode opcode, bool rsv1, size_t payload_bytes)
{
	uint64_t n = payload_bytes;
	out[0] = (char)(0x80 | (rsv1 ? 0x40 : 0) | opcode);
	if (n < 126) {
		out[1] = (char)n;
		return 2;
	}
	size_t length_bytes = n < 65536 ? 2 : 8;
	out[1] = n < 65536 ? 126 : 127;
	for (size_t i = 0; i < length_bytes; i++)
		out[2 + i] = (char)(n >> (8 * (length_bytes - 1 - i)));
	return 2 + length_bytes;
}

void ws_write(struct buf *to, enum ws_opcode opcode, struct nuncio_str payload)
{
	char head[LIMIT_WS_HEAD_BYTES];
	if (opcode >= WS_CLOSE && payload.n > LIMIT_WS_CONTROL_BYTES)
		payload.n = LIMIT_WS_CONTROL_BYTES;
	buf_add(to, head, ws_head(head, opcode, false, payload.n));
	buf_add_str(to, payload);
}

bool ws_close_code_is_valid(uint16_t code)
{
	return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
	       (code >= 3000 && code <= 4999);
}

/* Whole characters only; what is not UTF-8 ends it. */
static size_t reason_bytes(struct nuncio_str reason)
{
	size_t n = 0;
	while (n < reason.n) {
		size_t step = utf8_char_bytes(reason.p + n, reason.n - n);
		if (step == 0 || n + step > CLOSE_REASON_BYTES)
			break;
		n += step;
	}
	return n;
}

void ws_write_close(struct buf *to, uint16_t code, struct nuncio_str reason)
{
	char payload[LIMIT_WS_CONTROL_BYTES];
	size_t n = 0;
	if (ws_close_code_is_valid(code)) {
		payload[0] = (char)(code >> 8);
		payload[1] = (char)code;
		n = reason_bytes(reason);
		if (n)
			memcpy(payload + 2, reason.p, n);
		n += 2;
	}
	ws_write(to, WS_CLOSE, (struct nuncio_str){ payload, n });
}

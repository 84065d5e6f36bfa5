/* SPDX-License-Identifier: MIT */
#ifndef WIRE_WS_SHAKE_H
#define WIRE_WS_SHAKE_H

#include <stdbool.h>

#include <nuncio/base.h>

#include "base/buf.h"
#include "wire/http1.h"

/* The WebSocket handshake, server side (RFC 6455 section 4.2, RFC 7692 section 7.1). Pure. */
enum ws_protocol {
	WS_PROTOCOL_JSON = 1, /* nuncio.json.v1, also when the client names none */
	WS_PROTOCOL_FRAME = 2 /* nuncio.frame.v1 */
};

struct ws_shake {
	enum ws_protocol protocol;
	bool protocol_named; /* the client offered it, so the answer must name it */
	bool deflate;
	bool window_named; /* the client asked for a window size: name ours */
	char accept[29];   /* Sec-WebSocket-Accept, NUL-ended */
};

/* The request asks for a WebSocket (an Upgrade header with the token websocket). */
bool ws_shake_is_asked(const struct http1_request *rq);

/*
 * 0, or the HTTP status of the refusal (400, 405, 426) with its text in err. A 426 is answered with
 * `Upgrade: websocket` and `Sec-WebSocket-Version: 13`. Origin and tokens are the caller's part.
 */
int ws_shake_check(const struct http1_request *rq, bool deflate_allowed, struct ws_shake *shake_r,
	struct nuncio_error *err);

/* The 101 answer. */
void ws_shake_write(struct buf *to, const struct ws_shake *shake);

#endif

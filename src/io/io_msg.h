/* SPDX-License-Identifier: MIT */
#ifndef IO_IO_MSG_H
#define IO_IO_MSG_H

#include <stdbool.h>
#include <stdint.h>

#include <nuncio/base.h>

#include "base/arena.h"
#include "loop/mailbox.h"
#include "wire/http1.h"
#include "wire/packet.h"

/*
 * The messages between I/O threads and the logic thread: the only header that both sides share.
 * Whoever takes a message from a mailbox owns it and frees it. Every connection, WebSocket or HTTP,
 * has an id made by its I/O thread; a WebSocket's id is its session's id (nuncio_sid). The logic
 * thread may send to ids that have gone: that is dropped.
 *
 * Per WebSocket: one IO_CONNECT, answered by IO_ADMIT or IO_REFUSE; then any number of IO_PACKET,
 * each answered by one response in an IO_SEND; at the end one IO_CLOSED, whoever ended it (also
 * after IO_REFUSE). Per HTTP request: one IO_HTTP, answered by one IO_ANSWER.
 */

/* Bits 0-7: I/O thread, 8-31: slot in its table, 32-63: generation of the slot, never 0. */
static inline uint32_t io_id_thread(nuncio_sid id)
{
	return (uint32_t)(id & 0xff);
}
static inline uint32_t io_id_slot(nuncio_sid id)
{
	return (uint32_t)(id >> 8) & 0xffffff;
}
static inline nuncio_sid io_id_make(uint32_t thread, uint32_t slot, uint32_t generation)
{
	return (nuncio_sid)generation << 32 | (nuncio_sid)slot << 8 | thread;
}

enum io_kind {
	/* I/O thread to logic */
	IO_CONNECT = 1,
	IO_PACKET,
	IO_HTTP,
	IO_CLOSED,
	IO_STOPPED,
	/* logic to I/O thread */
	IO_ADMIT,
	IO_REFUSE,
	IO_SEND,
	IO_CLOSE,
	IO_ANSWER,
	IO_DRAIN,
	IO_STOP,
	IO_READY
};

/*
 * A WebSocket handshake that is right by the RFC and by its Origin: may it come in? Texts point
 * behind the struct.
 */
struct io_connect {
	struct mail mail;
	nuncio_sid id;
	uint16_t port;
	char address[46];
	struct nuncio_str origin, agent;
	/* of Authorization: Bearer or access_token; empty: session.open must come */
	struct nuncio_str token;
	struct nuncio_str device; /* query parameter device, may be empty */
	char text[];
};

/* A checked request of a client. Texts point behind the struct. */
struct io_packet {
	struct mail mail;
	nuncio_sid id;
	struct packet packet;
	char text[];
};

/* A complete HTTP request. Everything it points to, and the struct itself, lives in `arena`. */
struct io_http {
	struct mail mail;
	nuncio_sid id;
	/* moved out by the receiver, who frees it and this with it: copy the struct arena first */
	struct arena arena;
	struct nuncio_str method, path, query, body; /* path is decoded */
	struct nuncio_str host;
	const struct http1_field *fields;
	size_t field_count;
	uint16_t port;
	char address[46];
};

/*
 * The WebSocket's id is dead; nothing about it comes after this. It comes when the I/O thread
 * begins to close (peer left, protocol error, too slow, silent), except after IO_CLOSE: then when
 * the socket has gone, so that a drain can wait for it.
 */
struct io_closed {
	struct mail mail;
	nuncio_sid id;
	uint16_t close_code; /* as sent or received first; 1006 when the connection broke */
};

/*
 * Finish the handshake with 101, then send `first` (may be NULL) in the same write. Takes the
 * reference. With `ready` the session is open already: from here on the I/O thread answers the op
 * `ping` itself, and the logic thread never sees it.
 */
struct io_admit {
	struct mail mail;
	nuncio_sid id;
	struct packet_out *first;
	bool ready;
};

/*
 * The session was opened by session.open: the same as io_admit's `ready`, later. In one batch with
 * the response, so that what the client sent behind the request finds higher limits.
 */
struct io_ready {
	struct mail mail;
	nuncio_sid id;
};

/* Answer the handshake with an HTTP error in the unified form (code gives the status) and close. */
struct io_refuse {
	struct mail mail;
	nuncio_sid id;
	int code; /* codes.h */
	char text[160];
	char trace[33];
};

/* Send one packet to `count` connections of this thread. Takes one reference. */
struct io_send {
	struct mail mail;
	struct packet_out *packet;
	uint32_t count;
	nuncio_sid ids[];
};

/*
 * Send `last` (may be NULL; takes the reference), then the close frame, then end after a short time
 * for the peer's.
 */
struct io_close {
	struct mail mail;
	nuncio_sid id;
	struct packet_out *last;
	uint16_t close_code;
	char reason[124];
};

/*
 * The answer to an HTTP request. Fields and body point behind the struct. Unless close: the
 * connection goes on.
 */
struct io_answer {
	struct mail mail;
	nuncio_sid id;
	int status;
	bool close;
	const struct http1_field *fields; /* without Content-Length, Connection, Date */
	size_t field_count;
	struct nuncio_str body;
	char text[];
};

/* Stop accepting; HTTP answers say `Connection: close` from here on. struct mail alone. */
/*
 * IO_STOP: close what is left, write what can be written at once, then post IO_STOPPED and end the
 * thread. struct mail alone.
 */

/* The I/O thread's last message. */
struct io_stopped {
	struct mail mail;
	uint32_t thread;
};

/*
 * Frees a message to an I/O thread that nobody will take any more, with what it holds. Thread: any.
 */
void io_inbox_drop(struct mail *m);

#endif

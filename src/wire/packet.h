/* SPDX-License-Identifier: MIT */
#ifndef WIRE_PACKET_H
#define WIRE_PACKET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <nuncio/base.h>
#include <nuncio/codes.h>

enum packet_type {
	PACKET_REQUEST = 1, /* the numbers are those of nuncio.frame.v1 */
	PACKET_RESPONSE = 2,
	PACKET_NOTIFY = 3
};

/* ---- from clients ---- */

/* A request. The text is borrowed from the message it was read from. */
struct packet {
	uint32_t seq;           /* 1..2^32-1 */
	struct nuncio_str op;   /* 1-64 of [A-Za-z0-9._-] */
	struct nuncio_str data; /* checked JSON object; "{}" when the client sent none or null */
};

/* What to tell the client when a packet cannot be read. */
struct packet_fault {
	uint32_t seq;          /* of the request, or 0 when it could not be read */
	enum nuncio_code code; /* bad_json, bad_request, too_large */
	struct nuncio_error error;
};

/*
 * Reads the one packet of a text message (nuncio.json.v1). 0, or negative with *fault filled: the
 * connection stays usable, answer the fault and go on. Thread: any.
 */
int packet_read_json(struct nuncio_str text, struct packet *packet_r, struct packet_fault *fault);

/*
 * Takes the next packet off a binary message (nuncio.frame.v1): 1 for one, 0 at the end. Negative
 * with *fault filled: answer it; when *rest is not empty, call again for the packets behind it.
 */
int packet_read_frame(struct nuncio_str *rest, struct packet *packet_r, struct packet_fault *fault);

/* ---- to clients ---- */

/*
 * One packet to any number of receivers: immutable, counted, encoded once. The JSON form is made
 * when the packet is made and stands ready with its WebSocket header, one piece for send(). The
 * other forms are made when first asked for, by whichever thread asks, and then shared; without
 * context takeover (which we never agree to) a compressed message is the same for everybody.
 * Thread: any, for all calls.
 */
struct packet_out;
struct deflater;

enum packet_form {
	PACKET_JSON = 0,      /* text message */
	PACKET_FRAME,         /* binary message of one frame */
	PACKET_JSON_DEFLATE,  /* the same for connections that negotiated permessage-deflate; */
	PACKET_FRAME_DEFLATE, /* small ones stay as they are, which RFC 7692 allows */
	PACKET_FORMS
};

/*
 * data_json is one checked JSON value, or empty for {}. op needs no escaping (see struct packet).
 * The caller gets the first reference. Text is copied.
 */
struct packet_out *packet_out_notify(struct nuncio_str op, struct nuncio_str data_json);
/* message is any text, escaped here; empty on success. */
struct packet_out *packet_out_response(
	uint32_t seq, int code, struct nuncio_str message, struct nuncio_str data_json);
/* The answer to a fault: a response when the seq is known, else the notify `error`. */
struct packet_out *packet_out_fault(const struct packet_fault *fault);

struct packet_out *packet_out_ref(struct packet_out *p);
void packet_out_unref(struct packet_out **p);

/*
 * The whole WebSocket frame, valid as long as the reference. deflater belongs to the calling thread
 * and is needed for the DEFLATE forms only. A packet whose payload is over what nuncio.frame.v1 can
 * count (65,535 bytes) becomes in the FRAME forms a response with code too_large, or the notify
 * `error` with the same code and the op's name: never a broken frame.
 */
struct nuncio_str packet_out_bytes(
	struct packet_out *p, enum packet_form form, struct deflater *deflater);

/* The JSON text without any framing. */
struct nuncio_str packet_out_text(const struct packet_out *p);
enum packet_type packet_out_type(const struct packet_out *p);
uint32_t packet_out_seq(const struct packet_out *p);      /* 0 for a notify */
size_t packet_out_heap_bytes(const struct packet_out *p); /* for queue limits and reports */

#endif

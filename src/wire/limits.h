/* SPDX-License-Identifier: MIT */
#ifndef WIRE_LIMITS_H
#define WIRE_LIMITS_H

/*
 * Every size limit of the protocol, with its reason. Whatever comes from outside is measured
 * against one of these before memory is taken for it. A limit named "default" can be changed in the
 * INI.
 */

/* Packets. nuncio.frame.v1 counts the payload in 16 bits; the JSON form obeys the same bound, so
   that a client may change the subprotocol without learning new limits. */
#define LIMIT_PACKET_BYTES 65535
#define LIMIT_FRAME_HEAD_BYTES 7
/* Default for one WebSocket message: one largest frame with its header. */
#define LIMIT_MESSAGE_BYTES (LIMIT_PACKET_BYTES + LIMIT_FRAME_HEAD_BYTES)
/* Default for the body of a chat message: leaves room for what message.new adds around it (ids,
   times, names, mentions), so that what was accepted can also be delivered in one packet. */
#define LIMIT_BODY_BYTES (56 * 1024)
/* body and the optional members of one event, whoever made it: what is over can be delivered by no
   packet, nor listed; the rest of the packet is for ids, names and times. */
#define LIMIT_EVENT_BYTES (60 * 1024)
#define LIMIT_OP_BYTES 64 /* a name like message.send; it goes into logs and metric labels */

/* Names and ids inside data. */
#define LIMIT_USER_BYTES 64
#define LIMIT_DEVICE_BYTES 64
#define LIMIT_CONVERSATION_BYTES 192 /* two user ids and what is put around them */
#define LIMIT_CLIENT_ID_BYTES 64
#define LIMIT_KIND_BYTES 32
#define LIMIT_TOKEN_BYTES 8192 /* what common proxies let through in one header line */

/* A WebSocket before session.ready: a session.open with the longest token and what is around it. */
#define LIMIT_OPEN_MESSAGE_BYTES (2 * LIMIT_TOKEN_BYTES)
#define LIMIT_OPEN_PACKETS 16              /* in one message of nuncio.frame.v1 */
#define LIMIT_OPEN_QUEUE_BYTES (64 * 1024) /* that wait for its peer */

/* JSON. Depth bounds the reader's recursion; the two member limits bound its table of keys, which
   lives on the stack (16 bytes a key). No chat client comes near any of them. */
#define LIMIT_JSON_DEPTH 32
#define LIMIT_JSON_MEMBERS 256       /* in one object */
#define LIMIT_JSON_OPEN_MEMBERS 1024 /* in an object and all the objects around it */
#define LIMIT_JSON_KEY_BYTES 1024    /* as written, with escapes */

/* HTTP. The head of a browser with cookies is 1-3 KiB. A request target carries at most a token. */
#define LIMIT_HTTP_HEAD_BYTES (16 * 1024)
#define LIMIT_HTTP_HEADERS 100
#define LIMIT_HTTP_TARGET_BYTES (4 * 1024 + LIMIT_TOKEN_BYTES) /* ?access_token= has to fit */
#define LIMIT_HTTP_PATH_BYTES (4 * 1024)
#define LIMIT_HTTP_METHOD_BYTES 16
#define LIMIT_HTTP_BODY_BYTES (1024 * 1024)    /* default; above it 413 before the body is read */
#define LIMIT_HTTP_OPEN_BODY_BYTES (64 * 1024) /* default; of a request without Authorization */
#define LIMIT_HTTP_CHUNK_LINE_BYTES 256        /* a chunk's size line with its ignored extensions */
#define LIMIT_HTTP_CHUNK_EXTRA_BYTES 4096 /* extensions and trailers of one body, all together */

/* WebSocket. Control frames are 125 bytes at most by RFC 6455 section 5.5. */
#define LIMIT_WS_CONTROL_BYTES 125
#define LIMIT_WS_HEAD_BYTES 10 /* longest header of an unmasked frame */

/* Below this a compressed message is not smaller often enough to be worth the receiver's time. */
#define LIMIT_DEFLATE_MIN_BYTES 128

#endif

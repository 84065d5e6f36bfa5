/* SPDX-License-Identifier: MIT */
#ifndef IO_CONN_PRIVATE_H
#define IO_CONN_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include <nuncio/base.h>

#include "base/list.h"
#include "io/io_thread_private.h"
#include "loop/loop.h"
#include "wire/http1.h"
#include "wire/ws.h"
#include "wire/ws_shake.h"

/*
 * One connection. What an idle WebSocket keeps is this struct and its slot in the table, no more.
 *
 *	CONN_HTTP ──request──> CONN_WAITING ──IO_ANSWER──> CONN_HTTP or CONN_ENDING
 *	    └──/ws──> CONN_ADMITTING ──IO_ADMIT──> CONN_OPEN ──our close──> CONN_CLOSING
 *	                  └──IO_REFUSE──> CONN_ENDING <──peer's close, error────┘
 *	CONN_ENDING: what is queued is sent, then our half is shut; the peer's bytes are dropped
 *	until it ends too (or for closing_ms), so that it can read what we sent last.
 *	Any state ──> CONN_DEAD, which the end of the turn frees.
 */
enum conn_state {
	CONN_HTTP = 0,
	CONN_WAITING,   /* the logic thread has the request */
	CONN_ADMITTING, /* the logic thread has the handshake */
	CONN_OPEN,      /* WebSocket */
	CONN_CLOSING,   /* our close frame is queued or sent, the peer's has not come */
	CONN_ENDING,
	CONN_DEAD
};

struct conn {
	uint32_t magic;
	uint8_t state;     /* enum conn_state */
	uint8_t form;      /* enum packet_form */
	uint16_t inflight; /* requests given to the logic thread minus responses */
	nuncio_sid id;
	struct io_thread *thread;
	struct loop_io io;
	struct list node;      /* in the wheel, or in the thread's dead */
	uint32_t heard_ms;     /* when bytes last came */
	uint32_t since_ms;     /* when the state, or the part of it that has a deadline, began */
	uint16_t close_code;   /* as sent or received first */
	bool is_http : 1;      /* the union holds `http` */
	bool is_ready : 1;     /* the op ping is answered here */
	bool is_known : 1;     /* the logic thread waits for an IO_CLOSED */
	bool is_pinged : 1;    /* in this silence */
	bool is_in_head : 1;   /* HTTP: a request has begun */
	bool is_in_body : 1;   /* HTTP: its body is awaited */
	bool is_throttled : 1; /* too many in flight, or too much queued: not read from */
	bool is_waiting : 1;  /* bytes came while the logic thread has the request: not read from */
	bool is_held : 1;     /* in the thread's held */
	bool is_paused : 1;   /* WebSocket: the parser has more of the last read; not read from */
	bool is_listed : 1;   /* in the thread's paused: whoever is, and not throttled nor held */
	bool is_answered : 1; /* HTTP: goes on when the answer has left */
	bool is_shut : 1;     /* our half is shut */
	bool is_deaf : 1;     /* the peer's half is */
	struct outq *outq;    /* NULL: nothing to send */
	union {
		struct conn_http *http;   /* up to CONN_ADMITTING; NULL between requests */
		struct ws_parser *parser; /* from CONN_OPEN on; NULL between messages */
	};
};

/* Exists only from the first byte of a request to its answer. */
struct conn_http {
	struct conn_http *next; /* while spare */
	struct http1 *parser;
	char *rest; /* what was read behind the request; NULL: nothing */
	size_t rest_bytes;
	size_t counted_bytes; /* in the thread's http_bytes */
	struct ws_shake shake;
	bool is_head, is_old; /* the method; HTTP/1.0 */
	bool keep_alive;
};

/* conn.c: life, events, deadlines */
void conn_accept(int fd, void *thread);
void conn_kill(struct conn *c, uint16_t close_code); /* ends with this turn, without a word */
void conn_reap(struct io_thread *t);
void conn_set_state(struct conn *c, enum conn_state state); /* the deadline counts from now */
void conn_restart_clock(struct conn *c);
void conn_update_events(struct conn *c);
void conn_end(struct conn *c);                                /* to CONN_ENDING */
void conn_report_closed(struct conn *c, uint16_t close_code); /* IO_CLOSED, once */
void conn_peer(const struct conn *c, char address[46], uint16_t *port_r);

/* conn_out.c: what leaves */
void conn_send_copy(struct conn *c, struct nuncio_str bytes);
void conn_send_own(struct conn *c, void *own, struct nuncio_str bytes);
void conn_send_packet(struct conn *c, struct packet_out *packet);
void conn_count_queue(struct conn *c, int64_t bytes); /* so much more is in its queue */
void conn_flush(struct conn *c);
void conn_update_throttle(struct conn *c);
/* What leaves with this turn anyway: no part of a large fan-out. True: there was something. */
bool conn_flush_ready(struct io_thread *t);
/* True: there was something. Of a large fan-out one turn sends a part, unless `all`. */
bool conn_flush_dirty(struct io_thread *t, bool all);

/* conn_time.c: deadlines */
uint32_t conn_due(const struct conn *c, uint32_t now_ms);
void conn_on_due(struct list *node, void *thread);

/* conn_http.c */
void conn_http_input(struct conn *c, char *bytes, size_t n);
void conn_http_answer(struct conn *c, struct io_answer *m); /* takes it */
void conn_http_refuse(struct conn *c, int code, const char *text, const char *trace);
void conn_http_go_on(struct conn *c); /* to the next request */
void conn_http_timeout(struct conn *c);
void conn_http_close(struct conn *c); /* frees c->http */
void conn_http_fini(struct io_thread *t);

/* conn_shake.c */
void conn_shake(struct conn *c, const struct http1_request *rq);
void conn_shake_admit(struct conn *c, struct packet_out *first, bool ready);
void conn_shake_refuse(struct conn *c, const struct io_refuse *refuse);

/* conn_ws.c */
void conn_ws_input(struct conn *c, char *bytes, size_t n);
void conn_ws_go_on(struct conn *c);               /* with what it paused before, if it may */
size_t conn_ws_queue_limit(const struct conn *c); /* of bytes that wait for the peer */
bool conn_ws_is_busy(const struct conn *c);       /* too many requests are in flight */
void conn_ws_send(struct conn *c, struct packet_out *packet); /* of the logic thread */
void conn_ws_close(struct conn *c, uint16_t code, struct nuncio_str reason);
void conn_ws_ping(struct conn *c);

#endif

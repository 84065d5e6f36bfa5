/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_REQUESTS_H
#define LOGIC_REQUESTS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include <nuncio/request.h>

#include "base/arena.h"
#include "base/list.h"
#include "io/io_msg.h"
#include "logic/router.h"
#include "logic/trace.h"

struct chain;
struct control_sink;
struct logic;
struct op;
struct route;
struct session;

/*
 * All requests that wait for their answer, oldest first; they all have the same time, which a
 * reload may change, so the first is the first to expire.
 */
struct requests {
	struct list waiting;
	struct list late;   /* answered for their owners, who still hold them */
	struct list slow;   /* of the control socket, with all the time they need */
	size_t count;       /* of clients' and modules', waiting */
	size_t inner_count; /* of these, those of modules */
	bool is_over;       /* requests_end or _end_inner was called: modules may not ask more */
};
enum { REQUESTS_INNER_MAX = 10000 };

/* What only HTTP has; lives in the request's arena. */
struct http_side {
	struct nuncio_str method, path, query, host;
	const struct http1_field *fields;
	size_t field_count;
	struct router_match match;
	const struct route *route; /* NULL: none was found */
	uint32_t skin;             /* middleware that is being asked, or was asked last */
	bool is_ended;             /* no more befores: one accepted */
	struct http1_field *answer_fields;
	size_t answer_field_count;
	char device[65]; /* of the token */
};

/* What only a module's own call has; lives in the request's arena. */
struct inner_side {
	nuncio_called_fn *done; /* NULL: nobody wants to know */
	void *user;
	struct nuncio_str extra; /* members for the event that message.send makes */
};

/*
 * One question of a client. It belongs to whoever is to answer it and ends with nuncio_reply*; when
 * its time is over it is answered `timeout`, and stays until its owner gives it back. It names its
 * session by id: the session may end first, then the answer goes nowhere.
 */
struct request_members;
struct nuncio_request {
	uint32_t magic;
	bool is_http;
	bool is_answered; /* by the deadline, before its owner did */
	bool is_control;  /* no session, no HTTP: see control.h */
	uint32_t seq;     /* WebSocket: of the packet */
	nuncio_sid id;    /* session, or HTTP connection */
	struct list node; /* in requests.waiting or late */
	int64_t begun_ms; /* of the loop's clock, for request_timeout */
	int64_t begun_ns;
	struct logic *logic;
	struct arena arena;
	struct io_packet *packet; /* WebSocket: owns the text */
	struct http_side *http;
	struct inner_side *inner;
	struct control_sink *sink; /* control: who waits; NULL: nobody any more */
	const struct op *op;
	struct nuncio_str data;          /* checked JSON object, or the raw body */
	struct request_members *members; /* of data, once somebody has asked for one */
	struct nuncio_request *next;     /* for whoever owns it */
	struct chain *parked;            /* may_call or a middleware waits */
	struct nuncio_call call;         /* facts of may_call */
	uint8_t user_bytes;
	char user[65];
	char address[46];
	char trace[TRACE_SIZE]; /* empty until asked for */
};

#define REQUEST_MAGIC 0x52455155u

void requests_init(struct requests *requests);

struct nuncio_request *request_from_packet(
	struct logic *logic, const struct session *session, struct io_packet *packet);
struct nuncio_request *request_from_http(struct logic *logic, struct io_http *http);
/* A module asks in the name of `who`; data and extra are copied. */
struct nuncio_request *request_from_module(struct logic *logic, struct nuncio_str who,
	struct nuncio_str data, const struct inner_side *inner);

/* Of the control socket; `data`, a checked object, is copied. */
struct nuncio_request *request_from_control(
	struct logic *logic, struct nuncio_str data, struct control_sink *sink, bool is_slow);

/*
 * A question about the request waits for its answer, and with it the next packets of its session;
 * then it is answered. unpark tells if it had waited: the session's packets may go on then, once
 * what comes next has had its own chance to wait.
 */
void request_park(struct nuncio_request *rq, struct chain *chain);
bool request_unpark(struct nuncio_request *rq);

/* Ends a request without an answer (its session has gone before anybody owned it). */
void request_drop(struct nuncio_request **rq);
void request_set_user(struct nuncio_request *rq, struct nuncio_str user);
const char *request_trace(struct nuncio_request *rq);

/*
 * Answers `timeout` to those whose time is over. One that waits for a handler of a hook ends there:
 * the question is cancelled, nothing of it is carried out later, and its session's next packets go
 * on. Once a second.
 */
void requests_expire(struct logic *logic, int64_t now_ms);
/* Answers `stopping` to all that still wait, and lets modules ask no more: the server goes. */
void requests_end(struct logic *logic);
/* The same to those of modules only, whose `done` must come while they are there. */
void requests_end_inner(struct logic *logic);
/* Frees what no owner will give back any more: modules and the store have ended. */
void requests_fini(struct requests *requests);

/*
 * The unified answer; code 0 is success. message is empty on success. The owner's part is over:
 * frees the request.
 */
void request_answer(struct nuncio_request **rq, int http_status, int code,
	struct nuncio_str message, struct nuncio_str data);
int request_code_of_status(int status);

/* The functions of <nuncio/request.h> are these with a check of the thread. */
void request_reply(struct nuncio_request **rq, int http_status, struct nuncio_str data);
void request_error(struct nuncio_request **rq, int code, const char *format, ...)
	NUNCIO_PRINTF(3, 4);
void request_error_args(struct nuncio_request **rq, int code, const char *format, va_list args)
	NUNCIO_PRINTF(3, 0);
void request_status(struct nuncio_request **rq, int status);
void request_reply_raw(struct nuncio_request **rq, int http_status, const char *content_type,
	struct nuncio_str body);
int request_add_header(struct nuncio_request *rq, const char *name, const char *value);

#endif

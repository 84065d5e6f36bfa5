/* SPDX-License-Identifier: MIT */
#ifndef WIRE_HTTP1_H
#define WIRE_HTTP1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nuncio/base.h>

#include "wire/limits.h"

/*
 * A strict HTTP/1.1 request parser (RFC 9112), fed in pieces of any size. Our own: what is packaged
 * is libhttp-parser, whose upstream ended and which accepts by default some of what request
 * smuggling is made of (bare LF, obs-fold, blanks in odd places); the part that a server of
 * requests needs is small. tests/fuzz/fuzz_http1 holds it against libhttp-parser: we may only be
 * stricter.
 *
 * It owns the memory of the one request it is reading; an idle connection frees it. Thread: one at
 * a time.
 */
struct http1;

struct http1_field {
	struct nuncio_str name;  /* as sent */
	struct nuncio_str value; /* without blanks around it */
};

/* Valid until http1_next or http1_free. path is valid UTF-8 that begins with '/' and has no dot
   segments and no control characters. target and query may hold a token: never log them. */
struct http1_request {
	struct nuncio_str method; /* GET HEAD POST PUT DELETE PATCH OPTIONS TRACE QUERY */
	struct nuncio_str target; /* as sent */
	struct nuncio_str path;   /* decoded; "*" in OPTIONS * */
	struct nuncio_str query;  /* as sent, without '?'; see uri.h */
	struct nuncio_str host;   /* of the Host header; "" only in HTTP/1.0 */
	struct nuncio_str body;   /* without chunk framing */
	const struct http1_field *fields;
	size_t field_count;
	uint8_t minor;        /* HTTP/1.minor: 0 or 1 */
	bool keep_alive;      /* the client wants it, by version and Connection header */
	bool expect_continue; /* sent `Expect: 100-continue` */
	bool has_body;        /* a Content-Length or Transfer-Encoding was given */
};

struct http1_limits {
	size_t head_bytes; /* 0: LIMIT_HTTP_HEAD_BYTES */
	size_t body_bytes; /* 0: LIMIT_HTTP_BODY_BYTES */
	/* of a request without Authorization, if less; 0: the same */
	size_t open_body_bytes;
};

struct http1 *http1_new(const struct http1_limits *limits); /* NULL: all defaults; copied */
void http1_free(struct http1 **h);

enum http1_fed {
	HTTP1_FAILED =
		-1, /* see http1_failure; nothing more may be fed, the connection must be closed */
	HTTP1_MORE = 0, /* all bytes taken, the request is not complete */
	HTTP1_READY = 1 /* http1_request gives it; bytes behind *used_r belong to what follows it */
};
enum http1_fed http1_feed(struct http1 *h, const char *bytes, size_t n, size_t *used_r);

const struct http1_request *http1_request(const struct http1 *h); /* NULL unless READY */
/* Forgets the request and begins the next one of the connection. */
void http1_next(struct http1 *h);

/* Memory that it holds for the request and its pieces. */
size_t http1_bytes(const struct http1 *h);
/* The body has been copied elsewhere: frees it. The rest of the request stays. After READY. */
void http1_drop_body(struct http1 *h);

/* Nothing of a request has come yet: the connection is idle, not slow. */
bool http1_is_idle(const struct http1 *h);
/* The head is complete and the body is awaited. */
bool http1_is_in_body(const struct http1 *h);
/* True once per request: the client waits for `HTTP/1.1 100 Continue` before it sends the body. */
bool http1_take_continue(struct http1 *h);

struct http1_failure {
	int status;       /* 400, 413, 414, 417, 431, 501, 505 */
	const char *text; /* what was wrong, constant */
};
struct http1_failure http1_failure(const struct http1 *h);

/* The first field of that name (any case), or a text with p NULL. */
struct nuncio_str http1_header(const struct http1_request *rq, const char *name);
size_t http1_header_count(const struct http1_request *rq, const char *name);
/* One of the comma-separated elements of all fields of that name is this token (any case). */
bool http1_header_has(const struct http1_request *rq, const char *name, const char *token);

bool http1_is_token(struct nuncio_str s); /* RFC 9110 section 5.6.2; not empty */

#endif

/* SPDX-License-Identifier: MIT */
#ifndef WIRE_HTTP1_OUT_H
#define WIRE_HTTP1_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nuncio/base.h>

#include "base/buf.h"
#include "wire/http1.h"

#define HTTP1_NO_BODY UINT64_MAX /* no Content-Length: 101, 204, 304 */

struct http1_answer {
	int status;
	const struct http1_field *fields; /* all but Content-Length, Connection and Date */
	size_t field_count;
	uint64_t body_bytes; /* the body itself is the caller's; also for HEAD, which sends none */
	bool close;          /* says `Connection: close` */
	bool keep_alive;     /* says `Connection: keep-alive`: only HTTP/1.0 clients need it */
	const char *date;    /* RFC 9110 section 5.6.7, or NULL */
};

/* Appends the head with its empty line. NUNCIO_E_INVAL and nothing appended when a name is no token
   or a value has CR, LF, NUL or another control character in it. */
int http1_write_head(struct buf *to, const struct http1_answer *answer);
const char *http1_reason(int status); /* "Not Found"; "Unknown" for others */
/* "Mon, 23 Nov 2026 08:42:00 GMT" */
void http1_date(int64_t wall_ms, char out[30]);

#endif

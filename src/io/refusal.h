/* SPDX-License-Identifier: MIT */
#ifndef IO_REFUSAL_H
#define IO_REFUSAL_H

#include <stdbool.h>

#include <nuncio/base.h>

#include "base/buf.h"
#include "wire/http1.h"

/* HTTP errors that this thread answers itself, in the one form of all answers. Pure. */
enum { REFUSAL_TRACE_SIZE = 33 };

struct refusal {
	int code;         /* codes.h; gives the status */
	const char *text; /* what was wrong */
	const char *trace;
	const char *date;
	bool is_head; /* the answer has no body */
};

/* Appends the whole answer; it says `Connection: close`. */
void refusal_write(struct buf *to, const struct refusal *refusal);

/* The code that belongs to a status of http1_failure or ws_shake_check. */
int refusal_code(int status);

/* The trace id of the request's traceparent (W3C Trace Context), or a new one. rq may be NULL. */
void refusal_trace(const struct http1_request *rq, char trace[REFUSAL_TRACE_SIZE]);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_TRACE_H
#define LOGIC_TRACE_H

#include <nuncio/base.h>

/* Trace ids (W3C Trace Context, section 3.2.2.3): 32 lower-case hex digits, not all zero. */
enum { TRACE_SIZE = 33 };

/*
 * Takes the trace id out of a `traceparent` header; a missing or malformed one is replaced by a new
 * id, as section 3.2.2 asks. Thread: any.
 */
void trace_from_header(struct nuncio_str traceparent, char out[TRACE_SIZE]);
void trace_new(char out[TRACE_SIZE]);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef WIRE_HTTP1_PRIVATE_H
#define WIRE_HTTP1_PRIVATE_H

#include "base/buf.h"
#include "wire/http1.h"

/* How the body of a request is told from what follows it; found by http1_parse_head. */
struct http1_framing {
	bool is_chunked;
	uint64_t body_bytes; /* unless chunked */
};

/*
 * Parses a complete head (all lines with their CRLF, the empty one included, line_count of them
 * before it). *fields_r and *path_r are memory for alloc_free, set in either case (NULL when
 * unused). 0, or the HTTP status of the failure with *why_r.
 */
int http1_parse_head(struct nuncio_str head, size_t line_count, struct http1_request *rq,
	struct http1_framing *framing_r, struct http1_field **fields_r, char **path_r,
	const char **why_r);

/* Is this line (without CRLF) a field line? Used for trailers, which are checked and dropped. */
int http1_parse_field(struct nuncio_str line, struct http1_field *field_r, const char **why_r);

#endif

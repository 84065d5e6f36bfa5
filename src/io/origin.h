/* SPDX-License-Identifier: MIT */
#ifndef IO_ORIGIN_H
#define IO_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

#include <nuncio/base.h>

/*
 * May a page of this origin talk to us (RFC 6454)? Yes when it was served by the same host and port
 * that the request names, or when it is in `allowed` ("https://chat.example", "*" for all, "null").
 * A missing port is the default of the origin's scheme. Pure.
 */
bool origin_is_allowed(struct nuncio_str origin, struct nuncio_str host, const char *const *allowed,
	size_t allowed_count);

#endif

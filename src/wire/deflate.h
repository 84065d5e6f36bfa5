/* SPDX-License-Identifier: MIT */
#ifndef WIRE_DEFLATE_H
#define WIRE_DEFLATE_H

#include <stdbool.h>
#include <stddef.h>

#include <nuncio/base.h>

#include "base/buf.h"

/*
 * permessage-deflate payloads (RFC 7692 section 7.2), never with context takeover: so one state per
 * thread serves all its connections, and memory does not grow with them. A deflater uses a window
 * of 4 KiB (DEFLATE_WINDOW_BITS); chat messages are smaller, and a reset then costs little. Thread:
 * each object belongs to one.
 */
#define DEFLATE_WINDOW_BITS 12

struct deflater;
struct deflater *deflater_new(void); /* takes its memory at the first use */
void deflater_free(struct deflater **d);
/* Appends the compressed form without the final 00 00 ff ff. False (and nothing appended) when it
   would not be smaller than the text. */
bool deflater_run(struct deflater *d, struct nuncio_str text, struct buf *to);

struct inflater;
struct inflater *inflater_new(void); /* takes its memory at the first use */
void inflater_free(struct inflater **i);
/* Appends the text. NUNCIO_E_INVAL for broken data, NUNCIO_E_TOOBIG as soon as it passes
   max_bytes. */
int inflater_run(struct inflater *i, struct nuncio_str packed, size_t max_bytes, struct buf *to);

#endif

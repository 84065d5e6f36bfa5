/* SPDX-License-Identifier: MIT */
#ifndef HISTORY_PACK_H
#define HISTORY_PACK_H

/* Events of one conversation as bytes, for a place outside of this process, and back. Pure. */

#include <nuncio/conversation.h>

#include <stddef.h>

enum { PACK_EVENTS = 100 };

/* What unpack_events has found. */
struct unpacked {
	struct nuncio_event rows[PACK_EVENTS], nows[PACK_EVENTS];
	size_t count;
};

/* Packs up to PACK_EVENTS of them; the bytes are the caller's to free(3). */
struct nuncio_str pack_events(const struct nuncio_event *rows, size_t n);

/*
 * Reads them; texts point into `bytes`. NUNCIO_E_INVAL: of another version, of another
 * conversation, cut or damaged.
 */
int unpack_events(
	struct nuncio_str bytes, struct nuncio_str conversation, struct unpacked *unpacked_r);

#endif

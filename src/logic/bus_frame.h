/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_BUS_FRAME_H
#define LOGIC_BUS_FRAME_H

#include <stdbool.h>
#include <stddef.h>

#include <nuncio/hooks.h>

struct buf;

/*
 * What nodes say to each other: bytes that a bus carries. A head ("N", version, type, 0), then
 * fields: tag (1 byte), length (4, network order), bytes. Fields of tags that a node does not know
 * are passed over, so a newer node may say more; frames of types that it does not know it ignores.
 * Pure functions. Thread: any.
 */
enum bus_frame_type {
	BUS_FRAME_EVENT = 1,  /* an event, for those whom its audience names */
	BUS_FRAME_NOTIFY = 2, /* op and data, likewise */
	BUS_FRAME_MARK = 3,   /* a member's cursors have moved */
	BUS_FRAME_PEER = 4    /* a module's message to itself */
};

struct bus_frame {
	int type;
	struct nuncio_event event; /* now: &now, or NULL */
	struct nuncio_event now;
	struct nuncio_str op, data;
	struct nuncio_mark mark;
	struct nuncio_str module, name;
	struct nuncio_str fields; /* for bus_frame_next */
};

/* Writers: a frame into an empty buffer, then its audience. */
void bus_frame_event(struct buf *to, const struct nuncio_event *event);
void bus_frame_notify(struct buf *to, struct nuncio_str op, struct nuncio_str data);
void bus_frame_mark(struct buf *to, const struct nuncio_mark *mark);
void bus_frame_peer(
	struct buf *to, struct nuncio_str module, struct nuncio_str name, struct nuncio_str data);
void bus_frame_add(struct buf *to, struct nuncio_str name, bool is_live);
size_t bus_frame_added_bytes(struct nuncio_str name); /* so much one of them takes */

/*
 * Reads and checks everything that goes to clients or modules: ids are text without controls, JSON
 * is JSON, an op is a word. NUNCIO_E_INVAL: malformed; NUNCIO_E_UNSUPPORTED: of a version or type
 * that this node does not know. Texts point into `bytes`; *frame_r must not move.
 */
int bus_frame_read(struct nuncio_str bytes, struct bus_frame *frame_r);

/* One after the other of those named: *at starts with 0. */
bool bus_frame_next(
	const struct bus_frame *frame, size_t *at, struct nuncio_str *name_r, bool *is_live_r);

#endif

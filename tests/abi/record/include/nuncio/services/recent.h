/* SPDX-License-Identifier: MIT */
#ifndef NUNCIO_SERVICES_RECENT_H
#define NUNCIO_SERVICES_RECENT_H

/*
 * Service "recent.v1": a place that all nodes share, where history keeps the newest events of
 * conversations that are being read, so that the store need not be asked for them on every node.
 * What is kept may be old, or gone at any time: history compares it with the store, and brings it
 * up to date. The bytes are history's own form.
 */

#include <nuncio/base.h>

NUNCIO_BEGIN_DECLS

#define NUNCIO_RECENT_V1 "recent.v1"

/* bytes.p NULL: nothing is kept, or it could not be had in time. Borrowed until it returns. */
typedef void nuncio_recent_fn(struct nuncio_str bytes, void *user);

struct nuncio_recent_v1 {
	uint32_t size, reserved;
	/*
	 * Asks for what was kept last of a conversation (the id is copied). `done` is called once,
	 * not before this returns and soon: an answer that takes long is of no use. Negative, and
	 * `done` is not called: it cannot be asked now. Thread: logic (done too).
	 */
	int (*get)(void *impl, struct nuncio_str conversation, nuncio_recent_fn *done, void *user);
	/* Keeps these bytes instead; copied, and perhaps dropped. Thread: logic. */
	void (*put)(void *impl, struct nuncio_str conversation, struct nuncio_str bytes);
};

NUNCIO_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_TOLD_H
#define LOGIC_TOLD_H

#include <stdbool.h>
#include <stddef.h>

#include <nuncio/conversation.h>

struct logic;

/* An event that is durable now. */
struct told {
	const struct nuncio_event *event;
	nuncio_sid from;                 /* the session that sent it, and knows; 0: none */
	const struct nuncio_str *called; /* users whom it calls by name */
	size_t called_count;
};

/* Delivers it, then tells did_store, did_event and did_miss. Logic thread only. */
void told_stored(struct logic *logic, const struct told *told);

/* An append has failed: tells did_fail unless it is certain that nothing was stored. */
void told_failed(struct logic *logic, struct nuncio_str conversation, int status);

/* Somebody may need told.called. */
bool told_needs_called(const struct logic *logic);

#endif

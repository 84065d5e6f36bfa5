/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_EVENT_H
#define LOGIC_EVENT_H

#include <nuncio/conversation.h>

struct buf;

/* An event as clients see it (PROTOCOL.md 1.4), one JSON object behind what is in the buffer. Thread: any. */
void event_write(struct buf *to, const struct nuncio_event *event);

#endif

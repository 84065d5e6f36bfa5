/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_EVENT_H
#define LOGIC_EVENT_H

#include <nuncio/conversation.h>

struct json_out;

/* An event as clients see it (PROTOCOL.md 1.4), one JSON object. Thread: any. */
void event_write(struct json_out *out, const struct nuncio_event *event);

/* One allocation with all texts, but without `now`; and how large it is. Thread: any. */
struct nuncio_event *event_copy(const struct nuncio_event *event);
size_t event_bytes(const struct nuncio_event *event);

#endif

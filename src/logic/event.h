/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_EVENT_H
#define LOGIC_EVENT_H

#include <stdbool.h>

#include <nuncio/conversation.h>

struct json_out;

/* An event as clients see it (PROTOCOL.md 1.4), one JSON object. Thread: any. */
void event_write(struct json_out *out, const struct nuncio_event *event);

/*
 * What may stand in an event beside its JSON, on every node: the type is a word, the others are
 * clean text, not too long; sender and client_id may be empty. Thread: any.
 */
bool event_has_good_names(struct nuncio_str type, struct nuncio_str from,
	struct nuncio_str client_id, struct nuncio_str kind);

/* One allocation with all texts, but without `now`; and how large it is. Thread: any. */
struct nuncio_event *event_copy(const struct nuncio_event *event);
size_t event_bytes(const struct nuncio_event *event);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_REACH_H
#define LOGIC_REACH_H

#include <stdbool.h>
#include <stdint.h>

#include <nuncio/base.h>

#include "base/buf.h"

/*
 * Whom an audience named, wherever they are: users, and conversations whose live side is meant. For
 * those who must know about the ones that are not here (other nodes, did_miss). Starts zeroed.
 */
struct reach_item {
	uint32_t at, bytes; /* of the topic, in text */
	bool is_live;       /* a conversation, else a user */
};

struct reach {
	struct buf text;
	struct reach_item *items;
	uint32_t count, room;
};

void reach_fini(struct reach *reach);
void reach_add(struct reach *reach, struct nuncio_str name, bool is_live); /* again is fine */

/* Both until the next add. As a topic of the bus it has "u:" or "c:" in front. */
struct nuncio_str reach_name(const struct reach *reach, uint32_t index);
struct nuncio_str reach_topic(const struct reach *reach, uint32_t index);

#endif

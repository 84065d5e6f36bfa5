/* SPDX-License-Identifier: MIT */
#ifndef PROVIDE_STORE_DIRTY_H
#define PROVIDE_STORE_DIRTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nuncio/base.h>

#include "base/map.h"

/*
 * What has changed behind the back of a copy: conversations and records, each once, however often.
 * Thread: logic.
 */
enum { DIRTY_TARGETS_MAX = 8, DIRTY_MAX = 1000000 };

struct dirty_item {
	struct map_node node;
	struct dirty_item *next; /* in a list */
	bool is_record;
	/* Of a conversation: events from this seq on; UINT64_MAX: only its members. */
	uint64_t low;
	uint64_t targets[DIRTY_TARGETS_MAX]; /* earlier events that were changed */
	unsigned target_count;
	struct nuncio_str conversation;      /* in text */
	struct nuncio_str space, owner, key; /* in text */
	char text[];
};

struct dirty {
	struct map map;
	struct dirty_item *first, **last;
};

void store_dirty_init(struct dirty *dirty);
void store_dirty_fini(struct dirty *dirty); /* frees what is in it */
size_t store_dirty_count(const struct dirty *dirty);

/*
 * Adds, or adds to what is there. target 0: none. False: there are DIRTY_MAX already.
 */
bool store_dirty_conversation(
	struct dirty *dirty, struct nuncio_str conversation, uint64_t low, uint64_t target);
bool store_dirty_record(struct dirty *dirty, struct nuncio_str space, struct nuncio_str owner,
	struct nuncio_str key);

/* The oldest one, which is the caller's then: alloc_free. NULL: there is none. */
struct dirty_item *store_dirty_take(struct dirty *dirty);

#endif

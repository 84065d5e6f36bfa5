/* SPDX-License-Identifier: MIT */
#ifndef MODULES_RECEIPTS_PENDING_H
#define MODULES_RECEIPTS_PENDING_H

#include <nuncio/base.h>
#include <nuncio/text.h>

/*
 * Cursors that have moved and of which nobody was told yet, by conversation. One that moves again
 * takes the same place. Pure.
 */
struct pending_mark {
	struct pending_mark *next;
	uint64_t delivered, read;
	size_t user_bytes;
	char user[];
};

struct pending_conversation {
	struct pending_conversation *next; /* with the same hash; or in a list that was taken */
	uint64_t hash;
	struct pending_mark *marks; /* newest first */
	size_t mark_count;
	int is_over; /* more than `max` have moved: nothing is kept */
	size_t id_bytes;
	char id[];
};

struct pending {
	struct pending_conversation **places;
	size_t place_count, count;
	size_t max_marks; /* of one conversation */
};

void pending_init(struct pending *pending, size_t max_marks);
void pending_fini(struct pending *pending);

/*
 * NULL: kept. Once more than max_marks have moved, nothing of that conversation is kept until the
 * next pending_take: this one comes back at once, with those that were kept until then. To be freed
 * with pending_free.
 */
struct pending_conversation *pending_note(struct pending *pending, struct nuncio_str conversation,
	struct nuncio_str user, uint64_t delivered, uint64_t read);

/* Takes everything out, as a list; each is freed with pending_free. */
struct pending_conversation *pending_take(struct pending *pending);
void pending_free(struct pending_conversation **conversation);

#endif

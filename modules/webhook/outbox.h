/* SPDX-License-Identifier: MIT */
#ifndef WEBHOOK_OUTBOX_H
#define WEBHOOK_OUTBOX_H

/*
 * What the files of the outbox share: outbox.c works the lanes, lane.c keeps them, clear.c removes
 * the records of what was taken, scan.c reads records, look.c those of one
 * conversation, replay.c makes dead ones due again.
 *
 * The seqs of a lane stand in rising order, in four parts:
 *
 *	first            | removing        | posted   | in_post    | due
 *	records go now   | records will go |          | under way  |
 *
 * where removing counts the first part, posted the first two together, and count all.
 */

#include "webhook.h"

enum { RETRY_MS = 1000 };

struct lane {
	struct lane *chain;           /* same bucket */
	struct lane *next, *previous; /* in the queue of those that may go on */
	struct lane *next_posted;     /* in the list of those with records to remove */
	struct outbox *outbox;
	struct nuncio_timer *timer; /* waiting after a failure */
	bool is_queued, is_working, is_listed;
	unsigned failures;
	uint64_t *seqs;
	size_t first, count, room;
	size_t removing, posted, in_post;
	uint64_t asked_upto; /* look.c: the highest that was due when the store was asked */
	uint64_t read_from;  /* the first that was due when events were asked for */
	uint64_t known_upto; /* between the due ones up to this one none is missing */
	char conversation[CONVERSATION_BYTES + 1];
};

enum { LANE_BUCKETS = 4096 };

struct outbox {
	struct webhook *w;
	struct lane *bucket[LANE_BUCKETS];
	struct lane *first, *last; /* ready to go on */
	size_t pending;            /* seqs of all lanes */
	size_t working;

	struct lane *to_clear; /* those with posted seqs */
	size_t gathered;       /* posted seqs of all lanes whose records are not being removed */
	struct nuncio_timer *clear_later;

	bool is_scanning, has_more; /* has_more: there are records that memory does not know */
	bool is_sweeping;
	struct late *late; /* events that came while the records were read */
	size_t late_count, late_room;
	struct nuncio_timer *scan_later;
	char after_owner[CONVERSATION_BYTES + 1], after_key[SEQ_DIGITS + 1];
	char swept_owner[CONVERSATION_BYTES + 1], swept_key[SEQ_DIGITS + 1];

	replayed_fn *replayed; /* a replay is under way, and who waits for it */
	void *replayed_user;
	int64_t moved;
};

/* --- lane.c --- */

uint32_t lane_number(const char *conversation); /* says little of the conversation */
struct lane *lane_get(struct outbox *o, struct nuncio_str conversation); /* made if need be */
void lane_free(struct lane *lane);
/* false: known already. A seq below what is under way is the next. */
bool lane_add(struct lane *lane, uint64_t seq);
void lane_drop(struct lane *lane, size_t from, size_t n); /* of its seqs, counted from the first */
bool lane_has_posted(const struct lane *lane, uint64_t seq);
static inline size_t lane_due(const struct lane *lane)
{
	return lane->count - lane->posted;
}
static inline const uint64_t *lane_next(const struct lane *lane) /* what is due, or under way */
{
	return lane->seqs + lane->first + lane->posted;
}
void lane_queue(struct lane *lane); /* nothing if it may not go on now */
struct lane *lane_unqueue(struct outbox *o);

/* --- outbox.c --- */

void outbox_set_pending(struct outbox *o, size_t pending);
void outbox_take_in(struct outbox *o, struct nuncio_str conversation, uint64_t seq);
void outbox_go_on(struct outbox *o);
bool outbox_may_deliver(const struct outbox *o);      /* no other node does */
void outbox_rest(struct lane *lane, int64_t wait_ms); /* the end of its turn; 0: on at once */
void outbox_read(struct lane *lane);                  /* the next step: read what is due, post */

/* --- look.c --- */

/* With several nodes: asks the store what is due in this conversation, then outbox_read. */
void look_first(struct lane *lane);

/* --- clear.c --- */

struct clear_key {
	char text[SEQ_DIGITS + 1];
};
void clear_write_key(uint64_t seq, struct clear_key *key);
/* The n seqs under way are posted: their records go soon. */
void clear_later(struct lane *lane, size_t n);
void clear_now(struct outbox *o); /* at the end, and when the time has come */

/* --- scan.c --- */

void scan_note_late(struct outbox *o, struct nuncio_str conversation, uint64_t seq);
void scan_fini(struct outbox *o);

#endif

/* SPDX-License-Identifier: MIT */
/* The seqs of one conversation that are due, and the queue of conversations that may go on. */
#include "outbox.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash_of(struct nuncio_str conversation)
{
	uint64_t hash = 1469598103934665603u;
	for (size_t i = 0; i < conversation.n; i++)
		hash = (hash ^ (unsigned char)conversation.p[i]) * 1099511628211u;
	return hash;
}

uint32_t lane_number(const char *conversation)
{
	return (uint32_t)(hash_of(nuncio_text(conversation)) % LANE_BUCKETS);
}

struct lane *lane_get(struct outbox *o, struct nuncio_str conversation)
{
	struct lane **at = &o->bucket[hash_of(conversation) % LANE_BUCKETS];
	for (struct lane *lane = *at; lane; lane = lane->chain)
		if (nuncio_text_same(nuncio_text(lane->conversation), conversation))
			return lane;
	struct lane *lane = nuncio_alloc(sizeof *lane);
	lane->outbox = o;
	memcpy(lane->conversation, conversation.p, conversation.n);
	lane->chain = *at;
	*at = lane;
	return lane;
}

void lane_free(struct lane *lane)
{
	struct lane **at = &lane->outbox->bucket[lane_number(lane->conversation)];
	while (*at != lane)
		at = &(*at)->chain;
	*at = lane->chain;
	nuncio_timer_stop(&lane->timer);
	free(lane->seqs);
	free(lane);
}

/* ---- seqs ---- */

static bool has(const uint64_t *seqs, size_t n, uint64_t seq)
{
	size_t low = 0, high = n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (seqs[middle] < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && seqs[low] == seq;
}

static void make_room(struct lane *lane)
{
	if (lane->first + lane->count < lane->room)
		return;
	if (lane->first > lane->room / 2) {
		memmove(lane->seqs, lane->seqs + lane->first, lane->count * sizeof *lane->seqs);
		lane->first = 0;
		return;
	}
	lane->room = lane->room ? lane->room * 2 : 4;
	lane->seqs = nuncio_resize(lane->seqs, lane->room * sizeof *lane->seqs);
}

/* Nearly always it is the highest. */
bool lane_add(struct lane *lane, uint64_t seq)
{
	size_t fixed = lane->posted + lane->in_post, at = lane->count;
	make_room(lane);
	uint64_t *seqs = lane->seqs + lane->first;
	while (at > fixed && seqs[at - 1] > seq)
		at--;
	if ((at > fixed && seqs[at - 1] == seq) || has(seqs, fixed, seq))
		return false;
	memmove(seqs + at + 1, seqs + at, (lane->count - at) * sizeof *seqs);
	seqs[at] = seq;
	lane->count++;
	return true;
}

bool lane_has_posted(const struct lane *lane, uint64_t seq)
{
	return has(lane->seqs + lane->first, lane->posted, seq);
}

void lane_drop(struct lane *lane, size_t from, size_t n)
{
	uint64_t *seqs = lane->seqs + lane->first;
	lane->count -= n;
	if (from == 0)
		lane->first += n;
	else
		memmove(seqs + from, seqs + from + n, (lane->count - from) * sizeof *seqs);
}

/* ---- the queue ---- */

void lane_queue(struct lane *lane)
{
	struct outbox *o = lane->outbox;
	if (lane->is_queued || lane->is_working || lane->timer || !lane_due(lane))
		return;
	lane->is_queued = true;
	lane->next = NULL;
	lane->previous = o->last;
	*(o->last ? &o->last->next : &o->first) = lane;
	o->last = lane;
}

struct lane *lane_unqueue(struct outbox *o)
{
	struct lane *lane = o->first;
	if (!lane)
		return NULL;
	o->first = lane->next;
	*(o->first ? &o->first->previous : &o->last) = NULL;
	lane->is_queued = false;
	return lane;
}

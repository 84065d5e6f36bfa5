/* SPDX-License-Identifier: MIT */
#ifndef HISTORY_CACHE_H
#define HISTORY_CACHE_H

/*
 * The newest events of conversations that are being read, as the store has them now. Pure: it is
 * told of events and of what the store has answered, and allocates. Logic thread.
 */

#include <nuncio/store.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CACHE_EVENTS = 100 }; /* of one conversation */

struct cache;

/* What it has come to; for metrics. */
struct cache_state {
	size_t bytes, conversations;
	uint64_t evicted;  /* conversations that had to make room */
	uint64_t outdated; /* conversations of which an event was missed, or may have been */
};

struct cache *cache_new(size_t bytes_max); /* 0: keeps nothing */
void cache_free(struct cache **cache);
void cache_set_max(struct cache *cache, size_t bytes_max);
struct cache_state cache_state(const struct cache *cache);

/*
 * Answers a question from what is kept: up to CACHE_EVENTS rows, as nuncio_store_events would.
 * False: it cannot. What the rows point to is valid until the next call.
 */
bool cache_find(struct cache *cache, const struct nuncio_events_query *query,
	struct nuncio_event rows[CACHE_EVENTS], size_t *n_r, int *more_r);
/* The seq of the newest event that is kept of a conversation; 0: none is. */
uint64_t cache_newest(const struct cache *cache, struct nuncio_str conversation);
/* How many events of it are kept. */
size_t cache_count(const struct cache *cache, struct nuncio_str conversation);

/*
 * A question for the newest events goes to the store: returns a number to say with its answer, or 0
 * when the answer will not be of use.
 */
uint64_t cache_expect(struct cache *cache, const struct nuncio_events_query *query);
/*
 * Keeps that answer, unless it may lack something that was told meanwhile. Does nothing with 0.
 */
void cache_fill(struct cache *cache, uint64_t number, const struct nuncio_event *rows, size_t n);

/* An event was stored. Twice, late, or after one that was missed: it does no harm. */
void cache_tell(struct cache *cache, const struct nuncio_event *event);
/* Something about it may have been missed: what is kept is not to be trusted. */
void cache_drop(struct cache *cache, struct nuncio_str conversation);
void cache_drop_all(struct cache *cache);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef BUS_REDIS_H
#define BUS_REDIS_H

/*
 * What the files of this module share. Logic thread only.
 *
 * topics.c   which topics this node is interested in, written into Redis
 * routes.c   which nodes are interested in a topic: asked of Redis, remembered; frames that wait
 * outbox.c   what goes to each node: one PUBLISH a turn
 * skew.c     is this node's clock that of Redis?
 * bus_redis.c   notes of other nodes, the module's life
 */

#include <stdbool.h>

#include <nuncio/bus.h>
#include <nuncio/metric.h>

#include "redis/redis_map.h"
#include "redis/redis_member.h"

enum { FRAME_HEAD_BYTES = 4, TOPIC_BYTES_MAX = 1024 };

/* What is said to all nodes: a kind, the sender's id, then the rest. */
enum note_kind {
	NOTE_FRAMES = 'F',   /* as to one node */
	NOTE_INTEREST = 'I', /* topics that this node has or has no more */
	NOTE_LOSS = 'L'      /* it could not send for a while */
};

struct counts {
	struct nuncio_counter *sent, *publishes, *received, *lost, *unheard, *lookups, *hits,
		*connects, *losses;
	struct nuncio_gauge *topics, *cached, *nodes, *waiting;
};

struct topics {
	struct redis_map all; /* of struct topic */
	struct redis_ring dirty;
	size_t flying; /* commands without an answer */
	unsigned epoch;
	bool is_settling; /* not everything was written since the lease is held */
	struct nuncio_timer *soon, *later;
};

struct routes {
	struct redis_map all;   /* of struct route */
	struct redis_ring used; /* the longest ago used first */
	struct job *first, **last;
	size_t job_count, job_bytes, cache_most;
};

struct outbox {
	struct redis_buffer *nodes; /* by number: frames that leave at the end of the turn */
	uint32_t *frames;
	uint16_t node_count;
	struct redis_buffer all, interest;
	uint32_t all_frames;
	struct nuncio_timer *flush;
};

struct skew {
	struct nuncio_gauge *ahead;
	int64_t asked_ms;
	int seconds; /* until the next look */
	bool is_wrong, is_refused;
};

struct bus {
	struct nuncio_module *self;
	struct redis_member member;
	bool owes; /* frames of ours were lost: the others are to be told */
	struct nuncio_timer *recover;
	int64_t recovered_ms;
	struct topics topics;
	struct routes routes;
	struct outbox outbox;
	struct skew skew;
	struct counts count;
};

/* ---- bus_redis.c ---- */
void bus_lost(struct bus *bus, uint32_t frames); /* so many frames did not get to others */
void bus_late(struct bus *bus); /* an interest was known late: frames may have been missed */
struct nuncio_str bus_topic_key(struct bus *bus, struct nuncio_str topic);

/* ---- topics.c ---- */
void topics_init(struct topics *topics);
void topics_fini(struct topics *topics);
void topics_set(struct bus *bus, struct nuncio_str text, bool is_wanted);
void topics_write_all(struct bus *bus); /* redis_member_settled when it is done */
void topics_forget(struct bus *bus);    /* nothing of it is in Redis any more, as far as we know */
void topics_sweep(struct bus *bus, uint16_t node); /* of a dead one; then redis_lease_swept */

/* ---- routes.c ---- */
void routes_init(struct routes *routes, size_t cache_most);
void routes_fini(struct bus *bus); /* whoever waits is told */
void routes_publish(
	struct bus *bus, const struct nuncio_str *topics, size_t n, struct nuncio_str frame);
void routes_find(
	struct bus *bus, const struct nuncio_str *topics, size_t n, struct nuncio_bus_ask *ask);
void routes_changed(struct bus *bus, struct nuncio_str topic, uint16_t node, bool is_on);
void routes_forget(struct bus *bus); /* changes may have been missed */
void routes_forget_node(struct bus *bus, uint16_t node);

/* ---- outbox.c ---- */
void outbox_fini(struct outbox *outbox);
void outbox_add(struct bus *bus, uint16_t node, struct nuncio_str frame);
void outbox_add_all(struct bus *bus, struct nuncio_str frame);
void outbox_add_interest(struct bus *bus, struct nuncio_str topic, bool is_on);
void outbox_tell_loss(struct bus *bus);
void outbox_flush(struct bus *bus);
void outbox_forget(struct bus *bus); /* lost */
/* Frames one after the other: *at starts with 0. False: the end. */
bool outbox_next_frame(struct nuncio_str text, size_t *at, struct nuncio_str *frame_r);
bool outbox_next_interest(
	struct nuncio_str text, size_t *at, struct nuncio_str *topic_r, bool *is_on_r);

/* ---- skew.c ---- */
void skew_add(struct skew *skew, struct nuncio_module *self);
void skew_look(struct bus *bus); /* every second while it is there */

#endif

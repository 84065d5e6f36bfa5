/* SPDX-License-Identifier: MIT */
#ifndef REDIS_LEASE_H
#define REDIS_LEASE_H

#include <stdbool.h>

#include "redis/redis.h"

/*
 * A node among others, in Redis: it holds a lease, which it refreshes; whose lease has run out is
 * dead, and what belongs to it may be swept by anybody. An id is used for one lease only: after a
 * loss the node comes back with a new one, so nobody sweeps what was written meanwhile. The name
 * ([core] node) is the operator's, and one node at a time may hold it. No clock of any node counts,
 * only Redis' own. Thread: logic.
 *
 * Keys, with prefix and role in front ("nuncio:bus:"): name:<name> has the id that holds it,
 * node:<id> the name, both with the lease as their time to live; nodes is the set of all ids. The
 * channel to:<id> is the node's own: who subscribes to it lives.
 */
struct redis_lease;

enum { REDIS_ID_BYTES = 16, REDIS_NODES_MAX = 1024, REDIS_NOBODY = 0xffff };

struct redis_lease_events {
	/* The lease is held: everything that belongs to it has to be written, under the new id. */
	void (*held)(void *user);
	/*
	 * It is not held any more (Redis is down or was emptied, the name is another's): why. To
	 * be prepared and taken again when there is Redis.
	 */
	void (*lost)(const char *why, void *user);
	/* A node is dead: its number, for sweeping. Comes again until redis_lease_swept. */
	void (*died)(uint16_t node, void *user);
};

/* asks must outlive it; lease_ms is rounded to seconds. */
struct redis_lease *redis_lease_new(struct redis *asks, const struct redis_conf *conf,
	const char *role, uint32_t lease_ms, const struct redis_lease_events *events, void *user);
void redis_lease_free(struct redis_lease **lease);

/* Makes a new id and with it a new channel, to be subscribed before the lease is taken. */
void redis_lease_prepare(struct redis_lease *lease);
/* Redis is up and the own channel subscribed. held comes, at once or when the name is free. */
void redis_lease_take(struct redis_lease *lease);
/* Redis is down: it is not held any more (lost comes if it was). */
void redis_lease_drop(struct redis_lease *lease, const char *why);
/* The process ends: lets others know at once. Nothing is called any more. */
void redis_lease_give_back(struct redis_lease *lease);
bool redis_lease_is_held(const struct redis_lease *lease);
/* Another node has our name: in words, or "". */
const char *redis_lease_refused(const struct redis_lease *lease);

const char *redis_lease_id(const struct redis_lease *lease); /* REDIS_ID_BYTES long, or "" */
struct nuncio_str redis_lease_channel(const struct redis_lease *lease);
/* "nuncio:bus:" + kind + what into the buffer, which is emptied first; the text lives in it. */
struct redis_buffer;
struct nuncio_str redis_lease_key(const struct redis_lease *lease, struct redis_buffer *b,
	const char *kind, struct nuncio_str what);

/*
 * Nodes have numbers here, from 0; one that is dead and swept gives its number to another. The
 * number of an id, also of one that was never heard of: it will be asked for. REDIS_NOBODY: the id
 * is not one, is our own, or there are too many.
 */
uint16_t redis_lease_number(struct redis_lease *lease, struct nuncio_str id);
const char *redis_lease_node_id(const struct redis_lease *lease, uint16_t node);
const char *redis_lease_node_name(const struct redis_lease *lease, uint16_t node); /* or "" */
bool redis_lease_is_dead(const struct redis_lease *lease, uint16_t node);
bool redis_lease_is_used(const struct redis_lease *lease, uint16_t node); /* has an id */
uint16_t redis_lease_nodes(const struct redis_lease *lease); /* numbers are below this */
void redis_lease_swept(struct redis_lease *lease, uint16_t node);

#endif

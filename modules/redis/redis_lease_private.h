/* SPDX-License-Identifier: MIT */
#ifndef REDIS_LEASE_PRIVATE_H
#define REDIS_LEASE_PRIVATE_H

#include "redis/redis_lease.h"

#include <nuncio/timer.h>

#include "redis/redis_buffer.h"

/* What redis_lease.c (our own) and redis_nodes.c (those of the others) share. */

enum { NAME_BYTES = 256 };

enum node_state { NODE_FREE, NODE_UNKNOWN, NODE_ALIVE, NODE_DEAD };

struct node {
	enum node_state state;
	char id[REDIS_ID_BYTES + 1], name[NAME_BYTES];
	bool is_swept;
	unsigned turns; /* dead and swept for so many looks */
};

/* What only one node may have, in the order of taking. */
enum claim { CLAIM_NAME, CLAIM_NUMBER, CLAIMS };

struct redis_lease {
	struct redis *asks;
	const struct redis_conf *conf;
	struct redis_lease_events events;
	void *user;
	char role[32], id[REDIS_ID_BYTES + 1], former[REDIS_ID_BYTES + 1], seconds[16], number[12];
	char channel[128 + REDIS_ID_BYTES];
	bool is_wanted, is_held, was_taken;
	enum claim claim; /* being taken */
	char refused[512];
	unsigned epoch; /* grows with every take and drop: older answers do not count */
	uint32_t refresh_ms;
	struct nuncio_timer *timer;
	struct redis_buffer key;
	struct node *nodes;
	uint16_t node_count;
	unsigned strangers; /* that have gone, and were never heard of, since it was logged */
};

/* An answer that is waited for, and when it was asked for. */
struct wait {
	struct redis_lease *lease;
	unsigned epoch;
	uint16_t node;
	char id[REDIS_ID_BYTES + 1];
};

struct nuncio_str redis_lease_own_key(
	struct redis_lease *lease, const char *kind, const char *what);
bool redis_lease_is_id(struct nuncio_str id);
bool redis_is_text(const struct redisReply *reply);
struct wait *redis_lease_wait(struct redis_lease *lease);
/* NULL: too old, or lost; otherwise the lease, and the wait is freed by the caller. */
struct redis_lease *redis_lease_answer(const struct wait *wait, const struct redisReply *reply);
/* The ids of all nodes; user is a struct wait. */
void redis_lease_on_nodes(const struct redisReply *reply, void *user);

#endif

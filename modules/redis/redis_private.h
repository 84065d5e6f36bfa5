/* SPDX-License-Identifier: MIT */
#ifndef REDIS_REDIS_PRIVATE_H
#define REDIS_REDIS_PRIVATE_H

#include "redis/redis.h"

#include <nuncio/timer.h>

/* What redis.c and redis_cluster.c share. */

enum { REDIS_MASTERS_MAX = 1024, REDIS_NO_MASTER = 0xffff };

struct redis {
	const struct redis_conf *conf;
	enum redis_role role;
	struct redis_events events;
	void *user;
	bool is_up, is_started, is_failing;
	char why[600];
	unsigned tries;
	size_t next_address;
	uint64_t connects;
	int64_t refused_ms; /* when a refused question was logged */
	unsigned refused;   /* since then */
	struct nuncio_timer *retry;
	struct redis_link *sentinel; /* only while the master is looked for */
	struct redis_link *main;     /* the server; of a cluster the node that knows the others */
	/* REDIS_CLUSTER that asks: */
	struct redis_link *masters[REDIS_MASTERS_MAX];
	size_t master_count;
	uint16_t *slots; /* index into masters, or REDIS_NO_MASTER; NULL: not known yet */
	bool is_learning;
};

void redis_came_up(struct redis *redis);
/* An answer that says that this is no good any more ("READONLY ..."): fails, and 1. */
bool redis_is_fatal(struct redis *redis, const struct redisReply *reply);

void redis_cluster_learn(struct redis *redis); /* asks main for the slots; then it comes up */
int redis_cluster_ask(struct redis *redis, struct nuncio_str key, const struct nuncio_str *args,
	size_t count, redis_reply_fn *fn, void *user);
void redis_cluster_close(struct redis *redis, const char *why);
void redis_cluster_free(struct redis *redis);
size_t redis_cluster_waiting(const struct redis *redis);
void redis_cluster_flush(struct redis *redis);

#endif

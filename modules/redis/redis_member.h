/* SPDX-License-Identifier: MIT */
#ifndef REDIS_MEMBER_H
#define REDIS_MEMBER_H

#include "redis/redis.h"
#include "redis/redis_buffer.h"
#include "redis/redis_lease.h"

struct nuncio_counter;

/*
 * A module's part in a group of nodes: a connection that asks, one that hears, and a lease. It
 * joins when both are up: subscribes to its own channel (and one for all, if there is one), takes
 * the lease, and calls `held`; when the module has written everything that belongs to the lease, it
 * is there, and /readyz says so. Whatever breaks on the way or later, it leaves and joins anew
 * under a new id. Thread: logic.
 */
struct redis_member_events {
	/* Write everything, under redis_lease_id; redis_member_settled when that is done. */
	void (*held)(void *user);
	/* Nothing is known to be in Redis any more. Also when it was not there yet. */
	void (*left)(void *user);
	/* It is there; again: it was there before. */
	void (*there)(int again, void *user);
	void (*died)(uint16_t node, void *user);                   /* see redis_lease.h */
	void (*subscribed)(struct nuncio_str channel, void *user); /* of the module's own ones */
	void (*message)(struct nuncio_str channel, struct nuncio_str text, void *user);
	void (*second)(void *user); /* every second while it is there */
};

struct redis_member {
	struct nuncio_module *self;
	struct redis_conf conf;
	struct redis *asks, *hears;
	struct redis_lease *lease;
	struct redis_member_events events;
	void *user;
	struct redis_buffer all; /* the channel for all; empty: none */
	struct redis_buffer key; /* for redis_member_key */
	bool has_own, has_all;   /* subscribed */
	bool is_there, was_there, is_stopping;
	int64_t heard_ms;
	struct nuncio_timer *clock;
	struct nuncio_counter *connects, *losses;
};

/* Everything that REDIS_MEMBER_OPTIONS has is in the module's options. In init; fills err. */
int redis_member_init(struct redis_member *member, struct nuncio_module *self, const char *role,
	bool has_all, const struct redis_member_events *events, void *user,
	struct nuncio_error *err);
int redis_member_start(struct redis_member *member, struct nuncio_error *err);
/* What was asked for goes out, the lease is given back, the connections end. */
void redis_member_stop(struct redis_member *member);
void redis_member_fini(struct redis_member *member);

void redis_member_settled(struct redis_member *member);
bool redis_member_is_held(const struct redis_member *member);
/* "nuncio:<role>:" + kind + what; lives until the next call. */
struct nuncio_str redis_member_key(
	struct redis_member *member, const char *kind, struct nuncio_str what);

#define REDIS_MEMBER_OPTIONS \
	REDIS_OPTIONS, \
	{ \
		"lease", NUNCIO_OPT_MSEC, 0, "20s", 4000, 600000, NULL, \
			"A node that Redis has not heard of for so long counts as dead. Whole " \
			"seconds; the same on all nodes." \
	}

#endif

/* SPDX-License-Identifier: MIT */
#ifndef REDIS_REDIS_H
#define REDIS_REDIS_H

#include <stdbool.h>

#include "redis/redis_conf.h"
#include "redis/redis_link.h"

/*
 * Redis, as a module uses it: one server, the one that Sentinels name, or a Redis Cluster.
 * Connects, connects again after a loss (with growing pauses), and says when it works and when it
 * does not. A Redis Cluster counts as one thing: it is up when all its masters are. Thread: logic.
 */
struct redis;

/* One that subscribes cannot ask, and the other way round. */
enum redis_role { REDIS_ASKS, REDIS_SUBSCRIBES };

struct redis_events {
	void (*up)(void *user);
	/* Open questions were answered with NULL before; subscriptions are forgotten. */
	void (*down)(const char *why, void *user);
	/* REDIS_SUBSCRIBES: a channel is subscribed from now on; what was published. */
	void (*subscribed)(struct nuncio_str channel, void *user);
	void (*message)(struct nuncio_str channel, struct nuncio_str text, void *user);
};

/* conf must outlive it. Nothing is connected yet. */
struct redis *redis_new(const struct redis_conf *conf, enum redis_role role,
	const struct redis_events *events, void *user);
/* No events; open questions get NULL. Not from within a callback of it. */
void redis_free(struct redis **redis);

void redis_start(struct redis *redis);
/* Whoever sees that it does not work says so: it is connected anew. Allowed from callbacks. */
void redis_fail(struct redis *redis, const char *why);
bool redis_is_up(const struct redis *redis);
const char *redis_why(const struct redis *redis); /* why it is not up, in words; "" when it is */
bool redis_is_cluster(const struct redis *redis);
uint64_t redis_connects(const struct redis *redis); /* how often it has come up */

/*
 * Asks the server that has `key` (empty: any). One key a command, so that all of this works on a
 * cluster. Returns 0, then fn is called once; or NUNCIO_E_BUSY (the queue is full), NUNCIO_E_GONE
 * (it is not up). Arguments are copied, fn may be NULL.
 */
int redis_ask(struct redis *redis, struct nuncio_str key, const struct nuncio_str *args,
	size_t count, redis_reply_fn *fn, void *user);
#define REDIS_ASK(redis, key, fn, user, ...) \
	redis_ask((redis), (key), (const struct nuncio_str[]){ __VA_ARGS__ }, \
		sizeof((const struct nuncio_str[]){ __VA_ARGS__ }) / sizeof(struct nuncio_str), \
		(fn), (user))
/*
 * PUBLISH. The same, but the answer (how many have heard it) is read when there is time, some
 * milliseconds later.
 */
int redis_publish(struct redis *redis, struct nuncio_str channel, struct nuncio_str text,
	redis_reply_fn *fn, void *user);
/* What was asked leaves at the end of the turn; whoever asks there sends it off by this. */
void redis_flush(struct redis *redis);
/* How many more questions the queue takes before it is full. */
size_t redis_room(const struct redis *redis);

/* `subscribed` tells when it has happened. */
int redis_subscribe(struct redis *redis, const struct nuncio_str *channels, size_t count);
int redis_unsubscribe(struct redis *redis, struct nuncio_str channel);

/*
 * For the start and the end, when the loop does not run: waits a little and does what is to be
 * done. Blocks. After a loss it tries the next address at once; negative: all of them were tried.
 */
int redis_pump(struct redis *redis, int wait_ms);

/*
 * An answer that is no answer (NULL: none came, nothing is said). Logged once in a while, with how
 * many there were: who has keys of ours does not fill the log.
 */
void redis_say_refused(struct redis *redis, const char *what, const struct redisReply *reply);

#endif

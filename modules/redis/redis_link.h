/* SPDX-License-Identifier: MIT */
#ifndef REDIS_LINK_H
#define REDIS_LINK_H

#include <stdbool.h>

#include <nuncio/module.h>

#include "redis/redis_address.h"
#include "redis/redis_conf.h"

/*
 * One connection to one Redis server or Sentinel, on the logic thread's loop. What a turn asks for
 * leaves in one write; answers come in the order of the questions. A connection that does not come
 * up, or an answer that does not come, within the time-out ends it; then every open question gets
 * NULL, and `down` is called. It does not try again by itself. Thread: logic.
 */
struct redisReply;
struct redis_link;

/* The answer, borrowed. NULL: it will not come; the command may have been carried out or not. */
typedef void redis_reply_fn(const struct redisReply *reply, void *user);

struct redis_link_events {
	void (*up)(struct redis_link *link, void *user);
	/* Nothing of it is called from here on until it is opened again; allowed in here. */
	void (*down)(struct redis_link *link, const char *why, void *user);
	/* What a subscribed connection gets. NULL: it does not subscribe. */
	void (*message)(struct redis_link *link, const struct redisReply *reply, void *user);
};

struct redis_link *redis_link_new(
	const struct redis_conf *conf, const struct redis_link_events *events, void *user);
/* Open questions get NULL; no event. Not from within a callback of the link. */
void redis_link_free(struct redis_link **link);

/* Not while it is open. Questions may be asked at once. */
void redis_link_open(
	struct redis_link *link, const struct redis_address *address, bool is_sentinel);
/* Ends it, if it is open: questions get NULL, down(why) is called. Allowed from any callback. */
void redis_link_close(struct redis_link *link, const char *why);
bool redis_link_is_open(const struct redis_link *link); /* or on the way to it */
bool redis_link_is_up(const struct redis_link *link);
const struct redis_address *redis_link_address(const struct redis_link *link);

/*
 * Asks; the arguments are copied. fn NULL: nobody wants to know. NUNCIO_E_BUSY: too many wait, or
 * too many bytes; NUNCIO_E_GONE: not open. fn is not called then.
 */
int redis_link_send(struct redis_link *link, const struct nuncio_str *args, size_t count,
	redis_reply_fn *fn, void *user);
/*
 * The same, for an answer that nobody waits for: it is read with others, some milliseconds later,
 * so that the thread need not wake up for each. What breaks the connection is found as late.
 */
int redis_link_send_patiently(struct redis_link *link, const struct nuncio_str *args, size_t count,
	redis_reply_fn *fn, void *user);
/* Writes now what else would leave at the end of the turn: for one that asks there. */
void redis_link_flush(struct redis_link *link);
/* SUBSCRIBE and the like: their answers come as messages. */
int redis_link_tell(struct redis_link *link, const struct nuncio_str *args, size_t count);
size_t redis_link_waiting(const struct redis_link *link); /* questions without an answer */

/*
 * For the start, when the loop does not run yet: waits up to wait_ms for this connection and does
 * what is to be done. Blocks.
 */
void redis_link_pump(struct redis_link *link, int wait_ms);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Is this node's clock right? Nothing here can know, but all nodes can compare theirs with the one
 * clock that they share, Redis'. A node whose clock is wrong goes on: order, numbers and leases do
 * not depend on it; times of messages and of tokens do, so somebody is to be told. Thread: logic.
 */
#include "bus_redis.h"

#include <stdlib.h>

#include <hiredis/hiredis.h>

#include <nuncio/log.h>
#include <nuncio/timer.h>

enum {
	LOOK_SECONDS = 10,
	ROUND_MS_MAX = 500, /* an answer that took longer says too little */
	WRONG_MS = 3000,
	RIGHT_MS = 2000
};

void skew_add(struct skew *skew, struct nuncio_module *self)
{
	skew->ahead = nuncio_gauge_new(self, "clock_ahead_seconds", NULL,
		"How far this node's clock is ahead of Redis' (negative: behind), in whole seconds.");
}

static int64_t distance(int64_t ms)
{
	return ms < 0 ? -ms : ms;
}

/* Once when it becomes wrong, once when it is right again. */
static void tell(struct bus *bus, int64_t ahead_ms)
{
	struct skew *skew = &bus->skew;
	nuncio_gauge_set(skew->ahead, ahead_ms / 1000);
	if (!skew->is_wrong && distance(ahead_ms) >= WRONG_MS) {
		skew->is_wrong = true;
		nuncio_log(bus->self, NUNCIO_WARN,
			"this node's clock is %lld s %s Redis': one of the two is wrong, and so are times of messages and tokens",
			(long long)distance(ahead_ms) / 1000, ahead_ms > 0 ? "ahead of" : "behind");
	} else if (skew->is_wrong && distance(ahead_ms) < RIGHT_MS) {
		skew->is_wrong = false;
		nuncio_log(bus->self, NUNCIO_INFO, "this node's clock agrees with Redis' again");
	}
}

/* ["seconds", "microseconds"], or an error where the access list does not have TIME. */
static void on_time(const redisReply *reply, void *user)
{
	struct bus *bus = user;
	struct skew *skew = &bus->skew;
	int64_t now_ms = nuncio_mono_ms();
	if (reply && reply->type == REDIS_REPLY_ERROR && !skew->is_refused) {
		skew->is_refused = true;
		nuncio_log(bus->self, NUNCIO_WARN,
			"Redis does not tell its time, so this node's clock is not compared: %.200s",
			reply->str);
	}
	if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
		reply->element[0]->type != REDIS_REPLY_STRING ||
		reply->element[1]->type != REDIS_REPLY_STRING ||
		now_ms - skew->asked_ms > ROUND_MS_MAX)
		return;
	int64_t redis_ms = (int64_t)strtoll(reply->element[0]->str, NULL, 10) * 1000 +
			   (int64_t)strtoll(reply->element[1]->str, NULL, 10) / 1000;
	tell(bus, nuncio_wall_ms() - (now_ms - skew->asked_ms) / 2 - redis_ms);
}

void skew_look(struct bus *bus)
{
	struct skew *skew = &bus->skew;
	if (skew->is_refused || skew->seconds-- > 0)
		return;
	skew->seconds = LOOK_SECONDS;
	skew->asked_ms = nuncio_mono_ms();
	REDIS_ASK(bus->member.asks, nuncio_text(""), on_time, bus, nuncio_text("TIME"));
}

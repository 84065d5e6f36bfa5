/* SPDX-License-Identifier: MIT */
/*
 * See redis_member.h. An empty message to the own channel goes through Redis every second: when it
 * does not come back, the connection that hears is no good, whatever TCP says.
 */
#include "redis/redis_member.h"

#include <stdlib.h>
#include <string.h>

#include <nuncio/conf.h>
#include <nuncio/metric.h>
#include <nuncio/ready.h>
#include <nuncio/timer.h>

enum {
	SECOND_MS = 1000,
	PUMP_MS = 5,        /* at start and end, when the loop does not run */
	START_PATIENCE = 2, /* time-outs */
	STOP_PATIENCE_MS = 300
};

static void try_join(struct redis_member *member);

static struct nuncio_str all_channel(const struct redis_member *member)
{
	return (struct nuncio_str){ member->all.p, member->all.used };
}

struct nuncio_str redis_member_key(
	struct redis_member *member, const char *kind, struct nuncio_str what)
{
	return redis_lease_key(member->lease, &member->key, kind, what);
}

bool redis_member_is_held(const struct redis_member *member)
{
	return redis_lease_is_held(member->lease);
}

/* ---- leaving ---- */

static void forget(struct redis_member *member, const char *why)
{
	if (member->is_there)
		nuncio_counter_add(member->losses, 1);
	member->is_there = false;
	member->events.left(member->user);
	if (!member->is_stopping)
		nuncio_ready_set(member->self, 0, why);
}

static void leave(struct redis_member *member, const char *why)
{
	redis_lease_drop(member->lease, why);
	forget(member, why);
}

/* ---- joining ---- */

void redis_member_settled(struct redis_member *member)
{
	int again = member->was_there;
	member->is_there = member->was_there = true;
	nuncio_ready_set(member->self, 1, NULL);
	member->events.there(again, member->user);
}

static void on_held(void *user)
{
	struct redis_member *member = user;
	member->events.held(member->user);
}

/* A name that another node has is tried again by the lease itself. */
static void on_lease_lost(const char *why, void *user)
{
	struct redis_member *member = user;
	if (member->is_stopping)
		return;
	if (redis_lease_refused(member->lease)[0]) {
		forget(member, why);
		return;
	}
	leave(member, why);
	try_join(member);
}

static void on_died(uint16_t node, void *user)
{
	struct redis_member *member = user;
	member->events.died(node, member->user);
}

/* With a new id comes a new channel; the old one is nobody's. */
static void try_join(struct redis_member *member)
{
	if (member->is_stopping || !redis_is_up(member->asks) || !redis_is_up(member->hears))
		return;
	if (member->has_own)
		redis_unsubscribe(member->hears, redis_lease_channel(member->lease));
	member->has_own = false;
	member->has_all = !member->all.used;
	redis_lease_prepare(member->lease);
	member->heard_ms = nuncio_mono_ms();
	const struct nuncio_str channels[] = { redis_lease_channel(member->lease),
		all_channel(member) };
	redis_subscribe(member->hears, channels, member->has_all ? 1 : 2);
}

static void on_subscribed(struct nuncio_str channel, void *user)
{
	struct redis_member *member = user;
	bool was_joined = member->has_own && member->has_all;
	member->heard_ms = nuncio_mono_ms();
	if (nuncio_text_same(channel, redis_lease_channel(member->lease)))
		member->has_own = true;
	else if (member->all.used && nuncio_text_same(channel, all_channel(member)))
		member->has_all = true;
	else
		member->events.subscribed(channel, member->user);
	if (member->has_own && member->has_all && !was_joined)
		redis_lease_take(member->lease);
}

/* ---- connections ---- */

static void on_up(void *user)
{
	struct redis_member *member = user;
	nuncio_counter_add(member->connects, 1);
	try_join(member);
}

static void on_asks_down(const char *why, void *user)
{
	leave(user, why);
}

static void on_hears_down(const char *why, void *user)
{
	struct redis_member *member = user;
	member->has_own = member->has_all = false;
	leave(member, why);
}

static void on_message(struct nuncio_str channel, struct nuncio_str text, void *user)
{
	struct redis_member *member = user;
	member->heard_ms = nuncio_mono_ms();
	if (text.n)
		member->events.message(channel, text, member->user);
}

/* A connection that was never there does not go down, but is to be told of. */
static void say_why_not(struct redis_member *member)
{
	const char *why =
		redis_is_up(member->asks) ? redis_why(member->hears) : redis_why(member->asks);
	if (!why[0])
		why = redis_lease_refused(member->lease);
	if (!member->is_there && why[0])
		nuncio_ready_set(member->self, 0, why);
}

static void on_second(void *user)
{
	struct redis_member *member = user;
	const struct nuncio_str nothing = { "", 0 };
	say_why_not(member);
	if (!member->has_own || !redis_is_up(member->asks))
		return;
	if (nuncio_mono_ms() - member->heard_ms > SECOND_MS + (int64_t)member->conf.timeout_ms) {
		redis_fail(member->hears, "what is published does not come back");
		return;
	}
	struct nuncio_str channel = redis_lease_channel(member->lease);
	REDIS_ASK(member->asks, channel, NULL, NULL, nuncio_text("PUBLISH"), channel, nothing);
	if (member->is_there && member->events.second)
		member->events.second(member->user);
}

/* ---- life ---- */

int redis_member_init(struct redis_member *member, struct nuncio_module *self, const char *role,
	bool has_all, const struct redis_member_events *events, void *user,
	struct nuncio_error *err)
{
	static const struct redis_events asks_events = { on_up, on_asks_down, NULL, NULL };
	static const struct redis_events hears_events = { on_up, on_hears_down, on_subscribed,
		on_message };
	static const struct redis_lease_events lease_events = { on_held, on_lease_lost, on_died };
	*member = (struct redis_member){ .self = self, .events = *events, .user = user };
	int rc = redis_conf_read(&member->conf, self, err);
	if (rc < 0)
		return rc;
	member->asks = redis_new(&member->conf, REDIS_ASKS, &asks_events, member);
	member->hears = redis_new(&member->conf, REDIS_SUBSCRIBES, &hears_events, member);
	member->lease = redis_lease_new(member->asks, &member->conf, role,
		(uint32_t)nuncio_conf_int(self, "lease"), &lease_events, member);
	if (has_all)
		redis_lease_key(member->lease, &member->all, "all", nuncio_text(""));
	member->connects = nuncio_counter_new(
		self, "connects_total", NULL, "Connections to Redis made, after loss too.");
	member->losses = nuncio_counter_new(
		self, "losses_total", NULL, "Times that this node lost the others.");
	return 0;
}

/*
 * The loop does not run yet: what it would do is done here, for so long, so that a node that starts
 * while Redis is there is there, too.
 */
static int wait_at_start(struct redis_member *member, struct nuncio_error *err)
{
	int64_t end_ms = nuncio_mono_ms() + START_PATIENCE * (int64_t)member->conf.timeout_ms;
	int rc = 0;
	while (rc == 0 && !member->is_there && !redis_lease_refused(member->lease)[0] &&
		nuncio_mono_ms() < end_ms) {
		rc = redis_pump(member->asks, PUMP_MS);
		if (rc == 0)
			rc = redis_pump(member->hears, PUMP_MS);
	}
	if (member->is_there)
		return 0;
	const char *refused = redis_lease_refused(member->lease);
	const char *why =
		redis_why(member->asks)[0] ? redis_why(member->asks) : redis_why(member->hears);
	if (refused[0])
		nuncio_error_set(err, "%s", refused);
	else
		nuncio_error_set(err, "Redis: %s (start_without = wait would go on trying)",
			why[0] ? why : "no answer in time");
	return NUNCIO_E_FAIL;
}

static void shut(struct redis_member *member)
{
	member->is_stopping = true;
	nuncio_timer_stop(&member->clock);
	redis_free(&member->asks);
	redis_free(&member->hears);
}

int redis_member_start(struct redis_member *member, struct nuncio_error *err)
{
	redis_start(member->asks);
	redis_start(member->hears);
	member->clock = nuncio_timer_start(member->self, SECOND_MS, SECOND_MS, on_second, member);
	int rc = wait_at_start(member, err);
	if (rc < 0 && member->conf.waits_at_start) {
		say_why_not(member);
		return 0;
	}
	if (rc < 0)
		shut(member);
	return rc;
}

void redis_member_stop(struct redis_member *member)
{
	int64_t end_ms = nuncio_mono_ms() + STOP_PATIENCE_MS;
	member->is_stopping = true;
	redis_lease_give_back(member->lease);
	while (redis_is_up(member->asks) && redis_room(member->asks) < member->conf.queue &&
		nuncio_mono_ms() < end_ms)
		redis_pump(member->asks, PUMP_MS);
	shut(member);
}

void redis_member_fini(struct redis_member *member)
{
	redis_free(&member->asks); /* it may not have been started */
	redis_free(&member->hears);
	redis_lease_free(&member->lease);
	redis_buffer_free(&member->all);
	redis_buffer_free(&member->key);
	redis_conf_free(&member->conf);
}

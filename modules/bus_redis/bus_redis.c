/* SPDX-License-Identifier: MIT */
/*
 * The bus on Redis: two connections, one that asks and one that hears, as a connection that
 * subscribes can do nothing else. A node joins when both are up: it subscribes to its own channel
 * and to everybody's, takes its lease, writes its topics; then it is there. Whatever breaks on the
 * way or later, it leaves and joins anew, under a new id, and asks its clients to sync. If frames
 * of its own were lost meanwhile, it tells the others, who do the same.
 *
 * An empty message to itself goes through Redis every second: when it does not come back, the
 * connection that hears is no good, whatever TCP says. Thread: logic.
 */
#include "bus_redis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nuncio/conf.h>
#include <nuncio/log.h>
#include <nuncio/ready.h>
#include <nuncio/timer.h>

enum {
	ECHO_MS = 1000,
	RECOVER_MS = 300,   /* several notes of a loss are one */
	PUMP_MS = 5,        /* at start and end, when the loop does not run */
	START_PATIENCE = 2, /* time-outs */
	STOP_PATIENCE_MS = 300,
	NOTE_HEAD_BYTES = 1 + REDIS_ID_BYTES
};

static void try_join(struct bus *bus);

struct nuncio_str bus_topic_key(struct bus *bus, struct nuncio_str topic)
{
	return redis_lease_key(bus->lease, &bus->key, "topic:", topic);
}

static struct nuncio_str all_channel(const struct bus *bus)
{
	return (struct nuncio_str){ bus->all_channel.p, bus->all_channel.used };
}

/* ---- losses ---- */

void bus_lost(struct bus *bus, uint32_t frames)
{
	if (!frames)
		return;
	nuncio_counter_add(bus->count.lost, frames);
	bus->owes = true;
}

static void on_recover(void *user)
{
	struct bus *bus = user;
	bus->recover = NULL;
	nuncio_bus_recovered(bus->self);
}

static void recover_soon(struct bus *bus)
{
	if (!bus->recover)
		bus->recover = nuncio_timer_start(bus->self, RECOVER_MS, 0, on_recover, bus);
}

static void say_not_ready(struct bus *bus, const char *why)
{
	nuncio_ready_set(bus->self, 0, why);
}

static void leave(struct bus *bus, const char *why)
{
	if (bus->is_there)
		nuncio_counter_add(bus->count.losses, 1);
	bus->is_there = false;
	redis_lease_drop(bus->lease, why);
	outbox_forget(bus);
	topics_forget(bus);
	routes_forget(bus);
	if (!bus->is_stopping)
		say_not_ready(bus, why);
}

/* ---- joining ---- */

void bus_settled(struct bus *bus)
{
	bool had_clients = bus->was_there || bus->topics.all.count > 0;
	bus->is_there = bus->was_there = true;
	nuncio_ready_set(bus->self, 1, NULL);
	if (had_clients)
		recover_soon(bus);
}

static void on_held(void *user)
{
	topics_write_all(user);
}

static void on_lease_lost(const char *why, void *user)
{
	struct bus *bus = user;
	const char *refused = redis_lease_refused(bus->lease);
	if (bus->is_stopping)
		return;
	if (refused[0]) { /* it is tried again until the other one has gone */
		bus->is_there = false;
		outbox_forget(bus);
		topics_forget(bus);
		routes_forget(bus);
		say_not_ready(bus, refused);
		return;
	}
	leave(bus, why);
	try_join(bus);
}

static void on_died(uint16_t node, void *user)
{
	topics_sweep(user, node);
}

/* With a new id comes a new channel; the old one is nobody's. */
static void try_join(struct bus *bus)
{
	if (bus->is_stopping || !redis_is_up(bus->asks) || !redis_is_up(bus->hears))
		return;
	if (bus->has_own)
		redis_unsubscribe(bus->hears, redis_lease_channel(bus->lease));
	bus->has_own = bus->has_all = false;
	redis_lease_prepare(bus->lease);
	bus->heard_ms = nuncio_mono_ms();
	const struct nuncio_str channels[] = { all_channel(bus), redis_lease_channel(bus->lease) };
	redis_subscribe(bus->hears, channels, 2);
}

static void on_subscribed(struct nuncio_str channel, void *user)
{
	struct bus *bus = user;
	bus->heard_ms = nuncio_mono_ms();
	bool is_own = nuncio_text_same(channel, redis_lease_channel(bus->lease));
	bool was_joined = bus->has_own && bus->has_all;
	bus->has_own = bus->has_own || is_own;
	bus->has_all = bus->has_all || nuncio_text_same(channel, all_channel(bus));
	if (bus->has_own && bus->has_all && !was_joined)
		redis_lease_take(bus->lease);
}

/* ---- connections ---- */

static void on_asks_up(void *user)
{
	struct bus *bus = user;
	nuncio_counter_add(bus->count.connects, 1);
	try_join(bus);
}

static void on_asks_down(const char *why, void *user)
{
	leave(user, why);
}

static void on_hears_up(void *user)
{
	on_asks_up(user);
}

static void on_hears_down(const char *why, void *user)
{
	struct bus *bus = user;
	bus->has_own = bus->has_all = false;
	leave(bus, why);
}

/* A connection that was never there does not go down, but is to be told of. */
static void watch_start(struct bus *bus)
{
	const char *why = redis_is_up(bus->asks) ? redis_why(bus->hears) : redis_why(bus->asks);
	if (!bus->is_there && why[0])
		say_not_ready(bus, why);
	else if (!bus->is_there && redis_lease_refused(bus->lease)[0])
		say_not_ready(bus, redis_lease_refused(bus->lease));
}

static void on_echo(void *user)
{
	struct bus *bus = user;
	const struct nuncio_str nothing = { "", 0 };
	watch_start(bus);
	if (!bus->has_own || !redis_is_up(bus->asks))
		return;
	if (nuncio_mono_ms() - bus->heard_ms > ECHO_MS + (int64_t)bus->conf.timeout_ms) {
		redis_fail(bus->hears, "what is published does not come back");
		return;
	}
	struct nuncio_str channel = redis_lease_channel(bus->lease);
	REDIS_ASK(bus->asks, channel, NULL, NULL, nuncio_text("PUBLISH"), channel, nothing);
	if (bus->owes && bus->is_there) {
		bus->owes = false;
		outbox_tell_loss(bus);
	}
}

/* ---- what comes ---- */

static void take_frames(struct bus *bus, struct nuncio_str text)
{
	struct nuncio_str frame;
	size_t at = 0;
	while (outbox_next_frame(text, &at, &frame)) {
		nuncio_counter_add(bus->count.received, 1);
		nuncio_bus_received(bus->self, frame);
	}
}

static void take_interest(struct bus *bus, uint16_t node, struct nuncio_str text)
{
	struct nuncio_str topic;
	bool is_on;
	size_t at = 0;
	while (outbox_next_interest(text, &at, &topic, &is_on))
		routes_changed(bus, topic, node, is_on);
}

static void take_note(struct bus *bus, struct nuncio_str note)
{
	if (note.n < NOTE_HEAD_BYTES)
		return;
	struct nuncio_str id = { note.p + 1, REDIS_ID_BYTES };
	struct nuncio_str rest = { note.p + NOTE_HEAD_BYTES, note.n - NOTE_HEAD_BYTES };
	uint16_t node = redis_lease_number(bus->lease, id);
	if (node == REDIS_NOBODY)
		return; /* our own */
	switch (note.p[0]) {
	case NOTE_FRAMES:
		take_frames(bus, rest);
		break;
	case NOTE_INTEREST:
		take_interest(bus, node, rest);
		break;
	case NOTE_LOSS:
		recover_soon(bus);
		break;
	default: /* of a newer node */
		break;
	}
}

static void on_message(struct nuncio_str channel, struct nuncio_str text, void *user)
{
	struct bus *bus = user;
	bus->heard_ms = nuncio_mono_ms();
	if (nuncio_text_same(channel, all_channel(bus)))
		take_note(bus, text);
	else
		take_frames(bus, text);
}

/* ---- the provider ---- */

static void publish(void *impl, const struct nuncio_str *topics, size_t n, struct nuncio_str frame)
{
	routes_publish(impl, topics, n, frame);
}

static void interest(void *impl, struct nuncio_str topic, int on)
{
	if (topic.n <= TOPIC_BYTES_MAX)
		topics_set(impl, topic, on != 0);
}

static void find(void *impl, const struct nuncio_str *topics, size_t n, struct nuncio_bus_ask *ask)
{
	routes_find(impl, topics, n, ask);
}

static const struct nuncio_bus_ops ops = {
	.size = sizeof ops,
	.publish = publish,
	.interest = interest,
	.find = find,
};

/* ---- life ---- */

static void add_counts(struct bus *bus)
{
	struct counts *count = &bus->count;
	struct nuncio_module *self = bus->self;
	count->sent = nuncio_counter_new(
		self, "frames_sent_total", NULL, "Frames that another node has heard.");
	count->publishes = nuncio_counter_new(self, "publishes_total", NULL,
		"Messages to Redis that carried them, with what is said of topics.");
	count->received =
		nuncio_counter_new(self, "frames_received_total", NULL, "Frames of other nodes.");
	count->lost = nuncio_counter_new(self, "frames_lost_total", NULL,
		"Frames that did not get to other nodes, or perhaps not: clients are asked to sync.");
	count->unheard = nuncio_counter_new(self, "frames_unheard_total", NULL,
		"Frames for a node that did not listen: it died, or syncs when it is back.");
	count->lookups = nuncio_counter_new(
		self, "route_lookups_total", NULL, "Topics that Redis was asked for.");
	count->hits = nuncio_counter_new(
		self, "route_hits_total", NULL, "Topics whose nodes were remembered.");
	count->connects = nuncio_counter_new(
		self, "connects_total", NULL, "Connections made, after loss too.");
	count->losses = nuncio_counter_new(
		self, "losses_total", NULL, "Times that this node lost the others.");
	count->topics =
		nuncio_gauge_new(self, "topics", NULL, "Topics that this node is interested in.");
	count->cached =
		nuncio_gauge_new(self, "routes_cached", NULL, "Topics whose nodes are remembered.");
	count->waiting = nuncio_gauge_new(self, "frames_waiting", NULL,
		"Frames and questions that wait for an answer of Redis.");
}

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	static const struct redis_events asks_events = { on_asks_up, on_asks_down, NULL, NULL };
	static const struct redis_events hears_events = { on_hears_up, on_hears_down, on_subscribed,
		on_message };
	static const struct redis_lease_events lease_events = { on_held, on_lease_lost, on_died };
	struct bus *bus = nuncio_alloc(sizeof *bus);
	bus->self = self;
	int rc = redis_conf_read(&bus->conf, self, err);
	if (rc == 0)
		rc = nuncio_provide_bus(self, &ops, bus);
	if (rc < 0) {
		redis_conf_free(&bus->conf);
		free(bus);
		return rc;
	}
	add_counts(bus);
	bus->asks = redis_new(&bus->conf, REDIS_ASKS, &asks_events, bus);
	bus->hears = redis_new(&bus->conf, REDIS_SUBSCRIBES, &hears_events, bus);
	bus->lease = redis_lease_new(bus->asks, &bus->conf, "bus",
		(uint32_t)nuncio_conf_int(self, "lease"), &lease_events, bus);
	redis_lease_key(bus->lease, &bus->all_channel, "all", nuncio_text(""));
	topics_init(&bus->topics);
	routes_init(&bus->routes, (size_t)nuncio_conf_int(self, "cache"));
	nuncio_module_set_data(self, bus);
	return 0;
}

/*
 * The loop does not run yet: what it would do is done here, for so long, so that a node that starts
 * while Redis is there is there, too.
 */
static int wait_at_start(struct bus *bus, struct nuncio_error *err)
{
	int64_t end_ms = nuncio_mono_ms() + START_PATIENCE * (int64_t)bus->conf.timeout_ms;
	int rc = 0;
	while (rc == 0 && !bus->is_there && !redis_lease_refused(bus->lease)[0] &&
		nuncio_mono_ms() < end_ms) {
		rc = redis_pump(bus->asks, PUMP_MS);
		if (rc == 0)
			rc = redis_pump(bus->hears, PUMP_MS);
	}
	if (bus->is_there)
		return 0;
	const char *refused = redis_lease_refused(bus->lease);
	const char *why = redis_why(bus->asks)[0] ? redis_why(bus->asks) : redis_why(bus->hears);
	if (refused[0])
		nuncio_error_set(err, "%s", refused);
	else
		nuncio_error_set(err, "Redis: %s (start_without = wait would go on trying)",
			why[0] ? why : "no answer in time");
	return NUNCIO_E_FAIL;
}

static void shut(struct bus *bus)
{
	bus->is_stopping = true;
	nuncio_timer_stop(&bus->echo);
	nuncio_timer_stop(&bus->recover);
	redis_free(&bus->asks);
	redis_free(&bus->hears);
}

static int start(struct nuncio_module *self, struct nuncio_error *err)
{
	struct bus *bus = nuncio_module_data(self);
	redis_start(bus->asks);
	redis_start(bus->hears);
	bus->echo = nuncio_timer_start(self, ECHO_MS, ECHO_MS, on_echo, bus);
	int rc = wait_at_start(bus, err);
	if (rc < 0 && bus->conf.waits_at_start) {
		watch_start(bus);
		return 0;
	}
	if (rc < 0)
		shut(bus);
	return rc;
}

/* What is left to say goes out, and Redis is told that we go, so that the others need not wait. */
static void stop(struct nuncio_module *self)
{
	struct bus *bus = nuncio_module_data(self);
	int64_t end_ms = nuncio_mono_ms() + STOP_PATIENCE_MS;
	bus->is_stopping = true;
	outbox_flush(bus);
	redis_lease_give_back(bus->lease);
	while (redis_is_up(bus->asks) && redis_room(bus->asks) < bus->conf.queue &&
		nuncio_mono_ms() < end_ms)
		redis_pump(bus->asks, PUMP_MS);
	shut(bus);
	routes_fini(bus); /* whoever asked is told */
}

static void fini(struct nuncio_module *self)
{
	struct bus *bus = nuncio_module_data(self);
	if (!bus)
		return;
	redis_free(&bus->asks); /* it may not have been started */
	redis_free(&bus->hears);
	if (bus->routes.all.buckets)
		routes_fini(bus);
	topics_fini(&bus->topics);
	outbox_fini(&bus->outbox);
	redis_lease_free(&bus->lease);
	redis_buffer_free(&bus->all_channel);
	redis_buffer_free(&bus->key);
	redis_conf_free(&bus->conf);
	free(bus);
	nuncio_module_set_data(self, NULL);
}

static const struct nuncio_option options[] = {
	REDIS_OPTIONS,
	{ "lease", NUNCIO_OPT_MSEC, 0, "20s", 4000, 600000, NULL,
		"A node that Redis has not heard of for so long counts as dead. Whole seconds; the "
		"same on all nodes." },
	{ "cache", NUNCIO_OPT_INT, 0, "200000", 0, 100000000, NULL,
		"Of so many users and conversations it is remembered on which nodes they are, about "
		"150 bytes each." },
	{ 0 },
};

NUNCIO_MODULE("bus_redis", .version = "1.0", .summary = "Connects several nodes through Redis.",
	.options = options, .init = init, .start = start, .stop = stop, .fini = fini)

/* SPDX-License-Identifier: MIT */
/*
 * The bus on Redis, the provider behind <nuncio/bus.h>. A node that has lost the others asks its
 * clients to sync when it is back; if frames of its own were lost, it tells the others, who do the
 * same. Thread: logic.
 */
#include "bus_redis.h"

#include <stdlib.h>

#include <nuncio/conf.h>
#include <nuncio/timer.h>

enum {
	RECOVER_MS = 300,      /* several notes of a loss are one */
	LATE_EVERY_MS = 10000, /* a Redis that is slow all the time is not told more often */
	NOTE_HEAD_BYTES = 1 + REDIS_ID_BYTES
};

struct nuncio_str bus_topic_key(struct bus *bus, struct nuncio_str topic)
{
	return redis_member_key(&bus->member, "topic:", topic);
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
	bus->recovered_ms = nuncio_mono_ms();
	nuncio_bus_recovered(bus->self);
}

static void recover_in(struct bus *bus, int64_t in_ms)
{
	if (!bus->recover && !bus->member.is_stopping)
		bus->recover = nuncio_timer_start(bus->self, (uint32_t)in_ms, 0, on_recover, bus);
}

static void recover_soon(struct bus *bus)
{
	nuncio_timer_stop(&bus->recover);
	recover_in(bus, RECOVER_MS);
}

/*
 * Whoever has come meanwhile may have asked to sync before others knew where they are. While the
 * node is joining, everybody is asked to sync at the end of it.
 */
void bus_late(struct bus *bus)
{
	int64_t left_ms = bus->recovered_ms + LATE_EVERY_MS - nuncio_mono_ms();
	if (bus->member.is_there)
		recover_in(bus, bus->recovered_ms && left_ms > RECOVER_MS ? left_ms : RECOVER_MS);
}

/* ---- the group of nodes ---- */

static void on_held(void *user)
{
	topics_write_all(user);
}

static void on_left(void *user)
{
	outbox_forget(user);
	topics_forget(user);
	routes_forget(user);
}

/* Clients may have come before the first time, too. */
static void on_there(int again, void *user)
{
	struct bus *bus = user;
	if (again || bus->topics.all.count > 0)
		recover_soon(bus);
}

static void on_died(uint16_t node, void *user)
{
	topics_sweep(user, node);
}

static void on_subscribed(struct nuncio_str channel, void *user)
{
	(void)channel, (void)user; /* only those of the member itself */
}

static void on_second(void *user)
{
	struct bus *bus = user;
	skew_look(bus);
	if (!bus->owes)
		return;
	bus->owes = false;
	outbox_tell_loss(bus);
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
	uint16_t node = redis_lease_number(bus->member.lease, id);
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
	const struct nuncio_str all = { bus->member.all.p, bus->member.all.used };
	if (nuncio_text_same(channel, all))
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
	count->topics =
		nuncio_gauge_new(self, "topics", NULL, "Topics that this node is interested in.");
	count->cached =
		nuncio_gauge_new(self, "routes_cached", NULL, "Topics whose nodes are remembered.");
	count->waiting = nuncio_gauge_new(self, "frames_waiting", NULL,
		"Frames and questions that wait for an answer of Redis.");
}

static void bus_free(struct bus *bus)
{
	redis_member_fini(&bus->member);
	if (bus->routes.all.buckets)
		routes_fini(bus);
	if (bus->topics.all.buckets)
		topics_fini(&bus->topics);
	outbox_fini(&bus->outbox);
	free(bus);
}

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	static const struct redis_member_events events = { .held = on_held,
		.left = on_left,
		.there = on_there,
		.died = on_died,
		.subscribed = on_subscribed,
		.message = on_message,
		.second = on_second };
	struct bus *bus = nuncio_alloc(sizeof *bus);
	bus->self = self;
	int rc = redis_member_init(&bus->member, self, "bus", true, &events, bus, err);
	if (rc == 0)
		rc = nuncio_provide_bus(self, &ops, bus);
	if (rc < 0) {
		bus_free(bus);
		return rc;
	}
	add_counts(bus);
	skew_add(&bus->skew, self);
	topics_init(&bus->topics);
	routes_init(&bus->routes, (size_t)nuncio_conf_int(self, "cache"));
	nuncio_module_set_data(self, bus);
	return 0;
}

static int start(struct nuncio_module *self, struct nuncio_error *err)
{
	struct bus *bus = nuncio_module_data(self);
	return redis_member_start(&bus->member, err);
}

/* What is left to say goes out, and Redis is told that we go, so that the others need not wait. */
static void stop(struct nuncio_module *self)
{
	struct bus *bus = nuncio_module_data(self);
	nuncio_timer_stop(&bus->recover);
	outbox_flush(bus);
	redis_member_stop(&bus->member);
	routes_fini(bus); /* whoever asked is told */
}

static void fini(struct nuncio_module *self)
{
	struct bus *bus = nuncio_module_data(self);
	if (bus)
		bus_free(bus);
	nuncio_module_set_data(self, NULL);
}

static const struct nuncio_option options[] = {
	REDIS_MEMBER_OPTIONS,
	{ "cache", NUNCIO_OPT_INT, 0, "200000", 0, 100000000, NULL,
		"Of so many users and conversations it is remembered on which nodes they are, about "
		"150 bytes each." },
	{ 0 },
};

NUNCIO_MODULE("bus_redis", .version = "1.0", .summary = "Connects several nodes through Redis.",
	.options = options, .init = init, .start = start, .stop = stop, .fini = fini)

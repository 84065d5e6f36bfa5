/* SPDX-License-Identifier: MIT */
/*
 * Which topics this node is interested in. Redis has for each topic the set of node ids
 * (topic:<topic>), and for each node the set of its topics (topics:<id>), by which a dead node is
 * swept. When a set is written, all nodes are told of the change, so that they need not ask again.
 *
 * A topic is dirty when what is wanted may not be what is written; the dirty ones are written at
 * the end of the turn, as many as the queue takes. The order of what is written about one topic is
 * that of the connection.
 */
#include "bus_redis.h"

#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include <nuncio/log.h>
#include <nuncio/timer.h>

enum { FLYING_MOST = 5000, AGAIN_MS = 1000, COMMANDS_EACH = 2, LATE_MS = 200 };
static const char sweep_at_once[] = "500";

struct topic {
	struct redis_entry by_text;
	struct redis_ring dirty;
	bool is_wanted, is_written; /* written: as the last command said */
	int64_t since_ms;           /* of the last change */
	unsigned flying;
	char text[];
};

/* One change on its way. */
struct change {
	struct bus *bus;
	struct topic *topic;
	unsigned epoch;
	bool is_on;
};

static void write_dirty(struct bus *bus);

void topics_init(struct topics *topics)
{
	redis_map_init(&topics->all);
	redis_ring_init(&topics->dirty);
}

static void topic_free(struct topics *topics, struct topic *topic)
{
	redis_ring_remove(&topic->dirty);
	redis_map_remove(&topics->all, &topic->by_text);
	free(topic);
}

void topics_fini(struct topics *topics)
{
	struct redis_entry *entry;
	while ((entry = redis_map_next(&topics->all, NULL)))
		topic_free(topics, REDIS_OF(entry, struct topic, by_text));
	redis_map_fini(&topics->all);
	nuncio_timer_stop(&topics->soon);
	nuncio_timer_stop(&topics->later);
}

static void on_soon(void *user)
{
	struct bus *bus = user;
	bus->topics.soon = NULL;
	write_dirty(bus);
}

static void on_later(void *user)
{
	struct bus *bus = user;
	bus->topics.later = NULL;
	write_dirty(bus);
}

static void mark_dirty(struct bus *bus, struct topic *topic)
{
	if (redis_ring_is_alone(&topic->dirty))
		redis_ring_add(&bus->topics.dirty, &topic->dirty);
	if (!bus->topics.soon)
		bus->topics.soon = nuncio_timer_start(bus->self, 0, 0, on_soon, bus);
}

void topics_set(struct bus *bus, struct nuncio_str text, bool is_wanted)
{
	struct topics *topics = &bus->topics;
	struct redis_entry *entry = redis_map_find(&topics->all, text);
	if (!entry && !is_wanted)
		return;
	struct topic *topic = entry ? REDIS_OF(entry, struct topic, by_text) : NULL;
	if (!topic) {
		topic = nuncio_alloc(sizeof *topic + text.n);
		memcpy(topic->text, text.p, text.n);
		topic->by_text.key = (struct nuncio_str){ topic->text, text.n };
		redis_ring_init(&topic->dirty);
		redis_map_add(&topics->all, &topic->by_text);
	}
	topic->is_wanted = is_wanted;
	topic->since_ms = nuncio_mono_ms();
	mark_dirty(bus, topic);
	nuncio_gauge_set(bus->count.topics, (int64_t)topics->all.count);
}

/* ---- writing ---- */

static void check_settled(struct bus *bus)
{
	struct topics *topics = &bus->topics;
	if (!topics->is_settling || topics->flying || !redis_ring_is_alone(&topics->dirty))
		return;
	topics->is_settling = false;
	redis_member_settled(&bus->member);
}

/* Nobody is interested, and nothing about it is under way. */
static void drop_if_done(struct bus *bus, struct topic *topic)
{
	if (!topic->is_wanted && !topic->is_written && !topic->flying)
		topic_free(&bus->topics, topic);
	nuncio_gauge_set(bus->count.topics, (int64_t)bus->topics.all.count);
}

static void on_changed(const redisReply *reply, void *user)
{
	struct change change = *(struct change *)user;
	struct bus *bus = change.bus;
	struct topic *topic = change.topic;
	free(user);
	bus->topics.flying--;
	topic->flying--;
	if (reply && change.epoch == bus->topics.epoch && reply->type == REDIS_REPLY_INTEGER) {
		outbox_add_interest(bus, topic->by_text.key, change.is_on);
		if (change.is_on && nuncio_mono_ms() - topic->since_ms > LATE_MS)
			bus_late(bus);
	} else if (reply && change.epoch == bus->topics.epoch) {
		topic->is_written = !change.is_on; /* it is full, or the like: again later */
		redis_ring_remove(&topic->dirty);
		redis_ring_add(&bus->topics.dirty, &topic->dirty);
		if (!bus->topics.later) {
			redis_say_refused(bus->member.asks, "an interest", reply);
			bus->topics.later =
				nuncio_timer_start(bus->self, AGAIN_MS, 0, on_later, bus);
		}
		return;
	}
	if (redis_ring_is_alone(&topic->dirty))
		drop_if_done(bus, topic);
	if (!redis_ring_is_alone(&bus->topics.dirty) && !bus->topics.later)
		write_dirty(bus);
	check_settled(bus);
}

/* Negative: not now. */
static int write_topic(struct bus *bus, struct topic *topic)
{
	struct nuncio_str text = topic->by_text.key;
	const char *verb = topic->is_wanted ? "SADD" : "SREM";
	struct nuncio_str id = nuncio_text(redis_lease_id(bus->member.lease));
	struct nuncio_str key = redis_member_key(&bus->member, "topics:", id);
	int rc = REDIS_ASK(bus->member.asks, key, NULL, NULL, nuncio_text(verb), key, text);
	if (rc < 0)
		return rc;
	struct change *change = nuncio_alloc(sizeof *change);
	*change = (struct change){ bus, topic, bus->topics.epoch, topic->is_wanted };
	key = bus_topic_key(bus, text);
	rc = REDIS_ASK(bus->member.asks, key, on_changed, change, nuncio_text(verb), key, id);
	if (rc < 0) {
		free(change);
		return rc;
	}
	topic->is_written = topic->is_wanted;
	topic->flying++;
	bus->topics.flying++;
	return 0;
}

static void write_dirty(struct bus *bus)
{
	struct topics *topics = &bus->topics;
	while (redis_member_is_held(&bus->member) && !redis_ring_is_alone(&topics->dirty) &&
		topics->flying < FLYING_MOST && redis_room(bus->member.asks) >= COMMANDS_EACH) {
		struct topic *topic = REDIS_OF(topics->dirty.next, struct topic, dirty);
		if (topic->is_wanted != topic->is_written && write_topic(bus, topic) < 0)
			break;
		redis_ring_remove(&topic->dirty);
		drop_if_done(bus, topic);
	}
	/* An answer to what flies goes on; if nothing does, the clock. */
	if (redis_member_is_held(&bus->member) && !redis_ring_is_alone(&topics->dirty) &&
		!topics->flying && !topics->later)
		topics->later = nuncio_timer_start(bus->self, AGAIN_MS, 0, on_later, bus);
	check_settled(bus);
}

void topics_forget(struct bus *bus)
{
	struct topics *topics = &bus->topics;
	topics->epoch++;
	topics->is_settling = false;
	for (struct redis_entry *entry = redis_map_next(&topics->all, NULL), *next; entry;
		entry = next) {
		struct topic *topic = REDIS_OF(entry, struct topic, by_text);
		next = redis_map_next(&topics->all, entry);
		topic->is_written = false;
		if (redis_ring_is_alone(&topic->dirty))
			redis_ring_add(&topics->dirty, &topic->dirty);
	}
}

void topics_write_all(struct bus *bus)
{
	bus->topics.is_settling = true;
	write_dirty(bus);
}

/* ---- sweeping ---- */

struct sweep {
	struct bus *bus;
	uint16_t node;
	char id[REDIS_ID_BYTES + 1];
};

static void sweep_some(struct sweep *sweep);

/* Whose set was read is written to be told; an answer that is lost leaves garbage, no harm. */
static void on_swept(const redisReply *reply, void *user)
{
	struct sweep *sweep = user;
	struct bus *bus = sweep->bus;
	if (!reply || reply->type != REDIS_REPLY_ARRAY || !redis_member_is_held(&bus->member)) {
		free(sweep);
		return;
	}
	for (size_t i = 0; i < reply->elements; i++) {
		const redisReply *topic = reply->element[i];
		if (topic->type != REDIS_REPLY_STRING)
			continue;
		struct nuncio_str key =
			bus_topic_key(bus, (struct nuncio_str){ topic->str, topic->len });
		REDIS_ASK(bus->member.asks, key, NULL, NULL, nuncio_text("SREM"), key,
			nuncio_text(sweep->id));
	}
	if (reply->elements > 0) {
		sweep_some(sweep);
		return;
	}
	if (strcmp(redis_lease_node_id(bus->member.lease, sweep->node), sweep->id) == 0)
		redis_lease_swept(bus->member.lease, sweep->node);
	free(sweep);
}

/* What SPOP gives it has taken off, so several may sweep at once. */
static void sweep_some(struct sweep *sweep)
{
	struct bus *bus = sweep->bus;
	struct nuncio_str key = redis_member_key(&bus->member, "topics:", nuncio_text(sweep->id));
	if (REDIS_ASK(bus->member.asks, key, on_swept, sweep, nuncio_text("SPOP"), key,
		    nuncio_text(sweep_at_once)) < 0)
		free(sweep);
}

void topics_sweep(struct bus *bus, uint16_t node)
{
	struct sweep *sweep = nuncio_alloc(sizeof *sweep);
	sweep->bus = bus;
	sweep->node = node;
	memcpy(sweep->id, redis_lease_node_id(bus->member.lease, node), REDIS_ID_BYTES);
	routes_forget_node(bus, node);
	sweep_some(sweep);
}

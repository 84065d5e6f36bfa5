/* SPDX-License-Identifier: MIT */
#include "logic/cluster.h"

/*
 * What crosses nodes. The node that stored an event says with it whom it is for, as its kind's
 * audience named them: the others need not know the conversation's members, only who of them is
 * connected. So a frame carries its audience, and its topics are the same names.
 *
 * An audience that does not fit beside the event goes in several frames, each with a part of it; a
 * node may then hear of the event more than once.
 */

#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/slice.h"
#include "hook/callback.h"
#include "hook/chain.h"
#include "logic/bus_frame.h"
#include "logic/deliver.h"
#include "logic/logic.h"
#include "logic/reach.h"
#include "provide/bus.h"
#include "wire/limits.h"

enum { PEER_BYTES = 64 * 1024, TOPIC_HEAD_BYTES = 2 };

struct peer {
	struct list node;
	const char *module, *name;
	nuncio_peer_fn *fn;
	void *user;
	struct callback *stats;
};

static void on_resync(struct loop *loop, struct loop_timer *timer, void *user);

void cluster_init(struct cluster *cluster, struct logic *logic)
{
	list_init(&cluster->peers);
	loop_timer_init(&cluster->resync_timer, on_resync, logic);
}

void cluster_fini(struct cluster *cluster, struct logic *logic)
{
	CHECK(list_is_empty(&cluster->peers));
	loop_timer_stop(logic->parts.loop, &cluster->resync_timer);
}

bool cluster_is_there(const struct logic *logic)
{
	return bus_is_there(logic->parts.bus);
}

/* ---- interest ---- */

static void set_interest(struct logic *logic, char what, struct nuncio_str name, bool on)
{
	char topic[TOPIC_HEAD_BYTES + LIMIT_CONVERSATION_BYTES] = { what, ':' };
	if (!cluster_is_there(logic) || name.n > LIMIT_CONVERSATION_BYTES)
		return;
	memcpy(topic + TOPIC_HEAD_BYTES, name.p, name.n);
	bus_interest(logic->parts.bus, (struct nuncio_str){ topic, TOPIC_HEAD_BYTES + name.n }, on);
}

void cluster_user(struct logic *logic, struct nuncio_str user, bool is_here)
{
	set_interest(logic, 'u', user, is_here);
}

void cluster_live(struct logic *logic, struct nuncio_str conversation, bool is_here)
{
	set_interest(logic, 'c', conversation, is_here);
}

/* ---- out ---- */

/* Sends `frame` with as many of the audience as fit, from *at on; takes them off again. */
static void publish_part(
	struct logic *logic, struct buf *frame, const struct reach *reach, uint32_t *at)
{
	size_t head = frame->used;
	struct nuncio_str *topics = ALLOC_ARRAY(struct nuncio_str, reach->count - *at);
	size_t n = 0;
	for (; *at < reach->count; ++*at) {
		struct nuncio_str name = reach_name(reach, *at);
		if (n && frame->used + bus_frame_added_bytes(name) > BUS_FRAME_BYTES)
			break;
		bus_frame_add(frame, name, reach->items[*at].is_live);
		topics[n++] = reach_topic(reach, *at);
	}
	bus_publish(logic->parts.bus, topics, n, buf_str(frame));
	frame->used = head;
	alloc_free(topics);
}

static void publish(struct logic *logic, struct buf *frame, const struct reach *reach)
{
	for (uint32_t at = 0; at < reach->count;)
		publish_part(logic, frame, reach, &at);
}

void cluster_publish_event(
	struct logic *logic, const struct nuncio_event *event, const struct reach *reach)
{
	struct buf frame = { 0 };
	bus_frame_event(&frame, event);
	publish(logic, &frame, reach);
	buf_fini(&frame);
}

void cluster_publish_notify(struct logic *logic, struct nuncio_str op, struct nuncio_str data,
	const struct reach *reach)
{
	struct buf frame = { 0 };
	bus_frame_notify(&frame, op, data);
	publish(logic, &frame, reach);
	buf_fini(&frame);
}

/* To the nodes of those who would get an event of this conversation. */
void cluster_publish_mark(struct logic *logic, const struct nuncio_mark *mark)
{
	struct reach reach = { 0 };
	struct buf frame = { 0 };
	if (!cluster_is_there(logic))
		return;
	reach_add(&reach, mark->user, false);
	deliver_reach(logic, mark->conversation, &reach);
	bus_frame_mark(&frame, mark);
	publish(logic, &frame, &reach);
	buf_fini(&frame);
	reach_fini(&reach);
}

/* ---- in ---- */

static void take_event(struct logic *logic, const struct bus_frame *frame, struct reach *reach)
{
	struct nuncio_told facts = { .event = &frame->event, .is_remote = 1 };
	if (!kind_of(&logic->kinds, frame->event.conversation)) {
		metric_add(logic->count.bus_malformed, 1); /* or a module is off here */
		return;
	}
	deliver_event_to(logic, &frame->event, reach);
	hook_tell(logic->parts.hooks, NUNCIO_HOOK_did_event, &facts);
}

static void take_mark(struct logic *logic, const struct bus_frame *frame)
{
	struct nuncio_mark facts = frame->mark;
	facts.is_remote = 1;
	hook_tell(logic->parts.hooks, NUNCIO_HOOK_did_mark, &facts);
}

static void take_peer(struct logic *logic, const struct bus_frame *frame)
{
	LIST_EACH (&logic->cluster.peers, peer, struct peer, node) {
		if (!str_eq_text(frame->module, peer->module) ||
			!str_eq_text(frame->name, peer->name))
			continue;
		int64_t begun_ns = callback_begin();
		peer->fn(frame->data, peer->user);
		callback_end(peer->stats, begun_ns);
		return;
	}
}

static void take(struct logic *logic, const struct bus_frame *frame, struct reach *reach)
{
	switch (frame->type) {
	case BUS_FRAME_EVENT:
		take_event(logic, frame, reach);
		break;
	case BUS_FRAME_NOTIFY:
		deliver_notify_to(logic, frame->op, frame->data, reach);
		break;
	case BUS_FRAME_MARK:
		take_mark(logic, frame);
		break;
	case BUS_FRAME_PEER:
		take_peer(logic, frame);
		break;
	}
}

void cluster_received(struct logic *logic, struct nuncio_str bytes)
{
	struct bus_frame frame;
	struct reach reach = { 0 };
	struct nuncio_str name;
	bool is_live;
	size_t at = 0;
	metric_add(logic->count.bus_received, 1);
	if (bus_frame_read(bytes, &frame) < 0) {
		metric_add(logic->count.bus_malformed, 1);
		return;
	}
	while (bus_frame_next(&frame, &at, &name, &is_live))
		reach_add(&reach, name, is_live);
	take(logic, &frame, &reach);
	reach_fini(&reach);
}

/* ---- after a loss ---- */

/* The next session of the tables; NULL: that were all. */
static struct session *resync_next(struct logic *logic)
{
	struct cluster *cluster = &logic->cluster;
	const struct sessions *sessions = &logic->sessions;
	for (; cluster->resync_thread < sessions->thread_count; cluster->resync_thread++) {
		uint32_t size = sessions->threads[cluster->resync_thread].size;
		struct session **slots = sessions->threads[cluster->resync_thread].slots;
		while (cluster->resync_slot < size) {
			struct session *session = slots[cluster->resync_slot++];
			if (session && session->user && session->state != SESSION_CLOSING)
				return session;
		}
		cluster->resync_slot = 0;
	}
	return NULL;
}

static bool resync_some(struct logic *logic)
{
	for (size_t n = 0; n < logic->cluster.resync_a_tick; n++) {
		const struct session *session = resync_next(logic);
		if (!session)
			return false;
		deliver_notify(logic, session->id, STR("session.resync"), STR("{}"));
	}
	return true;
}

static void on_resync(struct loop *loop, struct loop_timer *timer, void *user)
{
	if (!resync_some(user))
		loop_timer_stop(loop, timer);
}

/* Once more while one is under way: it starts anew, so that nobody is left out. */
void cluster_resync(struct logic *logic)
{
	struct cluster *cluster = &logic->cluster;
	const struct nuncio_recovery facts = { .size = sizeof facts };
	hook_tell(logic->parts.hooks, NUNCIO_HOOK_did_recover, &facts);
	size_t ticks = (size_t)logic->settings.retry_after_ms / CLUSTER_RESYNC_TICK_MS + 1;
	cluster->resync_thread = cluster->resync_slot = 0;
	cluster->resync_a_tick = logic->sessions.ready_count / ticks + 1;
	loop_timer_stop(logic->parts.loop, &cluster->resync_timer);
	loop_timer_start(logic->parts.loop, &cluster->resync_timer, 0, CLUSTER_RESYNC_TICK_MS);
}

/* ---- messages of modules ---- */

int cluster_peer_add(struct logic *logic, const char *module, const char *name, nuncio_peer_fn *fn,
	void *user, struct callback *stats, struct peer **peer_r)
{
	LIST_EACH (&logic->cluster.peers, other, struct peer, node)
		if (strcmp(other->module, module) == 0 && strcmp(other->name, name) == 0)
			return NUNCIO_E_EXISTS;
	struct peer *peer = ALLOC_NEW(struct peer);
	peer->module = module;
	peer->name = name;
	peer->fn = fn;
	peer->user = user;
	peer->stats = stats;
	list_add(&logic->cluster.peers, &peer->node);
	*peer_r = peer;
	return 0;
}

void cluster_peer_remove(struct peer **peer)
{
	if (!*peer)
		return;
	list_remove(&(*peer)->node);
	alloc_free(*peer);
	*peer = NULL;
}

int cluster_peer_send(struct logic *logic, const char *module, const char *name,
	struct nuncio_str who, struct nuncio_str data)
{
	struct buf frame = { 0 };
	struct reach reach = { 0 };
	if (data.n > PEER_BYTES)
		return NUNCIO_E_TOOBIG;
	if (!cluster_is_there(logic))
		return 0;
	bus_frame_peer(&frame, str_of(module), str_of(name), data);
	if (who.n) {
		reach_add(&reach, who, false);
		publish(logic, &frame, &reach);
	} else {
		bus_publish(logic->parts.bus, NULL, 0, buf_str(&frame));
	}
	buf_fini(&frame);
	reach_fini(&reach);
	return 0;
}

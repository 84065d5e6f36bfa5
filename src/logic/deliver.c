/* SPDX-License-Identifier: MIT */
#include "logic/deliver.h"

/*
 * From an event to the sessions that are to get it. The packet is encoded once; receivers on the
 * same I/O thread share one message. Offline members need nothing here: what they miss lies above
 * their cursor in the log.
 */

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/slice.h"
#include "hook/chain.h"
#include "logic/event.h"
#include "logic/logic.h"
#include "logic/reach.h"
#include "wire/limits.h"
#include "wire/json_out.h"

/* Those who get the same packet. */
struct lane {
	size_t count;
	/* one per I/O thread, NULL: nobody there yet; NULL itself: only `reach` is wanted */
	struct io_send **sends;
	uint32_t *rooms; /* ids that fit into each */
};

struct nuncio_audience {
	struct logic *logic;
	const struct nuncio_event *event; /* NULL: nothing to ask may_reach about */
	nuncio_sid except;
	struct reach *reach; /* NULL: nobody wants to know */
	uint32_t stamp;      /* on the users who are in; a fan-out within may_reach has another */
	/* below: who does not see what the event changes, or has hidden it: is not shown that */
	struct lane all, below;
	bool is_below; /* the user who is being added */
};

static struct io_send *send_with_room(struct lane *lane, uint32_t thread)
{
	struct io_send *send = lane->sends[thread];
	uint32_t room = lane->rooms[thread];
	if (send && send->count < room)
		return send;
	uint32_t more = room ? room * 2 : 4;
	struct io_send *bigger = alloc_grow(send, sizeof *send + more * sizeof(nuncio_sid));
	if (!send) {
		bigger->mail.kind = IO_SEND;
		bigger->count = 0;
	}
	lane->sends[thread] = bigger;
	lane->rooms[thread] = more;
	return bigger;
}

static bool may_reach(const struct nuncio_audience *audience, struct session *session)
{
	struct hook_table *hooks = audience->logic->parts.hooks;
	if (!audience->event || !hook_has(hooks, NUNCIO_HOOK_may_reach))
		return true;
	struct nuncio_reach facts = { .to = (struct nuncio_session *)session,
		.event = audience->event };
	return hook_filter(hooks, NUNCIO_HOOK_may_reach, &facts);
}

/* Their user may have hidden what the event changes. */
static bool may_show(const struct nuncio_audience *audience, struct session *session)
{
	struct hook_table *hooks = audience->logic->parts.hooks;
	const struct nuncio_event *event = audience->event;
	if (!event || !event->now || !hook_has(hooks, NUNCIO_HOOK_may_show))
		return true;
	struct nuncio_reach facts = { .to = (struct nuncio_session *)session, .event = event };
	return hook_filter(hooks, NUNCIO_HOOK_may_show, &facts);
}

static void audience_add_session(struct nuncio_audience *audience, struct session *session)
{
	if (session->state != SESSION_READY && session->state != SESSION_PROVING)
		return;
	if (session->id == audience->except || !may_reach(audience, session))
		return;
	bool is_below = audience->is_below || !may_show(audience, session);
	struct lane *lane = is_below ? &audience->below : &audience->all;
	struct io_send *send = send_with_room(lane, io_id_thread(session->id));
	send->ids[send->count++] = session->id;
	lane->count++;
}

static void audience_add(struct nuncio_audience *audience, struct user *user)
{
	if (user->stamp == audience->stamp)
		return;
	user->stamp = audience->stamp;
	LIST_EACH (&user->sessions, s, struct session, of_user)
		audience_add_session(audience, s);
}

void deliver_add_user(struct nuncio_audience *audience, struct nuncio_str name)
{
	if (audience->reach)
		reach_add(audience->reach, name, false);
	if (!audience->all.sends)
		return;
	struct user *user = user_find(&audience->logic->users, name);
	if (user)
		audience_add(audience, user);
}

static void add_each(struct user *user, uint64_t since, void *data)
{
	struct nuncio_audience *audience = data;
	const struct nuncio_event *event = audience->event;
	audience->is_below = event && event->now && event->target <= since;
	audience_add(audience, user);
	audience->is_below = false;
}

void deliver_add_live(struct nuncio_audience *audience, struct nuncio_str conversation)
{
	if (audience->reach)
		reach_add(audience->reach, conversation, true);
	if (!audience->all.sends) /* nobody is to be reached: there may be thousands */
		return;
	const struct live *live = live_find(&audience->logic->lives, conversation);
	if (live)
		live_each(live, add_each, audience);
}

enum {
	THREADS_MAX = 256,       /* an id has 8 bits for it */
	NOTIFY_AROUND_BYTES = 64 /* what a notify has besides op and data, and some room */
};

/* An audience with its places; lives on the stack of whoever delivers. */
struct fan_out {
	struct nuncio_audience audience;
	struct io_send *sends[THREADS_MAX], *sends_below[THREADS_MAX];
	uint32_t rooms[THREADS_MAX], rooms_below[THREADS_MAX];
};

static struct nuncio_audience *fan_out_begin(struct fan_out *fan_out, struct logic *logic,
	const struct nuncio_event *event, nuncio_sid except, struct reach *reach)
{
	size_t threads = logic->sessions.thread_count;
	memset(fan_out->sends, 0, threads * sizeof *fan_out->sends);
	memset(fan_out->rooms, 0, threads * sizeof *fan_out->rooms);
	if (event && event->now) {
		memset(fan_out->sends_below, 0, threads * sizeof *fan_out->sends_below);
		memset(fan_out->rooms_below, 0, threads * sizeof *fan_out->rooms_below);
	}
	fan_out->audience = (struct nuncio_audience){
		.logic = logic,
		.event = event,
		.except = except,
		.reach = reach,
		.stamp = ++logic->stamp,
		.all = { .sends = fan_out->sends, .rooms = fan_out->rooms },
		.below = { .sends = fan_out->sends_below, .rooms = fan_out->rooms_below },
	};
	return &fan_out->audience;
}

static void add_reach(struct nuncio_audience *audience, const struct reach *reach)
{
	for (uint32_t i = 0; i < reach->count; i++) {
		if (reach->items[i].is_live)
			deliver_add_live(audience, reach_name(reach, i));
		else
			deliver_add_user(audience, reach_name(reach, i));
	}
}

/* Encodes only if there is somebody. */
static size_t lane_send(
	struct logic *logic, struct lane *lane, struct nuncio_str op, struct nuncio_str data)
{
	if (lane->count == 0)
		return 0;
	struct packet_out *packet = packet_out_notify(op, data);
	for (uint32_t t = 0; t < logic->sessions.thread_count; t++) {
		struct io_send *send = lane->sends[t];
		if (!send)
			continue;
		send->packet = packet_out_ref(packet);
		logic_post_io(logic, send->ids[0], &send->mail);
	}
	packet_out_unref(&packet);
	metric_add(logic->count.deliveries, (int64_t)lane->count);
	return lane->count;
}

static size_t audience_send(
	struct nuncio_audience *audience, struct nuncio_str op, struct nuncio_str data)
{
	return lane_send(audience->logic, &audience->all, op, data);
}

/* ---- events ---- */

/* A message is new; what changes one says so; the rest bears its own name: "group.changed". */
static struct nuncio_str op_of_event(const struct nuncio_event *event, char out[LIMIT_OP_BYTES])
{
	bool is_message = str_eq_text(event->type, "message");
	if (is_message && event->target == 0)
		return STR("message.new");
	if (is_message || event->target != 0)
		return STR("message.changed");
	int n = snprintf(out, LIMIT_OP_BYTES, STR_FMT ".changed", STR_ARG(event->type));
	return n > 0 && n < LIMIT_OP_BYTES ? (struct nuncio_str){ out, (size_t)n }
					   : STR("message.changed");
}

static size_t lane_send_event(
	struct logic *logic, struct lane *lane, const struct nuncio_event *event)
{
	struct buf *to = &logic->scratch;
	char op[LIMIT_OP_BYTES];
	struct json_out out;
	if (lane->count == 0)
		return 0;
	buf_reset(to);
	json_out_init(&out, to);
	event_write(&out, event);
	return lane_send(logic, lane, op_of_event(event, op), buf_str(to));
}

static size_t audience_send_event(
	struct nuncio_audience *audience, const struct nuncio_event *event)
{
	struct nuncio_event without = *event;
	size_t n = lane_send_event(audience->logic, &audience->all, event);
	without.now = NULL;
	return n + lane_send_event(audience->logic, &audience->below, &without);
}

size_t deliver_event(struct logic *logic, const struct nuncio_event *event, nuncio_sid except,
	struct reach *reach)
{
	struct fan_out fan_out;
	const struct kind *kind = kind_of(&logic->kinds, event->conversation);
	if (!kind)
		return 0;
	struct nuncio_audience *audience = fan_out_begin(&fan_out, logic, event, except, reach);
	if (kind->ops->audience_of)
		kind->ops->audience_of(event, audience, kind->user);
	else
		kind->ops->audience(event->conversation, audience, kind->user);
	return audience_send_event(audience, event);
}

size_t deliver_event_to(
	struct logic *logic, const struct nuncio_event *event, const struct reach *reach)
{
	struct fan_out fan_out;
	struct nuncio_audience *audience = fan_out_begin(&fan_out, logic, event, 0, NULL);
	add_reach(audience, reach);
	return audience_send_event(audience, event);
}

void deliver_reach(struct logic *logic, struct nuncio_str conversation, struct reach *reach)
{
	struct nuncio_audience audience = { .logic = logic, .reach = reach };
	const struct kind *kind = kind_of(&logic->kinds, conversation);
	if (kind)
		kind->ops->audience(conversation, &audience, kind->user);
}

/* ---- notifies ---- */

/* 0, or why no client could read it. */
static int check_notify(struct nuncio_str op, struct nuncio_str data)
{
	if (!str_is_name(op, LIMIT_OP_BYTES))
		return NUNCIO_E_INVAL;
	return op.n + data.n + NOTIFY_AROUND_BYTES <= LIMIT_PACKET_BYTES ? 0 : NUNCIO_E_TOOBIG;
}

int deliver_notify(struct logic *logic, nuncio_sid id, struct nuncio_str op, struct nuncio_str data)
{
	struct session *session = session_find(&logic->sessions, id);
	struct fan_out fan_out;
	int rc = check_notify(op, data);
	if (rc < 0)
		return rc;
	if (!session || !session->user || session->state == SESSION_CLOSING)
		return NUNCIO_E_GONE;
	struct nuncio_audience *audience = fan_out_begin(&fan_out, logic, NULL, 0, NULL);
	audience_add_session(audience, session);
	audience_send(audience, op, data);
	return 0;
}

/* Here, and on other nodes if there are any: then `reach` has been collected. */
static int notify_all(
	struct nuncio_audience *audience, struct nuncio_str op, struct nuncio_str data)
{
	audience_send(audience, op, data);
	if (audience->reach) {
		cluster_publish_notify(audience->logic, op, data, audience->reach);
		reach_fini(audience->reach);
	}
	return (int)audience->all.count;
}

int deliver_notify_user(struct logic *logic, struct nuncio_str name, struct nuncio_str op,
	struct nuncio_str data, nuncio_sid except)
{
	struct fan_out fan_out;
	struct reach reach = { 0 };
	int rc = check_notify(op, data);
	if (rc < 0)
		return rc;
	struct nuncio_audience *audience = fan_out_begin(
		&fan_out, logic, NULL, except, cluster_is_there(logic) ? &reach : NULL);
	deliver_add_user(audience, name);
	return notify_all(audience, op, data);
}

int deliver_notify_audience(struct logic *logic, struct nuncio_str conversation,
	struct nuncio_str op, struct nuncio_str data, nuncio_sid except)
{
	struct fan_out fan_out;
	struct reach reach = { 0 };
	const struct kind *kind = kind_of(&logic->kinds, conversation);
	if (!kind)
		return NUNCIO_E_NOTFOUND;
	int rc = check_notify(op, data);
	if (rc < 0)
		return rc;
	struct nuncio_audience *audience = fan_out_begin(
		&fan_out, logic, NULL, except, cluster_is_there(logic) ? &reach : NULL);
	kind->ops->audience(conversation, audience, kind->user);
	return notify_all(audience, op, data);
}

size_t deliver_notify_to(struct logic *logic, struct nuncio_str op, struct nuncio_str data,
	const struct reach *reach)
{
	struct fan_out fan_out;
	if (check_notify(op, data) < 0)
		return 0;
	struct nuncio_audience *audience = fan_out_begin(&fan_out, logic, NULL, 0, NULL);
	add_reach(audience, reach);
	return audience_send(audience, op, data);
}

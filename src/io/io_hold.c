/* SPDX-License-Identifier: MIT */
/*
 * Connections of an I/O thread that are not read from for now, and how they go on.
 *
 * Held: the logic thread is behind, that is, its mailbox is over its high water in messages or
 * bytes, or this turn has filled the outbox. Connections are held as their bytes come, and let go
 * together when it has caught up (looked at every 2 ms).
 *
 * Paused: a WebSocket's last read brought more than one turn may do (conn_ws.c); what is left of it
 * waits in the connection's parser, and goes on in the next turn, once more by a part.
 *
 * Both are remembered by id, for a connection may end meanwhile.
 */
#include "base/alloc.h"
#include "io/conn_private.h"
#include "io/io_thread_private.h"

enum { HELD_MS = 2 };

static void add_id(struct io_ids *ids, nuncio_sid id)
{
	if (ids->count == ids->size) {
		ids->size = ids->size ? ids->size * 2 : 64;
		ids->ids = alloc_grow(ids->ids, ids->size * sizeof(*ids->ids));
	}
	ids->ids[ids->count++] = id;
}

/* ---- held ---- */

bool io_thread_is_full(const struct io_thread *t)
{
	return t->is_blocked || mailbox_is_over(t->outbox.to) || outbox_is_over(&t->outbox);
}

void io_thread_hold(struct io_thread *t, struct conn *c)
{
	c->is_held = true;
	if (!t->held.count)
		COUNTER_ADD(t->counters.stalls, 1);
	add_id(&t->held, c->id);
	COUNTER_ADD(t->counters.held, 1);
	if (!loop_timer_is_active(&t->held_timer))
		loop_timer_start(t->loop, &t->held_timer, HELD_MS, 0);
	conn_update_events(c);
}

static void let_go(struct io_thread *t)
{
	for (size_t i = 0; i < t->held.count; i++) {
		struct conn *c = conn_table_find(&t->conns, t->held.ids[i]);
		if (!c)
			continue;
		c->is_held = false;
		conn_update_events(c);
	}
	COUNTER_ADD(t->counters.held, -(int64_t)t->held.count);
	t->held.count = 0;
}

void io_thread_post(struct io_thread *t)
{
	t->is_blocked = outbox_flush(&t->outbox) < 0;
	if (t->is_blocked && !loop_timer_is_active(&t->held_timer))
		loop_timer_start(t->loop, &t->held_timer, HELD_MS, 0);
}

static void on_held_timer(struct loop *l, struct loop_timer *timer, void *user)
{
	struct io_thread *t = user;
	(void)timer;
	io_thread_post(t);
	if (io_thread_is_full(t))
		loop_timer_start(l, &t->held_timer, HELD_MS, 0);
	else
		let_go(t);
}

/* ---- paused ---- */

void io_thread_go_on(struct io_thread *t, struct conn *c)
{
	if (c->is_listed)
		return;
	c->is_listed = true;
	add_id(&t->paused, c->id);
	if (!loop_timer_is_active(&t->paused_timer))
		loop_timer_start(t->loop, &t->paused_timer, 0, 0);
}

/* Who pauses again is listed anew, behind those of this turn, and comes up in the next one. */
static void on_paused_timer(struct loop *l, struct loop_timer *timer, void *user)
{
	struct io_thread *t = user;
	struct io_ids now = t->paused;
	(void)l;
	(void)timer;
	t->paused = (struct io_ids){ NULL, 0, 0 };
	for (size_t i = 0; i < now.count; i++) {
		struct conn *c = conn_table_find(&t->conns, now.ids[i]);
		if (!c)
			continue;
		c->is_listed = false;
		conn_ws_go_on(c);
	}
	alloc_free(now.ids);
}

/* ---- life ---- */

void io_hold_init(struct io_thread *t)
{
	loop_timer_init(&t->held_timer, on_held_timer, t);
	loop_timer_init(&t->paused_timer, on_paused_timer, t);
}

void io_hold_stop(struct io_thread *t)
{
	loop_timer_stop(t->loop, &t->held_timer);
	loop_timer_stop(t->loop, &t->paused_timer);
}

void io_hold_fini(struct io_thread *t)
{
	alloc_free(t->held.ids);
	alloc_free(t->paused.ids);
}

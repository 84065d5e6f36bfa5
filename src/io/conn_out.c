/* SPDX-License-Identifier: MIT */
/*
 * What leaves a connection. Adding only queues; the first addition of a turn puts the queue on the
 * thread's dirty list, and the end of the turn sends every dirty queue once. What the socket does
 * not take waits for it to become writable. Queues that only have a part of a large fan-out are on
 * a list of their own, of which each turn sends so many; what comes meanwhile leaves with it.
 *
 * A WebSocket whose peer does not keep up is first not read from any more (a quarter of the limit),
 * then closed with 4003: its queue is cut back to what is on its way, so that the close frame is
 * the next thing that it reads. An HTTP connection has one answer at a time, which bounds it, and
 * all of them share a limit (conn_http.c).
 */
#include "io/conn_private.h"

#include <sys/socket.h>

#include "base/alloc.h"
#include "base/slice.h"
#include "wire/packet.h"

static struct outq *queue_of(struct conn *c)
{
	struct io_thread *t = c->thread;
	if (!c->outq) {
		c->outq = outq_take(&t->outqs, c);
		c->outq->moved_ms = io_now(t);
	}
	bool is_new = !c->outq->is_dirty && !c->outq->is_blocked;
	if (is_new || (c->outq->is_bulk && !t->is_fan_out)) {
		c->outq->is_dirty = true;
		c->outq->is_bulk = t->is_fan_out;
		list_remove(&c->outq->node);
		list_add(t->is_fan_out ? &t->bulk : &t->dirty, &c->outq->node);
	}
	return c->outq;
}

void conn_count_queue(struct conn *c, int64_t bytes)
{
	struct io_counters *counters = &c->thread->counters;
	COUNTER_ADD(counters->queue_bytes, bytes);
	if (c->is_http)
		COUNTER_ADD(counters->http_bytes, bytes);
}

static void too_slow(struct conn *c)
{
	struct io_thread *t = c->thread;
	size_t before = c->outq->bytes;
	COUNTER_ADD(t->counters.slow, 1);
	outq_drop_unsent(c->outq);
	conn_count_queue(c, (int64_t)c->outq->bytes - (int64_t)before);
	conn_report_closed(c, WS_CLOSE_TOO_SLOW);
	conn_ws_close(c, WS_CLOSE_TOO_SLOW, STR("too slow"));
}

/* Called after each addition. A burst within one turn gets a chance to leave first. */
static void check_limit(struct conn *c)
{
	size_t limit = conn_ws_queue_limit(c);
	if (c->state != CONN_OPEN || c->outq->bytes <= limit)
		return;
	if (!c->outq->is_blocked)
		conn_flush(c);
	if (c->state == CONN_OPEN && c->outq && c->outq->bytes > limit)
		too_slow(c);
}

static void added(struct conn *c, size_t n)
{
	conn_count_queue(c, (int64_t)n);
	check_limit(c);
	if (c->outq && c->outq->is_blocked) /* no sending at the end of this turn will look */
		conn_update_throttle(c);
}

void conn_send_copy(struct conn *c, struct nuncio_str bytes)
{
	if (c->state == CONN_DEAD)
		return;
	outq_add_copy(queue_of(c), bytes);
	added(c, bytes.n);
}

void conn_send_own(struct conn *c, void *own, struct nuncio_str bytes)
{
	if (c->state == CONN_DEAD) {
		alloc_free(own);
		return;
	}
	outq_add_own(queue_of(c), own, bytes);
	added(c, bytes.n);
}

void conn_send_packet(struct conn *c, struct packet_out *packet)
{
	if (c->state == CONN_DEAD)
		return;
	struct nuncio_str bytes =
		packet_out_bytes(packet, (enum packet_form)c->form, c->thread->deflater);
	COUNTER_ADD(c->thread->counters.messages_out, 1);
	outq_add_packet(queue_of(c), packet, bytes);
	added(c, bytes.n);
}

/* ---- sending ---- */

static void shut(struct conn *c)
{
	if (c->is_deaf) {
		conn_kill(c, 1006);
	} else if (!c->is_shut) {
		c->is_shut = true;
		conn_restart_clock(c);
		shutdown(loop_io_fd(&c->io), SHUT_WR);
	}
}

/* Everything has left. A queue on the dirty list stays until the list is through. */
static void on_sent(struct conn *c)
{
	bool was_blocked = c->outq->is_blocked;
	c->outq->is_blocked = false;
	if (!c->outq->is_dirty)
		outq_give(&c->thread->outqs, &c->outq);
	if (c->state == CONN_ENDING)
		shut(c);
	else if (c->is_answered)
		conn_http_go_on(c);
	else if (was_blocked && c->state == CONN_HTTP)
		conn_restart_clock(c);
}

static void on_blocked(struct conn *c, bool has_moved)
{
	struct outq *q = c->outq;
	bool was_blocked = q->is_blocked;
	q->is_blocked = true;
	if (has_moved || !was_blocked)
		q->moved_ms = io_now(c->thread);
	if (!was_blocked)
		wheel_put(&c->thread->wheel, &c->node, conn_due(c, io_now(c->thread)));
}

/* Who does not read gets no more work done, and neither does who asks faster than we answer. */
void conn_update_throttle(struct conn *c)
{
	bool is_behind = c->outq && c->outq->bytes > conn_ws_queue_limit(c) / 4;
	c->is_throttled = c->state == CONN_OPEN && (is_behind || conn_ws_is_busy(c));
	conn_update_events(c);
}

void conn_flush(struct conn *c)
{
	struct io_thread *t = c->thread;
	unsigned sends = 0;
	if (c->state == CONN_DEAD)
		return;
	if (c->outq) {
		size_t before = c->outq->bytes;
		int rc = outq_send(c->outq, loop_io_fd(&c->io), t->scratch_out, &sends);
		size_t sent = before - c->outq->bytes;
		COUNTER_ADD(t->counters.sends, sends);
		COUNTER_ADD(t->counters.bytes_out, sent);
		conn_count_queue(c, -(int64_t)sent);
		if (rc < 0) {
			conn_kill(c, 1006);
			return;
		}
		if (rc == 0)
			on_blocked(c, sent > 0);
		else
			on_sent(c);
	} else if (c->state == CONN_ENDING) {
		shut(c);
	}
	conn_update_throttle(c);
}

static void flush_first(struct list *queues)
{
	struct outq *q = LIST_FIRST(queues, struct outq, node);
	list_remove(&q->node);
	q->is_dirty = q->is_bulk = false;
	conn_flush(q->user);
}

bool conn_flush_ready(struct io_thread *t)
{
	bool did_any = !list_is_empty(&t->dirty);
	while (!list_is_empty(&t->dirty))
		flush_first(&t->dirty);
	return did_any;
}

bool conn_flush_dirty(struct io_thread *t, bool all)
{
	bool did_any = conn_flush_ready(t);
	io_thread_budget(t);
	for (; !list_is_empty(&t->bulk) && (all || t->bulk_left); did_any = true) {
		t->bulk_left -= !all;
		flush_first(&t->bulk);
	}
	if (!list_is_empty(&t->bulk))
		loop_soon(t->loop);
	return did_any;
}

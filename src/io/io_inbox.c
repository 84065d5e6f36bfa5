/* SPDX-License-Identifier: MIT */
/*
 * What the logic thread asks of an I/O thread, message by message; each is freed here, or by whom
 * it is handed to. An id that has gone is no error: the socket closed while the message was on its
 * way.
 */
#include "io/io_thread_private.h"

#include "base/alloc.h"
#include "base/check.h"
#include "base/slice.h"
#include "io/conn_private.h"

static void do_admit(struct io_thread *t, struct io_admit *m)
{
	struct conn *c = conn_table_find(&t->conns, m->id);
	if (c)
		conn_shake_admit(c, m->first, m->ready);
	packet_out_unref(&m->first);
}

static void do_refuse(struct io_thread *t, struct io_refuse *m)
{
	struct conn *c = conn_table_find(&t->conns, m->id);
	if (c)
		conn_shake_refuse(c, m);
}

static void do_ready(struct io_thread *t, struct io_ready *m)
{
	struct conn *c = conn_table_find(&t->conns, m->id);
	if (!c)
		return;
	c->is_ready = true;
	conn_update_throttle(c); /* its limits are higher now */
}

/*
 * Adding to 10,000 queues takes milliseconds. Messages behind it wait, because they may be for the
 * same connections. What was ready before it leaves first: the acknowledgement of just this message
 * is among that. Once a turn, so that what a burst brings for one connection stays together.
 */
static bool do_send(struct io_thread *t, struct io_send *m)
{
	bool is_large = m->count > IO_FAN_OUT_MIN;
	uint32_t end = m->count;
	if (is_large) {
		io_thread_budget(t);
		if (!t->send_at && !t->is_ahead) {
			t->is_ahead = true;
			conn_flush_ready(t);
		}
		if (end - t->send_at > t->adds_left)
			end = t->send_at + t->adds_left;
		t->adds_left -= end - t->send_at;
	}
	t->is_fan_out = is_large;
	for (; t->send_at < end; t->send_at++) {
		struct conn *c = conn_table_find(&t->conns, m->ids[t->send_at]);
		if (c)
			conn_ws_send(c, m->packet);
	}
	t->is_fan_out = false;
	if (is_large)
		atomic_store_explicit(&t->counters.fan_out, m->count - end, memory_order_relaxed);
	if (end < m->count)
		return false;
	t->send_at = 0;
	packet_out_unref(&m->packet);
	return true;
}

static void do_close(struct io_thread *t, struct io_close *m)
{
	struct conn *c = conn_table_find(&t->conns, m->id);
	if (c && c->state == CONN_ADMITTING)
		conn_kill(c, m->close_code);
	if (c && m->last)
		conn_ws_send(c, m->last);
	if (c)
		conn_ws_close(c, m->close_code, str_of(m->reason));
	packet_out_unref(&m->last);
}

static void do_answer(struct io_thread *t, struct io_answer *m)
{
	struct conn *c = conn_table_find(&t->conns, m->id);
	if (c)
		conn_http_answer(c, m);
	else
		alloc_free(m);
}

bool io_inbox_do(struct io_thread *t, struct mail *m)
{
	switch (m->kind) {
	case IO_ADMIT:
		do_admit(t, (struct io_admit *)m);
		break;
	case IO_REFUSE:
		do_refuse(t, (struct io_refuse *)m);
		break;
	case IO_READY:
		do_ready(t, (struct io_ready *)m);
		break;
	case IO_SEND:
		if (!do_send(t, (struct io_send *)m))
			return false;
		break;
	case IO_CLOSE:
		do_close(t, (struct io_close *)m);
		break;
	case IO_ANSWER:
		do_answer(t, (struct io_answer *)m);
		return true; /* taken over */
	case IO_DRAIN:
		io_thread_do_drain(t);
		break;
	case IO_STOP:
		io_thread_do_stop(t);
		break;
	default:
		CHECK(!"a message of the logic thread");
	}
	alloc_free(m);
	return true;
}

/* A message that will not be carried out any more. */
void io_inbox_drop(struct mail *m)
{
	if (m->kind == IO_ADMIT)
		packet_out_unref(&((struct io_admit *)m)->first);
	else if (m->kind == IO_SEND)
		packet_out_unref(&((struct io_send *)m)->packet);
	else if (m->kind == IO_CLOSE)
		packet_out_unref(&((struct io_close *)m)->last);
	alloc_free(m);
}

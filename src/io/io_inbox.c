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
	if (c)
		c->is_ready = true;
}

static void do_send(struct io_thread *t, struct io_send *m)
{
	for (uint32_t i = 0; i < m->count; i++) {
		struct conn *c = conn_table_find(&t->conns, m->ids[i]);
		if (c)
			conn_ws_send(c, m->packet);
	}
	packet_out_unref(&m->packet);
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

void io_inbox_do(struct io_thread *t, struct mail *m)
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
		do_send(t, (struct io_send *)m);
		break;
	case IO_CLOSE:
		do_close(t, (struct io_close *)m);
		break;
	case IO_ANSWER:
		do_answer(t, (struct io_answer *)m);
		return; /* taken over */
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

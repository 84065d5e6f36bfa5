/* SPDX-License-Identifier: MIT */
/*
 * Deadlines of connections. Activity only stores a number; the thread's wheel brings a connection
 * up when its deadline may have passed, and what is written here decides whether it has. Earlier
 * deadlines than the one in the wheel come only with a change of state, which puts it anew.
 */
#include "io/conn_private.h"

#include "base/slice.h"

enum { FAR_MS = 1 << 30 };

static uint32_t earlier(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0 ? a : b;
}

static bool has_passed(uint32_t due_ms, uint32_t now_ms)
{
	return (int32_t)(now_ms - due_ms) >= 0;
}

static uint32_t http_due(const struct conn *c, const struct io_settings *s)
{
	if (c->is_in_body)
		return c->since_ms + s->body_ms;
	return c->since_ms + (c->is_in_head ? s->head_ms : s->idle_ms);
}

static uint32_t state_due(const struct conn *c, uint32_t now_ms)
{
	const struct io_settings *s = c->thread->settings;
	switch (c->state) {
	case CONN_HTTP:
		return http_due(c, s);
	case CONN_OPEN:
		return c->heard_ms + (c->is_pinged ? 2 : 1) * s->heartbeat_ms;
	case CONN_CLOSING:
	case CONN_ENDING:
		return c->since_ms + s->closing_ms;
	default: /* the logic thread answers every request */
		return now_ms + FAR_MS;
	}
}

uint32_t conn_due(const struct conn *c, uint32_t now_ms)
{
	uint32_t due_ms = state_due(c, now_ms);
	if (c->outq && c->outq->is_blocked) {
		uint32_t stall_ms = c->outq->moved_ms + c->thread->settings->stall_ms;
		bool is_websocket = c->state == CONN_OPEN || c->state == CONN_CLOSING;
		/* A long HTTP answer may take its time as long as it moves. */
		return is_websocket ? earlier(due_ms, stall_ms) : stall_ms;
	}
	return due_ms;
}

static void on_silence(struct conn *c, uint32_t now_ms)
{
	struct io_thread *t = c->thread;
	uint32_t silent_ms = now_ms - c->heard_ms, heartbeat_ms = t->settings->heartbeat_ms;
	if (silent_ms >= 2 * heartbeat_ms) {
		COUNTER_ADD(t->counters.silent, 1);
		conn_report_closed(c, WS_CLOSE_SILENT);
		conn_ws_close(c, WS_CLOSE_SILENT, STR("silent for too long"));
		return;
	}
	conn_ws_ping(c);
	c->is_pinged = true;
}

static void on_stall(struct conn *c)
{
	if (c->state == CONN_OPEN)
		COUNTER_ADD(c->thread->counters.slow, 1);
	conn_kill(c, c->state == CONN_OPEN ? WS_CLOSE_TOO_SLOW : 1006);
}

void conn_on_due(struct list *node, void *thread)
{
	struct conn *c = CONTAINER_OF(node, struct conn, node);
	uint32_t now_ms = io_now(thread);
	if (has_passed(conn_due(c, now_ms), now_ms)) {
		if (c->outq && c->outq->is_blocked &&
			has_passed(c->outq->moved_ms + c->thread->settings->stall_ms, now_ms))
			on_stall(c);
		else if (c->state == CONN_HTTP)
			conn_http_timeout(c);
		else if (c->state == CONN_OPEN)
			on_silence(c, now_ms);
		else if (c->state == CONN_CLOSING || c->state == CONN_ENDING)
			conn_kill(c, 1006);
	}
	if (c->state != CONN_DEAD)
		wheel_put(&c->thread->wheel, &c->node, conn_due(c, now_ms));
}

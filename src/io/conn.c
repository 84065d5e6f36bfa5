/* SPDX-License-Identifier: MIT */
/*
 * A connection's life on its I/O thread: accepted, read from, ended. What the bytes mean is decided
 * in conn_http.c, conn_shake.c, conn_ws.c; what leaves, in conn_out.c; deadlines, in conn_time.c.
 *
 * Reading is one recv() into the thread's scratch memory per event, so one that floods gets 64 KiB
 * a turn; what a WebSocket makes of them is bounded, too (conn_ws.c). Nothing is freed where it
 * ends: conn_kill only marks, and the end of the turn frees, because a connection may end below a
 * parser's callback. Reading stops lazily: only when bytes come that nobody wants now is the
 * descriptor taken out of epoll; a normal client never sees it.
 */
#include "io/conn_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/check.h"

#define CONN_MAGIC 0x636f6e6eu

_Static_assert(LIMIT_OPEN_MESSAGE_BYTES <= IO_SCRATCH_BYTES, "read_limit fits the scratch memory");
_Static_assert(sizeof(struct conn) <= 144, "an idle connection must stay small");

/* ---- state ---- */

void conn_restart_clock(struct conn *c)
{
	struct io_thread *t = c->thread;
	c->since_ms = io_now(t);
	if (c->state != CONN_DEAD)
		wheel_put(&t->wheel, &c->node, conn_due(c, c->since_ms));
}

void conn_set_state(struct conn *c, enum conn_state state)
{
	COUNTER_ADD(c->thread->counters.by_state[c->state], -1);
	COUNTER_ADD(c->thread->counters.by_state[state], 1);
	c->state = (uint8_t)state;
	conn_restart_clock(c);
}

void conn_update_events(struct conn *c)
{
	bool is_stopped = c->is_throttled || c->is_held;
	bool is_reading = !is_stopped && !c->is_waiting && !c->is_paused && !c->is_deaf;
	bool is_writing = c->outq && c->outq->is_blocked;
	if (c->state == CONN_DEAD)
		return;
	loop_io_set(c->thread->loop, &c->io,
		(is_reading ? LOOP_READ : 0) | (is_writing ? LOOP_WRITE : 0));
	if (c->is_paused && !is_stopped)
		io_thread_go_on(c->thread, c);
}

void conn_report_closed(struct conn *c, uint16_t close_code)
{
	if (!c->close_code)
		c->close_code = close_code;
	if (!c->is_known)
		return;
	c->is_known = false;
	struct io_closed *m = ALLOC_NEW(struct io_closed);
	m->mail.kind = IO_CLOSED;
	m->id = c->id;
	m->close_code = c->close_code;
	outbox_add(&c->thread->outbox, &m->mail);
}

void conn_end(struct conn *c)
{
	if (c->state >= CONN_ENDING)
		return;
	conn_set_state(c, CONN_ENDING);
	c->is_throttled = c->is_waiting = c->is_paused = false;
	conn_update_events(c);
	if (!c->outq)
		conn_flush(c);
}

void conn_kill(struct conn *c, uint16_t close_code)
{
	if (c->state == CONN_DEAD)
		return;
	conn_report_closed(c, close_code);
	conn_set_state(c, CONN_DEAD);
	loop_io_stop(c->thread->loop, &c->io);
	list_remove(&c->node);
	list_add(&c->thread->dead, &c->node);
}

static void free_conn(struct conn *c)
{
	struct io_thread *t = c->thread;
	if (c->outq)
		conn_count_queue(c, -(int64_t)c->outq->bytes);
	outq_give(&t->outqs, &c->outq);
	if (c->is_http)
		conn_http_close(c);
	else
		ws_parser_give(t->ws, &c->parser);
	close(loop_io_fd(&c->io));
	conn_table_remove(&t->conns, c->id);
	COUNTER_ADD(t->counters.by_state[CONN_DEAD], -1);
	acceptor_give(t->acceptor);
	c->magic = 0;
	alloc_free(c);
}

void conn_reap(struct io_thread *t)
{
	if (list_is_empty(&t->dead))
		return;
	LIST_EACH_SAFE (&t->dead, c, struct conn, node) {
		list_remove(&c->node);
		free_conn(c);
	}
	acceptor_resume(t->acceptor);
}

/* ---- events ---- */

/* Bytes came that nobody wants yet: they stay in the kernel. */
static void wait(struct conn *c)
{
	c->is_waiting = true;
	conn_update_events(c);
}

/* The peer has sent its last byte, or the connection broke. */
static void on_eof(struct conn *c)
{
	if ((c->state == CONN_ENDING || c->state == CONN_HTTP) && c->outq) {
		c->is_deaf = true; /* it may still read what we have for it */
		conn_end(c);
		conn_update_events(c);
		return;
	}
	conn_kill(c, 1006);
}

static void input(struct conn *c, char *bytes, size_t n)
{
	c->heard_ms = io_now(c->thread);
	c->is_pinged = false;
	COUNTER_ADD(c->thread->counters.bytes_in, n);
	switch (c->state) {
	case CONN_HTTP:
		conn_http_input(c, bytes, n);
		break;
	case CONN_OPEN:
	case CONN_CLOSING:
		conn_ws_input(c, bytes, n);
		break;
	default: /* CONN_ENDING: dropped */
		break;
	}
}

/* What is left of a read may have to wait in memory; of a stranger's WebSocket that is little. */
static size_t read_limit(const struct conn *c)
{
	return c->state == CONN_OPEN && !c->is_ready ? LIMIT_OPEN_MESSAGE_BYTES : IO_SCRATCH_BYTES;
}

static void on_readable(struct conn *c)
{
	struct io_thread *t = c->thread;
	if (c->state == CONN_WAITING || c->state == CONN_ADMITTING) {
		wait(c);
		return;
	}
	if (c->state != CONN_ENDING && io_thread_is_full(t)) {
		io_thread_hold(t, c);
		return;
	}
	ssize_t n = recv(loop_io_fd(&c->io), t->scratch_in, read_limit(c), 0);
	if (n > 0)
		input(c, t->scratch_in, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
		on_eof(c);
}

static void on_socket(struct loop *l, struct loop_io *io, int events, void *user)
{
	struct conn *c = user;
	(void)l;
	(void)io;
	CHECK_MAGIC(c, CONN_MAGIC);
	if (events & LOOP_WRITE)
		conn_flush(c);
	if ((events & LOOP_READ) && c->state != CONN_DEAD)
		on_readable(c);
}

void conn_accept(int fd, void *thread)
{
	struct io_thread *t = thread;
	struct conn *c = ALLOC_NEW(struct conn);
	io_thread_watch_time(t);
	c->magic = CONN_MAGIC;
	c->thread = t;
	c->is_http = true;
	c->id = conn_table_add(&t->conns, c);
	list_init(&c->node);
	c->is_in_head = true; /* the first request has to come as fast as if it had begun */
	COUNTER_ADD(t->counters.accepted, 1);
	COUNTER_ADD(t->counters.by_state[CONN_HTTP], 1);
	conn_restart_clock(c);
	loop_io_init(&c->io, fd, on_socket, c);
	loop_io_start(t->loop, &c->io, LOOP_READ);
}

/* ---- who it is ---- */

/* Asked of the kernel when needed: an idle connection does not remember it. */
void conn_peer(const struct conn *c, char address[46], uint16_t *port_r)
{
	struct sockaddr_storage peer = { 0 };
	socklen_t n = sizeof(peer);
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&peer;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&peer;
	address[0] = '\0';
	*port_r = 0;
	if (getpeername(loop_io_fd(&c->io), (struct sockaddr *)&peer, &n) < 0)
		return;
	if (peer.ss_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, address, 46);
		*port_r = ntohs(v4->sin_port);
	} else if (peer.ss_family == AF_INET6) {
		bool is_v4 = IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);
		inet_ntop(is_v4 ? AF_INET : AF_INET6, &v6->sin6_addr.s6_addr[is_v4 ? 12 : 0],
			address, 46);
		*port_r = ntohs(v6->sin6_port);
	}
}

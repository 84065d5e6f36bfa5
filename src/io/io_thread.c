/* SPDX-License-Identifier: MIT */
/*
 * An I/O thread: a loop, its listening sockets, and the connections that it accepted, which it owns
 * for life. It knows HTTP and WebSocket, and nothing of users or messages: those are the logic
 * thread's, on the other side of two mailboxes.
 *
 * A turn: sockets are read, and what they brought collects in the outbox. At the end of the turn
 * the inbox is carried out, every queue that got something is sent once, connections that ended are
 * freed, and the outbox goes to the logic thread in one post with at most one wake-up. On a shared
 * loop the logic thread's on_turn runs between two rounds of ours, so the answers leave in the turn
 * that read the requests.
 *
 * Back-pressure is in io_hold.c.
 */
#include "io/io_thread.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/slice.h"
#include "io/conn_private.h"
#include "io/io_thread_private.h"
#include "io/listener.h"
#include "loop/thread.h"
#include "wire/deflate.h"
#include "wire/http1_out.h"

#define IO_THREAD_MAGIC 0x696f7468u

enum {
	INBOX_LIMIT = 64 * 1024,
	TICK_MAX_MS = 250,
	TICK_MIN_MS = 5,
	TRIM_MS = 10 * 1000,
	STOP_READS = 16,
	LISTEN_THREADS_MAX = 256 /* io_id_thread has 8 bits */
};

void io_settings_init(struct io_settings *s)
{
	*s = (struct io_settings){
		.heartbeat_ms = 30 * 1000,
		.head_ms = 10 * 1000,
		.body_ms = 30 * 1000,
		.idle_ms = 60 * 1000,
		.stall_ms = 30 * 1000,
		.closing_ms = 2 * 1000,
		.descriptor_reserve = 128,
		.inflight = 64,
		.message_bytes = LIMIT_MESSAGE_BYTES,
		.head_bytes = LIMIT_HTTP_HEAD_BYTES,
		.body_bytes = LIMIT_HTTP_BODY_BYTES,
		.open_body_bytes = LIMIT_HTTP_OPEN_BODY_BYTES,
		.http_bytes = 64 * 1024 * 1024,
		.queue_bytes = 1024 * 1024,
		.deflate = true,
	};
}

/* ---- time ---- */

static void on_tick(struct loop *l, struct loop_timer *timer, void *user)
{
	struct io_thread *t = user;
	uint32_t now_ms = io_now(t);
	wheel_turn(&t->wheel, now_ms, conn_on_due, t);
	acceptor_resume(t->acceptor);
	if (now_ms - t->trimmed_ms >= TRIM_MS) {
		t->trimmed_ms = now_ms;
		ws_pool_trim(t->ws);
	}
	if (!t->conns.count && !acceptor_is_paused(t->acceptor))
		loop_timer_stop(l, timer);
}

void io_thread_watch_time(struct io_thread *t)
{
	if (loop_timer_is_active(&t->tick))
		return;
	wheel_restart(&t->wheel, io_now(t));
	loop_timer_start(t->loop, &t->tick, t->wheel.tick_ms, t->wheel.tick_ms);
}

static uint32_t tick_of(const struct io_settings *s)
{
	const uint32_t all[] = { s->heartbeat_ms, s->head_ms, s->body_ms, s->idle_ms, s->stall_ms,
		s->closing_ms };
	uint32_t tick_ms = TICK_MAX_MS;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (all[i] / 8 < tick_ms)
			tick_ms = all[i] / 8;
	return tick_ms < TICK_MIN_MS ? TICK_MIN_MS : tick_ms;
}

const char *io_thread_date(struct io_thread *t)
{
	int64_t wall_ms = clock_wall_ms();
	if (t->date_s != wall_ms / 1000) {
		t->date_s = wall_ms / 1000;
		http1_date(wall_ms, t->date);
	}
	return t->date;
}

const char *io_thread_time(struct io_thread *t)
{
	if (t->time_ms != loop_now_ms(t->loop)) {
		t->time_ms = loop_now_ms(t->loop);
		clock_format_rfc3339(clock_wall_ms(), t->time);
	}
	return t->time;
}

/* ---- turns ---- */

void io_thread_budget(struct io_thread *t)
{
	uint64_t turn = loop_turn(t->loop);
	if (t->budget_turn == turn)
		return;
	t->budget_turn = turn;
	t->gathered = t->is_cut ? t->gathered + 1 : 0;
	t->is_cut = t->is_ahead = false;
	t->adds_left = IO_ADDS_A_TURN;
	t->bulk_left = IO_BULK_A_TURN;
}

static struct mail *take_inbox(struct io_thread *t)
{
	size_t n;
	struct mail *first = mailbox_take_counted(&t->inbox, &n);
	COUNTER_ADD(t->counters.taken, (int64_t)n);
	return first;
}

static bool do_inbox(struct io_thread *t)
{
	bool did_any = false;
	for (;;) {
		struct mail *m = t->taken ? t->taken : take_inbox(t);
		if (!m)
			return did_any;
		t->taken = m->next;
		if (t->is_stopped) {
			io_inbox_drop(m);
		} else if (!io_inbox_do(t, m)) {
			t->taken = m;
			t->is_cut = true;
			if (t->gathered < IO_GATHER_TURNS)
				t->bulk_left = 0;
			loop_soon(t->loop);
			return did_any;
		}
		COUNTER_ADD(t->counters.taken, -1);
		did_any = true;
	}
}

static bool on_turn(struct loop *l, void *user)
{
	struct io_thread *t = user;
	(void)l;
	bool did_any = do_inbox(t);
	did_any |= conn_flush_dirty(t, false);
	conn_reap(t);
	if (acceptor_is_paused(t->acceptor))
		io_thread_watch_time(t); /* which resumes it; nobody else may be there to do so */
	if (t->outbox.first) {
		io_thread_post(t);
		did_any |= !t->is_blocked;
	}
	return did_any;
}

/* ---- stopping ---- */

/* Connections between two requests have nothing to wait for. */
void io_thread_do_drain(struct io_thread *t)
{
	t->is_draining = true;
	acceptor_close(t->acceptor);
	for (uint32_t i = 0; i < t->conns.size; i++) {
		struct conn *c = t->conns.slots[i].conn;
		if (c && c->state == CONN_HTTP && !c->is_in_head)
			conn_kill(c, 1006);
	}
}

/*
 * What the peer sent and nobody read would turn our close into a reset, and a reset may overtake
 * the close frame.
 */
static void close_now(struct io_thread *t, struct conn *c)
{
	conn_ws_close(c, WS_CLOSE_GOING_AWAY, STR("server stops"));
	conn_flush(c);
	if (c->state == CONN_DEAD)
		return;
	shutdown(loop_io_fd(&c->io), SHUT_WR);
	for (int i = 0; i < STOP_READS; i++)
		if (recv(loop_io_fd(&c->io), t->scratch_in, IO_SCRATCH_BYTES, 0) < IO_SCRATCH_BYTES)
			break;
	conn_kill(c, WS_CLOSE_GOING_AWAY);
}

static void close_all(struct io_thread *t)
{
	acceptor_close(t->acceptor);
	conn_flush_dirty(t, true);
	for (uint32_t i = 0; i < t->conns.size; i++)
		if (t->conns.slots[i].conn)
			close_now(t, t->conns.slots[i].conn);
	conn_flush_dirty(t, true);
	conn_reap(t);
	loop_timer_stop(t->loop, &t->tick);
	io_hold_stop(t);
	t->is_stopped = true;
}

void io_thread_do_stop(struct io_thread *t)
{
	close_all(t);
	struct io_stopped *m = ALLOC_NEW(struct io_stopped);
	m->mail.kind = IO_STOPPED;
	m->thread = t->index;
	outbox_add(&t->outbox, &m->mail);
	outbox_flush_forced(&t->outbox);
	if (!t->is_shared)
		loop_stop(t->loop);
}

static void post_bare(struct io_thread *t, enum io_kind kind)
{
	struct mail *m = ALLOC_NEW(struct mail);
	m->kind = kind;
	mailbox_post_forced(&t->inbox, m);
}

void io_thread_drain(struct io_thread *t)
{
	post_bare(t, IO_DRAIN);
}

void io_thread_stop(struct io_thread *t)
{
	post_bare(t, IO_STOP);
}

/* ---- life ---- */

static bool has_mail(void *user)
{
	return mailbox_count(&((struct io_thread *)user)->inbox) > 0;
}

static int make_loop(struct io_thread *t, struct loop *shared, struct nuncio_error *err)
{
	char name[16];
	t->is_shared = shared != NULL;
	t->loop = shared;
	if (shared)
		return 0;
	snprintf(name, sizeof(name), "io-%u", t->index);
	t->loop = loop_new(name);
	if (!t->loop) {
		nuncio_error_set(err, "I/O thread %u: no descriptor left for its loop", t->index);
		return NUNCIO_E_FAIL;
	}
	loop_on_spin(t->loop, has_mail, t);
	loop_set_spin_us(t->loop, t->settings->spin_us);
	return 0;
}

int io_thread_new(unsigned index, const struct io_settings *settings,
	struct io_listeners *listeners, struct mailbox *to_logic, struct loop *shared,
	struct io_thread **t_r, struct nuncio_error *err)
{
	struct io_thread *t = ALLOC_NEW(struct io_thread);
	CHECK(index < LISTEN_THREADS_MAX && index < listeners->thread_count);
	*t_r = NULL;
	t->magic = IO_THREAD_MAGIC;
	t->index = index;
	t->settings = settings;
	t->listeners = listeners;
	int rc = make_loop(t, shared, err);
	if (rc < 0) {
		alloc_free(t);
		return rc;
	}
	mailbox_init(&t->inbox, t->loop, INBOX_LIMIT);
	outbox_init(&t->outbox, to_logic);
	t->acceptor = acceptor_new(listeners, index, t->loop, conn_accept, t);
	conn_table_init(&t->conns, index);
	wheel_init(&t->wheel, io_now(t), tick_of(settings));
	loop_timer_init(&t->tick, on_tick, t);
	io_hold_init(t);
	list_init(&t->dead);
	list_init(&t->dirty);
	list_init(&t->bulk);
	t->time_ms = -1;
	t->ws = ws_pool_new();
	t->deflater = deflater_new();
	t->http_limits = (struct http1_limits){ settings->head_bytes, settings->body_bytes,
		settings->open_body_bytes };
	t->scratch_in = alloc_get(IO_SCRATCH_BYTES);
	t->scratch_out = alloc_get(OUTQ_SCRATCH_BYTES);
	loop_on_turn(t->loop, on_turn, t);
	*t_r = t;
	return 0;
}

static void run(void *user)
{
	struct io_thread *t = user;
	acceptor_start(t->acceptor);
	loop_run(t->loop);
}

int io_thread_start(struct io_thread *t, struct nuncio_error *err)
{
	CHECK_MAGIC(t, IO_THREAD_MAGIC);
	if (!t->is_shared)
		return thread_start(loop_name(t->loop), run, t, &t->thread, err);
	acceptor_start(t->acceptor);
	return 0;
}

struct mailbox *io_thread_inbox(struct io_thread *t)
{
	return &t->inbox;
}

void io_thread_join(struct io_thread *t)
{
	thread_join(&t->thread);
}

/* What the logic thread will not get any more. */
static void drop_outgoing(struct mail *m)
{
	if (m->kind == IO_HTTP) {
		struct arena a = ((struct io_http *)m)->arena;
		arena_fini(&a);
	} else {
		alloc_free(m);
	}
}

static void free_rest(struct io_thread *t)
{
	struct mail *m, *next;
	while ((m = t->taken ? t->taken : mailbox_take_all(&t->inbox)) != NULL) {
		t->taken = m->next;
		io_inbox_drop(m);
	}
	mailbox_fini(&t->inbox);
	for (m = outbox_take_all(&t->outbox); m; m = next) {
		next = m->next;
		drop_outgoing(m);
	}
	acceptor_free(&t->acceptor);
	conn_http_fini(t);
	outq_pool_fini(&t->outqs);
	ws_pool_free(&t->ws);
	deflater_free(&t->deflater);
	conn_table_fini(&t->conns);
	buf_fini(&t->text);
	io_hold_fini(t);
	alloc_free(t->scratch_in);
	alloc_free(t->scratch_out);
}

void io_thread_free(struct io_thread **tp)
{
	struct io_thread *t = *tp;
	*tp = NULL;
	if (!t)
		return;
	CHECK_MAGIC(t, IO_THREAD_MAGIC);
	if (!t->is_stopped) /* never started, or the shared loop ended first */
		close_all(t);
	free_rest(t);
	if (!t->is_shared)
		loop_free(&t->loop);
	t->magic = 0;
	alloc_free(t);
}

/* ---- figures ---- */

#define READ(counter) atomic_load_explicit(&t->counters.counter, memory_order_relaxed)

void io_thread_stats(const struct io_thread *t, struct io_stats *stats_r)
{
	*stats_r = (struct io_stats){
		.accepted = READ(accepted),
		.refused = READ(refused),
		.slow = READ(slow),
		.silent = READ(silent),
		.timeouts = READ(timeouts),
		.requests = READ(requests),
		.messages_in = READ(messages_in),
		.messages_out = READ(messages_out),
		.pings = READ(pings),
		.bytes_in = READ(bytes_in),
		.bytes_out = READ(bytes_out),
		.sends = READ(sends),
		.stalls = READ(stalls),
		.pauses = READ(pauses),
		.crowded = READ(crowded),
		.http = READ(by_state[CONN_HTTP]),
		.waiting = READ(by_state[CONN_WAITING]),
		.admitting = READ(by_state[CONN_ADMITTING]),
		.open = READ(by_state[CONN_OPEN]),
		.closing = READ(by_state[CONN_CLOSING]),
		.ending = READ(by_state[CONN_ENDING]),
		.queue_bytes = READ(queue_bytes),
		.http_bytes = READ(http_bytes),
		.held = READ(held),
		.inbox = (int64_t)mailbox_count(&t->inbox) + READ(taken),
		.fan_out = READ(fan_out),
	};
}

const char *io_thread_name(const struct io_thread *t)
{
	return loop_name(t->loop);
}

void io_thread_set_lag(struct io_thread *t, struct metric *lag)
{
	if (!t->is_shared)
		loop_set_lag(t->loop, lag);
}

bool io_thread_cpu_ns(const struct io_thread *t, int64_t *ns_r)
{
	if (t->thread)
		*ns_r = thread_cpu_ns(t->thread);
	return t->thread != NULL;
}

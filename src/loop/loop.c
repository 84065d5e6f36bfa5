/* SPDX-License-Identifier: MIT */
/*
 * Event loops on libev, epoll only. Each belongs to the thread in loop_run; nothing here locks.
 * Only this file and timer.c know ev.h.
 *
 * The end of a turn is libev's prepare watcher: the on_turn callbacks run there, again and again
 * until none did anything, so that work which they make for each other is done before the loop
 * sleeps. They are bounded by ROUNDS_MAX, then descriptors get a look without waiting. Whatever is
 * posted while we are in prepare (or spin) needs no eventfd: libev's async only sets a flag until
 * the loop really is about to wait, and looks at the flag once more before it does.
 *
 * loop_wake is the only call for other threads: the wake says "look", the mailbox holds the truth.
 */
#include "loop/loop.h"

#include <stdatomic.h>
#include <stdio.h>

#include <ev.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/metric.h"
#include "loop/loop_private.h"
#include "loop/timer.h"

enum { ROUNDS_MAX = 64 };

struct turn_entry {
	loop_turn_fn fn;
	void *user;
};

struct wake_entry {
	loop_wake_fn fn;
	void *user;
};

struct spin_entry {
	loop_spin_fn fn;
	void *user;
};

struct signal_entry {
	struct signal_entry *next;
	ev_signal ev;
	loop_signal_fn fn;
	void *user;
};

static _Thread_local struct loop *running; /* what this thread is in, if anything */

_Static_assert(sizeof(ev_io) <= sizeof(((struct loop_io *)0)->ev), "loop_io holds an ev_io");

static ev_io *io_of(struct loop_io *io)
{
	return (ev_io *)io->ev.bytes;
}

static bool run_turn_callbacks(struct loop *l)
{
	bool did_any = false;
	for (size_t i = 0; i < l->turn_count; i++)
		did_any |= l->turns[i].fn(l, l->turns[i].user);
	return did_any;
}

/* Only a loop that is warm spins: an idle one would burn its core for every timer. */
static void spin(struct loop *l)
{
	int64_t end_us = clock_mono_us() + l->spin_us;
	do {
		for (size_t i = 0; i < l->spin_count; i++) {
			if (l->spins[i].fn(l->spins[i].user)) {
				ev_async_send(l->ev, &l->again_ev);
				return;
			}
		}
	} while (clock_mono_us() < end_us);
}

static void on_prepare(struct ev_loop *ev, ev_prepare *w, int revents)
{
	struct loop *l = w->data;
	bool did_any = false, is_busy = true;
	(void)revents;
	l->turn++;
	l->wants_soon = false;
	loop_timer_take_soon(l);
	for (int round = 0; is_busy && round < ROUNDS_MAX; round++) {
		l->wants_again = false;
		is_busy = loop_timer_run_soon(l);
		is_busy |= run_turn_callbacks(l) || l->wants_again || !list_is_empty(&l->soon);
		did_any |= is_busy;
	}
	if (l->begun_ns)
		metric_observe_alone(l->lag, clock_mono_ns() - l->begun_ns);
	if (l->is_stopping)
		ev_break(ev, EVBREAK_ONE);
	else if (is_busy || l->wants_soon)
		ev_async_send(ev, &l->again_ev);
	else if (did_any && l->spin_us && l->spin_count)
		spin(l);
}

/* Highest priority, so that every other callback of the turn sees the new time. */
static void on_check(struct ev_loop *ev, ev_check *w, int revents)
{
	struct loop *l = w->data;
	(void)ev;
	(void)revents;
	l->now_ms = clock_mono_ms();
	l->begun_ns = l->lag ? clock_mono_ns() : 0;
}

static void on_wake(struct ev_loop *ev, ev_async *w, int revents)
{
	struct loop *l = w->data;
	(void)ev;
	(void)revents;
	for (size_t i = 0; i < l->wake_count; i++)
		l->wakes[i].fn(l, l->wakes[i].user);
}

/* Says nothing: its only use is that libev does not wait. */
static void on_again(struct ev_loop *ev, ev_async *w, int revents)
{
	(void)ev;
	(void)w;
	(void)revents;
}

struct loop *loop_new(const char *name)
{
	struct ev_loop *ev = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
	if (!ev)
		return NULL;
	struct loop *l = ALLOC_NEW(struct loop);
	l->ev = ev;
	snprintf(l->name, sizeof(l->name), "%s", name);
	list_init(&l->soon);
	list_init(&l->next_soon);
	l->now_ms = clock_mono_ms();
	ev_set_userdata(ev, l);

	ev_prepare_init(&l->prepare_ev, on_prepare);
	l->prepare_ev.data = l;
	ev_prepare_start(ev, &l->prepare_ev);
	ev_check_init(&l->check_ev, on_check);
	ev_set_priority(&l->check_ev, EV_MAXPRI);
	l->check_ev.data = l;
	ev_check_start(ev, &l->check_ev);
	ev_async_init(&l->wake_ev, on_wake);
	l->wake_ev.data = l;
	ev_async_start(ev, &l->wake_ev);
	ev_async_init(&l->again_ev, on_again);
	ev_async_start(ev, &l->again_ev);
	return l;
}

void loop_free(struct loop **l)
{
	struct loop *dead = *l;
	*l = NULL;
	if (!dead)
		return;
	CHECK(!atomic_load(&dead->is_running));
	for (struct signal_entry *s = dead->signals, *next; s; s = next) {
		next = s->next;
		ev_signal_stop(dead->ev, &s->ev);
		alloc_free(s);
	}
	ev_loop_destroy(dead->ev);
	alloc_free(dead->turns);
	alloc_free(dead->wakes);
	alloc_free(dead->spins);
	alloc_free(dead);
}

void loop_run(struct loop *l)
{
	CHECK(!running && !atomic_exchange(&l->is_running, true));
	running = l;
	ev_now_update(l->ev);
	l->now_ms = clock_mono_ms();
	ev_run(l->ev, 0);
	l->is_stopping = false;
	running = NULL;
	atomic_store(&l->is_running, false);
}

void loop_check_mine(const struct loop *l)
{
	CHECK(running == l || !atomic_load_explicit(&l->is_running, memory_order_relaxed));
}

void loop_stop(struct loop *l)
{
	loop_check_mine(l);
	l->is_stopping = true;
}

void loop_wake(struct loop *l)
{
	ev_async_send(l->ev, &l->wake_ev);
}

void loop_again(struct loop *l)
{
	loop_check_mine(l);
	l->wants_again = true;
}

void loop_soon(struct loop *l)
{
	loop_check_mine(l);
	l->wants_soon = true;
}

uint64_t loop_turn(const struct loop *l)
{
	return l->turn;
}

void loop_set_lag(struct loop *l, struct metric *lag)
{
	loop_check_mine(l);
	l->lag = lag;
}

bool loop_is_mine(const struct loop *l)
{
	return running == l;
}

const char *loop_name(const struct loop *l)
{
	return l->name;
}

int64_t loop_now_ms(const struct loop *l)
{
	return l->now_ms;
}

/* ---- descriptors ---- */

_Static_assert((int)LOOP_READ == (int)EV_READ && (int)LOOP_WRITE == (int)EV_WRITE, "same bits");

static void on_io(struct ev_loop *ev, ev_io *w, int revents)
{
	struct loop_io *io = CONTAINER_OF(w, struct loop_io, ev.bytes);
	struct loop *l = ev_userdata(ev);
	if (revents & EV_ERROR) /* libev gave the descriptor up: let read and write find out why */
		revents |= w->events;
	io->fn(l, io, revents & (LOOP_READ | LOOP_WRITE), w->data);
}

void loop_io_init(struct loop_io *io, int fd, loop_io_fn fn, void *user)
{
	ev_io *w = io_of(io);
	ev_io_init(w, on_io, fd, 0);
	w->data = user;
	io->fn = fn;
}

void loop_io_start(struct loop *l, struct loop_io *io, int events)
{
	loop_io_set(l, io, events);
}

void loop_io_set(struct loop *l, struct loop_io *io, int events)
{
	ev_io *w = io_of(io);
	int old = loop_io_events(io);
	CHECK((events & ~(LOOP_READ | LOOP_WRITE)) == 0);
	loop_check_mine(l);
	if (events == old)
		return;
	ev_io_stop(l->ev, w);
	if (!events)
		return;
	/*
	 * Modify costs no system call when a turn changes its mind; set is for one that was
	 * stopped, because meanwhile another file may be behind the number.
	 */
	if (old)
		ev_io_modify(w, events);
	else
		ev_io_set(w, w->fd, events);
	ev_io_start(l->ev, w);
}

void loop_io_stop(struct loop *l, struct loop_io *io)
{
	loop_check_mine(l);
	ev_io_stop(l->ev, io_of(io));
}

int loop_io_fd(const struct loop_io *io)
{
	return ((const ev_io *)io->ev.bytes)->fd;
}

int loop_io_events(const struct loop_io *io)
{
	const ev_io *w = (const ev_io *)io->ev.bytes;
	return ev_is_active(w) ? w->events & (LOOP_READ | LOOP_WRITE) : 0;
}

/* ---- callbacks ---- */

/* Adds one element to a small array; registration is rare. */
#define ADD_ENTRY(array, count, ...) \
	do { \
		(array) = alloc_grow((array), ((count) + 1) * sizeof(*(array))); \
		(array)[(count)++] = __VA_ARGS__; \
	} while (0)

void loop_on_turn(struct loop *l, loop_turn_fn fn, void *user)
{
	loop_check_mine(l);
	ADD_ENTRY(l->turns, l->turn_count, (struct turn_entry){ fn, user });
}

void loop_on_wake(struct loop *l, loop_wake_fn fn, void *user)
{
	loop_check_mine(l);
	ADD_ENTRY(l->wakes, l->wake_count, (struct wake_entry){ fn, user });
}

void loop_on_spin(struct loop *l, loop_spin_fn has_work, void *user)
{
	loop_check_mine(l);
	ADD_ENTRY(l->spins, l->spin_count, (struct spin_entry){ has_work, user });
}

void loop_set_spin_us(struct loop *l, unsigned us)
{
	loop_check_mine(l);
	l->spin_us = us;
}

static void on_signal(struct ev_loop *ev, ev_signal *w, int revents)
{
	struct signal_entry *s = w->data;
	(void)revents;
	s->fn(ev_userdata(ev), w->signum, s->user);
}

void loop_signal(struct loop *l, int signo, loop_signal_fn fn, void *user)
{
	struct signal_entry *s = ALLOC_NEW(struct signal_entry);
	loop_check_mine(l);
	s->fn = fn;
	s->user = user;
	ev_signal_init(&s->ev, on_signal, signo);
	s->ev.data = s;
	ev_signal_start(l->ev, &s->ev);
	s->next = l->signals;
	l->signals = s;
}

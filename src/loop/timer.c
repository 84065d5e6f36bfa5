/* SPDX-License-Identifier: MIT */
/*
 * Timers of a loop: libev's, which keeps them in a heap (starting and stopping cost log n). Own
 * thread of the loop only. They follow the real monotonic clock, not the one that tests set. Seen
 * from loop_now_ms a timer may come one millisecond early, by rounding; how late it comes depends
 * on what else the turn does.
 */
#include "loop/timer.h"

#include <ev.h>

#include "base/check.h"
#include "base/list.h"
#include "loop/loop_private.h"

_Static_assert(sizeof(ev_timer) <= sizeof(((struct loop_timer *)0)->ev), "holds an ev_timer");

static ev_timer *timer_of(struct loop_timer *t)
{
	return (ev_timer *)t->ev.bytes;
}

static void on_timer(struct ev_loop *ev, ev_timer *w, int revents)
{
	struct loop_timer *t = CONTAINER_OF(w, struct loop_timer, ev.bytes);
	(void)revents;
	t->fn(ev_userdata(ev), t, w->data);
}

void loop_timer_init(struct loop_timer *t, loop_timer_fn fn, void *user)
{
	ev_timer *w = timer_of(t);
	ev_timer_init(w, on_timer, 0., 0.);
	w->data = user;
	list_init(&t->soon);
	t->fn = fn;
}

/* No trip through the heap and the kernel for what this turn is to do when it has done its rest. */
static void start_soon(struct loop *l, struct loop_timer *t)
{
	list_add(l->is_in_soon ? &l->next_soon : &l->soon, &t->soon);
	if (l->is_in_soon)
		loop_soon(l);
}

void loop_timer_take_soon(struct loop *l)
{
	while (!list_is_empty(&l->next_soon)) {
		struct list *node = l->next_soon.prev;
		list_remove(node);
		list_add_first(&l->soon, node);
	}
}

bool loop_timer_run_soon(struct loop *l)
{
	bool did_any = !list_is_empty(&l->soon);
	l->is_in_soon = true;
	while (!list_is_empty(&l->soon)) {
		struct loop_timer *t = LIST_FIRST(&l->soon, struct loop_timer, soon);
		list_remove(&t->soon);
		t->fn(l, t, timer_of(t)->data);
	}
	l->is_in_soon = false;
	return did_any;
}

void loop_timer_start(struct loop *l, struct loop_timer *t, int64_t first_ms, int64_t every_ms)
{
	ev_timer *w = timer_of(t);
	CHECK(first_ms >= 0 && every_ms >= 0);
	loop_timer_stop(l, t);
	if (first_ms == 0 && every_ms == 0) {
		start_soon(l, t);
		return;
	}
	if (!loop_is_mine(l)) /* libev's time stands still while the loop does not run */
		ev_now_update(l->ev);
	ev_timer_set(w, (double)first_ms / 1e3, (double)every_ms / 1e3);
	ev_timer_start(l->ev, w);
}

void loop_timer_stop(struct loop *l, struct loop_timer *t)
{
	loop_check_mine(l);
	ev_timer_stop(l->ev, timer_of(t));
	if (t->soon.next) /* a zeroed one was never initialised */
		list_remove(&t->soon);
}

bool loop_timer_is_active(const struct loop_timer *t)
{
	const ev_timer *w = (const ev_timer *)t->ev.bytes;
	return ev_is_active(w) || (t->soon.next && !list_is_empty(&t->soon));
}

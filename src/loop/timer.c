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
	t->fn = fn;
}

void loop_timer_start(struct loop *l, struct loop_timer *t, int64_t first_ms, int64_t every_ms)
{
	ev_timer *w = timer_of(t);
	CHECK(first_ms >= 0 && every_ms >= 0);
	loop_check_mine(l);
	ev_timer_stop(l->ev, w);
	if (!loop_is_mine(l)) /* libev's time stands still while the loop does not run */
		ev_now_update(l->ev);
	ev_timer_set(w, (double)first_ms / 1e3, (double)every_ms / 1e3);
	ev_timer_start(l->ev, w);
}

void loop_timer_stop(struct loop *l, struct loop_timer *t)
{
	loop_check_mine(l);
	ev_timer_stop(l->ev, timer_of(t));
}

bool loop_timer_is_active(const struct loop_timer *t)
{
	const ev_timer *w = (const ev_timer *)t->ev.bytes;
	return ev_is_active(w);
}

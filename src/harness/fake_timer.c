/* SPDX-License-Identifier: MIT */
/*
 * Timers that wait for nobody but the test: a list in the order in which they are due, equal ones
 * as they were started. The list is static, because timers are stopped and started without saying
 * where they are kept; there is one loop in the process.
 */
#include "harness/fake_timer.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/list.h"
#include "loop/loop.h"
#include "loop/timer.h"

/* In the place where loop_timer has libev's. */
struct waiting {
	struct list node; /* of itself when not active */
	struct loop *loop;
	void *user;
	int64_t due_ms;
	uint32_t every_ms;
};
_Static_assert(sizeof(struct waiting) <= sizeof(((struct loop_timer *)0)->ev), "holds a waiting");

static struct list active = { &active, &active };

static struct waiting *waiting_of(struct loop_timer *t)
{
	return (struct waiting *)t->ev.bytes;
}

static struct loop_timer *timer_of(struct waiting *w)
{
	return CONTAINER_OF((unsigned char *)w, struct loop_timer, ev.bytes);
}

static struct waiting *first(void)
{
	return LIST_FIRST(&active, struct waiting, node);
}

static void insert(struct waiting *w)
{
	struct list *before = active.prev;
	while (before != &active && CONTAINER_OF(before, struct waiting, node)->due_ms > w->due_ms)
		before = before->prev;
	list_add_between(&w->node, before, before->next);
}

void loop_timer_init(struct loop_timer *t, loop_timer_fn fn, void *user)
{
	struct waiting *w = waiting_of(t);
	*w = (struct waiting){ .user = user };
	list_init(&w->node);
	t->fn = fn;
}

void loop_timer_start(struct loop *l, struct loop_timer *t, int64_t first_ms, int64_t every_ms)
{
	struct waiting *w = waiting_of(t);
	CHECK(first_ms >= 0 && every_ms >= 0 && every_ms <= UINT32_MAX);
	list_remove(&w->node);
	w->loop = l;
	w->due_ms = clock_mono_ms() + first_ms;
	w->every_ms = (uint32_t)every_ms;
	insert(w);
}

/* A zeroed one was never initialised; libev's may be stopped then, so these may. */
void loop_timer_stop(struct loop *l, struct loop_timer *t)
{
	struct waiting *w = waiting_of(t);
	(void)l;
	if (w->node.next)
		list_remove(&w->node);
}

bool loop_timer_is_active(const struct loop_timer *t)
{
	const struct waiting *w = (const struct waiting *)t->ev.bytes;
	return w->node.next && w->node.next != &w->node;
}

/* Those of the end of a turn stand in the same list: they are due at once. */
void loop_timer_take_soon(struct loop *l)
{
	(void)l;
}

bool loop_timer_run_soon(struct loop *l)
{
	(void)l;
	return false;
}

int64_t fake_timer_next_ms(void)
{
	const struct waiting *w = first();
	return w ? w->due_ms : -1;
}

bool fake_timer_run_due(void)
{
	struct waiting *w = first();
	if (!w || w->due_ms > clock_mono_ms())
		return false;
	list_remove(&w->node);
	if (w->every_ms) {
		w->due_ms += w->every_ms;
		insert(w);
	}
	struct loop_timer *t = timer_of(w);
	t->fn(w->loop, t, w->user); /* which may free it */
	return true;
}

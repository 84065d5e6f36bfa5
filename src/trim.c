/* SPDX-License-Identifier: MIT */
#include "trim.h"

/*
 * A heap that was big stays big: what is freed is kept for the next allocation. Every LOOK_MS it is
 * looked at; when there was much to spare at two looks in a row, nobody needed it between them, and
 * it goes back. On a worker, because it takes its time; other threads meanwhile wait only for
 * pieces that their own caches do not have.
 */

#include "base/alloc.h"
#include "base/log.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "provide/work.h"

enum { LOOK_MS = 10000, SPARE_BYTES = 32 * 1024 * 1024 };

struct trim {
	struct loop *loop;
	struct work_pool *work;
	struct loop_timer timer;
	bool had_spare, is_working;
	/* The worker's, while it works. */
	size_t before, after;
};

static void on_work(void *user)
{
	struct trim *t = user;
	t->before = alloc_spare_bytes();
	alloc_trim();
	t->after = alloc_spare_bytes();
}

static void on_done(void *user)
{
	struct trim *t = user;
	t->is_working = false;
	log_write(LOG_LEVEL_DEBUG, "server", NULL,
		"gave memory back: %zu of %zu MB to spare are left", t->after >> 20,
		t->before >> 20);
}

static void on_look(struct loop *loop, struct loop_timer *timer, void *user)
{
	struct trim *t = user;
	(void)loop, (void)timer;
	if (t->is_working)
		return;
	/* What was left last time is in pieces too small to give back. */
	bool has_spare = alloc_spare_bytes() >= t->after + SPARE_BYTES;
	if (has_spare && t->had_spare)
		t->is_working = work_post(t->work, 0, on_work, on_done, t) == 0;
	t->had_spare = has_spare && !t->is_working;
}

struct trim *trim_new(struct loop *loop, struct work_pool *work)
{
	struct trim *t = ALLOC_NEW(struct trim);
	t->loop = loop;
	t->work = work;
	loop_timer_init(&t->timer, on_look, t);
	loop_timer_start(loop, &t->timer, LOOK_MS, LOOK_MS);
	return t;
}

void trim_free(struct trim **trim)
{
	if (*trim)
		loop_timer_stop((*trim)->loop, &(*trim)->timer);
	alloc_free(*trim);
	*trim = NULL;
}

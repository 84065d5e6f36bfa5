/* SPDX-License-Identifier: MIT */
#ifndef LOOP_TIMER_H
#define LOOP_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct loop;

/* Embedded timers; own thread of the loop only. Must be stopped before the memory goes. */
struct loop_timer;
typedef void (*loop_timer_fn)(struct loop *l, struct loop_timer *t, void *user);
struct loop_timer {
	union {
		void *align;
		unsigned char bytes[48]; /* libev's watcher; size asserted in timer.c */
	} ev;
	struct list soon; /* in its loop's, while it waits for the end of a turn */
	loop_timer_fn fn;
};

void loop_timer_init(struct loop_timer *t, loop_timer_fn fn, void *user);

/*
 * Counts from the beginning of this turn. every_ms 0: once. Both 0: at the end of this turn, before
 * its on_turn callbacks; started by one of its kind, at the end of the next, so that it can be used
 * to do much in small parts. Restarts one that is active.
 */
void loop_timer_start(struct loop *l, struct loop_timer *t, int64_t first_ms, int64_t every_ms);
void loop_timer_stop(struct loop *l, struct loop_timer *t); /* also when not active */
bool loop_timer_is_active(const struct loop_timer *t);

/*
 * For the loop, at the end of a turn. Timers of the turn before join this one's; runs this turn's,
 * false: there were none.
 */
void loop_timer_take_soon(struct loop *l);
bool loop_timer_run_soon(struct loop *l);

#endif

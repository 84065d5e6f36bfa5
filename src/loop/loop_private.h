/* SPDX-License-Identifier: MIT */
#ifndef LOOP_LOOP_PRIVATE_H
#define LOOP_LOOP_PRIVATE_H

#include <stdatomic.h>

#include <ev.h>

#include "base/list.h"
#include "loop/loop.h"

/* For loop.c and timer.c, the two files that know libev. */
struct turn_entry;
struct wake_entry;
struct spin_entry;
struct signal_entry;

struct loop {
	struct ev_loop *ev;
	ev_prepare prepare_ev;
	ev_check check_ev;
	ev_async wake_ev, again_ev;
	char name[32];
	atomic_bool is_running; /* read by whoever asserts that it is not */
	bool is_stopping, wants_again, wants_soon;
	uint64_t turn;
	unsigned spin_us;
	int64_t now_ms;
	struct metric *lag;
	int64_t begun_ns; /* of this turn; 0: nobody wants to know, or the first */
	struct turn_entry *turns;
	struct wake_entry *wakes;
	struct spin_entry *spins;
	size_t turn_count, wake_count, spin_count;
	struct list soon, next_soon; /* timers of the end of this turn, and of the next one's */
	bool is_in_soon;
	struct signal_entry *signals;
};

/* Own thread, or not running yet. */
void loop_check_mine(const struct loop *l);

#endif

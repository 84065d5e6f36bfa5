/* SPDX-License-Identifier: MIT */
#ifndef BASE_WHEEL_H
#define BASE_WHEEL_H

#include <stdint.h>

#include "base/list.h"

/*
 * Deadlines of many things for the price of a list node each: a ring of lists, one per tick, and
 * one timer for all of it. A node comes up at most a tick late; one that lies beyond the ring comes
 * up early. Either way it is the callback that looks whether it is due and puts it back if not, so
 * activity need not move anything. Times are 32 bits of milliseconds and may wrap. One thread.
 */
enum { WHEEL_SLOTS = 256 };

struct wheel {
	struct list slots[WHEEL_SLOTS];
	uint32_t now_ms; /* of slot `at` */
	uint32_t tick_ms;
	unsigned at;
};

typedef void (*wheel_fn)(struct list *node, void *user);

void wheel_init(struct wheel *w, uint32_t now_ms, uint32_t tick_ms);
/*
 * An empty wheel that was not turned for a while goes on from now. After 2^31 ms (24.8 days) it has
 * to: turning cannot tell such a gap from a step back.
 */
void wheel_restart(struct wheel *w, uint32_t now_ms);
void wheel_put(struct wheel *w, struct list *node, uint32_t due_ms); /* moves it if it was in */
/* Calls fn for every node whose slot has passed, taken out. fn may put or free it, and no other. */
void wheel_turn(struct wheel *w, uint32_t now_ms, wheel_fn fn, void *user);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The ring of deadlines, see wheel.h. A node taken out for its callback is a list of its own, so
 * the callback may leave it anywhere. A loop that slept through more than one round of the ring
 * visits every slot once.
 */
#include "base/wheel.h"

#include "base/check.h"

void wheel_init(struct wheel *w, uint32_t now_ms, uint32_t tick_ms)
{
	for (unsigned i = 0; i < WHEEL_SLOTS; i++)
		list_init(&w->slots[i]);
	w->now_ms = now_ms;
	w->tick_ms = tick_ms ? tick_ms : 1;
	w->at = 0;
}

void wheel_restart(struct wheel *w, uint32_t now_ms)
{
	for (unsigned i = 0; i < WHEEL_SLOTS; i++)
		CHECK(list_is_empty(&w->slots[i]));
	w->now_ms = now_ms;
}

void wheel_put(struct wheel *w, struct list *node, uint32_t due_ms)
{
	int32_t ahead_ms = (int32_t)(due_ms - w->now_ms);
	uint32_t ticks = ahead_ms <= 0 ? 1 : ((uint32_t)ahead_ms + w->tick_ms - 1) / w->tick_ms;
	if (ticks >= WHEEL_SLOTS)
		ticks = WHEEL_SLOTS - 1;
	list_remove(node);
	list_add(&w->slots[(w->at + ticks) % WHEEL_SLOTS], node);
}

/* The list is moved away first: what fn puts back may land in the slot that is being emptied. */
static void empty_slot(struct list *slot, wheel_fn fn, void *user)
{
	struct list due;
	if (list_is_empty(slot))
		return;
	list_add_between(&due, slot->prev, slot->next);
	list_init(slot);
	while (!list_is_empty(&due)) {
		struct list *node = due.next;
		list_remove(node);
		fn(node, user);
	}
}

void wheel_turn(struct wheel *w, uint32_t now_ms, wheel_fn fn, void *user)
{
	uint32_t ticks = (now_ms - w->now_ms) / w->tick_ms;
	if ((int32_t)(now_ms - w->now_ms) < 0)
		return;
	w->now_ms += ticks * w->tick_ms;
	for (uint32_t i = 0; i < ticks && i < WHEEL_SLOTS; i++) {
		w->at = (w->at + 1) % WHEEL_SLOTS;
		empty_slot(&w->slots[w->at], fn, user);
	}
}

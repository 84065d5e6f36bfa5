/* SPDX-License-Identifier: MIT */
/* The table of connections, see conn_table.h. Grows by doubling, never shrinks: 16 bytes a slot. */
#include "io/conn_table.h"

#include "base/alloc.h"
#include "base/check.h"
#include "io/io_msg.h"

enum { FIRST_SLOTS = 64, MAX_SLOTS = 1 << 24 }; /* io_id_slot has 24 bits */

void conn_table_init(struct conn_table *t, unsigned thread)
{
	*t = (struct conn_table){ .thread = thread };
}

void conn_table_fini(struct conn_table *t)
{
	alloc_free(t->slots);
	*t = (struct conn_table){ 0 };
}

static void add_free(struct conn_table *t, uint32_t slot)
{
	t->slots[slot].next_free = 0;
	if (t->free_last)
		t->slots[t->free_last - 1].next_free = slot + 1;
	else
		t->free_first = slot + 1;
	t->free_last = slot + 1;
}

static void grow(struct conn_table *t)
{
	uint32_t old = t->size;
	CHECK(old < MAX_SLOTS);
	t->size = old ? old * 2 : FIRST_SLOTS;
	t->slots = alloc_grow(t->slots, t->size * sizeof(*t->slots));
	for (uint32_t i = old; i < t->size; i++) {
		t->slots[i] = (struct conn_slot){ .generation = 1 };
		add_free(t, i);
	}
}

nuncio_sid conn_table_add(struct conn_table *t, struct conn *c)
{
	if (!t->free_first)
		grow(t);
	uint32_t slot = t->free_first - 1;
	t->free_first = t->slots[slot].next_free;
	if (!t->free_first)
		t->free_last = 0;
	t->slots[slot].conn = c;
	t->count++;
	return io_id_make(t->thread, slot, t->slots[slot].generation);
}

static struct conn_slot *slot_of(const struct conn_table *t, nuncio_sid id)
{
	uint32_t slot = io_id_slot(id);
	if (slot >= t->size || io_id_thread(id) != t->thread ||
		t->slots[slot].generation != (uint32_t)(id >> 32))
		return NULL;
	return &t->slots[slot];
}

void conn_table_remove(struct conn_table *t, nuncio_sid id)
{
	struct conn_slot *slot = slot_of(t, id);
	CHECK(slot && slot->conn);
	slot->conn = NULL;
	if (++slot->generation == 0)
		slot->generation = 1;
	t->count--;
	add_free(t, io_id_slot(id));
}

struct conn *conn_table_find(const struct conn_table *t, nuncio_sid id)
{
	struct conn_slot *slot = slot_of(t, id);
	return slot ? slot->conn : NULL;
}

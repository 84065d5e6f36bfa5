/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_SLOTS_H
#define LOGIC_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nuncio/session.h>

/*
 * Which modules keep data with objects of one scope. Slots are taken while modules register;
 * afterwards the number is fixed. An object's array is made when a module first keeps something
 * with it, so that an idle object without data costs one pointer.
 */
struct nuncio_slot {
	uint32_t scope; /* enum nuncio_scope */
	uint32_t index;
	nuncio_free_fn *free_fn;
};

enum { SLOTS_MAX = 64 };

struct slots {
	struct nuncio_slot *all[SLOTS_MAX];
	size_t count;
};

void slots_fini(struct slots *slots);
struct nuncio_slot *slots_take(
	struct slots *slots, enum nuncio_scope scope, nuncio_free_fn *free_fn); /* NULL: no room */

void *slots_get(void *const *data, const struct nuncio_slot *slot);
void slots_set(
	const struct slots *slots, void ***data, const struct nuncio_slot *slot, void *value);
void slots_free_data(const struct slots *slots, void ***data); /* calls the free functions */

#endif

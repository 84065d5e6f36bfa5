/* SPDX-License-Identifier: MIT */
#include "logic/slots.h"

/*
 * Logic thread only. See the header; the slots themselves live until the server ends, so that late
 * frees find their function.
 */

#include "base/alloc.h"

void slots_fini(struct slots *slots)
{
	for (size_t i = 0; i < slots->count; i++)
		alloc_free(slots->all[i]);
	slots->count = 0;
}

struct nuncio_slot *slots_take(
	struct slots *slots, enum nuncio_scope scope, nuncio_free_fn *free_fn)
{
	if (slots->count == SLOTS_MAX)
		return NULL;
	struct nuncio_slot *slot = ALLOC_NEW(struct nuncio_slot);
	slot->scope = scope;
	slot->index = (uint32_t)slots->count;
	slot->free_fn = free_fn;
	slots->all[slots->count++] = slot;
	return slot;
}

void *slots_get(void *const *data, const struct nuncio_slot *slot)
{
	return data ? data[slot->index] : NULL;
}

void slots_set(const struct slots *slots, void ***data, const struct nuncio_slot *slot, void *value)
{
	if (!*data) {
		if (!value)
			return;
		*data = ALLOC_ARRAY(void *, slots->count);
	}
	(*data)[slot->index] = value;
}

void slots_free_data(const struct slots *slots, void ***data)
{
	if (!*data)
		return;
	for (size_t i = 0; i < slots->count; i++)
		if ((*data)[i] && slots->all[i]->free_fn)
			slots->all[i]->free_fn((*data)[i]);
	alloc_free(*data);
	*data = NULL;
}

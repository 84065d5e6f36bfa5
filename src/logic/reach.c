/* SPDX-License-Identifier: MIT */
#include "logic/reach.h"

/* A list of names, made only when somebody needs it. Logic thread only. */

#include "base/alloc.h"

enum { ROOM_FIRST = 8, HEAD_BYTES = 2 };

void reach_fini(struct reach *reach)
{
	buf_fini(&reach->text);
	alloc_free(reach->items);
	*reach = (struct reach){ 0 };
}

void reach_add(struct reach *reach, struct nuncio_str name, bool is_live)
{
	if (reach->count == reach->room) {
		reach->room = reach->room ? reach->room * 2 : ROOM_FIRST;
		reach->items = alloc_grow(reach->items, reach->room * sizeof *reach->items);
	}
	struct reach_item *item = &reach->items[reach->count++];
	item->at = (uint32_t)reach->text.used;
	item->bytes = (uint32_t)(HEAD_BYTES + name.n);
	item->is_live = is_live;
	buf_add(&reach->text, is_live ? "c:" : "u:", HEAD_BYTES);
	buf_add_str(&reach->text, name);
}

struct nuncio_str reach_topic(const struct reach *reach, uint32_t index)
{
	const struct reach_item *item = &reach->items[index];
	return (struct nuncio_str){ reach->text.data + item->at, item->bytes };
}

struct nuncio_str reach_name(const struct reach *reach, uint32_t index)
{
	struct nuncio_str topic = reach_topic(reach, index);
	return (struct nuncio_str){ topic.p + HEAD_BYTES, topic.n - HEAD_BYTES };
}

/* SPDX-License-Identifier: MIT */
#include "logic/reach.h"

/* A list of names, made only when somebody needs it. Logic thread only. */

#include "base/alloc.h"

enum { ROOM_FIRST = 8 };

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
	reach->items[reach->count++] = (struct reach_item){
		.at = (uint32_t)reach->text.used, .bytes = (uint32_t)name.n, .is_live = is_live
	};
	buf_add_str(&reach->text, name);
}

struct nuncio_str reach_name(const struct reach *reach, uint32_t index)
{
	const struct reach_item *item = &reach->items[index];
	return (struct nuncio_str){ reach->text.data + item->at, item->bytes };
}

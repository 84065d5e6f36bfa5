/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_MISS_H
#define LOGIC_MISS_H

#include <stdbool.h>
#include <stddef.h>

#include <nuncio/conversation.h>

#include "base/list.h"

struct logic;
struct reach;

/*
 * did_miss: who was written to, or called, and is nowhere. Members that the audience named, and
 * called users whom the store knows as members. Logic thread only.
 */
enum { MISSES_MAX = 10000, MISSES_BYTES_MAX = 64 << 20 };

struct misses { /* messages for which somebody is still being looked for */
	struct list waiting;
	size_t count, bytes;
};

void miss_init(struct misses *misses);
void miss_fini(struct misses *misses); /* the store has answered everything */

/* A message that somebody listens for. */
bool miss_is_wanted(const struct logic *logic, const struct nuncio_event *event);

/*
 * Tells did_miss now or later. Over MISSES_MAX messages or MISSES_BYTES_MAX bytes that wait, nobody
 * is looked for: members whom the audience named are told, others are not, and that is counted.
 */
void miss_tell(struct logic *logic, const struct nuncio_event *event, const struct reach *reach,
	const struct nuncio_str *called, size_t called_count);

#endif

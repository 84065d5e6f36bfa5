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
 * called users whom the store knows as members; all members when a message to a live side calls
 * all. Logic thread only.
 */
enum { MISSES_MAX = 10000, MISSES_BYTES_MAX = 64 << 20 };

struct misses {                       /* messages for which somebody is still being looked for */
	struct list waiting, walks;   /* walks: of miss_all.c, not yet under way */
	size_t count, bytes, walking; /* count, bytes: of all */
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

/* Of these members those who are nowhere are told to be called; then `done`, perhaps now. */
typedef void miss_done_fn(void *user);
void miss_tell_called(struct logic *logic, const struct nuncio_event *event,
	const struct nuncio_str *members, size_t n, miss_done_fn *done, void *user);

#endif

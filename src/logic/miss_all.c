/* SPDX-License-Identifier: MIT */
#include "logic/miss_all.h"

/*
 * A message that calls everybody, into a conversation with a live side: who of its members is
 * nowhere only the store knows. Its members are read page by page, and told of before the next page
 * is asked for; so a hundred thousand of them neither hold the logic thread nor fill its memory. A
 * few messages at a time, the others wait; the sender was answered long before. Who has come after
 * the message is not called.
 */

#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/slice.h"
#include "logic/event.h"
#include "logic/logic.h"
#include "logic/miss.h"
#include "provide/store.h"
#include "wire/limits.h"

enum { WALKS_MAX = 4, PAGE_ROWS = 200 };

struct miss_walk {
	struct list node; /* of those that wait, or of those under way */
	struct logic *logic;
	struct nuncio_event *event; /* a copy */
	size_t bytes;
	bool has_more;
	char after[LIMIT_USER_BYTES + 1];
};

static void pump(struct logic *logic);

static void walk_free(struct miss_walk *walk)
{
	struct misses *misses = &walk->logic->misses;
	misses->count--;
	misses->bytes -= walk->bytes;
	list_remove(&walk->node);
	alloc_free(walk->event);
	alloc_free(walk);
}

static void walk_end(struct miss_walk *walk)
{
	struct logic *logic = walk->logic;
	logic->misses.walking--;
	walk_free(walk);
	pump(logic);
}

static int ask_page(struct miss_walk *walk);

/* Whoever could not be read is not told, and counted as one. */
static void walk_fail(struct miss_walk *walk)
{
	metric_add(walk->logic->count.misses_dropped, 1);
	walk_end(walk);
}

static void on_told(void *user)
{
	struct miss_walk *walk = user;
	if (!walk->has_more)
		walk_end(walk);
	else if (ask_page(walk) < 0)
		walk_fail(walk);
}

static void on_members(int status, const struct nuncio_member *rows, size_t n, int more, void *user)
{
	struct miss_walk *walk = user;
	size_t count = 0;
	if (status < 0) {
		walk_fail(walk);
		return;
	}
	struct nuncio_str *users = ALLOC_ARRAY(struct nuncio_str, n + 1);
	for (size_t i = 0; i < n; i++)
		if (rows[i].since < walk->event->seq)
			users[count++] = rows[i].user;
	walk->has_more = more && n > 0;
	if (walk->has_more) {
		struct nuncio_str last = rows[n - 1].user;
		CHECK(last.n < sizeof walk->after);
		memcpy(walk->after, last.p, last.n);
		walk->after[last.n] = '\0';
	}
	miss_tell_called(walk->logic, walk->event, users, count, on_told, walk);
	alloc_free(users);
}

static int ask_page(struct miss_walk *walk)
{
	return store_members(walk->logic->parts.store, walk->event->conversation, 0,
		str_of(walk->after), PAGE_ROWS, on_members, walk);
}

static void pump(struct logic *logic)
{
	struct misses *misses = &logic->misses;
	while (misses->walking < WALKS_MAX && !list_is_empty(&misses->walks)) {
		struct miss_walk *walk = LIST_FIRST(&misses->walks, struct miss_walk, node);
		list_remove(&walk->node);
		if (ask_page(walk) < 0) {
			metric_add(logic->count.misses_dropped, 1);
			walk_free(walk);
			continue;
		}
		misses->walking++;
	}
}

void miss_tell_everybody(struct logic *logic, const struct nuncio_event *event)
{
	struct miss_walk *walk = alloc_zero(sizeof *walk);
	walk->logic = logic;
	walk->event = event_copy(event);
	walk->bytes = sizeof *walk + event_bytes(event);
	logic->misses.count++;
	logic->misses.bytes += walk->bytes;
	list_add(&logic->misses.walks, &walk->node);
	pump(logic);
}

void miss_all_fini(struct misses *misses)
{
	LIST_EACH_SAFE (&misses->walks, walk, struct miss_walk, node)
		walk_free(walk);
}

/* SPDX-License-Identifier: MIT */
#include "logic/miss.h"

/*
 * Who missed a message. Candidates are the users whom the kind's audience named (members by that),
 * and those whom the message calls: of these the store is asked whether they are members, so that
 * nobody hears of a conversation that they are not in. Whoever has a session here is none, and who
 * has one on another node neither: the bus is asked for all of them. What cannot be said at once
 * waits with a copy of the message.
 */

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/slice.h"
#include "hook/chain.h"
#include "logic/event.h"
#include "logic/logic.h"
#include "logic/miss_all.h"
#include "logic/reach.h"
#include "provide/bus.h"
#include "provide/store.h"

struct candidate {
	struct nuncio_str user;
	bool is_member, is_called;
	struct miss *miss; /* while the store is asked */
};

/* One message, while somebody is looked for. */
struct miss {
	struct list node; /* in logic->misses */
	struct logic *logic;
	struct nuncio_event *event; /* a copy */
	size_t bytes, open;         /* open: questions to the store */
	miss_done_fn *done;         /* may be NULL */
	void *user;
	size_t count;
	struct candidate all[];
};

void miss_init(struct misses *misses)
{
	list_init(&misses->waiting);
	list_init(&misses->walks);
}

static void miss_free(struct misses *misses, struct miss *miss)
{
	misses->count--;
	misses->bytes -= miss->bytes;
	list_remove(&miss->node);
	alloc_free(miss->event);
	alloc_free(miss);
}

static void miss_end(struct miss *miss)
{
	miss_done_fn *done = miss->done;
	void *user = miss->user;
	miss_free(&miss->logic->misses, miss);
	if (done)
		done(user);
}

void miss_fini(struct misses *misses)
{
	miss_all_fini(misses);
	LIST_EACH_SAFE (&misses->waiting, miss, struct miss, node)
		miss_free(misses, miss);
	CHECK(misses->count == 0 && misses->bytes == 0);
}

bool miss_is_wanted(const struct logic *logic, const struct nuncio_event *event)
{
	return hook_has(logic->parts.hooks, NUNCIO_HOOK_did_miss) && event->target == 0 &&
	       str_eq_text(event->type, "message") && !(event->flags & NUNCIO_EVENT_VOID);
}

static void tell(struct logic *logic, const struct nuncio_event *event, const struct candidate *who)
{
	struct nuncio_miss facts = { .user = who->user,
		.event = event,
		.is_called = who->is_called || (event->flags & NUNCIO_EVENT_MENTIONS_ALL) };
	if (!user_is_here(user_find(&logic->users, who->user))) /* has perhaps come meanwhile */
		hook_tell(logic->parts.hooks, NUNCIO_HOOK_did_miss, &facts);
}

/* ---- candidates ---- */

static int compare(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	size_t n = x->user.n < y->user.n ? x->user.n : y->user.n;
	int order = n ? memcmp(x->user.p, y->user.p, n) : 0;
	return order ? order : x->user.n < y->user.n ? -1 : x->user.n > y->user.n;
}

static size_t gather(const struct logic *logic, const struct nuncio_event *event,
	const struct candidate *one, struct candidate *all, size_t count)
{
	if (one->user.n == 0 || str_eq(one->user, event->from) ||
		user_is_here(user_find(&logic->users, one->user)))
		return count;
	all[count] = *one;
	return count + 1;
}

/* Everybody once, with what is known of them from all places. */
static size_t merge(struct candidate *all, size_t count)
{
	size_t kept = 0;
	if (count == 0)
		return 0;
	qsort(all, count, sizeof *all, compare);
	for (size_t i = 1; i < count; i++) {
		if (str_eq(all[i].user, all[kept].user)) {
			all[kept].is_member |= all[i].is_member;
			all[kept].is_called |= all[i].is_called;
		} else {
			all[++kept] = all[i];
		}
	}
	return kept + 1;
}

static size_t find_candidates(struct logic *logic, const struct nuncio_event *event,
	const struct reach *reach, const struct nuncio_str *called, size_t called_count,
	struct candidate *all)
{
	size_t count = 0;
	for (uint32_t i = 0; i < reach->count; i++) {
		struct candidate member = { .user = reach_name(reach, i), .is_member = true };
		if (!reach->items[i].is_live)
			count = gather(logic, event, &member, all, count);
	}
	for (size_t i = 0; i < called_count; i++) {
		struct candidate one = { .user = called[i], .is_called = true };
		count = gather(logic, event, &one, all, count);
	}
	return merge(all, count);
}

/* ---- those whom the store has to know ---- */

static void on_member(int status, const struct nuncio_member *rows, size_t n, int more, void *user)
{
	struct candidate *who = user;
	struct miss *miss = who->miss;
	(void)more;
	if (status == 0 && n == 1 && rows->until == 0)
		tell(miss->logic, miss->event, who);
	if (--miss->open == 0)
		miss_end(miss);
}

static void drop(struct logic *logic, size_t count)
{
	metric_add(logic->count.misses_dropped, (int64_t)count);
}

static struct miss *miss_new(struct logic *logic, const struct nuncio_event *event,
	const struct candidate *all, size_t count)
{
	size_t bytes = sizeof(struct miss) + count * sizeof *all;
	for (size_t i = 0; i < count; i++)
		bytes += all[i].user.n;
	struct miss *miss = alloc_zero(bytes);
	char *at = (char *)(miss->all + count);
	for (size_t i = 0; i < count; i++) {
		miss->all[i] = all[i];
		miss->all[i].miss = miss;
		memcpy(at, all[i].user.p, all[i].user.n);
		miss->all[i].user.p = at;
		at += all[i].user.n;
	}
	miss->logic = logic;
	miss->count = count;
	miss->event = event_copy(event);
	miss->bytes = bytes + event_bytes(event);
	logic->misses.count++;
	logic->misses.bytes += miss->bytes;
	list_add(&logic->misses.waiting, &miss->node);
	return miss;
}

/* The store is asked of each; one answer too many keeps the memory until all are asked. */
static void ask_store(struct miss *miss)
{
	struct logic *logic = miss->logic;
	miss->open = 1;
	for (size_t i = 0; i < miss->count; i++) {
		struct candidate *who = &miss->all[i];
		if (who->is_member)
			continue;
		int rc = store_member(
			logic->parts.store, miss->event->conversation, who->user, on_member, who);
		if (rc == 0)
			miss->open++;
		else
			drop(logic, 1);
	}
	if (--miss->open == 0)
		miss_end(miss);
}

/* ---- those who may be on other nodes ---- */

/* Tells those who are known, and asks for the rest. */
static void miss_go_on(struct miss *miss)
{
	for (size_t i = 0; i < miss->count; i++)
		if (miss->all[i].is_member)
			tell(miss->logic, miss->event, &miss->all[i]);
	ask_store(miss);
}

static void on_found(int status, const unsigned char *yes, size_t n, void *user)
{
	struct miss *miss = user;
	size_t kept = 0;
	for (size_t i = 0; status == 0 && i < n; i++)
		if (!yes[i])
			miss->all[kept++] = miss->all[i];
	if (status == 0)
		miss->count = kept;
	miss_go_on(miss);
}

static void ask_bus(struct miss *miss)
{
	struct nuncio_str *topics = ALLOC_ARRAY(struct nuncio_str, miss->count);
	struct buf text = { 0 };
	for (size_t i = 0; i < miss->count; i++)
		buf_printf(&text, "u:" STR_FMT, STR_ARG(miss->all[i].user));
	const char *at = text.data;
	for (size_t i = 0; i < miss->count; i++) {
		topics[i] = (struct nuncio_str){ at, 2 + miss->all[i].user.n };
		at += topics[i].n;
	}
	bus_find(miss->logic->parts.bus, topics, miss->count, on_found, miss);
	alloc_free(topics);
	buf_fini(&text);
}

/* ---- */

static bool has_room(const struct misses *misses)
{
	return misses->count < MISSES_MAX && misses->bytes < MISSES_BYTES_MAX;
}

/* Everything can be said now: no other nodes, no question to the store. */
static void tell_now(struct logic *logic, const struct nuncio_event *event,
	const struct candidate *all, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (all[i].is_member)
			tell(logic, event, &all[i]);
		else
			drop(logic, 1);
	}
}

static bool has_live(const struct reach *reach)
{
	for (uint32_t i = 0; i < reach->count; i++)
		if (reach->items[i].is_live)
			return true;
	return false;
}

void miss_tell_called(struct logic *logic, const struct nuncio_event *event,
	const struct nuncio_str *members, size_t n, miss_done_fn *done, void *user)
{
	struct candidate *all = ALLOC_ARRAY(struct candidate, n + 1);
	size_t count = 0;
	for (size_t i = 0; i < n; i++) {
		struct candidate one = { .user = members[i], .is_member = true, .is_called = true };
		count = gather(logic, event, &one, all, count);
	}
	if (count > 0 && cluster_is_there(logic)) {
		struct miss *miss = miss_new(logic, event, all, count);
		miss->done = done;
		miss->user = user;
		ask_bus(miss);
	} else {
		tell_now(logic, event, all, count);
		done(user);
	}
	alloc_free(all);
}

void miss_tell(struct logic *logic, const struct nuncio_event *event, const struct reach *reach,
	const struct nuncio_str *called, size_t called_count)
{
	struct candidate *all = ALLOC_ARRAY(struct candidate, reach->count + called_count + 1);
	bool calls_live = (event->flags & NUNCIO_EVENT_MENTIONS_ALL) && has_live(reach);
	if (calls_live && !has_room(&logic->misses)) {
		drop(logic, 1);
		calls_live = false;
	}
	if (calls_live)
		called_count = 0; /* they are among all */
	size_t count = find_candidates(logic, event, reach, called, called_count, all);
	bool must_wait = count > 0 && cluster_is_there(logic);
	for (size_t i = 0; i < count; i++)
		must_wait |= !all[i].is_member;
	if (!must_wait || !has_room(&logic->misses))
		tell_now(logic, event, all, count);
	else if (cluster_is_there(logic))
		ask_bus(miss_new(logic, event, all, count));
	else
		miss_go_on(miss_new(logic, event, all, count));
	alloc_free(all);
	if (calls_live)
		miss_tell_everybody(logic, event);
}

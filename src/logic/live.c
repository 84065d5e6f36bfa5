/* SPDX-License-Identifier: MIT */
#include "logic/live.h"

/*
 * Who of a conversation is connected here. Two arrays hold each pair: the users of a conversation,
 * so that a fan-out walks memory in order, and the conversations of a user, sorted, so that a pair
 * is found by a short search and a user who goes leaves everything at once. A pair costs 8 + 16
 * bytes (8 more where somebody does not see the whole log), and at most half of that again as room
 * to grow; nothing is allocated per pair. Joining
 * costs a search and, for someone who is in thousands of conversations, moving at most 160 KiB.
 * Logic thread only.
 */

#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/slice.h"
#include "logic/logic.h"
#include "wire/limits.h"

enum { ROOM_MIN = 2, RECLAIM_MAX = 10000 /* in one go, so that nobody waits for it */ };

void lives_init(struct lives *lives)
{
	map_init(&lives->by_id);
	list_init(&lives->idle);
}

void lives_fini(struct lives *lives)
{
	CHECK(map_count(&lives->by_id) == 0 && lives->places == 0);
	map_fini(&lives->by_id);
	slots_fini(&lives->slot_kinds);
}

static struct nuncio_str live_id(const struct live *live)
{
	return (struct nuncio_str){ live->id, live->id_bytes };
}

static bool is_id(const struct map_node *node, const void *key)
{
	const struct live *live = CONTAINER_OF(node, struct live, node);
	return str_eq(
		(struct nuncio_str){ live->id, live->id_bytes }, *(const struct nuncio_str *)key);
}

struct live *live_find(const struct lives *lives, struct nuncio_str conversation)
{
	struct map_node *node =
		map_find(&lives->by_id, hash_str(conversation), is_id, &conversation);
	return node ? CONTAINER_OF(node, struct live, node) : NULL;
}

static struct live *live_new(struct logic *logic, struct nuncio_str conversation)
{
	struct live *live = alloc_zero(sizeof *live + conversation.n + 1);
	live->state = LIVE_OPENING;
	live->id_bytes = (uint32_t)conversation.n;
	memcpy(live->id, conversation.p, conversation.n);
	list_init(&live->idle);
	map_add(&logic->lives.by_id, &live->node, hash_str(conversation));
	cluster_live(logic, conversation, true);
	return live;
}

static void live_close(struct logic *logic, struct live *live)
{
	struct lives *lives = &logic->lives;
	live->state = LIVE_CLOSING;
	map_remove(&lives->by_id, &live->node);
	list_remove(&live->idle);
	cluster_live(logic, live_id(live), false);
	slots_free_data(&lives->slot_kinds, &live->slots); /* runs code of modules */
	live->state = LIVE_CLOSED;
	alloc_free(live->users);
	alloc_free(live->since);
	alloc_free(live);
}

/* ---- the two arrays ---- */

static uint32_t more_room(uint32_t room)
{
	return room < ROOM_MIN ? ROOM_MIN : room + (room + 1) / 2;
}

/* What has shrunk to a quarter gives half of its memory back. */
static uint32_t room_after(uint32_t count, uint32_t room)
{
	if (count == 0)
		return 0;
	return room > ROOM_MIN && count <= room / 4 ? room / 2 : room;
}

/* The first place that is not before `live`. */
static uint32_t place_index(const struct user *user, const struct live *live)
{
	uint32_t low = 0, high = user->live_count;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		if ((uintptr_t)user->lives[mid].live < (uintptr_t)live)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct live_place *place_find(const struct user *user, const struct live *live)
{
	uint32_t index = place_index(user, live);
	return index < user->live_count && user->lives[index].live == live ? &user->lives[index]
									   : NULL;
}

static void user_shrink(struct user *user)
{
	uint32_t room = room_after(user->live_count, user->live_room);
	if (room && room != user->live_room)
		user->lives = alloc_grow(user->lives, room * sizeof *user->lives);
	user->live_room = room;
	if (room)
		return;
	alloc_free(user->lives);
	user->lives = NULL;
}

static void live_shrink(struct live *live)
{
	uint32_t room = room_after(live->user_count, live->user_room);
	if (room && room != live->user_room) {
		live->users = alloc_grow(live->users, room * sizeof *live->users);
		if (live->since)
			live->since = alloc_grow(live->since, room * sizeof *live->since);
	}
	live->user_room = room;
	if (room)
		return;
	alloc_free(live->users);
	alloc_free(live->since);
	live->users = NULL;
	live->since = NULL;
}

static void make_room(struct live *live, struct user *user)
{
	if (user->live_count == user->live_room) {
		user->live_room = more_room(user->live_room);
		user->lives = alloc_grow(user->lives, user->live_room * sizeof *user->lives);
	}
	if (live->user_count == live->user_room) {
		live->user_room = more_room(live->user_room);
		live->users = alloc_grow(live->users, live->user_room * sizeof *live->users);
		if (live->since)
			live->since =
				alloc_grow(live->since, live->user_room * sizeof *live->since);
	}
}

static void place_add(struct lives *lives, struct live *live, struct user *user)
{
	uint32_t index = place_index(user, live);
	make_room(live, user);
	memmove(&user->lives[index + 1], &user->lives[index],
		(user->live_count - index) * sizeof *user->lives);
	user->lives[index] = (struct live_place){ live, live->user_count };
	user->live_count++;
	if (live->since)
		live->since[live->user_count] = 0;
	live->users[live->user_count++] = user;
	lives->places++;
	live->state = LIVE_LIVE;
	list_remove(&live->idle);
}

/* The last one takes the place that becomes free. */
static void live_take_out(struct logic *logic, struct live *live, uint32_t at)
{
	struct user *last = live->users[--live->user_count];
	if (at < live->user_count) {
		live->users[at] = last;
		if (live->since)
			live->since[at] = live->since[live->user_count];
		place_find(last, live)->at = at;
	}
	live_shrink(live);
	logic->lives.places--;
	if (live->user_count > 0)
		return;
	live->idle_at_ms = loop_now_ms(logic->parts.loop);
	list_add(&logic->lives.idle, &live->idle);
}

/* ---- joining and leaving ---- */

int live_join(struct logic *logic, struct nuncio_str conversation, struct nuncio_str name)
{
	struct lives *lives = &logic->lives;
	struct user *user = user_find(&logic->users, name);
	struct live *live = live_find(lives, conversation);
	if (!conversation.n || conversation.n > LIMIT_CONVERSATION_BYTES)
		return NUNCIO_E_INVAL;
	if (!user_is_here(user))
		return NUNCIO_E_GONE;
	if (live && place_find(user, live))
		return 0;
	if (user->live_count >= LIVE_PER_USER_MAX)
		return NUNCIO_E_BUSY;
	if (!live)
		live = live_new(logic, conversation);
	place_add(lives, live, user);
	return 0;
}

void live_leave(struct logic *logic, struct nuncio_str conversation, struct nuncio_str name)
{
	struct user *user = user_find(&logic->users, name);
	struct live *live = user ? live_find(&logic->lives, conversation) : NULL;
	struct live_place *place = live ? place_find(user, live) : NULL;
	if (!place)
		return;
	uint32_t at = place->at, index = (uint32_t)(place - user->lives);
	live_take_out(logic, live, at);
	memmove(place, place + 1, (--user->live_count - index) * sizeof *place);
	user_shrink(user);
}

int live_see_above(
	struct logic *logic, struct nuncio_str conversation, struct nuncio_str name, uint64_t since)
{
	const struct user *user = user_find(&logic->users, name);
	struct live *live = user ? live_find(&logic->lives, conversation) : NULL;
	const struct live_place *place = live ? place_find(user, live) : NULL;
	if (!place)
		return NUNCIO_E_NOTFOUND;
	if (!live->since && since)
		live->since = ALLOC_ARRAY(uint64_t, live->user_room);
	if (live->since)
		live->since[place->at] = since;
	return 0;
}

bool live_has(const struct logic *logic, struct nuncio_str conversation, struct nuncio_str name)
{
	const struct user *user = user_find(&logic->users, name);
	const struct live *live = user ? live_find(&logic->lives, conversation) : NULL;
	return live && place_find(user, live);
}

void live_user_ends(struct logic *logic, struct user *user)
{
	while (user->live_count > 0) {
		struct live_place place = user->lives[--user->live_count];
		live_take_out(logic, place.live, place.at);
	}
	user_shrink(user);
}

void lives_reclaim(struct logic *logic, int64_t now_ms, bool all)
{
	struct list *idle = &logic->lives.idle;
	for (int n = 0; (all || n < RECLAIM_MAX) && !list_is_empty(idle); n++) {
		struct live *live = LIST_FIRST(idle, struct live, idle);
		if (!all && now_ms - live->idle_at_ms < LIVE_IDLE_MS)
			return;
		live_close(logic, live);
	}
}

/*
 * From the end, because who leaves is replaced by the last one, who has been visited: so nobody is
 * left out.
 */
void live_each(const struct live *live, live_each_fn *fn, void *data)
{
	for (uint32_t i = live->user_count; i-- > 0;)
		if (i < live->user_count)
			fn(live->users[i], live->since ? live->since[i] : 0, data);
}

/* SPDX-License-Identifier: MIT */
#include "logic/marks.h"

/*
 * One entry per (conversation, user) with a cursor to raise, and the requests that asked for it. A
 * flush hands all entries to the store; what comes meanwhile is a new entry, and the store never
 * lowers a cursor, so the order of answers does not matter. did_mark is told what the store says.
 *
 * What a full lane of the store does not take stays, and is tried with the next flush. Other lanes
 * are not held up by it: they may lead to another server.
 */

#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/slice.h"
#include "hook/chain.h"
#include "logic/logic.h"
#include "logic/request_input.h"
#include "provide/lane.h"
#include "provide/store.h"

struct mark {
	struct map_node node;
	struct list order;
	struct logic *logic;
	struct nuncio_request *waiting; /* to be answered, linked by next */
	uint64_t delivered, read;
	uint32_t lane; /* of the store */
	uint32_t conversation_bytes, user_bytes;
	char text[]; /* conversation, user */
};

static struct nuncio_str mark_conversation(const struct mark *mark)
{
	return (struct nuncio_str){ mark->text, mark->conversation_bytes };
}

static struct nuncio_str mark_user(const struct mark *mark)
{
	return (struct nuncio_str){ mark->text + mark->conversation_bytes, mark->user_bytes };
}

/* It does not wait for a flush any more; what comes now is a new one. */
static void mark_take(struct marks *marks, struct mark *mark)
{
	map_remove(&marks->pending, &mark->node);
	list_remove(&mark->order);
}

static void mark_free(struct mark *mark, int status)
{
	struct nuncio_request *rq = mark->waiting, *next;
	for (; rq; rq = next) {
		next = rq->next;
		mark->logic->marks.requests--;
		if (status == 0)
			request_reply(&rq, 200, STR("{}"));
		else if (status == NUNCIO_E_NOTFOUND)
			request_error(&rq, NUNCIO_CODE_not_found, "no such conversation");
		else if (status == NUNCIO_E_FAIL)
			request_error(
				&rq, NUNCIO_CODE_store_failed, "the store could not write it");
		else
			request_status(&rq, status);
	}
	alloc_free(mark);
}

static void on_timer(struct loop *loop, struct loop_timer *timer, void *user)
{
	(void)loop, (void)timer;
	marks_flush(user);
}

void marks_init(struct marks *marks, struct logic *logic)
{
	map_init(&marks->pending);
	list_init(&marks->order);
	marks->requests = 0;
	loop_timer_init(&marks->timer, on_timer, logic);
}

void marks_fini(struct marks *marks, struct logic *logic)
{
	loop_timer_stop(logic->parts.loop, &marks->timer);
	struct mark *mark;
	while ((mark = LIST_FIRST(&marks->order, struct mark, order)) != NULL) {
		mark_take(marks, mark);
		mark_free(mark, NUNCIO_E_GONE);
	}
	map_fini(&marks->pending);
}

size_t marks_count(const struct marks *marks)
{
	return marks->requests;
}

bool marks_are_clean(const struct marks *marks)
{
	return marks_count(marks) == 0;
}

static uint64_t mark_hash(struct nuncio_str conversation, struct nuncio_str user)
{
	return hash_u64(hash_str(conversation) + 31 * hash_str(user));
}

static struct mark *mark_find(const struct marks *marks, uint64_t hash,
	struct nuncio_str conversation, struct nuncio_str user)
{
	for (struct map_node *node = map_first(&marks->pending, hash); node;
		node = map_next_same(node)) {
		struct mark *mark = CONTAINER_OF(node, struct mark, node);
		if (str_eq(mark_conversation(mark), conversation) && str_eq(mark_user(mark), user))
			return mark;
	}
	return NULL;
}

static struct mark *mark_new(
	struct logic *logic, uint64_t hash, struct nuncio_str conversation, struct nuncio_str user)
{
	struct mark *mark = alloc_zero(sizeof *mark + conversation.n + user.n);
	mark->logic = logic;
	mark->lane = store_lane(logic->parts.store, conversation);
	mark->conversation_bytes = (uint32_t)conversation.n;
	mark->user_bytes = (uint32_t)user.n;
	memcpy(mark->text, conversation.p, conversation.n);
	memcpy(mark->text + conversation.n, user.p, user.n);
	map_add(&logic->marks.pending, &mark->node, hash);
	list_add(&logic->marks.order, &mark->order);
	return mark;
}

void marks_raise(struct nuncio_request *rq, struct nuncio_str conversation, uint64_t delivered,
	uint64_t read)
{
	struct logic *logic = rq->logic;
	struct marks *marks = &logic->marks;
	struct nuncio_str user = request_user(rq);
	uint64_t hash = mark_hash(conversation, user);
	struct mark *mark = mark_find(marks, hash, conversation, user);
	if (marks->requests >= MARKS_MAX) {
		request_status(&rq, NUNCIO_E_BUSY);
		return;
	}
	if (!mark)
		mark = mark_new(logic, hash, conversation, user);
	if (delivered > mark->delivered)
		mark->delivered = delivered;
	if (read > mark->read)
		mark->read = read;
	rq->next = mark->waiting;
	mark->waiting = rq;
	marks->requests++;
	if (!loop_timer_is_active(&marks->timer))
		loop_timer_start(logic->parts.loop, &marks->timer, MARKS_FLUSH_MS, 0);
}

static void on_marked(int status, const struct nuncio_member *rows, size_t n, int more, void *user)
{
	struct mark *mark = user;
	struct logic *logic = mark->logic;
	(void)more;
	if (n == 1) {
		struct nuncio_mark facts = {
			.user = mark_user(mark),
			.conversation = mark_conversation(mark),
			.delivered = rows->delivered,
			.read = rows->read,
		};
		hook_tell(logic->parts.hooks, NUNCIO_HOOK_did_mark, &facts);
		if (hook_has(logic->parts.hooks, NUNCIO_HOOK_did_mark))
			cluster_publish_mark(logic, &facts);
	}
	mark_free(mark, status);
}

/*
 * Those whose lane is full stay, in their order; a store that is not there takes none, ever. What
 * hears of that may raise another one, so only what is in the list now is looked at.
 */
void marks_flush(struct logic *logic)
{
	struct marks *marks = &logic->marks;
	struct list flushed;
	struct mark *mark;
	uint64_t full = 0; /* a bit for each lane */
	_Static_assert(LANES_MAX <= 64, "a bit for each lane");
	list_take_all(&marks->order, &flushed);
	while ((mark = LIST_FIRST(&flushed, struct mark, order)) != NULL) {
		uint64_t lane = UINT64_C(1) << mark->lane;
		int rc = NUNCIO_E_BUSY;
		if (!(full & lane))
			rc = store_mark(logic->parts.store, mark_conversation(mark),
				mark_user(mark), mark->delivered, mark->read, on_marked, mark);
		if (rc == NUNCIO_E_BUSY) {
			full |= lane;
			list_remove(&mark->order);
			list_add(&marks->order, &mark->order);
			continue;
		}
		mark_take(marks, mark);
		if (rc < 0)
			mark_free(mark, rc);
	}
	if (full)
		loop_timer_start(logic->parts.loop, &marks->timer, MARKS_FLUSH_MS, 0);
}

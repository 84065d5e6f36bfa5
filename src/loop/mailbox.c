/* SPDX-License-Identifier: MIT */
/*
 * Mailboxes: a list under a mutex, held for a few instructions. What makes it fast is that a turn's
 * messages come as one batch (one lock, one wake) and that the receiver takes all at once. The
 * poster that finds the box empty wakes the loop, after unlocking; any later one relies on that. A
 * poster on the loop's own thread asks for another round of on_turn instead, which costs no system
 * call.
 *
 * Order: messages of one thread arrive in the order of posting; between threads there is none.
 * Limit: `limit` messages and `bytes_limit` bytes, passed by at most one batch, and by
 * forced posts.
 */
#include "loop/mailbox.h"

#include <nuncio/base.h>

#include "base/check.h"
#include "loop/loop.h"

void mailbox_init(struct mailbox *mb, struct loop *to, size_t limit)
{
	pthread_mutex_init(&mb->lock, NULL);
	mb->first = mb->last = NULL;
	atomic_init(&mb->count, 0);
	atomic_init(&mb->refused, 0);
	atomic_init(&mb->bytes, 0);
	mb->limit = limit;
	mb->bytes_limit = 0;
	mb->to = to;
}

void mailbox_limit_bytes(struct mailbox *mb, size_t limit)
{
	mb->bytes_limit = limit;
}

void mailbox_fini(struct mailbox *mb)
{
	CHECK(!mb->first);
	pthread_mutex_destroy(&mb->lock);
}

size_t mailbox_count(const struct mailbox *mb)
{
	return atomic_load_explicit(&mb->count, memory_order_relaxed);
}

static size_t bytes_of(const struct mailbox *mb)
{
	return atomic_load_explicit(&mb->bytes, memory_order_relaxed);
}

bool mailbox_is_over(const struct mailbox *mb)
{
	return mailbox_count(mb) > mb->limit / 2 ||
	       (mb->bytes_limit && bytes_of(mb) > mb->bytes_limit / 2);
}

static bool is_full(const struct mailbox *mb)
{
	return mailbox_count(mb) >= mb->limit ||
	       (mb->bytes_limit && bytes_of(mb) >= mb->bytes_limit);
}

void mailbox_done(struct mailbox *mb, size_t bytes)
{
	if (bytes)
		atomic_fetch_sub_explicit(&mb->bytes, bytes, memory_order_relaxed);
}

void mailbox_stats(const struct mailbox *mb, struct queue_stats *stats_r)
{
	stats_r->depth = mailbox_count(mb);
	stats_r->limit = mb->limit;
	stats_r->bytes = bytes_of(mb);
	stats_r->bytes_limit = mb->bytes_limit;
	stats_r->refused = atomic_load_explicit(&mb->refused, memory_order_relaxed);
}

static void wake(struct mailbox *mb)
{
	if (!mb->to)
		return;
	if (loop_is_mine(mb->to))
		loop_again(mb->to);
	else
		loop_wake(mb->to);
}

/* Under lock; true when the box was empty. */
static bool append(struct mailbox *mb, const struct outbox *batch)
{
	bool was_empty = !mb->first;
	batch->last->next = NULL;
	if (was_empty)
		mb->first = batch->first;
	else
		mb->last->next = batch->first;
	mb->last = batch->last;
	atomic_store_explicit(&mb->count, mailbox_count(mb) + batch->count, memory_order_relaxed);
	if (batch->bytes) /* the receiver takes off without the lock */
		atomic_fetch_add_explicit(&mb->bytes, batch->bytes, memory_order_relaxed);
	return was_empty;
}

static int post(struct mailbox *mb, const struct outbox *batch, bool is_forced)
{
	bool was_empty = false, is_refused;
	pthread_mutex_lock(&mb->lock);
	is_refused = !is_forced && is_full(mb);
	if (!is_refused)
		was_empty = append(mb, batch);
	else
		atomic_store_explicit(&mb->refused, mb->refused + 1, memory_order_relaxed);
	pthread_mutex_unlock(&mb->lock);
	if (was_empty)
		wake(mb);
	return is_refused ? NUNCIO_E_BUSY : NUNCIO_OK;
}

static int post_one(struct mailbox *mb, struct mail *m, bool is_forced)
{
	const struct outbox batch = { .first = m, .last = m, .count = 1 };
	m->bytes = 0;
	return post(mb, &batch, is_forced);
}

int mailbox_post(struct mailbox *mb, struct mail *m)
{
	return post_one(mb, m, false);
}

void mailbox_post_forced(struct mailbox *mb, struct mail *m)
{
	post_one(mb, m, true);
}

struct mail *mailbox_take_all(struct mailbox *mb)
{
	size_t n;
	return mailbox_take_counted(mb, &n);
}

struct mail *mailbox_take_counted(struct mailbox *mb, size_t *n_r)
{
	*n_r = 0;
	if (!mailbox_count(mb)) /* the usual answer of an on_turn callback, without the lock */
		return NULL;
	pthread_mutex_lock(&mb->lock);
	struct mail *first = mb->first;
	*n_r = mailbox_count(mb);
	mb->first = mb->last = NULL;
	atomic_store_explicit(&mb->count, 0, memory_order_relaxed);
	pthread_mutex_unlock(&mb->lock);
	return first;
}

void outbox_init(struct outbox *ob, struct mailbox *to)
{
	*ob = (struct outbox){ .to = to };
}

void outbox_add(struct outbox *ob, struct mail *m)
{
	outbox_add_bytes(ob, m, 0);
}

void outbox_add_bytes(struct outbox *ob, struct mail *m, size_t bytes)
{
	CHECK(bytes <= UINT32_MAX);
	m->next = NULL;
	m->bytes = (uint32_t)bytes;
	if (ob->last)
		ob->last->next = m;
	else
		ob->first = m;
	ob->last = m;
	ob->count++;
	ob->bytes += bytes;
}

bool outbox_is_over(const struct outbox *ob)
{
	const struct mailbox *to = ob->to;
	return ob->count > to->limit / 2 || (to->bytes_limit && ob->bytes > to->bytes_limit / 8);
}

struct mail *outbox_take_all(struct outbox *ob)
{
	struct mail *first = ob->first;
	outbox_init(ob, ob->to);
	return first;
}

int outbox_flush(struct outbox *ob)
{
	if (!ob->first)
		return NUNCIO_OK;
	int rc = post(ob->to, ob, false);
	if (rc == NUNCIO_OK)
		outbox_init(ob, ob->to);
	return rc;
}

void outbox_flush_forced(struct outbox *ob)
{
	if (!ob->first)
		return;
	post(ob->to, ob, true);
	outbox_init(ob, ob->to);
}

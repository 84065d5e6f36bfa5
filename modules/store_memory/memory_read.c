/* SPDX-License-Identifier: MIT */
/* Pages of a log, and the list of a user's conversations. */
#include "store_memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { UNREAD_MAX = 1000 };

static size_t own_bytes(const struct nuncio_event *e)
{
	return e->conversation.n + e->type.n + e->from.n + e->client_id.n + e->kind.n + e->body.n +
	       e->extra.n + e->state.n;
}

size_t event_bytes(const struct nuncio_event *e)
{
	return own_bytes(e) + (e->now ? own_bytes(e->now) : 0);
}

bool page_takes(struct page *page, size_t bytes)
{
	bytes += page->bytes;
	if (page->count &&
		(page->count >= page->limit || (page->max_bytes && bytes > page->max_bytes)))
		return false;
	page->bytes = bytes;
	page->count++;
	return true;
}

struct nuncio_event event_shown(const struct log *log, const struct log_event *e, uint64_t since)
{
	struct nuncio_event shown = e->e;
	if (shown.target > since)
		shown.now = &log->events[shown.target - 1]->e;
	return shown;
}

bool event_is_message(const struct nuncio_event *e)
{
	return nuncio_text_same(e->type, (struct nuncio_str){ "message", 7 }) &&
	       !(e->flags & NUNCIO_EVENT_VOID);
}

bool member_sees(const struct log_member *member, uint64_t seq)
{
	return seq > member->m.since && (!member->m.until || seq <= member->m.until);
}

/* ---- Pages ---- */

static bool takes_seq(struct page *page, const struct log *log, uint64_t seq)
{
	struct nuncio_event shown = event_shown(log, log->events[seq - 1], 0);
	return page_takes(page, event_bytes(&shown));
}

/* The first event sent at or after a time; times rise with seq. */
static uint64_t seq_of_time(const struct log *log, int64_t from_ms)
{
	uint64_t low = 0, high = log->count;
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		if (log->events[middle]->e.sent_at_ms < from_ms)
			low = middle + 1;
		else
			high = middle;
	}
	return low + 1;
}

int log_events(struct logs *l, const struct nuncio_events_query *q, struct nuncio_job *job)
{
	struct page page = { .limit = q->limit, .max_bytes = q->max_bytes };
	const struct log *log = table_find(&l->by_id, q->conversation);
	uint64_t last = log ? log->count : 0;
	uint64_t lowest = q->after < last ? q->after + 1 : last + 1; /* lowest <= seq < end */
	uint64_t end = q->before && q->before <= last ? q->before : last + 1;
	if (log && q->from_ms) {
		uint64_t first = seq_of_time(log, q->from_ms);
		lowest = first > lowest ? first : lowest;
	}
	uint64_t from = lowest;
	if (!log || lowest >= end)
		return 0;
	if (q->after || q->from_ms || (q->flags & NUNCIO_EVENTS_FORWARD)) {
		uint64_t seq = from;
		while (seq < end && takes_seq(&page, log, seq))
			seq++;
		nuncio_job_set_more(job, seq < end);
		end = seq;
	} else {
		for (from = end; from > lowest && takes_seq(&page, log, from - 1);)
			from--;
		nuncio_job_set_more(job, from > lowest);
	}
	for (; from < end; from++) {
		struct nuncio_event shown = event_shown(log, log->events[from - 1], 0);
		nuncio_job_add_event(job, &shown);
	}
	return 0;
}

/* ---- Lists ---- */

static bool calls(const struct log_event *e, struct nuncio_str user)
{
	bool is_called = (e->e.flags & NUNCIO_EVENT_MENTIONS_ALL) != 0;
	for (size_t i = 0; i < e->mentions_count && !is_called; i++)
		is_called = nuncio_text_same(e->mentions[i], user);
	return is_called;
}

/* Up to a thousand of each. */
static void count_unread(
	struct nuncio_conversation_row *row, const struct log *log, struct nuncio_str user)
{
	uint64_t seq = row->read > row->since ? row->read : row->since;
	for (; seq < log->count; seq++) {
		const struct log_event *e = log->events[seq];
		if (!event_is_message(&e->e) || nuncio_text_same(e->e.from, user))
			continue;
		row->unread += row->unread < UNREAD_MAX;
		row->mentions += row->mentions < UNREAD_MAX && calls(e, user);
	}
}

static void show_peer(
	struct nuncio_conversation_row *row, const struct log *log, const struct log_member *me)
{
	for (size_t i = 0; i < log->members.count && log->members.present == 2; i++) {
		const struct log_member *peer = &log->members.all[i];
		if (peer == me || peer->m.until)
			continue;
		row->peer = peer->m.user;
		row->peer_delivered = peer->m.delivered;
		row->peer_read = peer->m.read;
	}
}

static struct nuncio_conversation_row row_of(const struct log *log, struct nuncio_str user)
{
	const struct log_member *me = member_present(&log->members, user);
	struct nuncio_conversation_row row = { .size = sizeof(row),
		.conversation = log->id,
		.last_seq = log->count,
		.delivered = me->m.delivered,
		.read = me->m.read,
		.last = event_shown(log, log->events[log->count - 1], me->m.since),
		.since = me->m.since,
		.role = me->m.role,
		.member_count = (uint32_t)log->members.present };
	count_unread(&row, log, user);
	show_peer(&row, log, me);
	return row;
}

static nuncio_id last_id(const struct log *log)
{
	return log->events[log->count - 1]->e.id;
}

static int newest_first(const void *a, const void *b)
{
	nuncio_id x = last_id(*(const struct log *const *)a);
	nuncio_id y = last_id(*(const struct log *const *)b);
	return (x < y) - (x > y);
}

int log_conversations(
	struct logs *l, const struct nuncio_job_conversations *q, struct nuncio_job *job)
{
	nuncio_id below;
	if (!text_number(q->after, UINT64_MAX, &below))
		return NUNCIO_E_INVAL;
	struct log **mine = nuncio_resize(NULL, l->count * sizeof(struct log *));
	size_t count = 0;
	for (size_t i = 0; i < l->count; i++)
		if (last_id(l->all[i]) < below && member_present(&l->all[i]->members, q->user))
			mine[count++] = l->all[i];
	qsort(mine, count, sizeof(struct log *), newest_first);
	for (size_t i = 0; i < count && i < q->limit; i++) {
		struct nuncio_conversation_row row = row_of(mine[i], q->user);
		nuncio_job_add_conversation(job, &row);
	}
	if (q->limit && count > q->limit) {
		char next[24];
		int n = snprintf(next, sizeof(next), "%" PRIu64, last_id(mine[q->limit - 1]));
		nuncio_job_set_cursor(job, (struct nuncio_str){ next, (size_t)n });
		nuncio_job_set_more(job, 1);
	}
	free(mine);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Reading logs. Sync is a walk along the timeline of all logs: ids grow, so the id of the last
 * event shown is the whole cursor. It costs what everybody wrote since then, which a store for
 * tests may.
 */
#include "store_memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UNREAD_MAX = 1000 };

static size_t bytes_of(const struct nuncio_event *e)
{
	return e->conversation.n + e->type.n + e->from.n + e->client_id.n + e->kind.n + e->body.n +
	       e->extra.n;
}

/* A page being filled: says no when another row would be beyond a limit; the first always fits. */
struct page {
	uint32_t limit, max_bytes, count;
	size_t bytes;
};

static bool page_takes(struct page *page, const struct nuncio_event *e)
{
	size_t bytes = page->bytes + bytes_of(e);
	if (page->count &&
		(page->count >= page->limit || (page->max_bytes && bytes > page->max_bytes)))
		return false;
	page->bytes = bytes;
	page->count++;
	return true;
}

int log_events(struct logs *l, const struct nuncio_events_query *q, struct nuncio_job *job)
{
	struct page page = { .limit = q->limit, .max_bytes = q->max_bytes };
	const struct log *log = table_find(&l->by_id, q->conversation);
	uint64_t last = log ? log->count : 0;
	uint64_t lowest = q->after < last ? q->after + 1 : last + 1; /* lowest <= seq < end */
	uint64_t end = q->before && q->before <= last ? q->before : last + 1;
	uint64_t from = lowest;
	if (!log || lowest >= end)
		return 0;
	if (q->after || (q->flags & NUNCIO_EVENTS_FORWARD)) {
		uint64_t seq = from;
		while (seq < end && page_takes(&page, log->events[seq - 1]))
			seq++;
		nuncio_job_set_more(job, seq < end);
		end = seq;
	} else {
		for (from = end; from > lowest && page_takes(&page, log->events[from - 2]);)
			from--;
		nuncio_job_set_more(job, from > lowest);
	}
	for (; from < end; from++)
		nuncio_job_add_event(job, log->events[from - 1]);
	return 0;
}

/* uuid-position; the uuid is this process's, so a cursor from before a restart is told apart. */
static bool parse_cursor(
	const struct logs *l, struct nuncio_str text, nuncio_id now, nuncio_id *position_r)
{
	size_t prefix = strlen(l->uuid);
	uint64_t number = 0;
	if (text.n < prefix + 2 || text.n > prefix + 20 || memcmp(text.p, l->uuid, prefix) != 0 ||
		text.p[prefix] != '-')
		return false;
	for (size_t i = prefix + 1; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		number = number * 10 + (uint64_t)(text.p[i] - '0');
	}
	*position_r = number;
	return number <= now;
}

static size_t first_above(const struct logs *l, nuncio_id position)
{
	size_t low = 0, high = l->event_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (l->timeline[middle]->id <= position)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int log_sync(struct logs *l, const struct nuncio_sync_query *q, struct nuncio_job *job)
{
	struct page page = { .limit = q->limit, .max_bytes = q->max_bytes };
	nuncio_id now = l->event_count ? l->timeline[l->event_count - 1]->id : 0, position;
	char cursor[64];
	bool is_gap = !parse_cursor(l, q->cursor, now, &position);
	if (is_gap)
		position = now;
	nuncio_job_set_gap(job, is_gap);
	for (size_t i = first_above(l, position); i < l->event_count; i++) {
		const struct nuncio_event *e = l->timeline[i];
		const struct log *log = table_find(&l->by_id, e->conversation);
		if (log_member(log, q->user) && !page_takes(&page, e)) {
			nuncio_job_set_more(job, 1);
			break;
		}
		if (log_member(log, q->user))
			nuncio_job_add_event(job, e);
		position = e->id;
	}
	int n = snprintf(cursor, sizeof(cursor), "%s-%" PRIu64, l->uuid, position);
	nuncio_job_set_cursor(job, (struct nuncio_str){ cursor, (size_t)n });
	return 0;
}

static struct nuncio_conversation_row row_of(const struct log *log, struct nuncio_str user)
{
	const struct log_member *me = log_member(log, user);
	struct nuncio_conversation_row row = { .size = sizeof(row),
		.conversation = { log->id->p, log->id->n },
		.last_seq = log->count,
		.delivered = me->delivered,
		.read = me->read,
		.last = *log->events[log->count - 1] };
	for (uint64_t seq = me->read; seq < log->count && row.unread < UNREAD_MAX; seq++)
		row.unread +=
			!text_same(log->events[seq]->from, user) &&
			text_same(log->events[seq]->type, (struct nuncio_str){ "message", 7 });
	if (log->member_count != 2)
		return row;
	const struct log_member *peer = &log->members[me == log->members];
	row.peer = (struct nuncio_str){ peer->user->p, peer->user->n };
	row.peer_delivered = peer->delivered;
	row.peer_read = peer->read;
	return row;
}

static nuncio_id last_id(const struct log *log)
{
	return log->events[log->count - 1]->id;
}

static int newest_first(const void *a, const void *b)
{
	nuncio_id x = last_id(*(const struct log *const *)a);
	nuncio_id y = last_id(*(const struct log *const *)b);
	return (x < y) - (x > y);
}

static int parse_after(struct nuncio_str after, nuncio_id *below_r)
{
	uint64_t number = 0;
	if (after.n > 19)
		return NUNCIO_E_INVAL;
	for (size_t i = 0; i < after.n; i++) {
		if (after.p[i] < '0' || after.p[i] > '9')
			return NUNCIO_E_INVAL;
		number = number * 10 + (uint64_t)(after.p[i] - '0');
	}
	*below_r = after.n ? number : UINT64_MAX;
	return 0;
}

int log_conversations(
	struct logs *l, const struct nuncio_job_conversations *q, struct nuncio_job *job)
{
	nuncio_id below;
	if (parse_after(q->after, &below) < 0)
		return NUNCIO_E_INVAL;
	struct log **mine = memory_resize(NULL, l->count * sizeof(struct log *));
	size_t count = 0;
	for (size_t i = 0; i < l->count; i++)
		if (last_id(l->all[i]) < below && log_member(l->all[i], q->user))
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

int log_members(struct logs *l, const struct nuncio_job_members *q, struct nuncio_job *job)
{
	const struct log *log = table_find(&l->by_id, q->conversation);
	uint32_t count = 0;
	for (size_t i = 0; log && i < log->member_count; i++) {
		const struct log_member *m = &log->members[i];
		struct nuncio_member row = { .size = sizeof(row),
			.user = { m->user->p, m->user->n },
			.delivered = m->delivered,
			.read = m->read };
		if (text_compare(row.user, q->after) <= 0)
			continue;
		if (count++ == q->limit) {
			nuncio_job_set_more(job, 1);
			break;
		}
		nuncio_job_add_member(job, &row);
	}
	return 0;
}

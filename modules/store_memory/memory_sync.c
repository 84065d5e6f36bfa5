/* SPDX-License-Identifier: MIT */
/*
 * Sync: every event, mark and synced write has the number of its change, so what a user has not
 * seen is what is theirs above the number in their cursor. Looks at everything there is, which a
 * store for tests may.
 */
#include "store_memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One row of the answer, in order of change. */
struct row {
	uint64_t change;
	const struct log *log;
	const struct log_event *event; /* one of these three */
	const struct log_member *member;
	const struct record *record;
	uint64_t since; /* of the event's reader */
};

struct rows {
	struct row *all;
	size_t count, size;
};

static void add_row(struct rows *rows, struct row row)
{
	if (rows->count == rows->size) {
		rows->size = rows->size ? rows->size * 2 : 64;
		rows->all = nuncio_resize(rows->all, rows->size * sizeof(*rows->all));
	}
	rows->all[rows->count++] = row;
}

static int by_change(const void *a, const void *b)
{
	uint64_t x = ((const struct row *)a)->change, y = ((const struct row *)b)->change;
	return (x > y) - (x < y);
}

/* uuid-number; the uuid is this process's, so a cursor from before a restart is told apart. */
static bool parse_cursor(const struct logs *l, struct nuncio_str text, uint64_t *position_r)
{
	size_t prefix = strlen(l->uuid);
	if (text.n < prefix + 2 || memcmp(text.p, l->uuid, prefix) != 0 || text.p[prefix] != '-')
		return false;
	struct nuncio_str number = { text.p + prefix + 1, text.n - prefix - 1 };
	return text_number(number, 0, position_r) && *position_r <= l->change &&
	       *position_r >= l->forgotten;
}

static void collect_log(
	struct rows *rows, const struct log *log, struct nuncio_str user, uint64_t position)
{
	const struct log_member *me = member_find(&log->members, user);
	if (!me)
		return;
	for (size_t i = log->count; i > 0 && log->events[i - 1]->change > position; i--)
		if (member_sees(me, i))
			add_row(rows, (struct row){ .change = log->events[i - 1]->change,
					      .log = log,
					      .event = log->events[i - 1],
					      .since = me->m.since });
	for (size_t i = 0; i < log->members.count && !me->m.until; i++) {
		const struct log_member *member = &log->members.all[i];
		if (member->change <= position || member->m.until)
			continue;
		if (member == me || log->members.present <= NUNCIO_SYNC_MEMBERS)
			add_row(rows,
				(struct row){
					.change = member->change, .log = log, .member = member });
	}
}

static void collect_records(
	struct rows *rows, const struct records *r, struct nuncio_str user, uint64_t position)
{
	int64_t now_ms = nuncio_wall_ms();
	for (size_t i = 0; i < r->count; i++) {
		const struct record *record = r->all[i];
		if (record->change > position && nuncio_text_same(record->r.owner, user) &&
			(!record->r.value.p || record_is_live(record, now_ms)))
			add_row(rows, (struct row){ .change = record->change, .record = record });
	}
}

/* False: it is one too many. */
static bool give_row(struct nuncio_job *job, struct page *page, const struct row *row)
{
	if (row->event) {
		struct nuncio_event shown = event_shown(row->log, row->event, row->since);
		if (!page_takes(page, event_bytes(&shown)))
			return false;
		nuncio_job_add_event(job, &shown);
	} else if (row->member) {
		struct nuncio_member m = member_row(row->log, row->member);
		if (!page_takes(page, m.user.n + m.conversation.n + m.extra.n))
			return false;
		nuncio_job_add_member(job, &m);
	} else {
		const struct nuncio_record *r = &row->record->r;
		if (!page_takes(page, r->space.n + r->owner.n + r->key.n + r->value.n))
			return false;
		nuncio_job_add_record(job, r);
	}
	return true;
}

int log_sync(struct logs *l, struct records *r, const struct nuncio_sync_query *q,
	struct nuncio_job *job)
{
	struct page page = { .limit = q->limit, .max_bytes = q->max_bytes };
	struct rows rows = { 0 };
	uint64_t position;
	char cursor[64];
	bool is_gap = !parse_cursor(l, q->cursor, &position);
	nuncio_job_set_gap(job, is_gap);
	for (size_t i = 0; i < l->count && !is_gap; i++)
		collect_log(&rows, l->all[i], q->user, position);
	if (!is_gap)
		collect_records(&rows, r, q->user, position);
	if (rows.count)
		qsort(rows.all, rows.count, sizeof(*rows.all), by_change);
	size_t given = 0;
	while (given < rows.count && give_row(job, &page, &rows.all[given]))
		given++;
	nuncio_job_set_more(job, given < rows.count);
	position = given < rows.count ? rows.all[given - 1].change : l->change;
	int n = snprintf(cursor, sizeof(cursor), "%s-%" PRIu64, l->uuid, position);
	nuncio_job_set_cursor(job, (struct nuncio_str){ cursor, (size_t)n });
	free(rows.all);
	return 0;
}

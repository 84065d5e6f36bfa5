/* SPDX-License-Identifier: MIT */
/*
 * A user's list of conversations, the most recently active first. `next` is the last event's id of
 * the last row: ids grow with time, so a conversation that becomes active between two pages moves
 * to the front and is not repeated behind. (Nodes whose clocks differ give ids of their times; then
 * the order is theirs, and nothing is missed.)
 *
 * The order needs a look at every conversation of the user; the rest only those of the page
 * (conversation_rows.c).
 */
#include "store_mysql.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Everything of `after` must be digits; empty is the start. */
static bool parse_after(struct nuncio_str after, nuncio_id *below_r)
{
	uint64_t number = 0;
	*below_r = UINT64_MAX;
	if (after.n > 19)
		return false;
	for (size_t i = 0; i < after.n; i++) {
		if (after.p[i] < '0' || after.p[i] > '9')
			return false;
		number = number * 10 + (uint64_t)(after.p[i] - '0');
	}
	if (after.n)
		*below_r = number;
	return true;
}

static int newest_first(const void *a, const void *b)
{
	const struct mine *x = a, *y = b;
	return (x->last_id < y->last_id) - (x->last_id > y->last_id);
}

/* Those of the list, sorted; the first `limit` are the page. */
static size_t choose(struct mines *mines, nuncio_id below)
{
	size_t count = 0;
	for (size_t i = 0; i < mines->count; i++)
		if (!mines->all[i].member.until && mines->all[i].last_id < below)
			mines->all[count++] = mines->all[i];
	if (count)
		qsort(mines->all, count, sizeof(*mines->all), newest_first);
	return count;
}

int conversation_list(struct reading *r, const struct nuncio_job_conversations *q)
{
	struct mines mines;
	nuncio_id below;
	if (!parse_after(q->after, &below))
		return NUNCIO_E_INVAL;
	int status = mine_read(r, q->user, NULL, &mines);
	if (status < 0)
		return status;
	size_t limit = q->limit ? q->limit : 1, count = choose(&mines, below);
	size_t n = count < limit ? count : limit;
	struct nuncio_conversation_row *rows = pool_take(&r->lane->pool, n * sizeof(*rows));
	status = conversation_rows_fill(r, mines.all, n, q->user, rows);
	if (status < 0)
		return status;
	for (size_t i = 0; i < n; i++)
		nuncio_job_add_conversation(r->job, &rows[i]);
	if (count > n) {
		char next[24];
		int length = snprintf(next, sizeof(next), "%" PRIu64, mines.all[n - 1].last_id);
		nuncio_job_set_cursor(r->job, (struct nuncio_str){ next, (size_t)length });
		nuncio_job_set_more(r->job, 1);
	}
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Pages of one log: one range of the primary key. Events that change another one come with that as
 * it is now. Times are given by nodes, whose clocks may differ, so "from this time on" is the place
 * where the times of the log cross it, found by halving.
 */
#include "store_mysql.h"

void event_from_row(const struct row *row, unsigned column, struct nuncio_str conversation,
	struct nuncio_event *event_r)
{
	*event_r = (struct nuncio_event){ .size = sizeof(*event_r),
		.conversation = conversation,
		.seq = row_uint(row, column),
		.id = row_uint(row, column + 1),
		.sent_at_ms = sql_time_ms(row_text(row, column + 2)),
		.from = row_text(row, column + 3),
		.client_id = row_text(row, column + 4),
		.type = row_text(row, column + 5),
		.kind = row_text(row, column + 6),
		.flags = (uint32_t)row_uint(row, column + 7),
		.target = row_uint(row, column + 8),
		.changed = row_uint(row, column + 9),
		.body = row_text(row, column + 10),
		.extra = row_text(row, column + 11),
		.state = row_text(row, column + 12) };
}

/* Not the conversation, which is the asker's. */
void event_keep(struct pool *pool, struct nuncio_event *event)
{
	struct nuncio_str *texts[] = { &event->from, &event->client_id, &event->type, &event->kind,
		&event->body, &event->extra, &event->state };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		*texts[i] = pool_text(pool, *texts[i]);
}

static size_t own_bytes(const struct nuncio_event *e)
{
	return e->conversation.n + e->type.n + e->from.n + e->client_id.n + e->kind.n + e->body.n +
	       e->extra.n + e->state.n;
}

size_t event_bytes(const struct nuncio_event *event)
{
	return own_bytes(event) + (event->now ? own_bytes(event->now) : 0);
}

/* The events of an answer, copied; the first column of them is `column`. */
struct nuncio_event *event_take(struct reading *r, struct db *db, unsigned answer,
	struct nuncio_str conversation, size_t *n_r)
{
	struct row row;
	size_t size = db->answers[answer] ? (size_t)mysql_num_rows(db->answers[answer]) : 0, n = 0;
	struct nuncio_event *events = pool_take(&r->lane->pool, size * sizeof(*events));
	for (; n < size && db_next(db, answer, &row); n++) {
		event_from_row(&row, 0, conversation, &events[n]);
		event_keep(&r->lane->pool, &events[n]);
	}
	*n_r = n;
	return events;
}

int event_targets(struct reading *r, struct db *db, uint32_t shard, uint64_t number, uint64_t since,
	struct nuncio_event *events, size_t n)
{
	bool any = false;
	db_begin(db);
	for (size_t i = 0; i < n; i++) {
		if (!events[i].target || events[i].target <= since)
			continue;
		if (!any) {
			sql_begin(&db->sql);
			sql_add(&db->sql,
				"SELECT " EVENT_COLUMNS
				" FROM message_%n WHERE conversation=%u AND seq IN (",
				shard, number);
		}
		sql_add(&db->sql, any ? ",%u" : "%u", events[i].target);
		any = true;
	}
	if (!any)
		return 0;
	sql_add(&db->sql, ") ORDER BY seq");
	int status = read_send(r, db);
	if (status < 0)
		return status;
	size_t count;
	struct nuncio_event *targets = event_take(r, db, 0, events[0].conversation, &count);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; events[i].target > since && k < count; k++)
			if (targets[k].seq == events[i].target)
				events[i].now = &targets[k];
	return 0;
}

/* --- the first event from a time on --- */

static int time_at(struct reading *r, struct db *db, uint32_t shard, uint64_t number, uint64_t seq,
	int64_t *sent_at_ms_r)
{
	struct row row;
	db_begin(db);
	sql_begin(&db->sql);
	sql_add(&db->sql, "SELECT sent_at FROM message_%n WHERE conversation=%u AND seq=%u", shard,
		number, seq);
	int status = read_send(r, db);
	*sent_at_ms_r =
		status == 0 && db_next(db, 0, &row) ? sql_time_ms(row_text(&row, 0)) : INT64_MAX;
	return status;
}

static int last_seq(
	struct reading *r, struct db *db, uint32_t shard, uint64_t number, uint64_t *last_r)
{
	struct row row;
	db_begin(db);
	sql_begin(&db->sql);
	sql_add(&db->sql, "SELECT last_seq FROM head_%n WHERE number=%u", shard, number);
	int status = read_send(r, db);
	*last_r = status == 0 && db_next(db, 0, &row) ? row_uint(&row, 0) : 0;
	return status;
}

/* *after_r: the last one that was sent before. */
static int find_time(struct reading *r, struct db *db, uint32_t shard, uint64_t number,
	int64_t from_ms, uint64_t *after_r)
{
	uint64_t low = 0, high;
	int status = last_seq(r, db, shard, number, &high);
	while (status == 0 && low < high) {
		uint64_t middle = low + (high - low + 1) / 2;
		int64_t sent_at_ms;
		status = time_at(r, db, shard, number, middle, &sent_at_ms);
		if (sent_at_ms < from_ms)
			low = middle;
		else
			high = middle - 1;
	}
	*after_r = low;
	return status;
}

/* --- the page --- */

struct page {
	struct nuncio_str conversation;
	uint32_t shard;
	uint64_t number, after, before; /* number 0: the server finds it, too */
	bool is_forward;
	uint32_t limit;
};

/*
 * A conversation that this lane has not met costs no trip of its own: the server finds its number,
 * and tells it in a last column.
 */
static int ask_page(struct reading *r, struct db *db, const struct page *page)
{
	db_begin(db);
	sql_begin(&db->sql);
	if (page->number)
		sql_add(&db->sql, "SELECT " EVENT_COLUMNS " FROM message_%n WHERE conversation=%u",
			page->shard, page->number);
	else
		sql_add(&db->sql,
			"SELECT " EVENT_COLUMNS ",conversation FROM message_%n"
			" WHERE conversation=(" READ_NUMBER ")",
			page->shard, page->shard, page->conversation);
	sql_add(&db->sql, " AND seq>%u", page->after);
	if (page->before)
		sql_add(&db->sql, " AND seq<%u", page->before);
	sql_add(&db->sql,
		page->is_forward ? " ORDER BY seq LIMIT %u" : " ORDER BY seq DESC LIMIT %u",
		(uint64_t)page->limit + 1);
	return read_send(r, db);
}

static struct nuncio_event *take_page(
	struct reading *r, struct db *db, struct page *page, size_t *n_r)
{
	struct row row;
	if (!page->number && db_next(db, 0, &row)) {
		page->number = row_uint(&row, EVENT_COLUMN_COUNT);
		names_put(r->lane->names, page->conversation, page->number);
		db_again(db, 0);
	}
	return event_take(r, db, 0, page->conversation, n_r);
}

/* How many of the rows, in the order read, fit. */
static size_t count_fitting(
	const struct nuncio_event *events, size_t n, uint32_t limit, uint32_t max_bytes)
{
	size_t bytes = 0, count = 0;
	for (; count < n && count < limit; count++) {
		bytes += event_bytes(&events[count]);
		if (max_bytes && bytes > max_bytes && count)
			break;
	}
	return count;
}

static void give_page(struct reading *r, const struct nuncio_event *events, size_t count, bool back)
{
	r->has_answered = true;
	for (size_t i = 0; i < count; i++)
		nuncio_job_add_event(r->job, &events[back ? count - 1 - i : i]);
}

/* Where the page begins. 1: it may be asked for; 0: there is none. */
static int begin_page(struct reading *r, struct db *db, struct page *page, int64_t from_ms)
{
	uint64_t after;
	if (!from_ms) {
		page->number = read_known_number(r, page->conversation);
		return 1;
	}
	int status = read_number(r, page->conversation, &page->number);
	if (status < 0 || !page->number)
		return status;
	status = find_time(r, db, page->shard, page->number, from_ms, &after);
	if (status == 0 && after > page->after)
		page->after = after;
	return status < 0 ? status : 1;
}

int event_page(struct reading *r, const struct nuncio_events_query *q)
{
	struct page page = { .conversation = q->conversation,
		.shard = place_shard(r->lane->store, q->conversation),
		.after = q->after,
		.before = q->before,
		.is_forward = q->after || q->from_ms || (q->flags & NUNCIO_EVENTS_FORWARD),
		.limit = q->limit ? q->limit : 1 };
	struct db *db = read_db(r, place_server(r->lane->store, page.shard));
	if (!db)
		return READ_FAILED;
	int status = begin_page(r, db, &page, q->from_ms);
	if (status <= 0)
		return status;
	status = ask_page(r, db, &page);
	if (status < 0)
		return status;
	size_t n;
	struct nuncio_event *events = take_page(r, db, &page, &n);
	status = event_targets(r, db, page.shard, page.number, 0, events, n);
	if (status < 0)
		return status;
	size_t count = count_fitting(events, n, page.limit, q->max_bytes);
	give_page(r, events, count, !page.is_forward);
	nuncio_job_set_more(r->job, count < n);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Searching. Each shard that has conversations of the asker tells the newest places that match and
 * that they may see; these are merged by id, and only those on the page are read. `next` is the id
 * of the last one.
 *
 * The index comes a little behind (search_index.c): what was taken back meanwhile is left out by
 * its flag, what was changed meanwhile is looked at again here.
 */
#include "store_mysql.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCOPE_MAX = 200 };

struct hit {
	uint32_t shard;
	uint64_t number, seq;
	nuncio_id id;
	const struct mine *mine;
	struct nuncio_event event; /* seq 0: was not read */
};
struct hits {
	struct hit *all;
	size_t count, size;
};
struct search {
	struct reading *r;
	const struct nuncio_search_query *q;
	struct mines mines; /* in order of (shard, number) */
	struct sql wants, scope;
	struct hits hits;
	nuncio_id below;
};

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

static struct nuncio_str view(const struct sql *sql)
{
	return (struct nuncio_str){ sql->p ? sql->p : "", sql->n };
}

/* "+(nc1 nc2) " of the asker's conversations there; nothing when they are too many. */
static size_t make_scope(struct search *search, uint32_t shard)
{
	size_t count = 0;
	sql_reset(&search->scope);
	for (size_t i = 0; i < search->mines.count; i++)
		count += search->mines.all[i].shard == shard;
	if (!count || count > SCOPE_MAX)
		return count;
	sql_add(&search->scope, "+(");
	for (size_t i = 0; i < search->mines.count; i++)
		if (search->mines.all[i].shard == shard)
			sql_add(&search->scope, "nc%u ", search->mines.all[i].number);
	sql_add(&search->scope, ") ");
	return count;
}

static void ask_shard(struct search *search, struct db *db, uint32_t shard)
{
	const struct nuncio_search_query *q = search->q;
	struct nuncio_str scope = view(&search->scope), wants = view(&search->wants);
	sql_begin(&db->sql);
	sql_add(&db->sql,
		"SELECT STRAIGHT_JOIN s.conversation,s.seq,s.id FROM search_%n s"
		" JOIN member_%n m ON m.conversation=s.conversation AND m.user=%q"
		" JOIN message_%n e ON e.conversation=s.conversation AND e.seq=s.seq"
		" WHERE MATCH(s.words) AGAINST(_ascii",
		shard, shard, q->user, shard);
	char *text = pool_take(&search->r->lane->pool, scope.n + wants.n + 1);
	if (scope.n)
		memcpy(text, scope.p, scope.n);
	memcpy(text + scope.n, wants.p, wants.n);
	sql_add(&db->sql, "%q IN BOOLEAN MODE)", (struct nuncio_str){ text, scope.n + wants.n });
	sql_add(&db->sql,
		" AND s.id<%u AND s.seq>m.since AND (m.until_=0 OR s.seq<=m.until_)"
		" AND e.flags&1=0",
		search->below);
	if (q->from.n)
		sql_add(&db->sql, " AND s.sender=%q", q->from);
	if (q->from_ms)
		sql_add(&db->sql, " AND s.sent_at>=%t", q->from_ms);
	if (q->to_ms)
		sql_add(&db->sql, " AND s.sent_at<=%t", q->to_ms);
	if (q->conversation.n)
		sql_add(&db->sql, " AND s.conversation=%u", search->mines.all[0].number);
	sql_add(&db->sql, " ORDER BY s.id DESC LIMIT %u", (uint64_t)q->limit + 1);
}

static int by_place(const void *a, const void *b)
{
	const struct mine *x = a, *y = b;
	if (x->shard != y->shard)
		return x->shard < y->shard ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

static void take_hits(struct search *search, struct db *db, unsigned answer, uint32_t shard)
{
	struct hits *hits = &search->hits;
	struct row row;
	while (db_next(db, answer, &row)) {
		if (hits->count == hits->size) {
			size_t size = hits->size ? hits->size * 2 : 64;
			struct hit *all = pool_take(&search->r->lane->pool, size * sizeof(*all));
			if (hits->count)
				memcpy(all, hits->all, hits->count * sizeof(*all));
			hits->all = all;
			hits->size = size;
		}
		struct hit *hit = &hits->all[hits->count];
		*hit = (struct hit){ .shard = shard,
			.number = row_uint(&row, 0),
			.seq = row_uint(&row, 1),
			.id = row_uint(&row, 2) };
		hit->mine = bsearch(&(struct mine){ .shard = shard, .number = hit->number },
			search->mines.all, search->mines.count, sizeof(struct mine), by_place);
		hits->count += hit->mine != NULL;
	}
}

static int collect(struct search *search)
{
	struct store *s = search->r->lane->store;
	for (unsigned i = 0; i < s->server_count; i++) {
		struct server *server = &s->servers[i];
		struct db *db = NULL;
		unsigned answer = 0;
		for (uint32_t shard = server->first_shard; shard < server->end_shard; shard++) {
			if (!make_scope(search, shard))
				continue;
			if (!db)
				db = read_db(search->r, server);
			if (!db)
				return READ_FAILED;
			ask_shard(search, db, shard);
		}
		int status = db ? read_send(search->r, db) : 0;
		if (status < 0)
			return status;
		for (uint32_t shard = server->first_shard; db && shard < server->end_shard; shard++)
			if (make_scope(search, shard))
				take_hits(search, db, answer++, shard);
	}
	return 0;
}

static int newest_first(const void *a, const void *b)
{
	const struct hit *x = a, *y = b;
	return (x->id < y->id) - (x->id > y->id);
}

/* The events of the first n hits that lie in this shard. */
static int read_shard(struct search *search, size_t n, uint32_t shard)
{
	struct db *db = NULL;
	struct row row;
	for (size_t i = 0; i < n; i++) {
		const struct hit *hit = &search->hits.all[i];
		if (hit->shard != shard)
			continue;
		if (!db) {
			db = read_db(search->r, place_server(search->r->lane->store, shard));
			if (!db)
				return READ_FAILED;
			sql_begin(&db->sql);
			sql_add(&db->sql, "SELECT " EVENT_COLUMNS " FROM message_%n WHERE ", shard);
		} else {
			sql_add(&db->sql, " OR ");
		}
		sql_add(&db->sql, "(conversation=%u AND seq=%u)", hit->number, hit->seq);
	}
	if (!db)
		return 0;
	sql_add(&db->sql, " ORDER BY id DESC");
	int status = read_send(search->r, db);
	for (size_t i = 0; status == 0 && db_next(db, 0, &row);) {
		while (i < n && search->hits.all[i].id != row_uint(&row, 1))
			i++;
		if (i == n)
			break;
		struct hit *hit = &search->hits.all[i];
		event_from_row(&row, 0, hit->mine->id, &hit->event);
		event_keep(&search->r->lane->pool, &hit->event);
	}
	return status;
}

static int add_targets(struct search *search, size_t n)
{
	struct store *s = search->r->lane->store;
	for (size_t i = 0; i < n; i++) {
		struct hit *hit = &search->hits.all[i];
		if (!hit->event.target)
			continue;
		struct db *db = read_db(search->r, place_server(s, hit->shard));
		int status = db ? event_targets(search->r, db, hit->shard, hit->number,
					  hit->mine->member.since, &hit->event, 1)
				: READ_FAILED;
		if (status < 0)
			return status;
	}
	return 0;
}

static void give_hits(struct search *search, size_t n)
{
	const struct nuncio_search_query *q = search->q;
	struct nuncio_job *job = search->r->job;
	size_t bytes = 0, given = 0, i = 0;
	for (; i < n; i++) {
		const struct nuncio_event *event = &search->hits.all[i].event;
		if (!event->seq || (event->flags & NUNCIO_EVENT_VOID) ||
			(event->changed && !search_fits(event, q->text)))
			continue;
		bytes += event_bytes(event);
		if (given && q->max_bytes && bytes > q->max_bytes)
			break;
		nuncio_job_add_event(job, event);
		given++;
	}
	if (i == search->hits.count)
		return;
	char next[24];
	int length = snprintf(next, sizeof(next), "%" PRIu64, search->hits.all[i ? i - 1 : 0].id);
	nuncio_job_set_cursor(job, (struct nuncio_str){ next, (size_t)length });
	nuncio_job_set_more(job, 1);
}

static int run(struct search *search)
{
	const struct nuncio_search_query *q = search->q;
	struct reading *r = search->r;
	if (!parse_after(q->after, &search->below) || !search_wants(&search->wants, q->text))
		return NUNCIO_E_INVAL;
	int status = q->conversation.n
			     ? mine_read_ids(r, q->user, &q->conversation, 1, NULL, &search->mines)
			     : mine_read(r, q->user, NULL, &search->mines);
	if (status == 0 && search->mines.count)
		status = collect(search);
	if (status < 0)
		return status;
	struct hits *hits = &search->hits;
	if (hits->count)
		qsort(hits->all, hits->count, sizeof(*hits->all), newest_first);
	size_t limit = q->limit ? q->limit : 1, n = hits->count < limit ? hits->count : limit;
	for (uint32_t shard = 0; shard < r->lane->store->shards && status == 0; shard++)
		status = read_shard(search, n, shard);
	if (status == 0)
		status = add_targets(search, n);
	if (status == 0)
		give_hits(search, n);
	return status;
}

int search_find(struct reading *r, const struct nuncio_search_query *q)
{
	struct search search = { .r = r, .q = q };
	int status = r->lane->store->has_search ? run(&search) : NUNCIO_E_UNSUPPORTED;
	sql_fini(&search.wants);
	sql_fini(&search.scope);
	return status;
}

/* SPDX-License-Identifier: MIT */
/*
 * The conversations of a user. Which they are stands with the user, in parts that come in order of
 * their ids; then each shard is asked for the heads and the user's rows as members of those that
 * lie there, one packet per server. Those where the user is no member are none: user_conversation
 * was written ahead (first_rows.c).
 */
#include "store_mysql.h"

#include <stdlib.h>

enum { IDS_PER_PART = 1000 };

void member_from_row(const struct row *row, unsigned column, struct nuncio_str conversation,
	struct nuncio_member *member_r)
{
	*member_r = (struct nuncio_member){ .size = sizeof(*member_r),
		.conversation = conversation,
		.user = row_text(row, column),
		.role = (uint32_t)row_uint(row, column + 1),
		.delivered = row_uint(row, column + 2),
		.read = row_uint(row, column + 3),
		.since = row_uint(row, column + 4),
		.until = row_uint(row, column + 5),
		.joined_at_ms = sql_time_ms(row_text(row, column + 6)),
		.muted_until_ms = row_int(row, column + 7),
		.extra = row_text(row, column + 8) };
}

int mine_ids(struct reading *r, struct nuncio_str user, struct nuncio_str prefix,
	struct nuncio_str after, struct nuncio_str **ids_r, size_t *n_r)
{
	struct pool *pool = &r->lane->pool;
	uint32_t shard = place_shard(r->lane->store, user);
	struct db *db = read_db(r, place_server(r->lane->store, shard));
	struct row row;
	*n_r = 0;
	if (!db)
		return READ_FAILED;
	sql_begin(&db->sql);
	sql_add(&db->sql, "SELECT conversation FROM user_conversation_%n WHERE user=%q", shard,
		user);
	if (after.n)
		sql_add(&db->sql, " AND conversation>%q", after);
	if (prefix.n)
		sql_add(&db->sql, " AND conversation>=%q AND LEFT(conversation,%u)=%q", prefix,
			(uint64_t)prefix.n, prefix);
	sql_add(&db->sql, " ORDER BY conversation LIMIT %u", (uint64_t)IDS_PER_PART);
	int status = read_send(r, db);
	*ids_r = pool_take(pool, IDS_PER_PART * sizeof(**ids_r));
	while (status == 0 && *n_r < IDS_PER_PART && db_next(db, 0, &row))
		(*ids_r)[(*n_r)++] = pool_text(pool, row_text(&row, 0));
	return status;
}

/* What is asked of each shard. */
struct asking {
	struct nuncio_str user;
	const struct nuncio_str *ids;
	size_t n;
	const uint64_t *above; /* NULL, or for each server: only what has changed since */
	bool counts;           /* those who are there, instead of rows */
};

static void add_select(struct db *db, uint32_t shard, const struct asking *q)
{
	sql_begin(&db->sql);
	if (q->counts)
		sql_add(&db->sql, "SELECT STRAIGHT_JOIN COUNT(*)");
	else
		sql_add(&db->sql,
			"SELECT STRAIGHT_JOIN h.id,h.number,h.last_seq,h.last_id,h.members,"
			"h.changed,h.marked,m.changed," MEMBER_COLUMNS);
	sql_add(&db->sql,
		" FROM head_%n h JOIN member_%n m ON m.conversation=h.number AND m.user=%q"
		" WHERE h.last_seq>0",
		shard, shard, q->user);
	if (q->counts)
		sql_add(&db->sql, " AND m.until_=0");
	if (q->above)
		sql_add(&db->sql, " AND (h.changed>%u OR h.marked>%u OR m.changed>%u)",
			q->above[db->server->index], q->above[db->server->index],
			q->above[db->server->index]);
	sql_add(&db->sql, " AND h.id IN (");
}

static void add_shard(struct db *db, uint32_t shard, const struct store *s, const struct asking *q)
{
	bool any = false;
	for (size_t i = 0; i < q->n; i++) {
		if (place_shard(s, q->ids[i]) != shard)
			continue;
		if (!any)
			add_select(db, shard, q);
		sql_add(&db->sql, any ? ",%q" : "%q", q->ids[i]);
		any = true;
	}
	if (any)
		sql_add(&db->sql, ")");
}

static void take_row(struct reading *r, const struct row *row, void *into)
{
	struct mines *mines = into;
	struct pool *pool = &r->lane->pool;
	if (mines->count == mines->size) {
		size_t size = mines->size ? mines->size * 2 : 64;
		struct mine *all = pool_take(pool, size * sizeof(*all));
		for (size_t i = 0; i < mines->count; i++)
			all[i] = mines->all[i];
		mines->all = all;
		mines->size = size;
	}
	struct mine *mine = &mines->all[mines->count++];
	mine->id = pool_text(pool, row_text(row, 0));
	mine->shard = place_shard(r->lane->store, mine->id);
	mine->number = row_uint(row, 1);
	mine->last_seq = row_uint(row, 2);
	mine->last_id = row_uint(row, 3);
	mine->changed = row_uint(row, 5);
	mine->marked = row_uint(row, 6);
	mine->member_changed = row_uint(row, 7);
	member_from_row(row, 8, mine->id, &mine->member);
	mine->member.user = pool_text(pool, mine->member.user);
	mine->member.extra = pool_text(pool, mine->member.extra);
	mine->member.last_seq = mine->last_seq;
	mine->member.member_count = (uint32_t)row_uint(row, 4);
}

typedef void take_fn(struct reading *r, const struct row *row, void *into);

static int ask_shards(struct reading *r, const struct asking *q, take_fn *take, void *into)
{
	struct store *s = r->lane->store;
	struct row row;
	for (unsigned i = 0; i < s->server_count; i++) {
		struct server *server = &s->servers[i];
		bool any = false;
		for (size_t k = 0; k < q->n && !any; k++)
			any = place_server(s, place_shard(s, q->ids[k])) == server;
		if (!any)
			continue;
		struct db *db = read_db(r, server);
		if (!db)
			return READ_FAILED;
		for (uint32_t shard = server->first_shard; shard < server->end_shard; shard++)
			add_shard(db, shard, s, q);
		int status = read_send(r, db);
		if (status < 0)
			return status;
		for (unsigned answer = 0; answer < db->answer_count; answer++)
			while (db_next(db, answer, &row))
				take(r, &row, into);
	}
	return 0;
}

int mine_read_ids(struct reading *r, struct nuncio_str user, const struct nuncio_str *ids, size_t n,
	const uint64_t *above, struct mines *mines)
{
	const struct asking q = { .user = user, .ids = ids, .n = n, .above = above };
	return ask_shards(r, &q, take_row, mines);
}

static void take_count(struct reading *r, const struct row *row, void *into)
{
	(void)r;
	*(uint64_t *)into += row_uint(row, 0);
}

int mine_count_ids(struct reading *r, struct nuncio_str user, const struct nuncio_str *ids,
	size_t n, uint64_t *count)
{
	const struct asking q = { .user = user, .ids = ids, .n = n, .counts = true };
	return ask_shards(r, &q, take_count, count);
}

static int by_place(const void *a, const void *b)
{
	const struct mine *x = a, *y = b;
	if (x->shard != y->shard)
		return x->shard < y->shard ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

int mine_read(struct reading *r, struct nuncio_str user, const uint64_t *above, struct mines *mines)
{
	struct nuncio_str after = { "", 0 }, none = { "", 0 }, *ids;
	size_t n;
	*mines = (struct mines){ 0 };
	do {
		int status = mine_ids(r, user, none, after, &ids, &n);
		if (status == 0 && n)
			status = mine_read_ids(r, user, ids, n, above, mines);
		if (status < 0)
			return status;
		after = n ? ids[n - 1] : after;
	} while (n == IDS_PER_PART);
	if (mines->count)
		qsort(mines->all, mines->count, sizeof(*mines->all), by_place);
	return 0;
}

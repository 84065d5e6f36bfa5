/* SPDX-License-Identifier: MIT */
/*
 * Reading records. Lists over all owners go through every shard on every server: each tells the
 * names of its next rows and how long their values are, they are merged, and only then the values
 * of those on the page are read.
 */
#include "store_mysql.h"

#include <stdlib.h>
#include <string.h>

int record_get(struct reading *r, const struct nuncio_record *q)
{
	uint32_t shard = place_shard(r->lane->store, q->owner);
	struct db *db = read_db(r, place_server(r->lane->store, shard));
	struct row row;
	if (!db)
		return READ_FAILED;
	sql_begin(&db->sql);
	sql_add(&db->sql,
		"SELECT value,version,expires_at FROM record_%n"
		" WHERE space=%q AND owner=%q AND key_=%q",
		shard, q->space, q->owner, q->key);
	int status = read_send(r, db);
	if (status < 0)
		return status;
	if (!db_next(db, 0, &row))
		return NUNCIO_E_NOTFOUND;
	int64_t expires_at_ms = row_int(&row, 2);
	if (expires_at_ms && expires_at_ms <= nuncio_wall_ms())
		return NUNCIO_E_NOTFOUND;
	r->has_answered = true;
	nuncio_job_add_record(r->job, &(struct nuncio_record){ .size = sizeof(struct nuncio_record),
					      .space = q->space,
					      .owner = q->owner,
					      .key = q->key,
					      .value = row_text(&row, 0),
					      .version = row_uint(&row, 1),
					      .expires_at_ms = expires_at_ms });
	return 0;
}

/* A row that may be on the page. */
struct found {
	uint32_t shard;
	uint64_t bytes;
	struct nuncio_record record;
};
struct list {
	struct found *all;
	size_t count, size;
};

static void ask_names(struct db *db, uint32_t shard, const struct nuncio_records_query *q,
	uint64_t limit, int64_t now_ms)
{
	sql_begin(&db->sql);
	sql_add(&db->sql,
		"SELECT owner,key_,LENGTH(value) FROM record_%n WHERE space=%q"
		" AND (expires_at IS NULL OR expires_at>%d)",
		shard, q->space, now_ms);
	bool goes_on = q->after_owner.n || q->after_key.n;
	if (q->owner.p) {
		sql_add(&db->sql, " AND owner=%q", q->owner);
		if (goes_on)
			sql_add(&db->sql, " AND key_>%q", q->after_key);
	} else {
		if (goes_on)
			sql_add(&db->sql, " AND owner>=%q AND (owner>%q OR key_>%q)",
				q->after_owner, q->after_owner, q->after_key);
		if (q->owner_prefix.n)
			sql_add(&db->sql, " AND owner>=%q AND LEFT(owner,%u)=%q", q->owner_prefix,
				(uint64_t)q->owner_prefix.n, q->owner_prefix);
	}
	if (q->key_prefix.n) {
		if (q->owner.p)
			sql_add(&db->sql, " AND key_>=%q", q->key_prefix);
		sql_add(&db->sql, " AND LEFT(key_,%u)=%q", (uint64_t)q->key_prefix.n,
			q->key_prefix);
	}
	sql_add(&db->sql, " ORDER BY owner,key_ LIMIT %u", limit);
}

static void take_names(struct reading *r, struct db *db, unsigned answer, uint32_t shard,
	const struct nuncio_records_query *q, struct list *list)
{
	struct pool *pool = &r->lane->pool;
	struct row row;
	while (db_next(db, answer, &row)) {
		if (list->count == list->size) {
			size_t size = list->size ? list->size * 2 : 64;
			struct found *all = pool_take(pool, size * sizeof(*all));
			if (list->count)
				memcpy(all, list->all, list->count * sizeof(*all));
			list->all = all;
			list->size = size;
		}
		list->all[list->count++] = (struct found){ .shard = shard,
			.bytes = row_uint(&row, 2),
			.record = { .size = sizeof(struct nuncio_record),
				.space = q->space,
				.owner = pool_text(pool, row_text(&row, 0)),
				.key = pool_text(pool, row_text(&row, 1)) } };
	}
}

static int by_name(const void *a, const void *b)
{
	const struct nuncio_record *x = &((const struct found *)a)->record;
	const struct nuncio_record *y = &((const struct found *)b)->record;
	int order = nuncio_text_compare(x->owner, y->owner);
	return order ? order : nuncio_text_compare(x->key, y->key);
}

static int collect(
	struct reading *r, const struct nuncio_records_query *q, uint64_t limit, struct list *list)
{
	struct store *s = r->lane->store;
	uint32_t only = q->owner.p ? place_shard(s, q->owner) : UINT32_MAX;
	int64_t now_ms = nuncio_wall_ms();
	for (unsigned i = 0; i < s->server_count; i++) {
		struct server *server = &s->servers[i];
		uint32_t first = server->first_shard, end = server->end_shard;
		if (only != UINT32_MAX && (only < first || only >= end))
			continue;
		if (only != UINT32_MAX) {
			first = only;
			end = only + 1;
		}
		struct db *db = read_db(r, server);
		if (!db)
			return READ_FAILED;
		for (uint32_t shard = first; shard < end; shard++)
			ask_names(db, shard, q, limit, now_ms);
		int status = read_send(r, db);
		if (status < 0)
			return status;
		for (uint32_t shard = first; shard < end; shard++)
			take_names(r, db, shard - first, shard, q, list);
	}
	if (list->count)
		qsort(list->all, list->count, sizeof(*list->all), by_name);
	return 0;
}

/* The values of the first n that lie in this shard; one that has gone meanwhile is left out. */
static int read_values(struct reading *r, struct list *list, size_t n, uint32_t shard)
{
	struct db *db = NULL;
	struct row row;
	size_t at = 0;
	for (size_t i = 0; i < n; i++) {
		const struct nuncio_record *record = &list->all[i].record;
		if (list->all[i].shard != shard)
			continue;
		if (!db) {
			db = read_db(r, place_server(r->lane->store, shard));
			if (!db)
				return READ_FAILED;
			sql_begin(&db->sql);
			sql_add(&db->sql,
				"SELECT owner,key_,value,version,expires_at FROM record_%n"
				" WHERE space=%q AND (",
				shard, record->space);
		} else {
			sql_add(&db->sql, " OR ");
		}
		sql_add(&db->sql, "(owner=%q AND key_=%q)", record->owner, record->key);
	}
	if (!db)
		return 0;
	sql_add(&db->sql, ") ORDER BY owner,key_");
	int status = read_send(r, db);
	while (status == 0 && db_next(db, 0, &row)) {
		while (at < n &&
			(list->all[at].shard != shard ||
				!nuncio_text_same(list->all[at].record.owner, row_text(&row, 0)) ||
				!nuncio_text_same(list->all[at].record.key, row_text(&row, 1))))
			at++;
		if (at == n)
			break;
		struct nuncio_record *record = &list->all[at].record;
		record->value = pool_text(&r->lane->pool, row_text(&row, 2));
		record->version = row_uint(&row, 3);
		record->expires_at_ms = row_int(&row, 4);
	}
	return status;
}

int record_list(struct reading *r, const struct nuncio_records_query *q)
{
	struct list list = { 0 };
	size_t limit = q->limit ? q->limit : 1, n = 0;
	uint64_t bytes = 0;
	int status = collect(r, q, limit + 1, &list);
	for (; n < list.count && n < limit; n++) {
		bytes += list.all[n].bytes;
		if (n && bytes > LIST_BYTES_MAX)
			break;
	}
	for (uint32_t shard = 0; shard < r->lane->store->shards && status == 0; shard++)
		status = read_values(r, &list, n, shard);
	if (status < 0)
		return status;
	for (size_t i = 0; i < n; i++)
		if (list.all[i].record.version)
			nuncio_job_add_record(r->job, &list.all[i].record);
	nuncio_job_set_more(r->job, n < list.count);
	return 0;
}

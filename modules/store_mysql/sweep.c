/* SPDX-License-Identifier: MIT */
/*
 * What has had its time. The core calls about every ten seconds between jobs; a write lane sweeps
 * the shards that it writes, in small steps, STEPS_MAX of them, so that a job that comes waits
 * little; the next call goes on from there. Of several nodes it is enough if one sweeps.
 *
 * Also keeps idle connections alive: the server ends those that say nothing for long (db.c).
 */
#include "store_mysql.h"

#include <stdio.h>

enum { STEPS_MAX = 10, ROWS_PER_STEP = 200, TICKETS_KEPT = 1000, HOUSE_EVERY_MS = 600000 };
static const int64_t forget_after_ms = INT64_C(30) * 24 * 3600 * 1000; /* deletions: store.h */

/* "(a AND b) OR ..." of all names in the answer. */
static void add_names(struct db *db, const struct nuncio_record *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sql_add(&db->sql, "%s(space=%q AND owner=%q AND key_=%q)", i ? " OR " : "",
			names[i].space, names[i].owner, names[i].key);
}

/* One step; *n_r says how many went. Whoever renews one at this moment waits for its lock. */
static int expire_records(struct lane *lane, struct db *db, uint32_t shard, size_t *n_r)
{
	struct nuncio_record names[ROWS_PER_STEP];
	struct row row;
	*n_r = 0;
	db_begin(db);
	sql_begin(&db->sql);
	sql_add(&db->sql, "BEGIN");
	sql_begin(&db->sql);
	sql_add(&db->sql,
		"SELECT space,owner,key_ FROM record_%n WHERE expires_at<=%d LIMIT %u FOR UPDATE",
		shard, nuncio_wall_ms(), (uint64_t)ROWS_PER_STEP);
	int rc = db_run(db);
	while (rc == DB_OK && *n_r < ROWS_PER_STEP && db_next(db, 1, &row))
		names[(*n_r)++] =
			(struct nuncio_record){ .space = pool_text(&lane->pool, row_text(&row, 0)),
				.owner = pool_text(&lane->pool, row_text(&row, 1)),
				.key = pool_text(&lane->pool, row_text(&row, 2)) };
	if (rc != DB_OK)
		return rc;
	if (*n_r == 0)
		return db_execute(db, "ROLLBACK");
	db_begin(db);
	sql_begin(&db->sql);
	sql_add(&db->sql, "DELETE FROM record_%n WHERE ", shard);
	add_names(db, names, *n_r);
	sql_begin(&db->sql);
	sql_add(&db->sql, "DELETE FROM synced_%n WHERE deleted_at IS NULL AND (", shard);
	add_names(db, names, *n_r);
	sql_add(&db->sql, ")");
	sql_begin(&db->sql);
	sql_add(&db->sql, "COMMIT");
	return db_run(db);
}

/* The oldest; and that they are forgotten (sync_pages.c: horizon), in one transaction. */
static int forget_deletions(struct db *db, uint32_t shard)
{
	int64_t before_ms = nuncio_wall_ms() - forget_after_ms;
	struct row row;
	db_begin(db);
	sql_begin(&db->sql);
	sql_add(&db->sql,
		"SELECT MAX(changed),MAX(deleted_at) FROM (SELECT changed,deleted_at FROM synced_%n"
		" WHERE deleted_at<=%d ORDER BY deleted_at LIMIT %u) AS oldest",
		shard, before_ms, (uint64_t)ROWS_PER_STEP);
	int rc = db_run(db);
	if (rc != DB_OK || !db_next(db, 0, &row) || row_is_null(&row, 0))
		return rc;
	uint64_t horizon = row_uint(&row, 0), until_ms = row_uint(&row, 1);
	db_begin(db);
	sql_begin(&db->sql);
	sql_add(&db->sql, "BEGIN");
	sql_begin(&db->sql);
	sql_add(&db->sql,
		"UPDATE meta SET value=GREATEST(CAST(value AS UNSIGNED),%u) WHERE name='horizon'",
		horizon);
	sql_begin(&db->sql);
	sql_add(&db->sql, "DELETE FROM synced_%n WHERE deleted_at<=%u AND changed<=%u", shard,
		until_ms, horizon);
	sql_begin(&db->sql);
	sql_add(&db->sql, "COMMIT");
	return db_run(db);
}

/* Rows of lanes that are no more; their highest id is kept. Tickets, if nobody indexes by them. */
static int keep_house(struct lane *lane, struct db *db)
{
	db_begin(db);
	sql_begin(&db->sql);
	sql_add(&db->sql, "UPDATE lane SET seen_at=UTC_TIMESTAMP() WHERE id=%u",
		lane->row[db->server->index]);
	sql_begin(&db->sql);
	sql_add(&db->sql, "BEGIN");
	sql_begin(&db->sql);
	sql_add(&db->sql, "UPDATE meta SET value=GREATEST(CAST(value AS UNSIGNED),"
			  "(SELECT COALESCE(MAX(highest),0) FROM lane)) WHERE name='highest'");
	sql_begin(&db->sql);
	sql_add(&db->sql, "DELETE FROM lane WHERE seen_at<UTC_TIMESTAMP()-INTERVAL 1 DAY");
	sql_begin(&db->sql);
	sql_add(&db->sql, "COMMIT");
	if (!lane->store->has_search) {
		sql_begin(&db->sql);
		sql_add(&db->sql, "SET @last=(SELECT COALESCE(MAX(id),0) FROM ticket)");
		sql_begin(&db->sql);
		sql_add(&db->sql,
			"DELETE FROM ticket WHERE id<IF(@last>%u,@last-%u,0) LIMIT 100000",
			(uint64_t)TICKETS_KEPT, (uint64_t)TICKETS_KEPT);
	}
	return db_run(db);
}

/* Uses up *steps by one for each full step. */
static int sweep_shard(struct lane *lane, struct db *db, uint32_t shard, int *steps)
{
	size_t n = 0;
	int rc;
	do {
		rc = expire_records(lane, db, shard, &n);
		pool_reset(&lane->pool);
	} while (rc == DB_OK && n == ROWS_PER_STEP && --*steps > 0);
	return rc == DB_OK ? forget_deletions(db, shard) : rc;
}

static int sweep_shards(struct lane *lane, struct db *db)
{
	uint32_t first = db->server->first_shard, count = db->server->end_shard - first;
	uint32_t writers = lane->store->writers;
	int steps = STEPS_MAX, rc = DB_OK;
	for (uint32_t i = 0; i < count && rc == DB_OK && steps > 0; i++) {
		uint32_t shard = first + lane->sweep_at++ % count;
		if (shard % writers == lane->index % writers)
			rc = sweep_shard(lane, db, shard, &steps);
	}
	return rc;
}

void sweep(struct lane *lane)
{
	struct store *s = lane->store;
	for (unsigned i = 0; i < s->server_count; i++) {
		struct db *db = &lane->db[i];
		bool is_home = lane->use == DB_WRITES && lane->index / s->writers == i;
		if (is_home)
			db = lane_db(lane, &s->servers[i]);
		if (!db || !db->handle)
			continue;
		int rc = is_home ? sweep_shards(lane, db) : db_execute(db, "DO 0");
		if (rc == DB_OK && is_home && nuncio_mono_ms() - lane->house_ms > HOUSE_EVERY_MS) {
			rc = keep_house(lane, db);
			lane->house_ms = nuncio_mono_ms();
		}
		if (rc != DB_OK && rc != DB_AGAIN)
			store_complain(s, db, "sweeping");
	}
}

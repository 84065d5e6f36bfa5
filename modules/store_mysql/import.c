/* SPDX-License-Identifier: MIT */
/*
 * Rows of another store, as they are: everything that queued for a lane in one transaction, like
 * any write, but without looking at what is there, since nobody else writes. All rows have the one
 * ticket that the beginning has drawn: clients' cursors are of another store, so they reload, and
 * cursors made from then on are behind it.
 *
 * While a copy goes on, the table meta says `copying`, and no server opens the store but to copy
 * again. A failure of any kind ends the copy; the next one begins with empty tables.
 */
#include "store_mysql.h"

enum { PACKET_BYTES = 1024 * 1024, TRIES_MAX = 5 };

static const char *const tables[] = { "head", "message", "member", "mention", "user_conversation",
	"record", "synced", "search" };

static int send_large(struct db *db, int rc)
{
	if (rc != DB_OK || db->sql.n < PACKET_BYTES)
		return rc;
	rc = db_run(db);
	if (rc == DB_OK)
		db_begin(db);
	return rc;
}

/* "(...),(...)": true for the first. */
static void comma(struct db *db, size_t i)
{
	if (i)
		sql_add(&db->sql, ",");
}

/* ---- rows of a conversation: @n is its number ---- */

static void add_events(struct db *db, uint32_t shard, const struct nuncio_job_import *in)
{
	if (!in->events_count)
		return;
	sql_begin(&db->sql);
	sql_add(&db->sql, "INSERT INTO message_%n (conversation,ticket," EVENT_COLUMNS ") VALUES ",
		shard);
	for (size_t i = 0; i < in->events_count; i++) {
		const struct nuncio_event *e = &in->events[i];
		comma(db, i);
		sql_add(&db->sql, "(@n,@ticket,%u,%u,%t,%q,", e->seq, e->id, e->sent_at_ms,
			e->from);
		if (e->client_id.n)
			sql_add(&db->sql, "%q", e->client_id);
		else
			sql_add(&db->sql, "NULL");
		sql_add(&db->sql, ",%q,%q,%u,%u,%u,%q,%q,%q)", e->type, e->kind, (uint64_t)e->flags,
			e->target, e->changed, e->body, e->extra, e->state);
	}
	sql_add(&db->sql, " ON DUPLICATE KEY UPDATE flags=VALUES(flags),changed=VALUES(changed),"
			  "body=VALUES(body),state=VALUES(state)");
	const struct nuncio_event *last = &in->events[in->events_count - 1];
	sql_begin(&db->sql);
	sql_add(&db->sql,
		"UPDATE head_%n SET last_id=IF(last_seq<%u,%u,last_id),last_seq=GREATEST(last_seq,%u)"
		" WHERE number=@n",
		shard, last->seq, last->id, last->seq);
}

static void add_members(struct db *db, uint32_t shard, const struct nuncio_job_import *in)
{
	if (!in->members_count)
		return;
	sql_begin(&db->sql);
	sql_add(&db->sql,
		"REPLACE INTO member_%n (conversation," MEMBER_COLUMNS ",changed) VALUES ", shard);
	for (size_t i = 0; i < in->members_count; i++) {
		const struct nuncio_member *m = &in->members[i];
		comma(db, i);
		sql_add(&db->sql, "(@n,%q,%u,%u,%u,%u,%u,%t,%d,%q,@ticket)", m->user,
			(uint64_t)m->role, m->delivered, m->read, m->since, m->until,
			m->joined_at_ms, m->muted_until_ms, m->extra);
	}
	sql_begin(&db->sql);
	sql_add(&db->sql,
		"UPDATE head_%n SET members=(SELECT COUNT(*) FROM member_%n"
		" WHERE conversation=@n AND until_=0) WHERE number=@n",
		shard, shard);
}

static void add_mentions(struct db *db, uint32_t shard, const struct nuncio_job_import *in)
{
	if (!in->upto)
		return;
	sql_begin(&db->sql);
	sql_add(&db->sql, "DELETE FROM mention_%n WHERE conversation=@n AND seq BETWEEN %u AND %u",
		shard, in->from, in->upto);
	if (!in->mentions_count)
		return;
	sql_begin(&db->sql);
	sql_add(&db->sql, "INSERT INTO mention_%n (conversation,user,seq) VALUES ", shard);
	for (size_t i = 0; i < in->mentions_count; i++) {
		comma(db, i);
		sql_add(&db->sql, "(@n,%q,%u)", in->mentions[i].user, in->mentions[i].since);
	}
}

static void add_conversation(struct store *s, struct db *db, const struct nuncio_job_import *in)
{
	uint32_t shard = place_shard(s, in->conversation);
	sql_begin(&db->sql);
	sql_add(&db->sql,
		"INSERT INTO head_%n (id,changed) VALUES (%q,@ticket)"
		" ON DUPLICATE KEY UPDATE number=LAST_INSERT_ID(number)",
		shard, in->conversation);
	sql_begin(&db->sql);
	sql_add(&db->sql, "SET @n=LAST_INSERT_ID()");
	add_members(db, shard, in);
	add_events(db, shard, in);
	add_mentions(db, shard, in);
}

/* ---- records ---- */

static void add_record(struct store *s, struct db *db, const struct nuncio_record *r)
{
	uint32_t shard = place_shard(s, r->owner);
	sql_begin(&db->sql);
	if (!r->value.p) {
		sql_add(&db->sql, "DELETE FROM record_%n WHERE space=%q AND owner=%q AND key_=%q",
			shard, r->space, r->owner, r->key);
		sql_begin(&db->sql);
		sql_add(&db->sql, "DELETE FROM synced_%n WHERE owner=%q AND space=%q AND key_=%q",
			shard, r->owner, r->space, r->key);
		return;
	}
	sql_add(&db->sql, "REPLACE INTO record_%n VALUES (%q,%q,%q,%q,%u,", shard, r->space,
		r->owner, r->key, r->value, r->version);
	if (r->expires_at_ms)
		sql_add(&db->sql, "%d)", r->expires_at_ms);
	else
		sql_add(&db->sql, "NULL)");
	if (!(r->flags & NUNCIO_RECORD_SYNCED))
		return;
	sql_begin(&db->sql);
	sql_add(&db->sql, "REPLACE INTO synced_%n VALUES (%q,%q,%q,@ticket,0,NULL)", shard,
		r->owner, r->space, r->key);
}

/* ---- one transaction ---- */

/* That members are to be looked for in a conversation lies with them, perhaps elsewhere. */
static int place_members(struct lane *lane, const struct nuncio_job_import *in)
{
	struct store *s = lane->store;
	for (unsigned i = 0; i < s->server_count; i++) {
		struct db *db = lane_db(lane, &s->servers[i]);
		if (!db)
			return DB_LOST;
		db_begin(db);
		for (size_t k = 0; k < in->members_count; k++) {
			uint32_t shard = place_shard(s, in->members[k].user);
			if (place_server(s, shard) != &s->servers[i])
				continue;
			sql_begin(&db->sql);
			sql_add(&db->sql, "INSERT IGNORE INTO user_conversation_%n VALUES (%q,%q)",
				shard, in->members[k].user, in->conversation);
		}
		int rc = db->sql.count ? db_run(db) : DB_OK;
		if (rc != DB_OK)
			return rc;
	}
	return DB_OK;
}

static int write_all(struct lane *lane, struct db *db, struct nuncio_job **jobs, size_t n)
{
	int rc = DB_OK;
	for (size_t i = 0; i < n && rc == DB_OK; i++)
		rc = place_members(lane, nuncio_job_input(jobs[i]));
	if (rc != DB_OK)
		return rc;
	db_begin(db);
	sql_begin(&db->sql);
	sql_add(&db->sql, "BEGIN");
	sql_begin(&db->sql);
	sql_add(&db->sql, "SET @ticket=(SELECT MAX(id) FROM ticket)");
	for (size_t i = 0; i < n && rc == DB_OK; i++) {
		const struct nuncio_job_import *in = nuncio_job_input(jobs[i]);
		if (in->conversation.n)
			add_conversation(lane->store, db, in);
		for (size_t k = 0; k < in->records_count; k++)
			add_record(lane->store, db, &in->records[k]);
		rc = send_large(db, rc);
	}
	if (rc != DB_OK)
		return rc;
	sql_begin(&db->sql);
	sql_add(&db->sql, "COMMIT");
	return db_run(db);
}

static int status_of(int rc)
{
	switch (rc) {
	case DB_OK:
		return 0;
	case DB_NOSPACE:
		return NUNCIO_E_NOSPACE;
	case DB_LOST:
		return NUNCIO_E_BUSY;
	default:
		return NUNCIO_E_FAIL;
	}
}

/* Writing the same rows again is harmless, so a lost connection is no question here. */
static int write_rows_of(struct lane *lane, struct nuncio_job **jobs, size_t n)
{
	struct server *server = &lane->store->servers[lane->index / lane->store->writers];
	struct db *db = NULL;
	int rc = DB_LOST;
	for (int tries = 0; tries < TRIES_MAX && (rc == DB_LOST || rc == DB_AGAIN); tries++) {
		db = lane_db(lane, server);
		rc = db ? write_all(lane, db, jobs, n) : DB_LOST;
	}
	if (rc != DB_OK && db)
		store_complain(lane->store, db, "copying into");
	return status_of(rc);
}

/* ---- the beginning and the end: on every server ---- */

static bool is_empty(struct db *db, const struct server *server)
{
	struct row row;
	bool is_empty = true;
	for (uint32_t shard = server->first_shard; shard < server->end_shard; shard++) {
		db_begin(db);
		sql_begin(&db->sql);
		sql_add(&db->sql,
			"(SELECT 1 FROM head_%n LIMIT 1) UNION ALL (SELECT 1 FROM record_%n LIMIT 1)",
			shard, shard);
		is_empty &= db_run(db) == DB_OK && !db_next(db, 0, &row);
	}
	return is_empty;
}

static int empty(struct db *db, const struct server *server)
{
	int rc = db_execute(db, "REPLACE INTO meta VALUES ('copying','1'),('horizon','0')");
	for (uint32_t shard = server->first_shard; shard < server->end_shard; shard++) {
		for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && rc == DB_OK; i++) {
			db_begin(db);
			sql_begin(&db->sql);
			sql_add(&db->sql, "TRUNCATE TABLE %s_%n", tables[i], shard);
			rc = db_run(db);
		}
	}
	if (rc == DB_OK)
		rc = db_execute(
			db, "TRUNCATE TABLE ticket;INSERT INTO ticket (changes) VALUES ('')");
	return rc;
}

static int begin_on(struct db *db, const struct server *server)
{
	char copying[8];
	if (schema_meta(db, "copying", copying, sizeof(copying)) < 0)
		return NUNCIO_E_FAIL;
	if (!copying[0] && !is_empty(db, server))
		return NUNCIO_E_EXISTS;
	return status_of(empty(db, server));
}

static int end_on(struct db *db, nuncio_id highest)
{
	db_begin(db);
	sql_begin(&db->sql);
	sql_add(&db->sql, "BEGIN");
	sql_begin(&db->sql);
	sql_add(&db->sql,
		"UPDATE meta SET value=GREATEST(CAST(value AS UNSIGNED),%u) WHERE name='highest'",
		highest);
	sql_begin(&db->sql);
	sql_add(&db->sql, "UPDATE meta SET value=UUID() WHERE name='epoch'");
	sql_begin(&db->sql);
	sql_add(&db->sql, "DELETE FROM meta WHERE name='copying'");
	sql_begin(&db->sql);
	sql_add(&db->sql, "COMMIT");
	return status_of(db_run(db));
}

static int on_all_servers(struct store *s, const struct nuncio_job_import *in)
{
	int status = 0;
	for (unsigned i = 0; i < s->server_count && status == 0; i++) {
		struct db db = { NULL };
		struct nuncio_error err = { "" };
		/* Emptying large tables takes its time. */
		status = db_connect(&db, &s->servers[i], DB_SCHEMA, &err);
		if (status < 0)
			nuncio_log(s->self, NUNCIO_WARN, "%s", err.text);
		else if (in->step == NUNCIO_IMPORT_BEGIN)
			status = begin_on(&db, &s->servers[i]);
		else
			status = end_on(&db, in->highest);
		if (status < 0 && status != NUNCIO_E_EXISTS && db.server)
			store_complain(s, &db, "copying into");
		db_fini(&db);
	}
	return status;
}

void import_run(struct lane *lane, struct nuncio_job **jobs, size_t n)
{
	for (size_t at = 0, end; at < n; at = end) {
		const struct nuncio_job_import *in = nuncio_job_input(jobs[at]);
		int status;
		end = at + 1;
		if (!lane->store->is_target) {
			status = NUNCIO_E_UNSUPPORTED;
		} else if (in->step != NUNCIO_IMPORT_ROWS) {
			status = on_all_servers(lane->store, in);
		} else {
			while (end < n &&
				((const struct nuncio_job_import *)nuncio_job_input(jobs[end]))
						->step == NUNCIO_IMPORT_ROWS)
				end++;
			status = write_rows_of(lane, jobs + at, end - at);
		}
		for (; at < end; at++)
			nuncio_job_done(&jobs[at], status);
	}
}

/* ---- counting ---- */

static int count_shard(struct reading *r, struct db *db, uint32_t shard, int64_t now_ms)
{
	sql_begin(&db->sql);
	sql_add(&db->sql,
		"SELECT (SELECT COUNT(*) FROM head_%n WHERE last_seq>0),"
		"(SELECT COUNT(*) FROM message_%n),(SELECT COUNT(*) FROM member_%n),"
		"(SELECT COUNT(*) FROM record_%n WHERE expires_at IS NULL OR expires_at>%d),"
		"(SELECT COUNT(*) FROM head_%n h WHERE last_seq>0 AND ("
		"last_seq<>(SELECT COUNT(*) FROM message_%n m WHERE m.conversation=h.number)"
		" OR last_seq<>(SELECT MAX(seq) FROM message_%n m WHERE m.conversation=h.number)"
		" OR members<>(SELECT COUNT(*) FROM member_%n m WHERE m.conversation=h.number"
		" AND until_=0)))",
		shard, shard, shard, shard, now_ms, shard, shard, shard, shard);
	return read_send(r, db);
}

int export_counts(struct reading *r, const struct nuncio_job_export *q)
{
	struct store *s = r->lane->store;
	struct nuncio_store_counts sum = { .size = sizeof(sum) };
	struct row row;
	for (uint32_t shard = 0; shard < s->shards; shard++) {
		struct db *db = read_db(r, place_server(s, shard));
		int status = db ? count_shard(r, db, shard, q->now_ms) : READ_FAILED;
		if (status < 0 || !db_next(db, 0, &row))
			return status < 0 ? status : NUNCIO_E_FAIL;
		sum.conversations += row_uint(&row, 0);
		sum.events += row_uint(&row, 1);
		sum.members += row_uint(&row, 2);
		sum.records += row_uint(&row, 3);
		sum.faults += row_uint(&row, 4);
	}
	nuncio_job_set_counts(r->job, &sum);
	return 0;
}

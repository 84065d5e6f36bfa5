/* SPDX-License-Identifier: MIT */
/*
 * The second half of a transaction: what changed, and COMMIT, as a rule in one packet. Everything
 * that is written was locked before or is new; a key that is taken all the same (a repeated send,
 * a record that another node has just made) fails the transaction, and batch.c does it again.
 *
 * The transaction's ticket is drawn here, behind the lane's mark of lock_rows.c: position.c relies
 * on that order.
 */
#include "store_mysql.h"

enum { PACKET_BYTES = 1024 * 1024 };

/* A statement of many rows. */
struct rows {
	struct db *db;
	const char *before, *behind;
	uint32_t shard;
	unsigned count;
	int rc;
};

/* A packet that has become large goes on its way; what failed once stays so. */
static void send_large(struct db *db, int *rc)
{
	if (*rc != DB_OK || db->sql.n < PACKET_BYTES)
		return;
	*rc = db_run(db);
	if (*rc == DB_OK)
		db_begin(db);
}

static bool rows_next(struct rows *rows)
{
	if (rows->rc != DB_OK)
		return false;
	if (rows->count && rows->db->sql.n >= PACKET_BYTES) {
		sql_add(&rows->db->sql, "%s", rows->behind);
		rows->count = 0;
		send_large(rows->db, &rows->rc);
		if (rows->rc != DB_OK)
			return false;
	}
	if (rows->count++) {
		sql_add(&rows->db->sql, ",");
		return true;
	}
	sql_begin(&rows->db->sql);
	sql_add(&rows->db->sql, rows->before, rows->shard);
	return true;
}

static int rows_end(struct rows *rows)
{
	if (rows->rc == DB_OK && rows->count)
		sql_add(&rows->db->sql, "%s", rows->behind);
	return rows->rc;
}

/*
 * What there is to index: shard.conversation.seq of messages that are new, or have another text or
 * none. Other changes, as reactions, do not concern the index; and while the server exchanges the
 * words of a message it finds neither the old nor the new ones for a moment.
 */
static void write_ticket(struct work *w, struct db *db)
{
	struct sql list = { 0 };
	static const struct nuncio_str message = { "message", 7 };
	for (size_t i = 0; w->lane->store->has_search && i < w->event_count; i++) {
		const struct fresh_event *fresh = &w->events[i];
		const struct thing_key *key = &fresh->head->thing.key;
		if (fresh->event.target &&
			(fresh->in->target_body.p || (fresh->in->target_flags & NUNCIO_EVENT_VOID)))
			sql_add(&list, "%u.%u.%u ", (uint64_t)key->shard, fresh->head->number,
				fresh->event.target);
		if (nuncio_text_same(fresh->event.type, message))
			sql_add(&list, "%u.%u.%u ", (uint64_t)key->shard, fresh->head->number,
				fresh->event.seq);
	}
	sql_begin(&db->sql);
	sql_add(&db->sql, "INSERT INTO ticket (changes) VALUES (%q)",
		(struct nuncio_str){ list.p ? list.p : "", list.n });
	sql_begin(&db->sql);
	sql_add(&db->sql, "SET @ticket=LAST_INSERT_ID()");
	sql_fini(&list);
}

static int write_events(struct work *w, struct db *db, uint32_t shard)
{
	struct rows rows = { .db = db,
		.shard = shard,
		.before = "INSERT INTO message_%n (conversation,ticket," EVENT_COLUMNS ") VALUES ",
		.behind = "" };
	for (size_t i = 0; i < w->event_count; i++) {
		const struct nuncio_event *e = &w->events[i].event;
		const struct head *head = w->events[i].head;
		if (head->thing.key.shard != shard || !rows_next(&rows))
			continue;
		sql_add(&db->sql, "(%u,@ticket,%u,%u,%t,%q,", head->number, e->seq, e->id,
			e->sent_at_ms, e->from);
		if (e->client_id.n)
			sql_add(&db->sql, "%q", e->client_id);
		else
			sql_add(&db->sql, "NULL");
		sql_add(&db->sql, ",%q,%q,%u,%u,%u,%q,%q,%q)", e->type, e->kind, (uint64_t)e->flags,
			e->target, e->changed, e->body, e->extra, e->state);
	}
	return rows_end(&rows);
}

static int write_targets(struct work *w, struct db *db, uint32_t shard)
{
	int rc = DB_OK;
	for (struct thing *t = w->first[THING_TARGET][shard]; t; t = t->next) {
		const struct target_row *row = (const struct target_row *)t;
		if (!row->is_changed || rc != DB_OK)
			continue;
		sql_begin(&db->sql);
		sql_add(&db->sql,
			"UPDATE message_%n SET flags=%u,changed=%u,body=%q,state=%q"
			" WHERE conversation=%u AND seq=%u",
			shard, (uint64_t)row->event.flags, row->event.changed, row->event.body,
			row->event.state, t->key.head->number, t->key.number);
		send_large(db, &rc);
	}
	return rc;
}

static int write_heads(struct work *w, struct db *db, uint32_t shard)
{
	struct rows news = { .db = db,
		.shard = shard,
		.before =
			"INSERT INTO head_%n (number,id,last_seq,last_id,members,changed) VALUES ",
		.behind =
			" ON DUPLICATE KEY UPDATE last_seq=VALUES(last_seq),"
			"last_id=VALUES(last_id),members=VALUES(members),changed=VALUES(changed)" };
	bool any = false;
	for (struct thing *t = w->first[THING_HEAD][shard]; t; t = t->next) {
		const struct head *head = (const struct head *)t;
		if (head->has_news && rows_next(&news))
			sql_add(&db->sql, "(%u,%q,%u,%u,%u,@ticket)", head->number, t->key.a,
				head->last_seq, head->last_id, head->member_count);
	}
	if (rows_end(&news) != DB_OK)
		return news.rc;
	for (struct thing *t = w->first[THING_HEAD][shard]; t; t = t->next) {
		const struct head *head = (const struct head *)t;
		if (!head->has_marks)
			continue;
		if (!any) {
			sql_begin(&db->sql);
			sql_add(&db->sql,
				"UPDATE head_%n SET marked=GREATEST(marked,@ticket)"
				" WHERE number IN (",
				shard);
		}
		sql_add(&db->sql, any ? ",%u" : "%u", head->number);
		any = true;
	}
	if (any)
		sql_add(&db->sql, ")");
	return DB_OK;
}

static void write_leaving(struct work *w, struct db *db, uint32_t shard)
{
	for (struct thing *t = w->first[THING_HEAD][shard]; t; t = t->next) {
		const struct head *head = (const struct head *)t;
		if (!head->all_left)
			continue;
		sql_begin(&db->sql);
		sql_add(&db->sql,
			"UPDATE member_%n SET until_=%u WHERE conversation=%u AND until_=0", shard,
			head->all_left, head->number);
	}
}

/* `changed` counts for sync, which tells of cursors that marks have moved. */
static int write_members(struct work *w, struct db *db, uint32_t shard, bool marked)
{
	struct rows rows = { .db = db,
		.shard = shard,
		.before = "INSERT INTO member_%n (conversation," MEMBER_COLUMNS ",changed) VALUES ",
		.behind = marked ? " ON DUPLICATE KEY UPDATE role=VALUES(role),"
				   "delivered=VALUES(delivered),read_=VALUES(read_),"
				   "since=VALUES(since),until_=VALUES(until_),"
				   "joined_at=VALUES(joined_at),muted_until=VALUES(muted_until),"
				   "extra=VALUES(extra),changed=VALUES(changed)"
				 : " ON DUPLICATE KEY UPDATE role=VALUES(role),"
				   "delivered=VALUES(delivered),read_=VALUES(read_),"
				   "since=VALUES(since),until_=VALUES(until_),"
				   "joined_at=VALUES(joined_at),muted_until=VALUES(muted_until),"
				   "extra=VALUES(extra)" };
	for (struct thing *t = w->first[THING_MEMBER][shard]; t; t = t->next) {
		const struct member_row *row = (const struct member_row *)t;
		const struct nuncio_member *m = &row->member;
		if (!row->is_changed || row->is_marked != marked || !rows_next(&rows))
			continue;
		sql_add(&db->sql, "(%u,%q,%u,%u,%u,%u,%u,%t,%d,%q,%s)", t->key.head->number,
			t->key.a, (uint64_t)m->role, m->delivered, m->read, m->since, m->until,
			m->joined_at_ms, m->muted_until_ms, m->extra, marked ? "@ticket" : "0");
	}
	return rows_end(&rows);
}

/* Everybody is user ''. Once twice is once. */
static int write_mentions(struct work *w, struct db *db, uint32_t shard)
{
	struct rows rows = { .db = db,
		.shard = shard,
		.before = "INSERT IGNORE INTO mention_%n (conversation,user,seq) VALUES ",
		.behind = "" };
	for (size_t i = 0; i < w->event_count; i++) {
		const struct fresh_event *fresh = &w->events[i];
		if (fresh->head->thing.key.shard != shard)
			continue;
		if ((fresh->event.flags & NUNCIO_EVENT_MENTIONS_ALL) && rows_next(&rows))
			sql_add(&db->sql, "(%u,'',%u)", fresh->head->number, fresh->event.seq);
		for (size_t k = 0; k < fresh->in->mentions_count; k++)
			if (rows_next(&rows))
				sql_add(&db->sql, "(%u,%q,%u)", fresh->head->number,
					fresh->in->mentions[k], fresh->event.seq);
	}
	return rows_end(&rows);
}

static void add_record(struct db *db, const struct record_row *row)
{
	const struct thing_key *key = &row->thing.key;
	sql_add(&db->sql, "(%q,%q,%q,%q,%u,", key->a, key->b, key->c, row->value, row->version);
	if (row->expires_at_ms)
		sql_add(&db->sql, "%d)", row->expires_at_ms);
	else
		sql_add(&db->sql, "NULL)");
}

/* One that was not there must not be there now either; one that was is locked. */
static int write_records(struct work *w, struct db *db, uint32_t shard, bool was_there)
{
	struct rows rows = { .db = db,
		.shard = shard,
		.before =
			"INSERT INTO record_%n (space,owner,key_,value,version,expires_at) VALUES ",
		.behind = was_there ? " ON DUPLICATE KEY UPDATE value=VALUES(value),"
				      "version=VALUES(version),expires_at=VALUES(expires_at)"
				    : "" };
	for (struct thing *t = w->first[THING_RECORD][shard]; t; t = t->next) {
		const struct record_row *row = (const struct record_row *)t;
		if (row->is_changed && row->value.p && row->is_there == was_there &&
			rows_next(&rows))
			add_record(db, row);
	}
	return rows_end(&rows);
}

static int delete_records(struct work *w, struct db *db, uint32_t shard)
{
	int rc = DB_OK;
	for (struct thing *t = w->first[THING_RECORD][shard]; t; t = t->next) {
		const struct record_row *row = (const struct record_row *)t;
		if (!row->is_changed || row->value.p || !row->is_there || rc != DB_OK)
			continue;
		sql_begin(&db->sql);
		sql_add(&db->sql, "DELETE FROM record_%n WHERE space=%q AND owner=%q AND key_=%q",
			shard, t->key.a, t->key.b, t->key.c);
		send_large(db, &rc);
	}
	return rc;
}

static int write_synced(struct work *w, struct db *db, uint32_t shard)
{
	uint64_t part = 0;
	struct rows rows = { .db = db,
		.shard = shard,
		.before =
			"INSERT INTO synced_%n (owner,space,key_,changed,part,deleted_at) VALUES ",
		.behind = " ON DUPLICATE KEY UPDATE changed=VALUES(changed),part=VALUES(part),"
			  "deleted_at=VALUES(deleted_at)" };
	for (struct thing *t = w->first[THING_RECORD][shard]; t; t = t->next) {
		const struct record_row *row = (const struct record_row *)t;
		if (!row->is_changed || !row->is_synced || !rows_next(&rows))
			continue;
		sql_add(&db->sql, "(%q,%q,%q,@ticket,%u,", t->key.b, t->key.a, t->key.c, part++);
		if (row->value.p)
			sql_add(&db->sql, "NULL)");
		else
			sql_add(&db->sql, "%d)", w->now_ms);
	}
	return rows_end(&rows);
}

static int write_shard(struct work *w, struct db *db, uint32_t shard)
{
	int rc = write_events(w, db, shard);
	if (rc == DB_OK)
		rc = write_targets(w, db, shard);
	if (rc == DB_OK)
		rc = write_heads(w, db, shard);
	if (rc == DB_OK) {
		write_leaving(w, db, shard);
		rc = write_members(w, db, shard, false);
	}
	if (rc == DB_OK)
		rc = write_members(w, db, shard, true);
	if (rc == DB_OK)
		rc = write_mentions(w, db, shard);
	if (rc == DB_OK)
		rc = delete_records(w, db, shard);
	if (rc == DB_OK)
		rc = write_records(w, db, shard, false);
	if (rc == DB_OK)
		rc = write_records(w, db, shard, true);
	return rc == DB_OK ? write_synced(w, db, shard) : rc;
}

int write_rows(struct work *w, struct db *db, bool *is_sent_r)
{
	int rc = DB_OK;
	*is_sent_r = false;
	if (!w->has_changes)
		return db_execute(db, "ROLLBACK");
	db_begin(db);
	write_ticket(w, db);
	for (uint32_t shard = w->server->first_shard; shard < w->server->end_shard && rc == DB_OK;
		shard++)
		rc = write_shard(w, db, shard);
	if (rc != DB_OK)
		return rc;
	sql_begin(&db->sql);
	sql_add(&db->sql, "COMMIT");
	*is_sent_r = true;
	return db_run(db);
}

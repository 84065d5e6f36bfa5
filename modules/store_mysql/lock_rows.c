/* SPDX-License-Identifier: MIT */
/*
 * The first half of a transaction: one packet that begins it, says so in the lane's row, and locks
 * and reads every row that the jobs may change. Always in one order (the lane, then per shard
 * heads, members, records, each by its key), so that transactions of several nodes wait for each
 * other instead of dead-locking.
 *
 * The head of a conversation is the lock of its log: who holds it gives the next seq. Rows that are
 * not there cannot be locked, but those under a head are covered by it, and records are inserted so
 * that the second one of two fails (write_rows.c).
 */
#include "store_mysql.h"

enum { ROWS_PER_STATEMENT = 200 };

/* Runs of "x OR y ...": begins a statement before the first and after so many. */
struct run {
	struct db *db;
	const char *before, *behind;
	uint32_t shard;
	unsigned count;
};

static void run_next(struct run *run)
{
	if (run->count == ROWS_PER_STATEMENT) {
		sql_add(&run->db->sql, "%s", run->behind);
		run->count = 0;
	}
	if (run->count++) {
		sql_add(&run->db->sql, " OR ");
		return;
	}
	sql_begin(&run->db->sql);
	sql_add(&run->db->sql, run->before, run->shard);
}

static void run_end(struct run *run)
{
	if (run->count)
		sql_add(&run->db->sql, "%s", run->behind);
}

static void ask_heads(struct work *w, struct db *db, uint32_t shard, bool locked)
{
	struct run run = { .db = db,
		.shard = shard,
		.before =
			"SELECT number,last_seq,last_id,members FROM head_%n FORCE INDEX (PRIMARY)"
			" WHERE ",
		.behind = locked ? " ORDER BY number FOR UPDATE" : "" };
	for (struct thing *t = w->first[THING_HEAD][shard]; t; t = t->next) {
		const struct head *head = (const struct head *)t;
		if (!head->number || head->is_locked != locked)
			continue;
		run_next(&run);
		sql_add(&db->sql, "number=%u", head->number);
	}
	run_end(&run);
}

static void ask_members(struct work *w, struct db *db, uint32_t shard)
{
	struct run run = { .db = db,
		.shard = shard,
		.before = "SELECT conversation," MEMBER_COLUMNS
			  " FROM member_%n FORCE INDEX (PRIMARY) WHERE ",
		.behind = " ORDER BY conversation,user FOR UPDATE" };
	for (struct thing *t = w->first[THING_MEMBER][shard]; t; t = t->next) {
		run_next(&run);
		sql_add(&db->sql, "(conversation=%u AND user=%q)", t->key.head->number, t->key.a);
	}
	run_end(&run);
}

static void ask_targets(struct work *w, struct db *db, uint32_t shard)
{
	struct run run = { .db = db,
		.shard = shard,
		.before = "SELECT conversation," EVENT_COLUMNS
			  " FROM message_%n FORCE INDEX (PRIMARY) WHERE ",
		.behind = "" };
	for (struct thing *t = w->first[THING_TARGET][shard]; t; t = t->next) {
		run_next(&run);
		sql_add(&db->sql, "(conversation=%u AND seq=%u)", t->key.head->number,
			t->key.number);
	}
	run_end(&run);
}

static void ask_once(struct work *w, struct db *db, uint32_t shard)
{
	struct run run = { .db = db,
		.shard = shard,
		.before = "SELECT conversation," EVENT_COLUMNS
			  " FROM message_%n FORCE INDEX (once) WHERE ",
		.behind = "" };
	for (struct thing *t = w->first[THING_ONCE][shard]; t; t = t->next) {
		run_next(&run);
		sql_add(&db->sql, "(conversation=%u AND sender=%q AND client_id=%q)",
			t->key.head->number, t->key.a, t->key.b);
	}
	run_end(&run);
}

static void ask_records(struct work *w, struct db *db, uint32_t shard)
{
	struct run run = { .db = db,
		.shard = shard,
		.before = "SELECT space,owner,key_,version,expires_at"
			  " FROM record_%n FORCE INDEX (PRIMARY) WHERE ",
		.behind = " ORDER BY space,owner,key_ FOR UPDATE" };
	for (struct thing *t = w->first[THING_RECORD][shard]; t; t = t->next) {
		run_next(&run);
		sql_add(&db->sql, "(space=%q AND owner=%q AND key_=%q)", t->key.a, t->key.b,
			t->key.c);
	}
	run_end(&run);
}

/* --- taking what was read: an answer says by its first columns what it is about --- */

static struct nuncio_event take_event(
	struct work *w, struct row *row, struct nuncio_str conversation)
{
	struct nuncio_event event;
	event_from_row(row, 1, conversation, &event);
	event_keep(&w->lane->pool, &event);
	return event;
}

static void take_heads(struct work *w, struct db *db, unsigned answer, uint32_t shard)
{
	struct row row;
	while (db_next(db, answer, &row)) {
		struct head *head = work_head_of(w, shard, row_uint(&row, 0));
		if (!head)
			continue;
		head->last_seq = head->first_seq = row_uint(&row, 1);
		head->last_id = row_uint(&row, 2);
		head->member_count = row_uint(&row, 3);
	}
}

static void take_members(struct work *w, struct db *db, unsigned answer, uint32_t shard)
{
	struct row row;
	while (db_next(db, answer, &row)) {
		struct head *head = work_head_of(w, shard, row_uint(&row, 0));
		if (!head)
			continue;
		struct member_row *m = work_member(w, head, row_text(&row, 1));
		member_from_row(&row, 1, head->thing.key.a, &m->member);
		m->member.user = m->thing.key.a;
		m->member.extra = pool_text(&w->lane->pool, m->member.extra);
		m->is_there = true;
	}
}

static void take_targets(struct work *w, struct db *db, unsigned answer, uint32_t shard)
{
	struct row row;
	while (db_next(db, answer, &row)) {
		struct head *head = work_head_of(w, shard, row_uint(&row, 0));
		if (!head)
			continue;
		struct target_row *target = work_target(w, head, row_uint(&row, 1));
		target->event = take_event(w, &row, head->thing.key.a);
		target->is_there = true;
	}
}

static void take_once(struct work *w, struct db *db, unsigned answer, uint32_t shard)
{
	struct row row;
	while (db_next(db, answer, &row)) {
		struct head *head = work_head_of(w, shard, row_uint(&row, 0));
		if (!head)
			continue;
		struct nuncio_event event = take_event(w, &row, head->thing.key.a);
		struct once_row *once = work_once(w, head, &event);
		once->event = event;
		once->is_there = true;
	}
}

static void take_records(struct work *w, struct db *db, unsigned answer)
{
	struct row row;
	while (db_next(db, answer, &row)) {
		struct nuncio_record_write name = { .space = row_text(&row, 0),
			.owner = row_text(&row, 1) };
		struct record_row *record = work_record(w, &name, row_text(&row, 2));
		int64_t expires_at_ms = row_int(&row, 4);
		record->is_there = true;
		if (!expires_at_ms || expires_at_ms > w->now_ms)
			record->version = row_uint(&row, 3);
	}
}

/* How many statements run_next made for so many rows. */
static unsigned statements(const struct work *w, enum thing_kind kind, uint32_t shard, int locked)
{
	unsigned count = 0;
	for (const struct thing *t = w->first[kind][shard]; t; t = t->next) {
		const struct head *head = (const struct head *)t;
		count += locked < 0 || (head->number && head->is_locked == (locked != 0));
	}
	return (count + ROWS_PER_STATEMENT - 1) / ROWS_PER_STATEMENT;
}

static void take_shard(struct work *w, struct db *db, uint32_t shard, unsigned *at)
{
	unsigned heads = statements(w, THING_HEAD, shard, 1) + statements(w, THING_HEAD, shard, 0);
	unsigned members = statements(w, THING_MEMBER, shard, -1);
	unsigned targets = statements(w, THING_TARGET, shard, -1);
	unsigned once = statements(w, THING_ONCE, shard, -1);
	unsigned records = statements(w, THING_RECORD, shard, -1);
	for (unsigned i = 0; i < heads; i++)
		take_heads(w, db, (*at)++, shard);
	for (unsigned i = 0; i < members; i++)
		take_members(w, db, (*at)++, shard);
	for (unsigned i = 0; i < targets; i++)
		take_targets(w, db, (*at)++, shard);
	for (unsigned i = 0; i < once; i++)
		take_once(w, db, (*at)++, shard);
	for (unsigned i = 0; i < records; i++)
		take_records(w, db, (*at)++);
}

/* What this process knows of a conversation from now on; the answers above are of its lock. */
static void learn(struct work *w, uint32_t shard)
{
	for (struct thing *t = w->first[THING_HEAD][shard]; t; t = t->next) {
		const struct head *head = (const struct head *)t;
		struct name *name = head->number ? names_find(w->lane->names, t->key.a) : NULL;
		if (!name)
			continue;
		name->has_begun |= head->last_seq > 0;
		name->is_big = head->member_count > NUNCIO_SYNC_MEMBERS;
	}
}

static nuncio_id highest_id(const struct work *w)
{
	nuncio_id highest = 0;
	for (size_t i = 0; i < w->n; i++) {
		const void *in = nuncio_job_input(w->jobs[i]);
		uint32_t kind = nuncio_job_kind(w->jobs[i]);
		nuncio_id id = 0;
		if (kind == NUNCIO_JOB_APPEND)
			id = ((const struct nuncio_job_append *)in)->event.id;
		else if (kind == NUNCIO_JOB_MARK)
			id = ((const struct nuncio_job_mark *)in)->id;
		else if (kind == NUNCIO_JOB_WRITE)
			id = ((const struct nuncio_job_write *)in)->id;
		highest = id > highest ? id : highest;
	}
	return highest;
}

enum { ANSWERS_BEFORE = 3 };

int lock_rows(struct work *w, struct db *db, uint64_t batch)
{
	const struct server *server = w->server;
	unsigned at = ANSWERS_BEFORE;
	db_begin(db);
	sql_begin(&db->sql);
	sql_add(&db->sql, "BEGIN");
	sql_begin(&db->sql);
	sql_add(&db->sql, "SET @since=(SELECT COALESCE(MAX(id),0) FROM ticket)");
	sql_begin(&db->sql);
	sql_add(&db->sql,
		"UPDATE lane SET batch=%u,since=@since,highest=GREATEST(highest,%u),"
		"seen_at=UTC_TIMESTAMP() WHERE id=%u",
		batch, highest_id(w), w->lane->row[server->index]);
	for (uint32_t shard = server->first_shard; shard < server->end_shard; shard++) {
		ask_heads(w, db, shard, true);
		ask_heads(w, db, shard, false);
		ask_members(w, db, shard);
		ask_targets(w, db, shard);
		ask_once(w, db, shard);
		ask_records(w, db, shard);
	}
	int rc = db_run(db);
	if (rc != DB_OK)
		return rc;
	if (db->affected[ANSWERS_BEFORE - 1] == 0) {
		/* Someone has swept the lane's row: batch.c makes another. */
		w->lane->row[server->index] = 0;
		rc = db_execute(db, "ROLLBACK");
		return rc == DB_OK ? DB_AGAIN : rc;
	}
	for (uint32_t shard = server->first_shard; shard < server->end_shard; shard++) {
		take_shard(w, db, shard, &at);
		learn(w, shard);
	}
	return DB_OK;
}

/* SPDX-License-Identifier: MIT */
/*
 * Who is in a conversation: founders, and the changes that come with an event. One who leaves moves
 * from `member` to `past`, one who comes back moves the other way and keeps their cursors. A change
 * costs two or three look-ups by key, however many members there are; so 1,000 in one append are
 * one pass. Thread: the writer lane.
 */
#include "store_sqlite.h"

#include <string.h>

static void bind_member(sqlite3_stmt *st, int64_t number, struct nuncio_str user)
{
	sqlite3_bind_int64(st, 1, number);
	db_bind(st, 2, user);
}

static bool same(struct nuncio_str a, struct nuncio_str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Is the sender one of those who come with this event? */
static bool brings_themselves(const struct append *a)
{
	const struct nuncio_job_append *in = a->in;
	for (size_t i = 0; i < in->members_count; i++)
		if (in->members[i].op == NUNCIO_MEMBER_ADD &&
			same(in->members[i].user, in->event.from))
			return true;
	for (size_t i = 0; !a->head && i < in->founders_count; i++)
		if (same(in->founders[i], in->event.from))
			return true;
	return false;
}

int member_check_sender(struct append *a)
{
	const struct nuncio_job_append *in = a->in;
	sqlite3_stmt *st = a->s->writer.sql[SQL_MEMBER_GET];
	struct nuncio_member sender;
	int rc = SQLITE_DONE;
	if (!in->event.from.n)
		return SQLITE_OK;
	if (a->head) {
		bind_member(st, a->head->number, in->event.from);
		rc = sqlite3_step(st);
	}
	if (rc == SQLITE_ROW) {
		member_from_row(st, in->event.conversation, &sender);
		if (in->flags & NUNCIO_APPEND_UNMUTED &&
			sender.muted_until_ms > in->event.sent_at_ms)
			a->out->status = NUNCIO_E_EXPIRED;
	} else if (rc == SQLITE_DONE && !brings_themselves(a)) {
		a->out->status = NUNCIO_E_DENIED;
	}
	sqlite3_reset(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* *is_new_r: they were not there. */
static int insert(
	struct append *a, const struct nuncio_member_change *change, uint64_t since, bool *is_new_r)
{
	struct db *db = &a->s->writer;
	sqlite3_stmt *st = db->sql[SQL_MEMBER_ADD];
	bind_member(st, a->head->number, change->user);
	sqlite3_bind_int64(st, 3, (sqlite3_int64)since);
	sqlite3_bind_int64(st, 4, change->role);
	sqlite3_bind_int64(st, 5, change->muted_until_ms);
	sqlite3_bind_int64(st, 6, a->in->event.sent_at_ms);
	db_bind(st, 7, a->in->event.conversation);
	db_bind(st, 8, change->extra);
	int rc = db_run(db, SQL_MEMBER_ADD);
	*is_new_r = rc == SQLITE_OK && sqlite3_changes(db->handle) > 0;
	a->member_count += *is_new_r;
	return rc;
}

int member_add_founders(struct append *a)
{
	int rc = SQLITE_OK;
	bool is_new;
	for (size_t i = 0; i < a->in->founders_count && rc == SQLITE_OK; i++)
		rc = insert(a, &(struct nuncio_member_change){ .user = a->in->founders[i] }, 0,
			&is_new);
	return rc;
}

static sqlite3_int64 higher(sqlite3_int64 a, uint64_t b)
{
	return a > (sqlite3_int64)b ? a : (sqlite3_int64)b;
}

/* The cursors of one who had left do not fall. */
static int come_back(struct append *a, struct nuncio_str user, uint64_t since)
{
	struct db *db = &a->s->writer;
	sqlite3_stmt *get = db->sql[SQL_PAST_GET], *raise = db->sql[SQL_MEMBER_RAISE];
	bind_member(get, a->head->number, user);
	int rc = sqlite3_step(get);
	if (rc == SQLITE_ROW) {
		bind_member(raise, a->head->number, user);
		sqlite3_bind_int64(raise, 3, higher(sqlite3_column_int64(get, 1), since));
		sqlite3_bind_int64(raise, 4, higher(sqlite3_column_int64(get, 2), since));
		sqlite3_bind_int64(raise, 5, 0);
	}
	sqlite3_reset(get);
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? SQLITE_OK : rc;
	rc = db_run(db, SQL_MEMBER_RAISE);
	bind_member(db->sql[SQL_PAST_DROP], a->head->number, user);
	return rc == SQLITE_OK ? db_run(db, SQL_PAST_DROP) : rc;
}

static int add(struct append *a, const struct nuncio_member_change *change)
{
	uint64_t since = change->fields & NUNCIO_MEMBER_ALL_HISTORY ? 0 : a->seq - 1;
	bool is_new;
	int rc = insert(a, change, since, &is_new);
	if (rc != SQLITE_OK)
		return rc;
	if (is_new)
		return come_back(a, change->user, since);
	if (!(change->fields & NUNCIO_MEMBER_TOLERANT))
		a->out->status = NUNCIO_E_EXISTS;
	return SQLITE_OK;
}

/*
 * SQLITE_ROW leaves SQL_MEMBER_GET standing on one who is there and has the role that is expected;
 * else the change has come to its end.
 */
static int stand_on(struct append *a, const struct nuncio_member_change *change)
{
	sqlite3_stmt *st = a->s->writer.sql[SQL_MEMBER_GET];
	bind_member(st, a->head->number, change->user);
	int rc = sqlite3_step(st);
	if (rc == SQLITE_DONE && !(change->fields & NUNCIO_MEMBER_TOLERANT))
		a->out->status = NUNCIO_E_NOTFOUND;
	if (rc == SQLITE_ROW && change->expect_role >= 0 &&
		sqlite3_column_int64(st, 3) != change->expect_role)
		a->out->status = NUNCIO_E_CONFLICT;
	if (rc == SQLITE_ROW && a->out->status == 0)
		return rc;
	sqlite3_reset(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Both statements go by conversation and user, or by conversation only. */
static int move_to_past(
	struct append *a, enum db_sql keep, enum db_sql drop, struct nuncio_str user)
{
	struct db *db = &a->s->writer;
	sqlite3_stmt *st = db->sql[keep];
	bind_member(st, a->head->number, user);
	sqlite3_bind_int64(st, 3, (sqlite3_int64)a->seq);
	sqlite3_bind_int64(st, 4, (sqlite3_int64)a->in->event.id);
	int rc = db_run(db, keep);
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(db->sql[drop], 1, a->head->number);
	if (user.n)
		db_bind(db->sql[drop], 2, user);
	rc = db_run(db, drop);
	a->member_count -= (uint32_t)sqlite3_changes(db->handle);
	return rc;
}

static int leave(struct append *a, const struct nuncio_member_change *change)
{
	if (!change->user.n)
		return move_to_past(a, SQL_PAST_KEEP_ALL, SQL_MEMBERS_DROP, change->user);
	int rc = stand_on(a, change);
	if (rc != SQLITE_ROW)
		return rc;
	sqlite3_reset(a->s->writer.sql[SQL_MEMBER_GET]);
	return move_to_past(a, SQL_PAST_KEEP, SQL_MEMBER_DROP, change->user);
}

static int set(struct append *a, const struct nuncio_member_change *change)
{
	struct db *db = &a->s->writer;
	sqlite3_stmt *get = db->sql[SQL_MEMBER_GET], *put = db->sql[SQL_MEMBER_SET];
	struct nuncio_member now;
	int rc = stand_on(a, change);
	if (rc != SQLITE_ROW)
		return rc;
	member_from_row(get, a->in->event.conversation, &now);
	bind_member(put, a->head->number, change->user);
	sqlite3_bind_int64(put, 3, change->fields & NUNCIO_MEMBER_ROLE ? change->role : now.role);
	sqlite3_bind_int64(put, 4,
		change->fields & NUNCIO_MEMBER_MUTED ? change->muted_until_ms : now.muted_until_ms);
	db_bind(put, 5, change->fields & NUNCIO_MEMBER_EXTRA ? change->extra : now.extra);
	rc = db_run(db, SQL_MEMBER_SET);
	sqlite3_reset(get); /* now.extra was borrowed from it */
	return rc;
}

static int change_one(struct append *a, const struct nuncio_member_change *change)
{
	if (change->extra.n > STORE_EXTRA_BYTES_MAX) {
		a->out->status = NUNCIO_E_TOOBIG;
		return SQLITE_OK;
	}
	switch (change->op) {
	case NUNCIO_MEMBER_ADD:
		return add(a, change);
	case NUNCIO_MEMBER_REMOVE:
		return leave(a, change);
	case NUNCIO_MEMBER_SET:
		return set(a, change);
	default:
		a->out->status = NUNCIO_E_INVAL;
		return SQLITE_OK;
	}
}

int member_change_all(struct append *a)
{
	int rc = SQLITE_OK;
	for (size_t i = 0; i < a->in->members_count && rc == SQLITE_OK && a->out->status == 0; i++)
		rc = change_one(a, &a->in->members[i]);
	return rc;
}

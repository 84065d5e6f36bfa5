/* SPDX-License-Identifier: MIT */
/*
 * Marks: the two cursors of a member. They only rise, and are written only when they change
 * something; then the member and the conversation remember the mark's id, which is how sync finds
 * it. Thread: the writer lane.
 *
 * Read first, then written by key: one statement with RETURNING takes twice as long, since SQLite
 * makes a table for what it returns.
 */
#include "store_sqlite.h"

#include <string.h>

static uint64_t at_most(uint64_t value, uint64_t limit)
{
	return value < limit ? value : limit;
}

/* True when something rose. */
static bool raise_to(struct nuncio_member *member, uint64_t delivered, uint64_t read)
{
	bool rises = member->delivered < delivered || member->read < read;
	if (member->delivered < delivered)
		member->delivered = delivered;
	if (member->read < read)
		member->read = read;
	return rises;
}

/* The answer waits for the commit, so it borrows nothing but from the job's input. */
static void keep(const struct nuncio_job_mark *in, struct nuncio_member *member)
{
	member->user = in->user;
	if (!member->extra.n)
		return;
	char *copy = nuncio_alloc(member->extra.n);
	memcpy(copy, member->extra.p, member->extra.n);
	member->extra.p = copy;
}

/* SQLITE_ROW or SQLITE_DONE: whether there is such a member; out->raised: what was raised. */
static int look(struct db *db, const struct nuncio_job_mark *in, const struct head *head,
	struct outcome *out)
{
	sqlite3_stmt *st = db->sql[SQL_MEMBER_GET];
	uint64_t read = at_most(in->read, head->last_seq);
	uint64_t delivered = at_most(in->delivered > read ? in->delivered : read, head->last_seq);
	sqlite3_bind_int64(st, 1, head->number);
	db_bind(st, 2, in->user);
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		member_from_row(st, in->conversation, &out->member);
		out->raised = raise_to(&out->member, delivered, read);
		if (out->raised)
			keep(in, &out->member);
		else
			out->member = (struct nuncio_member){ 0 };
	}
	sqlite3_reset(st);
	return rc;
}

static int write_cursors(
	struct store *s, const struct nuncio_job_mark *in, struct head *head, struct outcome *out)
{
	sqlite3_stmt *st = s->writer.sql[SQL_MEMBER_RAISE];
	sqlite3_bind_int64(st, 1, head->number);
	db_bind(st, 2, in->user);
	sqlite3_bind_int64(st, 3, (sqlite3_int64)out->member.delivered);
	sqlite3_bind_int64(st, 4, (sqlite3_int64)out->member.read);
	sqlite3_bind_int64(st, 5, (sqlite3_int64)in->id);
	if (in->id) {
		head->marked = s->highest = in->id;
		heads_touch(s->heads, head);
	}
	return db_run(&s->writer, SQL_MEMBER_RAISE);
}

int member_mark(struct store *s, const struct nuncio_job_mark *in, struct outcome *out)
{
	struct head *head;
	int rc = heads_find(s->heads, &s->writer, in->conversation, &head);
	if (rc != SQLITE_OK)
		return rc;
	/* As with events: one that does not grow would be missed by sync. 0: it need not know. */
	if (!head || (in->id && in->id <= s->highest) || in->id > INT64_MAX) {
		out->status = head ? NUNCIO_E_INVAL : NUNCIO_E_NOTFOUND;
		return SQLITE_OK;
	}
	rc = look(&s->writer, in, head, out);
	if (rc == SQLITE_ROW && out->raised)
		return write_cursors(s, in, head, out);
	if (rc == SQLITE_DONE)
		out->status = NUNCIO_E_NOTFOUND;
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* SPDX-License-Identifier: MIT */
/*
 * One event into its log, with all that comes with it, or nothing. What can refuse the job is asked
 * in the order of store_provider.h; members change one after the other, each seeing the ones
 * before, so a job that changes members runs in a savepoint. Any other looks first and writes then:
 * its record writes are the last thing that can refuse (with a savepoint of their own when there
 * are several) and the first that is written.
 *
 * What the writer remembers of the conversation (struct head) changes at the very end.
 */
#include "store_sqlite.h"

#include <stdlib.h>
#include <string.h>

/* once.c puts the number into the upper half of a signed key. */
enum { NUMBER_MAX = INT32_MAX };

static bool same(struct nuncio_str a, struct nuncio_str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* extra holds members without braces; give it its braces back to compare it as JSON. */
static bool same_members(struct nuncio_str a, struct nuncio_str b)
{
	if (same(a, b))
		return true;
	if (!a.n || !b.n)
		return false;
	char *text = nuncio_alloc(a.n + b.n + 4);
	char *second = text + a.n + 2;
	text[0] = second[0] = '{';
	memcpy(text + 1, a.p, a.n);
	memcpy(second + 1, b.p, b.n);
	text[a.n + 1] = second[b.n + 1] = '}';
	bool equal = nuncio_json_equal((struct nuncio_str){ text, a.n + 2 },
			     (struct nuncio_str){ second, b.n + 2 }) != 0;
	free(text);
	return equal;
}

/* What changed since cannot be compared: the body that was sent may be gone. */
static bool same_content(const struct nuncio_event *first, const struct nuncio_event *event)
{
	return same(first->type, event->type) && same(first->kind, event->kind) &&
	       first->target == event->target && same_members(first->extra, event->extra) &&
	       (first->changed || nuncio_json_equal(first->body, event->body));
}

/* SQLITE_ROW: it was, and *out says how this job ends; SQLITE_DONE: it is new. */
static int find_repeated(struct append *a)
{
	const struct nuncio_event *event = &a->in->event;
	sqlite3_stmt *st = a->s->writer.sql[SQL_EVENT_GET];
	struct nuncio_event first;
	int rc = once_find(a->s->once, &a->s->writer, a->head->number, event);
	if (rc != SQLITE_ROW)
		return rc;
	event_from_row(st, event->conversation, &first);
	if (same_content(&first, event))
		*a->out = (struct outcome){ .duplicate = true,
			.seq = first.seq,
			.id = first.id,
			.sent_at_ms = first.sent_at_ms };
	else
		a->out->status = NUNCIO_E_CONFLICT;
	sqlite3_reset(st);
	if (a->out->status < 0 || !first.target)
		return SQLITE_ROW;
	rc = amend_answer(a, first.target);
	return rc == SQLITE_OK ? SQLITE_ROW : rc;
}

static int add_event(const struct append *a)
{
	const struct nuncio_event *event = &a->in->event;
	struct db *db = &a->s->writer;
	bool is_plain = !event->target && !event->flags;
	enum db_sql which = is_plain ? SQL_EVENT_ADD : SQL_EVENT_ADD_MORE;
	sqlite3_stmt *st = db->sql[which];
	sqlite3_bind_int64(st, 1, (sqlite3_int64)event->id);
	sqlite3_bind_int64(st, 2, a->head->number);
	sqlite3_bind_int64(st, 3, (sqlite3_int64)a->seq);
	sqlite3_bind_int64(st, 4, event->sent_at_ms);
	db_bind(st, 5, event->from);
	db_bind(st, 6, event->client_id);
	db_bind(st, 7, event->type);
	db_bind(st, 8, event->kind);
	db_bind(st, 9, event->body);
	db_bind(st, 10, event->extra);
	if (!is_plain) {
		sqlite3_bind_int64(st, 11, (sqlite3_int64)event->target);
		sqlite3_bind_int64(st, 12, event->flags);
	}
	return db_run(db, which);
}

static int add_conversation(struct append *a)
{
	int rc = heads_add(a->s->heads, &a->s->writer, a->in->event.conversation, &a->head);
	if (rc == SQLITE_OK && a->head->number > NUMBER_MAX)
		rc = SQLITE_FULL;
	return rc == SQLITE_OK ? member_add_founders(a) : rc;
}

static bool goes_on(const struct append *a, int rc)
{
	return rc == SQLITE_OK && a->out->status == 0;
}

static int apply_members(struct append *a)
{
	const struct nuncio_job_append *in = a->in;
	int rc = a->head ? SQLITE_OK : add_conversation(a);
	if (rc == SQLITE_OK)
		rc = member_change_all(a);
	if (goes_on(a, rc) && in->members_max && a->member_count > in->members_max)
		a->out->status = NUNCIO_E_TOOBIG;
	return rc;
}

static int apply(struct append *a)
{
	const struct nuncio_job_append *in = a->in;
	int rc = in->flags & NUNCIO_APPEND_MEMBERS_ONLY ? member_check_sender(a) : SQLITE_OK;
	if (goes_on(a, rc) && in->members_count)
		rc = apply_members(a);
	if (goes_on(a, rc) && in->event.target)
		rc = amend_check(a);
	if (goes_on(a, rc) && in->writes_count)
		rc = record_write(a->s, in->writes, in->writes_count, in->event.id, a->seq, a->out);
	if (!goes_on(a, rc))
		return rc;
	if (!a->head)
		rc = add_conversation(a);
	if (rc == SQLITE_OK)
		rc = add_event(a);
	if (rc == SQLITE_OK && in->event.target)
		rc = amend_apply(a);
	if (rc == SQLITE_OK && (in->mentions_count || in->event.flags & NUNCIO_EVENT_MENTIONS_ALL))
		rc = mention_add(a);
	return rc;
}

static int apply_in_savepoint(struct append *a)
{
	struct db *db = &a->s->writer;
	bool is_new = !a->head;
	int rc = db_run(db, SQL_SAVEPOINT);
	if (rc == SQLITE_OK)
		rc = apply(a);
	if (rc != SQLITE_OK)
		return rc; /* the whole batch is rolled back */
	if (a->out->status < 0) {
		if (is_new)
			heads_drop(a->s->heads, &a->head);
		rc = db_run(db, SQL_SAVEPOINT_UNDO);
	}
	return rc == SQLITE_OK ? db_run(db, SQL_SAVEPOINT_END) : rc;
}

static void finish(struct append *a)
{
	const struct nuncio_event *event = &a->in->event;
	a->head->last_seq = a->seq;
	a->head->last_id = event->id;
	a->head->member_count = a->member_count;
	heads_touch(a->s->heads, a->head);
	if (event->client_id.n)
		once_add(a->s->once, a->head->number, event);
	a->s->highest = event->id;
	a->out->seq = a->seq;
	a->out->id = event->id;
	a->out->sent_at_ms = event->sent_at_ms;
}

int append_apply(struct store *s, const struct nuncio_job_append *in, struct outcome *out)
{
	const struct nuncio_event *event = &in->event;
	struct append a = { .s = s, .in = in, .out = out };
	int rc = heads_find(s->heads, &s->writer, event->conversation, &a.head);
	if (rc != SQLITE_OK)
		return rc;
	if (a.head && event->client_id.n) {
		rc = find_repeated(&a);
		if (rc != SQLITE_DONE)
			return rc == SQLITE_ROW ? SQLITE_OK : rc;
	}
	/* Cursors of sync are such ids: one that does not grow would be missed by them. */
	if (event->id <= s->highest || event->id > INT64_MAX) {
		out->status = NUNCIO_E_INVAL;
		return SQLITE_OK;
	}
	a.seq = a.head ? a.head->last_seq + 1 : 1;
	a.member_count = a.head ? a.head->member_count : 0;
	rc = in->members_count ? apply_in_savepoint(&a) : apply(&a);
	if (goes_on(&a, rc))
		finish(&a);
	return rc;
}

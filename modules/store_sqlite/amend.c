/* SPDX-License-Identifier: MIT */
/*
 * An event that changes another one: the row of the target is rewritten in the transaction of the
 * event. Compare-and-set goes by `changed`, the seq of whoever changed it last. Thread: the writer
 * lane.
 */
#include "store_sqlite.h"

#include <string.h>

static int stand_on_target(struct db *db, int64_t number, uint64_t seq)
{
	sqlite3_stmt *st = db->sql[SQL_EVENT_AT];
	sqlite3_bind_int64(st, 1, number);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)seq);
	return sqlite3_step(st);
}

static bool grows_too_big(const struct nuncio_job_append *in, const struct nuncio_event *target)
{
	size_t body = in->target_body.p ? in->target_body.n : target->body.n;
	size_t state = in->target_state.p ? in->target_state.n : target->state.n;
	return body + target->extra.n + state > NUNCIO_EVENT_BYTES;
}

int amend_check(struct append *a)
{
	sqlite3_stmt *st = a->s->writer.sql[SQL_EVENT_AT];
	struct nuncio_event target;
	if (!a->head || a->in->event.target >= a->seq) {
		a->out->status = NUNCIO_E_NOTFOUND;
		return SQLITE_OK;
	}
	int rc = stand_on_target(&a->s->writer, a->head->number, a->in->event.target);
	if (rc == SQLITE_ROW) {
		event_from_row(st, a->in->event.conversation, &target);
		if (target.changed != a->in->expect_changed)
			a->out->status = NUNCIO_E_CONFLICT;
		else if (grows_too_big(a->in, &target))
			a->out->status = NUNCIO_E_TOOBIG;
	}
	sqlite3_reset(st);
	return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
}

static void bind_or_null(sqlite3_stmt *st, int at, struct nuncio_str text)
{
	if (text.p)
		db_bind(st, at, text);
	else
		sqlite3_bind_null(st, at);
}

static int rewrite(struct append *a, nuncio_id target_id)
{
	const struct nuncio_job_append *in = a->in;
	struct db *db = &a->s->writer;
	sqlite3_stmt *st = db->sql[SQL_EVENT_AMEND];
	sqlite3_bind_int64(st, 1, (sqlite3_int64)target_id);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)a->seq);
	sqlite3_bind_int64(st, 3, in->target_flags);
	bind_or_null(st, 4, in->target_body);
	bind_or_null(st, 5, in->target_state);
	return db_run(db, SQL_EVENT_AMEND);
}

/* One allocation: the struct, then its texts. */
static struct nuncio_event *copy_event(const struct nuncio_event *event)
{
	struct nuncio_event *copy = nuncio_alloc(sizeof(*copy) + event_bytes(event));
	*copy = *event;
	event_take_texts(copy, (char *)(copy + 1));
	return copy;
}

/* Another job of the same batch may change it again: what this job answers is kept now. */
int amend_answer(struct append *a, uint64_t seq)
{
	sqlite3_stmt *st = a->s->writer.sql[SQL_EVENT_AT];
	struct nuncio_event target;
	int rc = stand_on_target(&a->s->writer, a->head->number, seq);
	if (rc == SQLITE_ROW) {
		event_from_row(st, a->in->event.conversation, &target);
		a->out->now = copy_event(&target);
	}
	sqlite3_reset(st);
	return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
}

int amend_apply(struct append *a)
{
	const struct nuncio_job_append *in = a->in;
	struct db *db = &a->s->writer;
	sqlite3_stmt *st = db->sql[SQL_EVENT_AT];
	struct nuncio_event target;
	int rc = stand_on_target(db, a->head->number, in->event.target);
	if (rc != SQLITE_ROW) {
		sqlite3_reset(st);
		return rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
	}
	event_from_row(st, in->event.conversation, &target);
	bool gets_void = in->target_flags & ~target.flags & NUNCIO_EVENT_VOID;
	bool is_void = target.flags & NUNCIO_EVENT_VOID;
	rc = SQLITE_OK;
	if (gets_void || (in->target_body.p && !is_void))
		rc = search_shed(a->s, in->event.id, &target);
	sqlite3_reset(st);
	if (rc == SQLITE_OK)
		rc = rewrite(a, target.id);
	if (rc == SQLITE_OK && gets_void)
		rc = mention_drop(db, a->head->number, in->event.target);
	return rc == SQLITE_OK ? amend_answer(a, in->event.target) : rc;
}

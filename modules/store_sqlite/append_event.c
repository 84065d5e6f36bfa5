/* SPDX-License-Identifier: MIT */
/*
 * One event into its log. Everything that can refuse the job is looked at before the first write,
 * so a refused job leaves nothing behind in the batch's transaction; only several record writes
 * need a savepoint (record_rows.c), and they come first.
 */
#include "store_sqlite.h"

#include <stdlib.h>
#include <string.h>

/* once.c puts the number into the upper half of a signed key. */
enum { NUMBER_MAX = INT32_MAX };

/* extra holds members without braces; give it its braces back to compare it as JSON. */
static bool same_members(struct nuncio_str a, struct nuncio_str b)
{
	if (a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0))
		return true;
	if (!a.n || !b.n)
		return false;
	char *text = store_alloc(a.n + b.n + 4);
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

static bool same_content(const struct nuncio_event *a, const struct nuncio_event *b)
{
	return a->kind.n == b->kind.n &&
	       (a->kind.n == 0 || memcmp(a->kind.p, b->kind.p, a->kind.n) == 0) &&
	       same_members(a->extra, b->extra) && nuncio_json_equal(a->body, b->body);
}

/* SQLITE_ROW: it was, and *out says how this job ends; SQLITE_DONE: it is new. */
static int find_repeated(
	struct store *s, int64_t number, const struct nuncio_event *event, struct outcome *out)
{
	struct nuncio_event first;
	int rc = once_find(s->once, &s->writer, number, event);
	if (rc != SQLITE_ROW)
		return rc;
	event_from_row(s->writer.sql[SQL_EVENT_GET], event->conversation, &first);
	if (same_content(&first, event))
		*out = (struct outcome){ .duplicate = true,
			.seq = first.seq,
			.id = first.id,
			.sent_at_ms = first.sent_at_ms };
	else
		out->status = NUNCIO_E_CONFLICT;
	sqlite3_reset(s->writer.sql[SQL_EVENT_GET]);
	return SQLITE_ROW;
}

static int add_founders(struct db *db, int64_t number, const struct nuncio_job_append *in)
{
	sqlite3_stmt *st = db->sql[SQL_MEMBER_ADD];
	int rc = SQLITE_OK;
	for (size_t i = 0; i < in->founders_count && rc == SQLITE_OK; i++) {
		sqlite3_bind_int64(st, 1, number);
		db_bind(st, 2, in->founders[i]);
		rc = db_run(db, SQL_MEMBER_ADD);
	}
	return rc;
}

static int add_event(struct db *db, const struct head *head, const struct nuncio_event *event)
{
	sqlite3_stmt *st = db->sql[SQL_EVENT_ADD];
	sqlite3_bind_int64(st, 1, (sqlite3_int64)event->id);
	sqlite3_bind_int64(st, 2, head->number);
	sqlite3_bind_int64(st, 3, (sqlite3_int64)head->last_seq + 1);
	sqlite3_bind_int64(st, 4, event->sent_at_ms);
	db_bind(st, 5, event->from);
	db_bind(st, 6, event->client_id);
	db_bind(st, 7, event->type);
	db_bind(st, 8, event->kind);
	db_bind(st, 9, event->body);
	db_bind(st, 10, event->extra);
	return db_run(db, SQL_EVENT_ADD);
}

static int add_conversation(
	struct store *s, const struct nuncio_job_append *in, struct head **head_r)
{
	int rc = heads_add(s->heads, &s->writer, in->event.conversation, head_r);
	if (rc == SQLITE_OK && (*head_r)->number > NUMBER_MAX)
		rc = SQLITE_FULL;
	return rc == SQLITE_OK ? add_founders(&s->writer, (*head_r)->number, in) : rc;
}

int append_apply(struct store *s, const struct nuncio_job_append *in, struct outcome *out)
{
	const struct nuncio_event *event = &in->event;
	struct head *head;
	int rc = heads_find(s->heads, &s->writer, event->conversation, &head);
	if (rc != SQLITE_OK)
		return rc;
	if (head && event->client_id.n) {
		rc = find_repeated(s, head->number, event, out);
		if (rc != SQLITE_DONE)
			return rc == SQLITE_ROW ? SQLITE_OK : rc;
		rc = SQLITE_OK;
	}
	/* Cursors of sync are event ids: one that does not grow would be missed by them. */
	if (event->id <= s->highest || event->id > INT64_MAX) {
		out->status = NUNCIO_E_INVAL;
		return SQLITE_OK;
	}
	if (in->writes_count) {
		rc = record_write(s, in->writes, in->writes_count, out);
		if (rc != SQLITE_OK || out->status < 0)
			return rc;
	}
	if (!head)
		rc = add_conversation(s, in, &head);
	if (rc == SQLITE_OK)
		rc = add_event(&s->writer, head, event);
	if (rc != SQLITE_OK)
		return rc;
	heads_grow(s->heads, head, event->id);
	if (event->client_id.n)
		once_add(s->once, head->number, event);
	s->highest = event->id;
	*out = (struct outcome){
		.seq = head->last_seq, .id = event->id, .sent_at_ms = event->sent_at_ms
	};
	return SQLITE_OK;
}

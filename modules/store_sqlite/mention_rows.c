/* SPDX-License-Identifier: MIT */
/*
 * Who is called by which event: a row for each, or one for everybody (user ''), so a call of
 * everybody costs the same in a group of any size. Taken back with the message that called.
 */
#include "store_sqlite.h"

#include <string.h>

static int add(const struct append *a, struct nuncio_str user)
{
	struct db *db = &a->s->writer;
	sqlite3_stmt *st = db->sql[SQL_MENTION_ADD];
	sqlite3_bind_int64(st, 1, a->head->number);
	db_bind(st, 2, user);
	sqlite3_bind_int64(st, 3, (sqlite3_int64)a->seq);
	db_bind(st, 4, a->in->event.from);
	return db_run(db, SQL_MENTION_ADD);
}

/* Only messages count as unread, so only they call. */
static bool is_message(const struct nuncio_event *event)
{
	return event->type.n == 7 && memcmp(event->type.p, "message", 7) == 0;
}

int mention_add(const struct append *a)
{
	int rc = SQLITE_OK;
	if (!is_message(&a->in->event))
		return rc;
	if (a->in->event.flags & NUNCIO_EVENT_MENTIONS_ALL)
		return add(a, (struct nuncio_str){ "", 0 });
	for (size_t i = 0; i < a->in->mentions_count && rc == SQLITE_OK; i++)
		if (a->in->mentions[i].n)
			rc = add(a, a->in->mentions[i]);
	return rc;
}

int mention_drop(struct db *db, int64_t number, uint64_t seq)
{
	sqlite3_bind_int64(db->sql[SQL_MENTIONS_DROP], 1, number);
	sqlite3_bind_int64(db->sql[SQL_MENTIONS_DROP], 2, (sqlite3_int64)seq);
	return db_run(db, SQL_MENTIONS_DROP);
}

int mention_count(
	struct db *db, int64_t number, struct nuncio_str user, uint64_t above, uint64_t *count_r)
{
	sqlite3_stmt *st = db->sql[SQL_MENTIONS_COUNT];
	sqlite3_bind_int64(st, 1, number);
	db_bind(st, 2, user);
	sqlite3_bind_int64(st, 3, (sqlite3_int64)above);
	sqlite3_bind_int64(st, 4, STORE_UNREAD_MAX);
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		*count_r = db_uint(st, 0);
		if (*count_r > STORE_UNREAD_MAX)
			*count_r = STORE_UNREAD_MAX;
	}
	sqlite3_reset(st);
	return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

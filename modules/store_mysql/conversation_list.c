/* SPDX-License-Identifier: MIT */
/*
 * A user's list of conversations, the most recently active first. `next` is the last event's id of
 * the last row: ids grow with time, so a conversation that becomes active between two pages moves
 * to the front and is not repeated behind. (Nodes whose clocks differ give ids of their times; then
 * the order is theirs, and nothing is missed.)
 *
 * The order needs a look at every conversation of the user; the rest only those of the page, in one
 * packet per server.
 */
#include "store_mysql.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* The answers of one conversation in its packet. */
enum { ANSWER_LAST, ANSWER_UNREAD, ANSWER_MENTIONS, ANSWER_PEER, ANSWERS_PER_ROW };

/* Everything of `after` must be digits; empty is the start. */
static bool parse_after(struct nuncio_str after, nuncio_id *below_r)
{
	uint64_t number = 0;
	*below_r = UINT64_MAX;
	if (after.n > 19)
		return false;
	for (size_t i = 0; i < after.n; i++) {
		if (after.p[i] < '0' || after.p[i] > '9')
			return false;
		number = number * 10 + (uint64_t)(after.p[i] - '0');
	}
	if (after.n)
		*below_r = number;
	return true;
}

static int newest_first(const void *a, const void *b)
{
	const struct mine *x = a, *y = b;
	return (x->last_id < y->last_id) - (x->last_id > y->last_id);
}

/* Those of the list, sorted; the first `limit` are the page. */
static size_t choose(struct mines *mines, nuncio_id below)
{
	size_t count = 0;
	for (size_t i = 0; i < mines->count; i++)
		if (!mines->all[i].member.until && mines->all[i].last_id < below)
			mines->all[count++] = mines->all[i];
	if (count)
		qsort(mines->all, count, sizeof(*mines->all), newest_first);
	return count;
}

static void ask_row(struct db *db, const struct mine *mine, struct nuncio_str user)
{
	const struct nuncio_member *m = &mine->member;
	uint64_t above = m->read > m->since ? m->read : m->since;
	sql_begin(&db->sql);
	sql_add(&db->sql,
		"SELECT " EVENT_COLUMNS " FROM message_%n WHERE conversation=%u AND seq=%u",
		mine->shard, mine->number, mine->last_seq);
	sql_begin(&db->sql);
	sql_add(&db->sql,
		"SELECT COUNT(*) FROM (SELECT 1 FROM message_%n WHERE conversation=%u AND seq>%u"
		" AND type='message' AND sender<>%q AND flags&1=0 LIMIT %u) x",
		mine->shard, mine->number, above, user, (uint64_t)COUNT_MAX);
	sql_begin(&db->sql);
	sql_add(&db->sql,
		"SELECT COUNT(*) FROM (SELECT DISTINCT n.seq FROM mention_%n n JOIN message_%n e"
		" ON e.conversation=n.conversation AND e.seq=n.seq WHERE n.conversation=%u"
		" AND n.user IN ('',%q) AND n.seq>%u AND e.type='message' AND e.sender<>%q"
		" AND e.flags&1=0 LIMIT %u) x",
		mine->shard, mine->shard, mine->number, user, above, user, (uint64_t)COUNT_MAX);
	sql_begin(&db->sql);
	if (m->member_count == 2)
		sql_add(&db->sql,
			"SELECT " MEMBER_COLUMNS
			" FROM member_%n WHERE conversation=%u AND user<>%q"
			" AND until_=0 LIMIT 1",
			mine->shard, mine->number, user);
	else
		sql_add(&db->sql, "DO 0");
}

static void take_row(struct reading *r, struct db *db, unsigned answer, const struct mine *mine,
	struct nuncio_conversation_row *out)
{
	struct row row;
	const struct nuncio_member *m = &mine->member;
	*out = (struct nuncio_conversation_row){ .size = sizeof(*out),
		.conversation = mine->id,
		.last_seq = mine->last_seq,
		.delivered = m->delivered,
		.read = m->read,
		.since = m->since,
		.until = m->until,
		.role = m->role,
		.member_count = m->member_count };
	if (db_next(db, answer + ANSWER_LAST, &row)) {
		event_from_row(&row, 0, mine->id, &out->last);
		event_keep(&r->lane->pool, &out->last);
	}
	if (db_next(db, answer + ANSWER_UNREAD, &row))
		out->unread = row_uint(&row, 0);
	if (db_next(db, answer + ANSWER_MENTIONS, &row))
		out->mentions = row_uint(&row, 0);
	if (db_next(db, answer + ANSWER_PEER, &row)) {
		out->peer = pool_text(&r->lane->pool, row_text(&row, 0));
		out->peer_delivered = row_uint(&row, 2);
		out->peer_read = row_uint(&row, 3);
	}
}

static int fill_server(struct reading *r, struct server *server, const struct mine *mines, size_t n,
	struct nuncio_str user, struct nuncio_conversation_row *rows)
{
	struct store *s = r->lane->store;
	struct db *db = NULL;
	for (size_t i = 0; i < n; i++) {
		if (place_server(s, mines[i].shard) != server)
			continue;
		if (!db)
			db = read_db(r, server);
		if (!db)
			return READ_FAILED;
		ask_row(db, &mines[i], user);
	}
	int status = db ? read_send(r, db) : 0;
	unsigned answer = 0;
	for (size_t i = 0; i < n && db && status == 0; i++) {
		if (place_server(s, mines[i].shard) != server)
			continue;
		take_row(r, db, answer, &mines[i], &rows[i]);
		answer += ANSWERS_PER_ROW;
	}
	for (size_t i = 0; i < n && db && status == 0; i++)
		if (place_server(s, mines[i].shard) == server && rows[i].last.target)
			status = event_targets(r, db, mines[i].shard, mines[i].number,
				mines[i].member.since, &rows[i].last, 1);
	return status;
}

int conversation_list(struct reading *r, const struct nuncio_job_conversations *q)
{
	struct store *s = r->lane->store;
	struct mines mines;
	nuncio_id below;
	if (!parse_after(q->after, &below))
		return NUNCIO_E_INVAL;
	int status = mine_read(r, q->user, NULL, &mines);
	if (status < 0)
		return status;
	size_t limit = q->limit ? q->limit : 1, count = choose(&mines, below);
	size_t n = count < limit ? count : limit;
	struct nuncio_conversation_row *rows = pool_take(&r->lane->pool, n * sizeof(*rows));
	for (unsigned i = 0; i < s->server_count && status == 0; i++)
		status = fill_server(r, &s->servers[i], mines.all, n, q->user, rows);
	if (status < 0)
		return status;
	for (size_t i = 0; i < n; i++)
		nuncio_job_add_conversation(r->job, &rows[i]);
	if (count > n) {
		char next[24];
		int length = snprintf(next, sizeof(next), "%" PRIu64, mines.all[n - 1].last_id);
		nuncio_job_set_cursor(r->job, (struct nuncio_str){ next, (size_t)length });
		nuncio_job_set_more(r->job, 1);
	}
	return 0;
}

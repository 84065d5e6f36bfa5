/* SPDX-License-Identifier: MIT */
/*
 * What the rows of a list of conversations hold beside the user's membership: the last event, what
 * is unread, mentions, the other one of two. For each shard one statement asks for each of these,
 * whatever the number of rows (a statement costs the server more than what it finds), and all that
 * is for a server travels in one packet. Where everything is read nothing is counted.
 *
 * Counts end at COUNT_MAX. A conversation with more events than that to look at needs a limit of
 * its own: a part of its own in the statement.
 */
#include "store_mysql.h"

enum { ANSWER_LAST, ANSWER_UNREAD, ANSWER_MENTIONS, ANSWER_PEERS, ANSWERS_PER_SHARD };
enum count { COUNT_UNREAD, COUNT_MENTIONS };

struct filling {
	struct reading *r;
	struct nuncio_str user;
	const struct mine *mines;
	size_t n;
	struct nuncio_conversation_row *rows; /* of equal index */
};

/* The next of the shard from *i on, which moves behind it; NULL: no more. */
static const struct mine *next_of(const struct filling *f, uint32_t shard, size_t *i)
{
	while (*i < f->n) {
		const struct mine *mine = &f->mines[(*i)++];
		if (mine->shard == shard)
			return mine;
	}
	return NULL;
}

static bool is_used(const struct filling *f, uint32_t shard)
{
	size_t i = 0;
	return next_of(f, shard, &i);
}

static uint64_t seen(const struct mine *mine)
{
	const struct nuncio_member *m = &mine->member;
	return m->read > m->since ? m->read : m->since;
}

static uint64_t unseen(const struct mine *mine)
{
	return mine->last_seq > seen(mine) ? mine->last_seq - seen(mine) : 0;
}

/* ---- asking ---- */

static void ask_last(struct db *db, const struct filling *f, uint32_t shard)
{
	const struct mine *mine;
	const char *between = "";
	sql_begin(&db->sql);
	sql_add(&db->sql,
		"SELECT " EVENT_COLUMNS
		",conversation FROM message_%n FORCE INDEX (PRIMARY) WHERE ",
		shard);
	for (size_t i = 0; (mine = next_of(f, shard, &i)); between = " OR ")
		sql_add(&db->sql, "%s(conversation=%u AND seq=%u)", between, mine->number,
			mine->last_seq);
}

/* `e` is the message; others' that are to be counted. */
static void add_from(struct db *db, const struct filling *f, uint32_t shard, enum count what)
{
	if (what == COUNT_MENTIONS)
		sql_add(&db->sql,
			"mention_%n n STRAIGHT_JOIN message_%n e"
			" ON e.conversation=n.conversation AND e.seq=n.seq",
			shard, shard);
	else
		sql_add(&db->sql, "message_%n e FORCE INDEX (PRIMARY)", shard);
	sql_add(&db->sql, " WHERE e.type='message' AND e.sender<>%q AND e.flags&1=0 AND ", f->user);
}

static void add_range(
	struct db *db, const struct filling *f, const struct mine *mine, enum count what)
{
	if (what == COUNT_MENTIONS)
		sql_add(&db->sql, "(n.conversation=%u AND n.user IN ('',%q) AND n.seq>%u)",
			mine->number, f->user, seen(mine));
	else
		sql_add(&db->sql, "(e.conversation=%u AND e.seq>%u)", mine->number, seen(mine));
}

/* True: there are such. */
static bool add_few(struct db *db, const struct filling *f, uint32_t shard, enum count what)
{
	const struct mine *mine;
	bool any = false;
	for (size_t i = 0; (mine = next_of(f, shard, &i));) {
		if (!unseen(mine) || unseen(mine) > COUNT_MAX)
			continue;
		if (!any) {
			sql_add(&db->sql, "SELECT e.conversation,COUNT(%s) FROM ",
				what == COUNT_MENTIONS ? "DISTINCT e.seq" : "*");
			add_from(db, f, shard, what);
		}
		sql_add(&db->sql, any ? " OR " : "(");
		add_range(db, f, mine, what);
		any = true;
	}
	if (any)
		sql_add(&db->sql, ") GROUP BY e.conversation");
	return any;
}

static bool add_many(
	struct db *db, const struct filling *f, uint32_t shard, enum count what, bool goes_on)
{
	const struct mine *mine;
	for (size_t i = 0; (mine = next_of(f, shard, &i));) {
		if (unseen(mine) <= COUNT_MAX)
			continue;
		sql_add(&db->sql, goes_on ? " UNION ALL " : "");
		sql_add(&db->sql, "SELECT %u,COUNT(*) FROM (SELECT DISTINCT e.seq FROM ",
			mine->number);
		add_from(db, f, shard, what);
		add_range(db, f, mine, what);
		sql_add(&db->sql, " LIMIT %u) x", (uint64_t)COUNT_MAX);
		goes_on = true;
	}
	return goes_on;
}

static void ask_count(struct db *db, const struct filling *f, uint32_t shard, enum count what)
{
	sql_begin(&db->sql);
	if (!add_many(db, f, shard, what, add_few(db, f, shard, what)))
		sql_add(&db->sql, "DO 0");
}

static void ask_peers(struct db *db, const struct filling *f, uint32_t shard)
{
	const struct mine *mine;
	bool any = false;
	sql_begin(&db->sql);
	for (size_t i = 0; (mine = next_of(f, shard, &i));) {
		if (mine->member.member_count != 2)
			continue;
		if (!any)
			sql_add(&db->sql,
				"SELECT user,delivered,read_,conversation FROM member_%n"
				" WHERE until_=0 AND user<>%q AND conversation IN (",
				shard, f->user);
		sql_add(&db->sql, any ? ",%u" : "%u", mine->number);
		any = true;
	}
	sql_add(&db->sql, any ? ")" : "DO 0");
}

static void ask_shard(struct db *db, const struct filling *f, uint32_t shard)
{
	ask_last(db, f, shard);
	ask_count(db, f, shard, COUNT_UNREAD);
	ask_count(db, f, shard, COUNT_MENTIONS);
	ask_peers(db, f, shard);
}

/* ---- taking ---- */

static struct nuncio_conversation_row *row_of(
	const struct filling *f, uint32_t shard, uint64_t number)
{
	const struct mine *mine;
	for (size_t i = 0; (mine = next_of(f, shard, &i));)
		if (mine->number == number)
			return &f->rows[mine - f->mines];
	return NULL;
}

static void take_last(struct db *db, const struct filling *f, uint32_t shard, unsigned answer)
{
	struct row row;
	while (db_next(db, answer, &row)) {
		struct nuncio_conversation_row *out =
			row_of(f, shard, row_uint(&row, EVENT_COLUMN_COUNT));
		if (!out)
			continue;
		event_from_row(&row, 0, out->conversation, &out->last);
		event_keep(&f->r->lane->pool, &out->last);
	}
}

static void take_counts(
	struct db *db, const struct filling *f, uint32_t shard, unsigned answer, enum count what)
{
	struct row row;
	while (db_next(db, answer, &row)) {
		struct nuncio_conversation_row *out = row_of(f, shard, row_uint(&row, 0));
		if (out && what == COUNT_MENTIONS)
			out->mentions = row_uint(&row, 1);
		else if (out)
			out->unread = row_uint(&row, 1);
	}
}

static void take_peers(struct db *db, const struct filling *f, uint32_t shard, unsigned answer)
{
	struct row row;
	while (db_next(db, answer, &row)) {
		struct nuncio_conversation_row *out = row_of(f, shard, row_uint(&row, 3));
		if (!out || out->peer.n)
			continue;
		out->peer = pool_text(&f->r->lane->pool, row_text(&row, 0));
		out->peer_delivered = row_uint(&row, 1);
		out->peer_read = row_uint(&row, 2);
	}
}

static void take_shard(struct db *db, const struct filling *f, uint32_t shard, unsigned answer)
{
	take_last(db, f, shard, answer + ANSWER_LAST);
	take_counts(db, f, shard, answer + ANSWER_UNREAD, COUNT_UNREAD);
	take_counts(db, f, shard, answer + ANSWER_MENTIONS, COUNT_MENTIONS);
	take_peers(db, f, shard, answer + ANSWER_PEERS);
}

/* ---- a server ---- */

static int fill_targets(const struct filling *f, struct server *server, struct db *db)
{
	int status = 0;
	for (size_t i = 0; i < f->n && status == 0; i++) {
		const struct mine *mine = &f->mines[i];
		if (place_server(f->r->lane->store, mine->shard) == server &&
			f->rows[i].last.target)
			status = event_targets(f->r, db, mine->shard, mine->number,
				mine->member.since, &f->rows[i].last, 1);
	}
	return status;
}

static int fill_server(const struct filling *f, struct server *server)
{
	struct db *db = NULL;
	for (uint32_t shard = server->first_shard; shard < server->end_shard; shard++) {
		if (!is_used(f, shard))
			continue;
		if (!db)
			db = read_db(f->r, server);
		if (!db)
			return READ_FAILED;
		ask_shard(db, f, shard);
	}
	int status = db ? read_send(f->r, db) : 0;
	if (!db || status < 0)
		return status;
	unsigned answer = 0;
	for (uint32_t shard = server->first_shard; shard < server->end_shard; shard++) {
		if (!is_used(f, shard))
			continue;
		take_shard(db, f, shard, answer);
		answer += ANSWERS_PER_SHARD;
	}
	return fill_targets(f, server, db);
}

static void begin_row(const struct mine *mine, struct nuncio_conversation_row *row)
{
	const struct nuncio_member *m = &mine->member;
	*row = (struct nuncio_conversation_row){ .size = sizeof(*row),
		.conversation = mine->id,
		.last_seq = mine->last_seq,
		.delivered = m->delivered,
		.read = m->read,
		.since = m->since,
		.until = m->until,
		.role = m->role,
		.member_count = m->member_count };
}

int conversation_rows_fill(struct reading *r, const struct mine *mines, size_t n,
	struct nuncio_str user, struct nuncio_conversation_row *rows)
{
	const struct filling f = { r, user, mines, n, rows };
	struct store *s = r->lane->store;
	int status = 0;
	for (size_t i = 0; i < n; i++)
		begin_row(&mines[i], &rows[i]);
	for (unsigned i = 0; i < s->server_count && status == 0; i++)
		status = fill_server(&f, &s->servers[i]);
	return status;
}

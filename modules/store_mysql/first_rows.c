/* SPDX-License-Identifier: MIT */
/*
 * What must be there before the transaction, each of it written for itself and harmless when what
 * should follow does not: so no transaction spans two servers.
 *
 *  - The head of a new conversation, with last_seq 0, which counts as no conversation. The
 *    transaction then only locks rows that are there, in one order, and two nodes that begin a
 *    conversation at once meet at its head.
 *  - For each user who is to become a member, that they are to be looked for in the conversation:
 *    user_conversation lies with the user, perhaps on another server. Readers ask the member's row,
 *    so one too many does no harm.
 */
#include "store_mysql.h"

/* Whether anybody may begin the conversation with this; else no head is made for it. */
static bool may_begin(const struct nuncio_job_append *in)
{
	if (!(in->flags & NUNCIO_APPEND_MEMBERS_ONLY) || !in->event.from.n)
		return true;
	for (size_t i = 0; i < in->founders_count; i++)
		if (nuncio_text_same(in->founders[i], in->event.from))
			return true;
	for (size_t i = 0; i < in->members_count; i++)
		if (in->members[i].op == NUNCIO_MEMBER_ADD &&
			nuncio_text_same(in->members[i].user, in->event.from))
			return true;
	return false;
}

static void take_name(struct work *w, struct head *head)
{
	const struct name *name = names_find(w->lane->names, head->thing.key.a);
	if (!name || head->number)
		return;
	work_number(w, head, name->number);
	head->has_begun = name->has_begun;
	head->is_big = name->is_big;
}

static void collect_heads(struct work *w)
{
	for (size_t i = 0; i < w->n; i++) {
		const void *in = nuncio_job_input(w->jobs[i]);
		uint32_t kind = nuncio_job_kind(w->jobs[i]);
		if (kind == NUNCIO_JOB_APPEND) {
			const struct nuncio_job_append *append = in;
			struct head *head = work_head(w, append->event.conversation);
			head->may_begin |= may_begin(append);
			take_name(w, head);
		} else if (kind == NUNCIO_JOB_MARK) {
			const struct nuncio_job_mark *mark = in;
			take_name(w, work_head(w, mark->conversation));
		}
	}
}

/* Begins `before`, then (a),(b)... of the heads without a number; false: there are none. */
static bool add_unknown(struct work *w, struct db *db, uint32_t shard, const char *before,
	const char *each, bool only_new)
{
	bool any = false;
	for (struct thing *t = w->first[THING_HEAD][shard]; t; t = t->next) {
		const struct head *head = (const struct head *)t;
		if (head->number || (only_new && !head->may_begin))
			continue;
		if (!any) {
			sql_begin(&db->sql);
			sql_add(&db->sql, before, shard);
		}
		sql_add(&db->sql, any ? "," : "");
		sql_add(&db->sql, each, t->key.a);
		any = true;
	}
	return any;
}

static int find_heads(struct work *w, struct db *db)
{
	struct names *names = w->lane->names;
	struct row row;
	db_begin(db);
	for (uint32_t shard = w->server->first_shard; shard < w->server->end_shard; shard++)
		if (add_unknown(w, db, shard,
			    "SELECT id,number,last_seq,members FROM head_%n WHERE id IN (", "%q",
			    false))
			sql_add(&db->sql, ")");
	int rc = db->sql.count ? db_run(db) : DB_OK;
	for (unsigned i = 0; rc == DB_OK && i < db->answer_count; i++) {
		while (db_next(db, i, &row)) {
			struct head *head = work_head(w, row_text(&row, 0));
			struct name *name = names_put(names, row_text(&row, 0), row_uint(&row, 1));
			name->has_begun = row_uint(&row, 2) > 0;
			name->is_big = row_uint(&row, 3) > NUNCIO_SYNC_MEMBERS;
			take_name(w, head);
		}
	}
	return rc;
}

static int make_heads(struct work *w, struct db *db)
{
	bool any = false;
	db_begin(db);
	sql_begin(&db->sql);
	sql_add(&db->sql, "BEGIN");
	for (uint32_t shard = w->server->first_shard; shard < w->server->end_shard; shard++)
		any |= add_unknown(
			w, db, shard, "INSERT IGNORE INTO head_%n (id) VALUES ", "(%q)", true);
	if (!any)
		return DB_OK;
	sql_begin(&db->sql);
	sql_add(&db->sql, "COMMIT");
	int rc = db_run(db);
	return rc == DB_OK ? find_heads(w, db) : rc;
}

/* A user who becomes a member, to be found by readers. */
struct finding {
	struct finding *next;
	struct nuncio_str user, conversation;
	size_t job;
};
struct findings {
	struct finding *of[SHARDS_MAX];
};

static void add_finding(struct work *w, struct findings *f, struct nuncio_str user,
	struct nuncio_str conversation, size_t job)
{
	uint32_t shard = place_shard(w->lane->store, user);
	struct finding *finding = pool_take(&w->lane->pool, sizeof(*finding));
	*finding = (struct finding){ f->of[shard], user, conversation, job };
	f->of[shard] = finding;
}

static bool collect_findings(struct work *w, struct findings *f)
{
	bool any = false;
	for (size_t i = 0; i < w->n; i++) {
		const struct nuncio_job_append *in = nuncio_job_input(w->jobs[i]);
		if (nuncio_job_kind(w->jobs[i]) != NUNCIO_JOB_APPEND)
			continue;
		const struct head *head = work_head(w, in->event.conversation);
		for (size_t k = 0; head->number && !head->has_begun && k < in->founders_count;
			k++) {
			add_finding(w, f, in->founders[k], in->event.conversation, i);
			any = true;
		}
		for (size_t k = 0; head->number && k < in->members_count; k++) {
			if (in->members[k].op != NUNCIO_MEMBER_ADD)
				continue;
			add_finding(w, f, in->members[k].user, in->event.conversation, i);
			any = true;
		}
	}
	return any;
}

static int write_findings(struct db *db, const struct server *server, const struct findings *f)
{
	db_begin(db);
	sql_begin(&db->sql);
	sql_add(&db->sql, "BEGIN");
	for (uint32_t shard = server->first_shard; shard < server->end_shard; shard++) {
		for (const struct finding *one = f->of[shard]; one; one = one->next) {
			if (one == f->of[shard]) {
				sql_begin(&db->sql);
				sql_add(&db->sql, "INSERT IGNORE INTO user_conversation_%n VALUES ",
					shard);
			}
			sql_add(&db->sql, "%s(%q,%q)", one == f->of[shard] ? "" : ",", one->user,
				one->conversation);
		}
	}
	if (db->sql.count == 1)
		return DB_OK;
	sql_begin(&db->sql);
	sql_add(&db->sql, "COMMIT");
	return db_run(db);
}

/* The server of those users is not there: only the jobs that bring them in fail. */
static void refuse(struct work *w, const struct server *server, const struct findings *f)
{
	for (uint32_t shard = server->first_shard; shard < server->end_shard; shard++) {
		for (const struct finding *one = f->of[shard]; one; one = one->next) {
			w->outcome[one->job].is_refused = true;
			w->outcome[one->job].status = NUNCIO_E_BUSY;
		}
	}
}

static int write_all_findings(struct work *w, struct db *own)
{
	struct store *s = w->lane->store;
	struct findings f = { { NULL } };
	if (!collect_findings(w, &f))
		return DB_OK;
	for (unsigned i = 0; i < s->server_count; i++) {
		struct server *server = &s->servers[i];
		struct db *db = server == w->server ? own : NULL;
		bool any = false;
		for (uint32_t shard = server->first_shard; shard < server->end_shard; shard++)
			any |= f.of[shard] != NULL;
		if (!any)
			continue;
		if (!db)
			db = lane_db(w->lane, server);
		int rc = db ? write_findings(db, server, &f) : DB_LOST;
		if (rc == DB_OK)
			continue;
		if (db == own)
			return rc;
		if (db)
			store_complain(s, db, "writing");
		refuse(w, server, &f);
	}
	return DB_OK;
}

int first_rows(struct work *w, struct db *db)
{
	collect_heads(w);
	int rc = find_heads(w, db);
	if (rc == DB_OK)
		rc = make_heads(w, db);
	return rc == DB_OK ? write_all_findings(w, db) : rc;
}

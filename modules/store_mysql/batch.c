/* SPDX-License-Identifier: MIT */
/*
 * Everything that queued while the last commit ran becomes one transaction on each server that it
 * concerns; jobs are completed only after COMMIT was answered. Thread: a write lane.
 *
 * What may go wrong, and what is done:
 *
 *  - Dead-lock, a lock not given in time, a key taken by another node: the transaction was rolled
 *    back; again, after a short pause by chance.
 *  - A repeated send: `once` refuses the whole transaction, or the job fails for something else
 *  that
 *    has changed since; again, and this time all client_ids are looked up first. Repeats are rare,
 *    so the look is not paid for every message.
 *  - Refused for a reason that may lie in one job: each once more in a transaction of its own, so
 *    that only the guilty one fails.
 *  - The connection broke before COMMIT was sent: nothing happened; again.
 *  - The connection broke with COMMIT under way: nobody knows. The transaction's number stands in
 *    the lane's row, which it holds locked from its first statement to its end. So on a new
 *    connection, a locking read of that row waits until the old transaction is over, and its number
 *    tells whether it was committed: then the answers made for it are given, else it is done again.
 *  - The server is not there (server.c): its jobs end at once with NUNCIO_E_BUSY. Those of a
 *    transaction with an unknown end wait for the server for a while, then end with NUNCIO_E_FAIL;
 *    whoever sends again finds out by the client_id.
 */
#include "store_mysql.h"

#include <time.h>

enum { TRIES_MAX = 20, PAUSE_MAX_MS = 40 };

/* How the tries of a batch stand. */
struct trial {
	struct work *w;
	uint64_t batch;
	int64_t until_ms; /* monotonic; then enough */
	unsigned tries;
	bool is_unknown; /* COMMIT was sent, and no answer came */
};

static bool is_write(uint32_t kind)
{
	return kind == NUNCIO_JOB_APPEND || kind == NUNCIO_JOB_MARK || kind == NUNCIO_JOB_WRITE;
}

static void complete(struct nuncio_job **job, const struct outcome *out)
{
	if (out->has_appended)
		nuncio_job_set_appended(*job, out->seq, out->id, out->sent_at_ms, out->duplicate);
	if (out->has_now)
		nuncio_job_add_event(*job, &out->now);
	if (out->has_member)
		nuncio_job_add_member(*job, &out->member);
	nuncio_job_done(job, out->status);
}

static void complete_all(struct work *w)
{
	for (size_t i = 0; i < w->n; i++)
		complete(&w->jobs[i], &w->outcome[i]);
}

static void fail_all(struct work *w, int status)
{
	for (size_t i = 0; i < w->n; i++)
		nuncio_job_done(&w->jobs[i], status);
}

static void want(struct work *w, const struct nuncio_job *job)
{
	const void *in = nuncio_job_input(job);
	switch (nuncio_job_kind(job)) {
	case NUNCIO_JOB_APPEND:
		append_wants(w, in);
		break;
	case NUNCIO_JOB_MARK:
		mark_wants(w, in);
		break;
	default: {
		const struct nuncio_job_write *write = in;
		record_wants(w, write->writes, write->writes_count);
		break;
	}
	}
}

static int apply(struct work *w, const struct nuncio_job *job, struct outcome *out)
{
	const void *in = nuncio_job_input(job);
	switch (nuncio_job_kind(job)) {
	case NUNCIO_JOB_APPEND:
		return append_apply(w, in, out);
	case NUNCIO_JOB_MARK:
		return mark_apply(w, in, out);
	default: {
		const struct nuncio_job_write *write = in;
		return record_apply(w, write->writes, write->writes_count, 0);
	}
	}
}

/* What was refused may have been there before, and then that counts. */
static bool may_be_repeated(const struct nuncio_job *job)
{
	const struct nuncio_job_append *in = nuncio_job_input(job);
	return nuncio_job_kind(job) == NUNCIO_JOB_APPEND && in->event.client_id.n;
}

/* False: repeated sends must be looked up first. */
static bool apply_all(struct work *w)
{
	for (size_t i = 0; i < w->n; i++) {
		struct outcome *out = &w->outcome[i];
		if (out->is_refused)
			continue;
		out->status = apply(w, w->jobs[i], out);
		if (out->status < 0 && !w->is_careful && may_be_repeated(w->jobs[i]))
			return false;
		w->has_changes |= out->status == 0 && w->undo;
		if (out->status < 0)
			work_undo(w);
		else
			work_settle(w);
	}
	return true;
}

/* The lane's row in a server's table: made once, and anew if it was swept. */
static int make_row(struct lane *lane, struct db *db)
{
	unsigned server = db->server->index;
	struct row row;
	if (lane->row[server])
		return DB_OK;
	int rc = db_execute(
		db, "INSERT INTO lane (seen_at) VALUES (UTC_TIMESTAMP());SELECT LAST_INSERT_ID()");
	if (rc == DB_OK && db_next(db, 1, &row))
		lane->row[server] = row_uint(&row, 0);
	return rc;
}

static int try_once(struct trial *t, struct db *db)
{
	struct work *w = t->w;
	bool is_sent = false;
	for (size_t i = 0; i < w->n; i++)
		w->outcome[i] = (struct outcome){ 0 };
	work_reset(w);
	int rc = make_row(w->lane, db);
	if (rc == DB_OK)
		rc = first_rows(w, db);
	if (rc != DB_OK)
		return rc;
	t->batch = ++w->lane->batch[w->server->index];
	for (size_t i = 0; i < w->n; i++)
		if (!w->outcome[i].is_refused)
			want(w, w->jobs[i]);
	rc = lock_rows(w, db, t->batch);
	if (rc == DB_OK && !apply_all(w)) {
		w->is_careful = true;
		rc = db_execute(db, "ROLLBACK");
		return rc == DB_OK ? DB_AGAIN : rc;
	}
	if (rc == DB_OK)
		rc = write_rows(w, db, &is_sent);
	t->is_unknown = rc == DB_LOST && is_sent;
	w->is_careful |= rc == DB_AGAIN && db->is_key_taken;
	return rc;
}

/* What became of a COMMIT without an answer; DB_OK leaves t->is_unknown false. */
static int find_out(struct trial *t, struct db *db, bool *is_done_r)
{
	struct lane *lane = t->w->lane;
	struct row row;
	db_begin(db);
	sql_begin(&db->sql);
	sql_add(&db->sql, "SELECT batch FROM lane WHERE id=%u FOR UPDATE",
		lane->row[db->server->index]);
	int rc = db_run(db);
	if (rc != DB_OK)
		return rc;
	*is_done_r = db_next(db, 0, &row) && row_uint(&row, 0) == t->batch;
	t->is_unknown = false;
	return DB_OK;
}

static void pause_a_little(const struct trial *t)
{
	unsigned mix = (unsigned)((uint64_t)nuncio_mono_ms() * 2654435761u ^ t->batch * 40503u);
	long ms = (long)(mix % (PAUSE_MAX_MS * (t->tries < 5 ? t->tries + 1 : 5)));
	struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };
	nanosleep(&pause, NULL);
}

static bool may_be_one_job(int rc)
{
	return rc == DB_ERROR;
}

static void group_run(struct work *w);

static void one_by_one(struct work *w)
{
	struct nuncio_job **jobs = w->jobs;
	size_t n = w->n;
	for (size_t i = 0; i < n; i++) {
		w->jobs = &jobs[i];
		w->n = 1;
		group_run(w);
	}
}

/* A connection, waiting for the server when the end of a COMMIT is unknown. NULL: none. */
static struct db *take_db(struct trial *t)
{
	struct server *server = t->w->server;
	struct db *db = lane_db(t->w->lane, server);
	while (!db && t->is_unknown && nuncio_mono_ms() < t->until_ms) {
		server_wait(server, t->until_ms);
		db = lane_db(t->w->lane, server);
		if (!db)
			pause_a_little(t);
	}
	return db;
}

/* True when all jobs are done. */
static bool try_and_look(struct trial *t)
{
	struct work *w = t->w;
	struct store *s = w->lane->store;
	struct db *db = take_db(t);
	if (!db) {
		fail_all(w, t->is_unknown ? NUNCIO_E_FAIL : NUNCIO_E_BUSY);
		return true;
	}
	bool is_done = false;
	int rc = t->is_unknown ? find_out(t, db, &is_done) : DB_OK;
	if (rc == DB_OK && !is_done)
		rc = try_once(t, db);
	if (rc == DB_OK) {
		nuncio_counter_add(s->commits, 1);
		complete_all(w);
		indexer_wake(w->server);
		return true;
	}
	if (rc == DB_AGAIN || rc == DB_LOST)
		nuncio_counter_add(s->repeats, 1);
	if (rc != DB_AGAIN && (w->n == 1 || !may_be_one_job(rc)))
		store_complain(s, db, "writing");
	if (rc == DB_AGAIN || rc == DB_LOST) {
		if (++t->tries < TRIES_MAX && nuncio_mono_ms() < t->until_ms) {
			pause_a_little(t);
			return false;
		}
		if (rc == DB_AGAIN)
			store_complain(s, db, "writing, again and again,");
		fail_all(w, t->is_unknown ? NUNCIO_E_FAIL : NUNCIO_E_BUSY);
		return true;
	}
	if (w->n > 1 && may_be_one_job(rc))
		one_by_one(w);
	else
		fail_all(w, rc == DB_NOSPACE ? NUNCIO_E_NOSPACE : NUNCIO_E_FAIL);
	return true;
}

static void group_run(struct work *w)
{
	struct trial trial = { .w = w,
		.until_ms = nuncio_mono_ms() + 2 * w->lane->store->timeout_ms };
	w->is_careful = false;
	while (!try_and_look(&trial))
		;
}

static struct server *server_of(struct store *s, const struct nuncio_job *job)
{
	const void *in = nuncio_job_input(job);
	struct nuncio_str text = { "", 0 };
	switch (nuncio_job_kind(job)) {
	case NUNCIO_JOB_APPEND:
		text = ((const struct nuncio_job_append *)in)->event.conversation;
		break;
	case NUNCIO_JOB_MARK:
		text = ((const struct nuncio_job_mark *)in)->conversation;
		break;
	default:
		if (((const struct nuncio_job_write *)in)->writes_count)
			text = ((const struct nuncio_job_write *)in)->writes[0].owner;
	}
	return place_server(s, place_shard(s, text));
}

void batch_run(struct lane *lane, struct nuncio_job **jobs, size_t n)
{
	struct store *s = lane->store;
	struct work *w = lane->work;
	for (size_t i = 0; i < n; i++)
		if (!is_write(nuncio_job_kind(jobs[i])))
			nuncio_job_done(&jobs[i], NUNCIO_E_UNSUPPORTED);
	for (unsigned i = 0; i < s->server_count; i++) {
		size_t count = 0;
		for (size_t k = 0; k < n; k++)
			if (jobs[k] && server_of(s, jobs[k]) == &s->servers[i])
				lane->group[count++] = jobs[k];
		if (!count)
			continue;
		for (size_t k = 0; k < n; k++)
			if (jobs[k] && server_of(s, jobs[k]) == &s->servers[i])
				jobs[k] = NULL;
		w->server = &s->servers[i];
		w->jobs = lane->group;
		w->n = count;
		group_run(w);
	}
	pool_reset(&lane->pool);
}

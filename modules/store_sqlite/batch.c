/* SPDX-License-Identifier: MIT */
/*
 * Everything that queued while the last commit ran becomes one transaction; jobs are completed only
 * after COMMIT has returned. Thread: the writer lane.
 *
 * When the disk fails (full, I/O error, read-only) the batch is rolled back and all its jobs fail.
 * When SQLite refuses for a reason that may lie in one job, the jobs run once more, each in a
 * transaction of its own, so that only the guilty one fails.
 */
#include "store_sqlite.h"

#include <stdlib.h>
#include <string.h>

/* What an outcome holds besides numbers. */
static void outcome_fini(struct outcome *out)
{
	free(out->now);
	if (out->member.extra.n)
		free((void *)out->member.extra.p);
}

static int apply(struct store *s, const struct nuncio_job *job, struct outcome *out)
{
	const void *in = nuncio_job_input(job);
	switch (nuncio_job_kind(job)) {
	case NUNCIO_JOB_APPEND:
		return append_apply(s, in, out);
	case NUNCIO_JOB_MARK:
		return member_mark(s, in, out);
	case NUNCIO_JOB_WRITE: {
		const struct nuncio_job_write *write = in;
		return record_write(s, write->writes, write->writes_count, write->id, 0, out);
	}
	default:
		out->status = NUNCIO_E_UNSUPPORTED;
		return SQLITE_OK;
	}
}

/*
 * What has had its time goes with the transactions that bring new rows, when there is more of it
 * than idle times take: twice as many rows as come, so that it cannot pile up, and no more, so that
 * nobody waits for it.
 */
static int tidy(struct store *s, size_t n)
{
	int rows = STORE_TIDY_ROWS + 2 * (int)n;
	int rc = search_drop_shed(s, rows);
	return rc == SQLITE_OK && s->has_expired ? record_expire(s, rows) : rc;
}

static int apply_all(struct store *s, struct nuncio_job **jobs, size_t n)
{
	s->highest = atomic_load(&s->committed);
	memset(s->outcome, 0, n * sizeof(s->outcome[0]));
	int rc = db_run(&s->writer, SQL_BEGIN_WRITE);
	if (rc == SQLITE_OK)
		rc = tidy(s, n);
	for (size_t i = 0; i < n && rc == SQLITE_OK; i++)
		rc = apply(s, jobs[i], &s->outcome[i]);
	if (rc == SQLITE_OK)
		rc = heads_write(s->heads, &s->writer);
	if (rc == SQLITE_OK)
		rc = once_merge(s->once, &s->writer, false);
	return rc == SQLITE_OK ? db_run(&s->writer, SQL_COMMIT) : rc;
}

static void undo(struct store *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		outcome_fini(&s->outcome[i]);
	/*
	 * Some errors have rolled back already; asking twice is an error of its own without
	 * meaning.
	 */
	if (!sqlite3_get_autocommit(s->writer.handle))
		db_run(&s->writer, SQL_ROLLBACK);
	heads_forget(s->heads);
	once_rollback(s->once);
}

static void complete(struct nuncio_job **job, struct outcome *out)
{
	if (out->status == 0 && nuncio_job_kind(*job) == NUNCIO_JOB_APPEND) {
		nuncio_job_set_appended(*job, out->seq, out->id, out->sent_at_ms, out->duplicate);
		if (out->now)
			nuncio_job_add_event(*job, out->now);
	}
	if (out->status == 0 && out->raised)
		nuncio_job_add_member(*job, &out->member);
	nuncio_job_done(job, out->status);
	outcome_fini(out);
}

static bool may_be_one_job(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_CONSTRAINT:
	case SQLITE_TOOBIG:
	case SQLITE_MISMATCH:
	case SQLITE_RANGE:
	case SQLITE_ERROR:
		return true;
	default:
		return false;
	}
}

void batch_run(struct store *s, struct nuncio_job **jobs, size_t n)
{
	int rc = apply_all(s, jobs, n);
	if (rc == SQLITE_OK) {
		atomic_store(&s->committed, s->highest);
		once_commit(s->once);
		s->shed_dropped = s->shed_dropping;
		nuncio_counter_add(s->commits, 1);
		for (size_t i = 0; i < n; i++)
			complete(&jobs[i], &s->outcome[i]);
		search_wake(s->search);
		checkpoint_help(s);
		return;
	}
	if (n == 1 || !may_be_one_job(rc))
		store_complain(s, &s->writer, rc, "writing");
	undo(s, n);
	if (n > 1 && may_be_one_job(rc)) {
		for (size_t i = 0; i < n; i++)
			batch_run(s, &jobs[i], 1);
		return;
	}
	int status = (rc & 0xff) == SQLITE_FULL ? NUNCIO_E_NOSPACE : NUNCIO_E_FAIL;
	for (size_t i = 0; i < n; i++)
		nuncio_job_done(&jobs[i], status);
}

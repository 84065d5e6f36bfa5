/* SPDX-License-Identifier: MIT */
/*
 * A store that forgets: for tests and for trying things. One lane does everything, one job after
 * the other, so there is nothing to lock and the code says what a store must do. "Durable" means
 * here: until the process ends. Memory grows with every event and is not limited.
 */
#include "store_memory.h"

#include <stdlib.h>

struct memory {
	struct logs logs;
	struct records records;
};

static int open_store(struct nuncio_module *self, void **store_r, struct nuncio_error *err)
{
	struct memory *m = nuncio_resize(NULL, sizeof(*m));
	(void)err;
	logs_init(&m->logs);
	m->records = (struct records){ 0 };
	nuncio_store_opened(self, 0);
	*store_r = m;
	return 0;
}

static void close_store(void **store)
{
	struct memory *m = *store;
	if (!m)
		return;
	logs_fini(&m->logs);
	records_fini(&m->records);
	free(m);
	*store = NULL;
}

static void lanes(void *store, uint32_t *writers_r, uint32_t *readers_r)
{
	(void)store;
	*writers_r = 1;
	*readers_r = 0;
}

static int run_job(struct memory *m, struct nuncio_job *job)
{
	const void *in = nuncio_job_input(job);
	switch (nuncio_job_kind(job)) {
	case NUNCIO_JOB_APPEND:
		return log_append(&m->logs, &m->records, in, job);
	case NUNCIO_JOB_MARK:
		return log_mark(&m->logs, in, job);
	case NUNCIO_JOB_WRITE: {
		const struct nuncio_job_write *write = in;
		return records_write(&m->records, &m->logs, write->writes, write->writes_count, 0);
	}
	case NUNCIO_JOB_EVENTS:
		return log_events(&m->logs, in, job);
	case NUNCIO_JOB_SYNC:
		return log_sync(&m->logs, &m->records, in, job);
	case NUNCIO_JOB_CONVERSATIONS:
		return log_conversations(&m->logs, in, job);
	case NUNCIO_JOB_MEMBERS:
		return log_members(&m->logs, in, job);
	case NUNCIO_JOB_MEMBER:
		return log_member(&m->logs, in, job);
	case NUNCIO_JOB_MEMBERSHIPS:
		return log_memberships(&m->logs, in, job);
	case NUNCIO_JOB_MEMBERSHIP_COUNT:
		return log_membership_count(&m->logs, in, job);
	case NUNCIO_JOB_REACHED:
		return log_reached(&m->logs, in, job);
	case NUNCIO_JOB_SEARCH:
		return log_search(&m->logs, in, job);
	case NUNCIO_JOB_GET:
		return records_get(&m->records, in, job);
	case NUNCIO_JOB_LIST:
		return records_list(&m->records, in, job);
	default:
		return NUNCIO_E_UNSUPPORTED;
	}
}

static void run(void *store, uint32_t lane, struct nuncio_job **jobs, size_t n)
{
	(void)lane;
	for (size_t i = 0; i < n; i++)
		nuncio_job_done(&jobs[i], run_job(store, jobs[i]));
}

static void idle(void *store, uint32_t lane)
{
	struct memory *m = store;
	(void)lane;
	records_expire(&m->records, &m->logs);
}

static const struct nuncio_store_ops ops = {
	.size = sizeof(ops),
	.open = open_store,
	.close = close_store,
	.lanes = lanes,
	.run = run,
	.idle = idle,
};

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	(void)err;
	return nuncio_provide_store(self, &ops);
}

NUNCIO_MODULE("store_memory", .version = "1.0",
	.summary = "Keeps everything in memory and forgets it at exit; for tests.", .init = init);

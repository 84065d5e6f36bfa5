/* SPDX-License-Identifier: MIT */
/*
 * The embedded store: one SQLite file in WAL mode, made durable at every commit (synchronous=FULL).
 * One write lane and `readers` read lanes, each with a connection of its own; readers see committed
 * snapshots and never wait for the writer.
 *
 * Here: the module, opening, closing, and handing jobs to the parts. Which part does what:
 * README.md.
 */
#include "store_sqlite.h"

#include <nuncio/conf.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools.h"

enum { TIDY_MS = 20, COMPLAIN_EVERY_MS = 10000 };

struct module_data {
	struct nuncio_counter *commits, *failures, *indexed;
	struct nuncio_gauge *wal_pages;
	struct tools *tools;
};

void store_complain(struct store *s, struct db *db, int rc, const char *doing)
{
	int64_t now_ms = nuncio_mono_ms(), last_ms = atomic_load(&s->complained_ms);
	nuncio_counter_add(s->failures, 1);
	if ((last_ms && now_ms - last_ms < COMPLAIN_EVERY_MS) ||
		!atomic_compare_exchange_strong(&s->complained_ms, &last_ms, now_ms ? now_ms : 1)) {
		atomic_fetch_add(&s->silent, 1);
		return;
	}
	uint32_t silent = atomic_exchange(&s->silent, 0);
	nuncio_log(s->self, NUNCIO_ERROR,
		"%s %s failed: %s (%s, code %d, errno %d); %u more since the last line", doing,
		s->path, sqlite3_errmsg(db->handle), sqlite3_errstr(rc), rc,
		sqlite3_system_errno(db->handle), silent);
}

/* --- opening --- */

static int open_writer(struct store *s, struct nuncio_error *err)
{
	int status = db_open(&s->writer, s->path, nuncio_conf_int(s->self, "cache"), err);
	if (status == 0)
		status = schema_migrate(&s->writer, s->path, err);
	if (status == 0)
		status = db_prepare(&s->writer, s->path, err);
	if (status < 0)
		return status;
	s->heads = heads_new();
	if (schema_meta(&s->writer, "uuid", s->uuid, STORE_UUID_CHARS) == STORE_UUID_CHARS &&
		once_open(&s->writer, &s->once) == SQLITE_OK)
		return 0;
	nuncio_error_set(err, "%s: %s", s->path,
		sqlite3_errcode(s->writer.handle) == SQLITE_OK ||
				sqlite3_errcode(s->writer.handle) >= 100
			? "table meta is not as it should be"
			: sqlite3_errmsg(s->writer.handle));
	return NUNCIO_E_FAIL;
}

static int open_readers(struct store *s, struct nuncio_error *err)
{
	int status = 0;
	s->readers = (uint32_t)nuncio_conf_int(s->self, "readers");
	for (uint32_t i = 0; i < s->readers && status == 0; i++) {
		status =
			db_open(&s->reader[i], s->path, nuncio_conf_int(s->self, "cache") / 2, err);
		if (status == 0)
			status = db_prepare(&s->reader[i], s->path, err);
	}
	return status;
}

static int read_highest(struct store *s, struct nuncio_error *err)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(s->writer.handle,
		"SELECT max((SELECT coalesce(max(max(last_id, marked)), 0) FROM head),"
		" (SELECT coalesce(max(changed), 0) FROM record WHERE changed > 0),"
		" (SELECT value FROM meta WHERE name = 'sync_floor'))",
		-1, &st, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		atomic_store(&s->committed, db_uint(st, 0));
	else
		nuncio_error_set(err, "%s: %s", s->path, sqlite3_errmsg(s->writer.handle));
	sqlite3_finalize(st);
	return rc == SQLITE_ROW ? 0 : NUNCIO_E_FAIL;
}

/*
 * What a failed open needs to say besides SQLite's text, which names neither directory nor right.
 */
static void explain(const char *path, struct nuncio_error *err)
{
	const char *slash = strrchr(path, '/');
	int n = slash ? (int)(slash - path) : 1;
	char directory[4096];
	if ((size_t)n >= sizeof(directory))
		return;
	snprintf(directory, sizeof(directory), "%.*s", n, slash ? path : ".");
	if (access(directory, W_OK) == 0 || !err)
		return;
	size_t used = strlen(err->text);
	snprintf(
		err->text + used, sizeof(err->text) - used, " (the directory is not writable: %m)");
}

static void close_store(void **store)
{
	struct store *s = *store;
	if (!s)
		return;
	*store = NULL;
	search_stop(s);
	checkpoint_stop(s);
	if (s->once && db_run(&s->writer, SQL_BEGIN_WRITE) == SQLITE_OK) {
		/* Only saves the next open some reading, so a failure needs no word. */
		int rc = once_merge(s->once, &s->writer, true);
		db_run(&s->writer, rc == SQLITE_OK ? SQL_COMMIT : SQL_ROLLBACK);
	}
	for (uint32_t i = 0; i < s->readers; i++)
		db_close(&s->reader[i]);
	once_free(&s->once);
	heads_free(&s->heads);
	db_close(&s->writer);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	free(s->path);
	free(s);
}

static int open_store(struct nuncio_module *self, void **store_r, struct nuncio_error *err)
{
	const struct module_data *data = nuncio_module_data(self);
	struct store *s = nuncio_alloc(sizeof(*s));
	memset(s, 0, sizeof(*s));
	s->self = self;
	s->lock_fd = -1;
	s->commits = data->commits;
	s->failures = data->failures;
	s->indexed = data->indexed;
	s->wal_pages = data->wal_pages;
	const char *path = nuncio_conf_text(self, "path");
	/*
	 * SQLite counts its memory under one lock, for limits that nobody here sets; without it an
	 * event takes 7 % fewer instructions. Process-wide, and refused once SQLite runs: both are
	 * fine.
	 */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	s->path = nuncio_alloc(strlen(path) + 1);
	memcpy(s->path, path, strlen(path) + 1);
	int status = schema_lock(s->path, &s->lock_fd, err);
	if (status == 0)
		status = open_writer(s, err);
	if (status == 0)
		status = read_highest(s, err);
	if (status == 0)
		status = open_readers(s, err);
	if (status == 0)
		log_room_make(s);
	if (status == 0)
		status = checkpoint_start(s, err);
	if (status == 0)
		status = search_start(s, nuncio_conf_int(self, "search") != 0, err);
	if (status == 0) {
		nuncio_store_opened(self, atomic_load(&s->committed));
		*store_r = s;
		return 0;
	}
	explain(s->path, err);
	void *failed = s;
	close_store(&failed);
	return status;
}

/* --- running --- */

static void lanes(void *store, uint32_t *writers_r, uint32_t *readers_r)
{
	*writers_r = 1;
	*readers_r = ((struct store *)store)->readers;
}

static int read_job(
	struct store *s, struct db *db, uint32_t lane, struct nuncio_job *job, nuncio_id now)
{
	const void *in = nuncio_job_input(job);
	switch (nuncio_job_kind(job)) {
	case NUNCIO_JOB_EVENTS:
		return event_page(db, job, in);
	case NUNCIO_JOB_SYNC:
		return sync_read(s, db, job, in, now);
	case NUNCIO_JOB_CONVERSATIONS:
		return conversation_list(db, job, in);
	case NUNCIO_JOB_MEMBERS:
		return member_list(db, job, in);
	case NUNCIO_JOB_MEMBER:
		return member_one(db, job, in);
	case NUNCIO_JOB_MEMBERSHIPS:
		return member_ships(db, job, in);
	case NUNCIO_JOB_MEMBERSHIP_COUNT:
		return member_count_ships(db, job, in);
	case NUNCIO_JOB_REACHED:
		return member_reached(db, job, in);
	case NUNCIO_JOB_SEARCH:
		return search_find(s, db, lane, job, in);
	case NUNCIO_JOB_GET:
		return record_get(db, job, in);
	case NUNCIO_JOB_LIST:
		return record_list(db, job, in);
	case NUNCIO_JOB_EXPORT:
		return export_run(db, job, in);
	default:
		return NUNCIO_E_UNSUPPORTED;
	}
}

/*
 * One snapshot for the whole list. `now` is taken before it, so the snapshot has all up to `now`.
 */
static void read_all(struct store *s, uint32_t lane, struct nuncio_job **jobs, size_t n)
{
	struct db *db = lane ? &s->reader[lane - 1] : &s->writer;
	nuncio_id now = atomic_load(&s->committed);
	int rc = db_run(db, SQL_BEGIN_READ);
	if (rc != SQLITE_OK)
		store_complain(s, db, rc, "reading");
	for (size_t i = 0; i < n; i++) {
		int status = rc == SQLITE_OK ? read_job(s, db, lane, jobs[i], now) : NUNCIO_E_FAIL;
		if (status == READ_FAILED) {
			store_complain(s, db, sqlite3_extended_errcode(db->handle), "reading");
			status = NUNCIO_E_FAIL;
		}
		nuncio_job_done(&jobs[i], status);
	}
	if (!sqlite3_get_autocommit(db->handle))
		db_run(db, SQL_COMMIT);
}

static bool is_read(const struct nuncio_job *job)
{
	return nuncio_job_kind(job) >= NUNCIO_JOB_EVENTS;
}

/*
 * The write lane gets reads too when there are no readers: runs of writes, then of reads, in order.
 */
static void run(void *store, uint32_t lane, struct nuncio_job **jobs, size_t n)
{
	struct store *s = store;
	if (lane > 0) {
		read_all(s, lane, jobs, n);
		return;
	}
	for (size_t at = 0, end; at < n; at = end) {
		bool reads = is_read(jobs[at]);
		for (end = at + 1;
			end < n && is_read(jobs[end]) == reads && end - at < STORE_BATCH_MAX;)
			end++;
		if (reads)
			read_all(s, lane, jobs + at, end - at);
		else
			batch_run(s, jobs + at, end - at);
	}
}

/* Jobs wait meanwhile; what is left goes with their transactions: see batch.c. */
static void idle(void *store, uint32_t lane)
{
	struct store *s = store;
	int64_t until_ms = nuncio_mono_ms() + TIDY_MS;
	if (lane > 0)
		return;
	while (record_idle(s) && nuncio_mono_ms() < until_ms)
		;
	while (search_idle(s) && nuncio_mono_ms() < until_ms)
		;
	checkpoint_wish(s);
}

static const struct nuncio_store_ops ops = {
	.size = sizeof(ops),
	.open = open_store,
	.close = close_store,
	.lanes = lanes,
	.run = run,
	.idle = idle,
};

/* --- the module --- */

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	struct module_data *data = nuncio_alloc(sizeof(*data));
	(void)err;
	data->commits = nuncio_counter_new(
		self, "commits_total", NULL, "Transactions committed by the write lane.");
	data->failures = nuncio_counter_new(self, "failures_total", NULL,
		"Transactions, reads and checkpoints that SQLite refused.");
	data->indexed = nuncio_counter_new(
		self, "indexed_total", NULL, "Events that the search index has gone through.");
	data->wal_pages =
		nuncio_gauge_new(self, "wal_pages", NULL, "Pages in the write-ahead log, about.");
	nuncio_module_set_data(self, data);
	int rc = tools_add(self, &data->tools);
	return rc < 0 ? rc : nuncio_provide_store(self, &ops);
}

static void stop(struct nuncio_module *self)
{
	const struct module_data *data = nuncio_module_data(self);
	tools_stop(data->tools);
}

static void fini(struct nuncio_module *self)
{
	struct module_data *data = nuncio_module_data(self);
	tools_free(&data->tools);
	free(data);
	nuncio_module_set_data(self, NULL);
}

static const struct nuncio_option options[] = {
	{ "path", NUNCIO_OPT_PATH, 0, "nuncio.db", 0, 0, NULL,
		"The database file; made when it is not there. Its folder must be writable too." },
	{ "readers", NUNCIO_OPT_INT, 0, "2", 0, STORE_READERS_MAX, NULL,
		"Threads that read beside the one that writes. 0: the writer reads too." },
	{ "cache", NUNCIO_OPT_BYTES, 0, "8M", 1024 * 1024, (int64_t)1 << 36, NULL,
		"Memory for pages of the writer; each reader has half as much." },
	{ "search", NUNCIO_OPT_BOOL, 0, "on", 0, 0, NULL,
		"Keeps an index of all messages for searches, in a file beside the database." },
	{ 0 },
};

NUNCIO_MODULE("store_sqlite", .version = "1.0", .summary = "Keeps everything in one SQLite file.",
	.options = options, .init = init, .stop = stop, .fini = fini);

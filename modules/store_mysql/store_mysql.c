/* SPDX-License-Identifier: MIT */
/*
 * The store on MySQL or MariaDB: one server or several, shared by any number of nodes. Write lanes
 * have their shards, so grouped commits of a server run beside each other; read lanes take what
 * comes. Every lane has a connection of its own to each server that it needs.
 *
 * Here: the module, opening, closing, and what lanes share. Which part does what: README.md.
 */
#include "store_mysql.h"

#include <nuncio/conf.h>
#include <nuncio/control.h>
#include <nuncio/ready.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { COMPLAIN_EVERY_MS = 10000, START_PAUSE_MS = 2000, START_SAY_EVERY = 5, WHY_BYTES = 160 };

struct module_data {
	struct nuncio_counter *commits, *failures, *repeats, *reconnects;
	struct store *store; /* the one that is open and no target; NULL: none */
	struct fsck *fsck;   /* under way */
};

void store_complain(struct store *s, const struct db *db, const char *doing)
{
	int64_t now_ms = nuncio_mono_ms(), last_ms = atomic_load(&s->complained_ms);
	nuncio_counter_add(s->failures, 1);
	if ((last_ms && now_ms - last_ms < COMPLAIN_EVERY_MS) ||
		!atomic_compare_exchange_strong(&s->complained_ms, &last_ms, now_ms ? now_ms : 1)) {
		atomic_fetch_add(&s->silent, 1);
		return;
	}
	uint32_t silent = atomic_exchange(&s->silent, 0);
	nuncio_log(s->self, NUNCIO_ERROR, "%s %s failed: %s (code %u); %u more since the last line",
		doing, db->server->address.name, db->why, db->code, silent);
}

void store_tell_ready(struct store *s)
{
	char why[WHY_BYTES] = "";
	if (s->is_target)
		return;
	pthread_mutex_lock(&s->ready_lock);
	int ready = 1;
	for (unsigned i = 0; i < s->server_count && ready; i++) {
		if (server_is_up(&s->servers[i]))
			continue;
		ready = 0;
		snprintf(why, sizeof(why), "no connection to %.120s", s->servers[i].address.name);
	}
	if (ready != s->ready)
		nuncio_ready_set(s->self, ready, why);
	s->ready = ready;
	pthread_mutex_unlock(&s->ready_lock);
}

/* --- lanes --- */

struct db *lane_db(struct lane *lane, struct server *server)
{
	struct db *db = &lane->db[server->index];
	struct nuncio_error err;
	if (db->handle)
		return db;
	if (!server_is_up(server))
		return NULL;
	if (db_connect(db, server, lane->use, &err) == 0) {
		nuncio_counter_add(lane->store->reconnects, 1);
		/* The server that is there now may not have all that the one before had. */
		if (db->session > 1)
			names_forget(lane->names);
		return db;
	}
	server_doubt(server, err.text);
	return NULL;
}

static void lane_init(struct lane *lane, struct store *s, uint32_t index)
{
	bool writes = index < s->writers * s->server_count;
	lane->store = s;
	lane->index = index;
	lane->use = writes ? DB_WRITES : DB_READS;
	lane->names = names_new();
	if (writes) {
		lane->work = nuncio_resize(NULL, sizeof(*lane->work));
		memset(lane->work, 0, sizeof(*lane->work));
		lane->work->lane = lane;
	}
}

static void lane_fini(struct lane *lane)
{
	for (unsigned i = 0; i < SERVERS_MAX; i++)
		db_fini(&lane->db[i]);
	names_free(&lane->names);
	pool_fini(&lane->pool);
	free(lane->work);
}

static void lanes(void *store, uint32_t *writers_r, uint32_t *readers_r)
{
	const struct store *s = store;
	*writers_r = s->writers * s->server_count;
	*readers_r = s->readers;
}

typedef void run_fn(struct lane *lane, struct nuncio_job **jobs, size_t n);

static run_fn *who_runs(const struct nuncio_job *job)
{
	if (nuncio_job_kind(job) >= NUNCIO_JOB_EVENTS)
		return read_run;
	return nuncio_job_kind(job) == NUNCIO_JOB_IMPORT ? import_run : batch_run;
}

/* Runs of writes and of reads, in order; as a rule a lane sees only one of them. */
static void run(void *store, uint32_t lane, struct nuncio_job **jobs, size_t n)
{
	struct store *s = store;
	for (size_t at = 0, end; at < n; at = end) {
		run_fn *run_these = who_runs(jobs[at]);
		for (end = at + 1; end < n && who_runs(jobs[end]) == run_these;)
			end++;
		run_these(&s->lanes[lane], jobs + at, end - at);
	}
}

static uint32_t lane_of(void *store, struct nuncio_str owner)
{
	return place_lane(store, owner);
}

static void idle(void *store, uint32_t lane)
{
	struct store *s = store;
	if (!s->is_target)
		sweep(&s->lanes[lane]);
}

/* --- opening --- */

/* NULL when it is not set. */
static const char *path_option(const struct nuncio_module *self, const char *name)
{
	const char *path = nuncio_conf_text(self, name);
	return path[0] ? path : NULL;
}

static void read_tls(struct store *s)
{
	s->tls = nuncio_conf_int(s->self, "tls") != 0;
	s->tls_verify = nuncio_conf_int(s->self, "tls_verify") != 0;
	s->tls_ca = path_option(s->self, "tls_ca");
	s->tls_cert = path_option(s->self, "tls_cert");
	s->tls_key = path_option(s->self, "tls_key");
}

/*
 * Options that contradict each other, and files that the library would say little of. In init, so
 * that --check tells too.
 */
static int check_tls(const struct nuncio_module *self, struct nuncio_error *err)
{
	static const char *const files[] = { "tls_ca", "tls_cert", "tls_key" };
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const char *path = path_option(self, files[i]);
		if (path && !nuncio_conf_int(self, "tls")) {
			nuncio_error_set(err, "%s means nothing with tls = off", files[i]);
			return NUNCIO_E_INVAL;
		}
		if (path && access(path, R_OK) < 0) {
			nuncio_error_set(err, "%s = %s: %s", files[i], path, strerror(errno));
			return NUNCIO_E_INVAL;
		}
	}
	if (!path_option(self, "tls_cert") == !path_option(self, "tls_key"))
		return 0;
	nuncio_error_set(err, "tls_cert and tls_key belong together");
	return NUNCIO_E_INVAL;
}

static int read_options(struct store *s, struct nuncio_error *err)
{
	struct nuncio_module *self = s->self;
	struct address list[SERVERS_MAX];
	unsigned count = 0;
	int status =
		address_parse(nuncio_conf_text(self, "servers"), list, SERVERS_MAX, &count, err);
	if (status < 0)
		return status;
	s->shards = (uint32_t)nuncio_conf_int(self, "shards");
	s->writers = (uint32_t)nuncio_conf_int(self, "writers");
	s->readers = (uint32_t)nuncio_conf_int(self, "readers");
	s->timeout_ms = nuncio_conf_int(self, "timeout");
	s->is_target = nuncio_store_is_target(self) != 0;
	/* A copy is indexed when it is opened in earnest: schema.c leaves a note. */
	s->has_search = !s->is_target && nuncio_conf_int(self, "search") != 0;
	read_tls(s);
	s->server_count = count;
	for (unsigned i = 0; i < count; i++) {
		server_init(&s->servers[i], s, i);
		s->servers[i].address = list[i];
	}
	if (s->shards < count) {
		nuncio_error_set(err, "shards is %u, fewer than the %u servers", s->shards, count);
		return NUNCIO_E_INVAL;
	}
	if (s->writers * count <= LANES_MAX)
		return 0;
	nuncio_error_set(err, "writers is %u for each of %u servers; together at most %d",
		s->writers, count, LANES_MAX);
	return NUNCIO_E_INVAL;
}

/*
 * Until it is there, if so configured: the logic thread waits here, before anybody is served, and a
 * signal ends the process. What will not get better by waiting is an error at once.
 */
static int open_server(struct store *s, struct server *server, struct nuncio_error *err)
{
	bool waits =
		!s->is_target && strcmp(nuncio_conf_text(s->self, "start_without"), "wait") == 0;
	const struct timespec pause = { START_PAUSE_MS / 1000, START_PAUSE_MS % 1000 * 1000000 };
	for (unsigned tries = 0;; tries++) {
		int status = server_open(server, err);
		if (status == 0)
			status = server_watch(server, err);
		if (status != NUNCIO_E_FAIL || !waits)
			return status;
		if (tries % START_SAY_EVERY == 0)
			nuncio_log(s->self, NUNCIO_WARN,
				"%s; trying again every %d s (start_without = wait)",
				err ? err->text : server->address.name, START_PAUSE_MS / 1000);
		nanosleep(&pause, NULL);
	}
}

static int read_highest(struct store *s, nuncio_id *highest_r, struct nuncio_error *err)
{
	struct row row;
	for (unsigned i = 0; i < s->server_count; i++) {
		struct db db = { NULL };
		int status = db_connect(&db, &s->servers[i], DB_WRITES, err);
		if (status == 0 &&
			db_execute(&db, "SELECT GREATEST((SELECT CAST(value AS UNSIGNED) FROM meta"
					" WHERE name='highest'),(SELECT COALESCE(MAX(highest),0)"
					" FROM lane))") == DB_OK &&
			db_next(&db, 0, &row) && row_uint(&row, 0) > *highest_r)
			*highest_r = row_uint(&row, 0);
		db_fini(&db);
		if (status < 0)
			return status;
	}
	return 0;
}

static void forget_store(const struct store *s)
{
	struct module_data *data = nuncio_module_data(s->self);
	if (data && data->store == s)
		data->store = NULL;
}

static void close_store(void **store)
{
	struct store *s = *store;
	if (!s)
		return;
	*store = NULL;
	forget_store(s);
	indexer_stop(s);
	for (unsigned i = 0; i < s->server_count; i++)
		server_stop(&s->servers[i]);
	for (uint32_t i = 0; s->lanes && i < s->lane_count; i++)
		lane_fini(&s->lanes[i]);
	for (unsigned i = 0; i < s->server_count; i++)
		server_fini(&s->servers[i]);
	pthread_mutex_destroy(&s->ready_lock);
	free(s->lanes);
	free(s);
}

static int open_store(struct nuncio_module *self, void **store_r, struct nuncio_error *err)
{
	struct module_data *data = nuncio_module_data(self);
	struct store *s = nuncio_resize(NULL, sizeof(*s));
	nuncio_id highest = 0;
	memset(s, 0, sizeof(*s));
	s->self = self;
	s->ready = -1;
	s->commits = data->commits;
	s->failures = data->failures;
	s->repeats = data->repeats;
	s->reconnects = data->reconnects;
	pthread_mutex_init(&s->ready_lock, NULL);
	int status = mysql_library_init(0, NULL, NULL) == 0 ? 0 : NUNCIO_E_FAIL;
	if (status == 0)
		status = read_options(s, err);
	else
		nuncio_error_set(err, "the client library does not start");
	for (unsigned i = 0; i < s->server_count && status == 0; i++)
		status = open_server(s, &s->servers[i], err);
	if (status == 0)
		status = read_highest(s, &highest, err);
	if (status == 0) {
		s->lane_count = s->writers * s->server_count + s->readers;
		s->lanes = nuncio_resize(NULL, s->lane_count * sizeof(*s->lanes));
		memset(s->lanes, 0, s->lane_count * sizeof(*s->lanes));
		for (uint32_t i = 0; i < s->lane_count; i++)
			lane_init(&s->lanes[i], s, i);
		status = indexer_start(s, err);
	}
	if (status == 0) {
		nuncio_store_opened(self, highest);
		store_tell_ready(s);
		data->store = s->is_target ? data->store : s;
		*store_r = s;
		return 0;
	}
	void *failed = s;
	close_store(&failed);
	return status;
}

static const struct nuncio_store_ops ops = {
	.size = sizeof(ops),
	.open = open_store,
	.close = close_store,
	.lanes = lanes,
	.run = run,
	.idle = idle,
	.lane = lane_of,
};

/* --- the module --- */

static void on_fsck(struct nuncio_request *rq, void *user)
{
	struct module_data *data = user;
	fsck_begin(data->store, &data->fsck, rq);
}

/* Not just "fsck": while a store is copied, store_sqlite and its commands are there, too. */
static const struct nuncio_command fsck_command = {
	.size = sizeof(fsck_command),
	.flags = NUNCIO_CONTROL_SLOW,
	.op = "mysql.fsck",
	.help = "Looks for damage: holes in seq, heads, cursors, references.",
	.field_size = sizeof(struct nuncio_field),
	.fn = on_fsck,
};

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	struct module_data *data = nuncio_alloc(sizeof(*data));
	struct address list[SERVERS_MAX];
	unsigned count = 0;
	nuncio_module_set_data(self, data);
	data->commits =
		nuncio_counter_new(self, "commits_total", NULL, "Transactions of the write lanes.");
	data->failures = nuncio_counter_new(
		self, "failures_total", NULL, "Transactions and reads that a server refused.");
	data->repeats = nuncio_counter_new(self, "repeats_total", NULL,
		"Transactions done again after a dead-lock or a lost connection.");
	data->reconnects = nuncio_counter_new(
		self, "connects_total", NULL, "Connections made, after loss too.");
	int status =
		address_parse(nuncio_conf_text(self, "servers"), list, SERVERS_MAX, &count, err);
	for (unsigned i = 0; status == 0 && i < count; i++)
		address_free(&list[i]);
	if (status == 0)
		status = check_tls(self, err);
	if (status == 0)
		status = nuncio_control_add(self, &fsck_command, data);
	return status < 0 ? status : nuncio_provide_store(self, &ops);
}

static void stop(struct nuncio_module *self)
{
	struct module_data *data = nuncio_module_data(self);
	fsck_cancel(data->fsck);
}

static void fini(struct nuncio_module *self)
{
	free(nuncio_module_data(self));
	nuncio_module_set_data(self, NULL);
}

static const struct nuncio_option options[] = {
	{ "servers", NUNCIO_OPT_SECRET, 0, NULL, 0, 0, NULL,
		"Where the databases are: user:password@host:port/database?socket=/path, several"
		" separated by commas, always in the same order. Bytes with a meaning there as %XX." },
	{ "shards", NUNCIO_OPT_INT, 0, "16", 1, SHARDS_MAX, NULL,
		"Into how many parts conversations and users are spread over the servers; fixed when"
		" the tables are made." },
	{ "writers", NUNCIO_OPT_INT, 0, "2", 1, WRITERS_MAX, NULL,
		"Threads, each with a connection, that write to each server." },
	{ "readers", NUNCIO_OPT_INT, 0, "4", 1, READERS_MAX, NULL,
		"Threads that read, each with a connection to every server." },
	{ "timeout", NUNCIO_OPT_MSEC, 0, "5s", 1000, 600000, NULL,
		"How long to wait for a connection or an answer. Whole seconds." },
	{ "start_without", NUNCIO_OPT_CHOICE, 0, "wait", 0, 0, "wait fail",
		"What to do when a server is not there at start: wait for it, or end." },
	{ "search", NUNCIO_OPT_BOOL, 0, "on", 0, 0, NULL,
		"Index messages, so that they can be searched." },
	{ "tls", NUNCIO_OPT_BOOL, 0, "off", 0, 0, NULL,
		"Speak TLS to the servers; a server without it is refused." },
	{ "tls_ca", NUNCIO_OPT_PATH, 0, "", 0, 0, NULL,
		"File with the certificates that sign those of the servers; empty: the system's." },
	{ "tls_cert", NUNCIO_OPT_PATH, 0, "", 0, 0, NULL,
		"File with our certificate, for servers that want one." },
	{ "tls_key", NUNCIO_OPT_PATH, 0, "", 0, 0, NULL, "File with the key of tls_cert." },
	{ "tls_verify", NUNCIO_OPT_BOOL, 0, "on", 0, 0, NULL,
		"Refuse a server whose certificate does not prove its name." },
	{ 0 },
};

NUNCIO_MODULE("store_mysql", .version = "1.0",
	.summary = "Keeps everything on MySQL or MariaDB servers, for many nodes.",
	.options = options, .init = init, .stop = stop, .fini = fini);

/* SPDX-License-Identifier: MIT */
/*
 * Is a server there? Each has a watcher, a thread with a connection of its own that asks it once a
 * second. When it does not answer, or a lane could not connect, the watcher tries to connect anew,
 * with pauses that double and are scattered, so that nodes do not come back all at once. As long as
 * it is not there, lanes do not try: their jobs end at once.
 *
 * Whenever it connects it looks whether this is still the same server: after a failover to a
 * replica, which may lack the last transactions, cursors of clients must not be believed
 * (sync_cursor.c). The table meta then gets a new epoch.
 */
#include "store_mysql.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { ASK_EVERY_MS = 1000, PAUSE_MIN_MS = 100, PAUSE_MAX_MS = 5000 };

void server_init(struct server *server, struct store *store, unsigned index)
{
	pthread_condattr_t attr;
	server->store = store;
	server->index = index;
	server->first_shard =
		(index * store->shards + store->server_count - 1) / store->server_count;
	server->end_shard =
		((index + 1) * store->shards + store->server_count - 1) / store->server_count;
	pthread_mutex_init(&server->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&server->changed, &attr);
	pthread_condattr_destroy(&attr);
}

void server_fini(struct server *server)
{
	server_stop(server);
	db_fini(&server->db);
	pthread_cond_destroy(&server->changed);
	pthread_mutex_destroy(&server->lock);
	address_free(&server->address);
}

/* Under lock. */
static void wait_until(struct server *server, int64_t until_ms)
{
	struct timespec until = { .tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000 };
	pthread_cond_timedwait(&server->changed, &server->lock, &until);
}

bool server_is_up(struct server *server)
{
	pthread_mutex_lock(&server->lock);
	bool is_up = server->is_up;
	pthread_mutex_unlock(&server->lock);
	return is_up;
}

bool server_wait(struct server *server, int64_t until_ms)
{
	pthread_mutex_lock(&server->lock);
	while (!server->is_up && !server->is_stopping && nuncio_mono_ms() < until_ms)
		wait_until(server, until_ms);
	bool is_up = server->is_up;
	pthread_mutex_unlock(&server->lock);
	return is_up;
}

uint32_t server_identity(struct server *server)
{
	pthread_mutex_lock(&server->lock);
	uint32_t identity = server->identity;
	pthread_mutex_unlock(&server->lock);
	return identity;
}

/*
 * Keeps the state and tells the core. The log has each reason once, also when it is another one by
 * now: a server that is back, but refuses us, is not what it was a moment ago.
 */
static void set_state(struct server *server, bool is_up, bool is_doubted, const char *why)
{
	struct store *s = server->store;
	pthread_mutex_lock(&server->lock);
	bool is_news = server->is_up != is_up, is_reason = !is_up && strcmp(server->why, why) != 0;
	server->is_up = is_up;
	server->is_doubted |= is_doubted;
	snprintf(server->why, sizeof(server->why), "%s", why);
	pthread_cond_broadcast(&server->changed);
	pthread_mutex_unlock(&server->lock);
	if (is_reason)
		nuncio_log(s->self, NUNCIO_WARN, "%s", why);
	else if (is_news)
		nuncio_log(s->self, NUNCIO_INFO, "%s is there", server->address.name);
	if (is_news)
		store_tell_ready(s);
}

void server_doubt(struct server *server, const char *why)
{
	set_state(server, false, true, why);
}

/* A replica that took over has another server_id; then a new epoch makes old cursors void. */
static int check_same(struct db *db)
{
	struct row row;
	int rc = db_execute(
		db, "SELECT (SELECT value FROM meta WHERE name='server_id'),@@server_id");
	if (rc != DB_OK || !db_next(db, 0, &row) || row_uint(&row, 0) == row_uint(&row, 1))
		return rc;
	nuncio_log(db->server->store->self, NUNCIO_WARN,
		"%s has become another server (server_id %llu, was %llu): clients will reload",
		db->server->address.name, (unsigned long long)row_uint(&row, 1),
		(unsigned long long)row_uint(&row, 0));
	return db_execute(db, "BEGIN;"
			      "UPDATE meta SET value=@@server_id WHERE name='server_id'"
			      " AND value<>@@server_id;"
			      "UPDATE meta SET value=UUID() WHERE name='epoch' AND ROW_COUNT()>0;"
			      "COMMIT");
}

static int read_identity(struct server *server, struct db *db)
{
	struct row row;
	int rc = db_execute(db, "SELECT value FROM meta WHERE name='epoch'");
	if (rc != DB_OK)
		return rc;
	struct nuncio_str epoch = { "", 0 };
	if (db_next(db, 0, &row))
		epoch = row_text(&row, 0);
	pthread_mutex_lock(&server->lock);
	server->identity = (uint32_t)place_hash(epoch);
	pthread_mutex_unlock(&server->lock);
	return DB_OK;
}

/* A server that does not write is none for us. */
static int ask(struct db *db)
{
	struct row row;
	int rc = db_execute(db, "SELECT @@global.read_only");
	if (rc != DB_OK || !db_next(db, 0, &row) || row_int(&row, 0) == 0)
		return rc;
	snprintf(db->why, sizeof(db->why), "it is read-only");
	db->code = 0;
	db_close(db);
	return DB_LOST;
}

static int come_back(struct server *server, struct nuncio_error *err)
{
	struct db *db = &server->db;
	int status = db_connect(db, server, DB_WATCH, err);
	if (status < 0)
		return status;
	if (ask(db) == DB_OK && check_same(db) == DB_OK && read_identity(server, db) == DB_OK)
		return 0;
	nuncio_error_set(err, "%s: %s (code %u)", server->address.name, db->why, db->code);
	db_close(db);
	return NUNCIO_E_FAIL;
}

int server_open(struct server *server, struct nuncio_error *err)
{
	struct db *db = &server->db;
	int status = db_connect(db, server, DB_SCHEMA, err);
	if (status == 0)
		status = schema_open(db, err);
	db_close(db);
	return status;
}

/* Half of the pause is by chance. */
static int64_t scattered(int64_t pause_ms, unsigned *seed)
{
	*seed = *seed * 1103515245u + 12345u;
	return pause_ms / 2 + (int64_t)(*seed >> 8) % (pause_ms / 2 + 1);
}

/* Waits its time, or until someone doubts the server; false: over. */
static bool pause_watch(struct server *server, int64_t ms, bool may_hurry)
{
	int64_t until_ms = nuncio_mono_ms() + ms;
	pthread_mutex_lock(&server->lock);
	while (!server->is_stopping && nuncio_mono_ms() < until_ms &&
		!(may_hurry && server->is_doubted))
		wait_until(server, until_ms);
	bool goes_on = !server->is_stopping;
	server->is_doubted = false;
	pthread_mutex_unlock(&server->lock);
	return goes_on;
}

static void *watch(void *user)
{
	struct server *server = user;
	struct db *db = &server->db;
	int64_t pause_ms = PAUSE_MIN_MS;
	unsigned seed = (unsigned)nuncio_wall_ms() ^ (unsigned)(uintptr_t)server;
	struct nuncio_error err = { "" };
	bool goes_on = true;
	while (goes_on) {
		bool is_there = db->handle && ask(db) == DB_OK;
		if (!is_there)
			is_there = come_back(server, &err) == 0;
		set_state(server, is_there, false, is_there ? "" : err.text);
		pause_ms = is_there ? PAUSE_MIN_MS : pause_ms;
		goes_on = pause_watch(
			server, is_there ? ASK_EVERY_MS : scattered(pause_ms, &seed), is_there);
		if (!is_there && pause_ms < PAUSE_MAX_MS)
			pause_ms *= 2;
	}
	db_close(db);
	mysql_thread_end();
	return NULL;
}

int server_watch(struct server *server, struct nuncio_error *err)
{
	int status = come_back(server, err);
	if (status < 0)
		return status;
	server->is_up = true;
	int rc = pthread_create(&server->thread, NULL, watch, server);
	if (rc != 0) {
		nuncio_error_set(err, "cannot start a thread: %s", strerror(rc));
		return NUNCIO_E_FAIL;
	}
	server->has_thread = true;
	return 0;
}

void server_stop(struct server *server)
{
	if (!server->has_thread)
		return;
	pthread_mutex_lock(&server->lock);
	server->is_stopping = true;
	pthread_cond_broadcast(&server->changed);
	pthread_mutex_unlock(&server->lock);
	pthread_join(server->thread, NULL);
	server->has_thread = false;
}

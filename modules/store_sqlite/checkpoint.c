/* SPDX-License-Identifier: MIT */
/*
 * Copying the write-ahead log into the database, off the writer's road: SQLite would do it inside a
 * commit, which then takes 10 to 100 times as long. A thread with a connection of its own does
 * passive checkpoints (they wait for nobody) whenever the log has grown by STEP_PAGES, and when
 * asked by `idle`.
 *
 * While the writer never pauses, a passive checkpoint ends behind it and the log cannot start over.
 * So above LOG_PAGES_MAX the writer copies the small rest itself between two transactions; that
 * bounds the log, unless a reader holds an old snapshot, and ours last for one job list only.
 */
#include "store_sqlite.h"

#include <signal.h>
#include <stdlib.h>

enum { STEP_PAGES = 1024, LOG_PAGES_MAX = 8 * STEP_PAGES };

struct checkpoint {
	struct store *store;
	struct db db;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool is_wanted, is_stopping; /* under lock */
	int pages;                   /* in the log after the last commit; the writer's own */
};

static void wish(struct checkpoint *c)
{
	pthread_mutex_lock(&c->lock);
	c->is_wanted = true;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
}

static bool wait_for_wish(struct checkpoint *c)
{
	pthread_mutex_lock(&c->lock);
	while (!c->is_wanted && !c->is_stopping)
		pthread_cond_wait(&c->wake, &c->lock);
	c->is_wanted = false;
	bool goes_on = !c->is_stopping;
	pthread_mutex_unlock(&c->lock);
	return goes_on;
}

static void copy_log(struct checkpoint *c, struct db *db)
{
	int rc = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY)
		store_complain(c->store, db, rc, "checkpointing");
}

static void *run(void *arg)
{
	struct checkpoint *c = arg;
	while (wait_for_wish(c))
		copy_log(c, &c->db);
	return NULL;
}

static int on_commit(void *user, sqlite3 *handle, const char *name, int pages)
{
	struct checkpoint *c = user;
	(void)handle;
	(void)name;
	/* Falling: the log started over. */
	if (pages < c->pages || pages / STEP_PAGES != c->pages / STEP_PAGES) {
		nuncio_gauge_set(c->store->wal_pages, pages);
		if (pages >= STEP_PAGES)
			wish(c);
	}
	c->pages = pages;
	return SQLITE_OK;
}

static int start_thread(struct checkpoint *c)
{
	sigset_t all, before;
	/* Signals are the server's business, on its own thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(&c->thread, NULL, run, c);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

int checkpoint_start(struct store *s, struct nuncio_error *err)
{
	struct checkpoint *c = store_alloc(sizeof(*c));
	*c = (struct checkpoint){ .store = s };
	int status = db_open(&c->db, s->path, 1024 * 1024, err);
	if (status < 0) {
		free(c);
		return status;
	}
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->wake, NULL);
	if (start_thread(c) != 0) {
		nuncio_error_set(err, "cannot start the checkpoint thread");
		db_close(&c->db);
		free(c);
		return NUNCIO_E_FAIL;
	}
	sqlite3_wal_hook(s->writer.handle, on_commit, c);
	s->checkpoint = c;
	return 0;
}

void checkpoint_stop(struct store *s)
{
	struct checkpoint *c = s->checkpoint;
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->is_stopping = true;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	sqlite3_wal_hook(s->writer.handle, NULL, NULL);
	db_close(&c->db);
	pthread_cond_destroy(&c->wake);
	pthread_mutex_destroy(&c->lock);
	free(c);
	s->checkpoint = NULL;
}

void checkpoint_wish(struct store *s)
{
	if (s->checkpoint->pages)
		wish(s->checkpoint);
}

void checkpoint_help(struct store *s)
{
	if (s->checkpoint->pages > LOG_PAGES_MAX)
		copy_log(s->checkpoint, &s->writer);
}

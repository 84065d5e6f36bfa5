/* SPDX-License-Identifier: MIT */
/*
 * Copying the write-ahead log into the database, off the writer's road: SQLite would do it inside a
 * commit, which then takes 10 to 100 times as long. A thread with a connection of its own does
 * passive checkpoints (they wait for nobody) whenever the log has grown by STEP_PAGES, and when
 * asked by `idle`. The log starts over only when no commit came after the last page that was
 * copied; so where there are pauses between commits, a pass that was overtaken is followed by a
 * short one for the rest. That keeps the log in the room that log_room.c made for it.
 *
 * While the writer never pauses, a passive checkpoint ends behind it and the log cannot start over.
 * So above LOG_PAGES_MAX the writer copies the small rest itself between two transactions; that
 * bounds the log, unless a reader holds an old snapshot, and ours last for one job list only.
 */
#include "store_sqlite.h"

#include <signal.h>
#include <stdlib.h>

enum {
	STEP_PAGES = 1024,
	LOG_PAGES_MAX = 8 * STEP_PAGES,
	REST_PAGES_MAX = STEP_PAGES / 4,
	PASSES_MAX = 4
};

struct checkpoint {
	struct store *store;
	struct db db;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool is_wanted, is_stopping; /* under lock */
	_Atomic(int) pages;          /* in the log after the last commit; written by the writer */
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

/* How many pages of the log are copied now; negative when it failed. */
static int copy_log(struct checkpoint *c, struct db *db)
{
	int copied = 0;
	int rc = sqlite3_wal_checkpoint_v2(
		db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, &copied);
	if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY)
		store_complain(c->store, db, rc, "checkpointing");
	return rc == SQLITE_OK ? copied : -1;
}

static void copy_all(struct checkpoint *c)
{
	for (int pass = 0; pass < PASSES_MAX; pass++) {
		int copied = copy_log(c, &c->db), rest = atomic_load(&c->pages) - copied;
		if (copied < 0 || rest <= 0 || rest > REST_PAGES_MAX)
			return;
	}
}

static void *run(void *arg)
{
	struct checkpoint *c = arg;
	log_room_settle(c->store);
	while (wait_for_wish(c))
		copy_all(c);
	return NULL;
}

static int on_commit(void *user, sqlite3 *handle, const char *name, int pages)
{
	struct checkpoint *c = user;
	int before = atomic_exchange(&c->pages, pages);
	(void)handle;
	(void)name;
	/* Falling: the log started over. */
	if (pages < before || pages / STEP_PAGES != before / STEP_PAGES) {
		nuncio_gauge_set(c->store->wal_pages, pages);
		if (pages >= STEP_PAGES)
			wish(c);
	}
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
	struct checkpoint *c = nuncio_alloc(sizeof(*c));
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

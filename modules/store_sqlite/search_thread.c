/* SPDX-License-Identifier: MIT */
/*
 * The life of the index: its file, its thread, and what happens when it fails. Storing messages
 * does not depend on it. When the index cannot be opened or written (a full disk), that is logged,
 * searches say so, and it is tried again; when it is damaged it is removed and made anew.
 *
 * The thread sleeps until the writer has committed something, then gathers for a moment, since many
 * messages at once cost less than one by one. It gives way to every other thread.
 */
#include "search.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { GATHER_MS = 200, RETRY_MS = 5000, COMPLAIN_EVERY_MS = 10000, NICE = 10 };

static void complain(struct search *x, int rc)
{
	int64_t now_ms = nuncio_mono_ms();
	nuncio_counter_add(x->store->failures, 1);
	if (x->complained_ms && now_ms - x->complained_ms < COMPLAIN_EVERY_MS)
		return;
	x->complained_ms = now_ms;
	nuncio_log(x->store->self, NUNCIO_WARN,
		"the search index %s cannot be kept: %s (code %d); messages are stored, and indexed"
		" when it works again",
		x->path, sqlite3_errstr(rc), rc);
}

/* False when it is time to stop. */
static bool wait_ms(struct search *x, int64_t ms)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&x->lock);
	while (!x->is_stopping && pthread_cond_timedwait(&x->wake, &x->lock, &until) != ETIMEDOUT)
		;
	bool goes_on = !x->is_stopping;
	pthread_mutex_unlock(&x->lock);
	return goes_on;
}

/* Until something was committed after `seen`, and a moment longer. */
static bool wait_for_news(struct search *x, nuncio_id seen)
{
	pthread_mutex_lock(&x->lock);
	x->is_woken = false;
	atomic_store(&x->is_asleep, true);
	/* Who commits from here on sees us asleep. */
	while (!x->is_stopping && !x->is_woken && atomic_load(&x->store->committed) == seen &&
		!atomic_load(&x->is_broken))
		pthread_cond_wait(&x->wake, &x->lock);
	atomic_store(&x->is_asleep, false);
	pthread_mutex_unlock(&x->lock);
	return wait_ms(x, GATHER_MS);
}

void search_wake(struct search *search)
{
	if (!search || !atomic_load(&search->is_asleep))
		return;
	pthread_mutex_lock(&search->lock);
	search->is_woken = true;
	pthread_cond_signal(&search->wake);
	pthread_mutex_unlock(&search->lock);
}

static int step(struct search *x, size_t *count_r)
{
	int rc = x->is_open ? SQLITE_OK : search_index_open(x);
	if (rc == SQLITE_OK && atomic_exchange(&x->is_broken, false))
		rc = SQLITE_CORRUPT;
	return rc == SQLITE_OK ? search_index_step(x, count_r) : rc;
}

/* Readers close what they have of it with their next search. */
static void give_up_file(struct search *x)
{
	if (atomic_load(&x->generation) % 2)
		atomic_fetch_add(&x->generation, 1);
	search_db_remove(x->path);
}

static void *run(void *arg)
{
	struct search *x = arg;
	bool goes_on = true;
	setpriority(PRIO_PROCESS, 0, NICE); /* of this thread, on Linux */
	while (goes_on) {
		nuncio_id seen = atomic_load(&x->store->committed);
		size_t count = 0;
		int rc = step(x, &count);
		if (rc == SQLITE_OK) {
			nuncio_counter_add(x->store->indexed, (int64_t)count);
			goes_on = count ? wait_ms(x, 0) : wait_for_news(x, seen);
			continue;
		}
		complain(x, rc);
		bool is_broken = search_db_is_broken(rc) && x->is_open;
		if (is_broken)
			give_up_file(x);
		search_index_close(x);
		goes_on = wait_ms(x, is_broken ? GATHER_MS : RETRY_MS);
	}
	return NULL;
}

/* "nuncio.db" has "nuncio-search.db" beside it. */
static char *make_path(const char *path)
{
	static const char middle[] = "-search";
	size_t n = strlen(path), stem = n;
	if (n > 3 && strcmp(path + n - 3, ".db") == 0)
		stem = n - 3;
	char *name = nuncio_alloc(n + sizeof(middle));
	memcpy(name, path, stem);
	memcpy(name + stem, middle, sizeof(middle) - 1);
	memcpy(name + stem + sizeof(middle) - 1, path + stem, n - stem + 1);
	return name;
}

static int set_meta(struct store *s, const char *name, int64_t value)
{
	sqlite3_bind_text(s->writer.sql[SQL_META_SET], 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s->writer.sql[SQL_META_SET], 2, value);
	return db_run(&s->writer, SQL_META_SET);
}

/*
 * While there was no search, nobody kept what edits replaced: an index from before cannot be
 * brought up to date.
 */
static int note_state(struct store *s, const char *path, bool is_on)
{
	char off[4] = "";
	int rc = SQLITE_OK;
	schema_meta(&s->writer, "search_off", off, sizeof(off) - 1);
	bool was_off = strcmp(off, "1") == 0;
	if (is_on && was_off && !search_db_is_foreign(path))
		search_db_remove(path);
	if (is_on == was_off)
		rc = set_meta(s, "search_off", !is_on);
	if (rc == SQLITE_OK && !is_on) {
		sqlite3_bind_int64(s->writer.sql[SQL_SHED_DROP], 1, INT64_MAX);
		sqlite3_bind_int(s->writer.sql[SQL_SHED_DROP], 2, -1); /* all: nobody is here yet */
		rc = db_run(&s->writer, SQL_SHED_DROP);
	}
	return rc;
}

static int start_thread(struct search *x)
{
	sigset_t all, before;
	/* Signals are the server's business, on its own thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(&x->thread, NULL, run, x);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

static void init_lock(struct search *x)
{
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&x->wake, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&x->lock, NULL);
}

static void free_search(struct search *x)
{
	search_index_close(x);
	for (size_t i = 0; i <= STORE_READERS_MAX; i++)
		search_db_close(&x->reader[i].db);
	words_fini(&x->words);
	words_fini(&x->texts);
	pthread_cond_destroy(&x->wake);
	pthread_mutex_destroy(&x->lock);
	free(x->path);
	free(x);
}

int search_start(struct store *s, bool is_on, struct nuncio_error *err)
{
	struct search *x = nuncio_alloc(sizeof(*x));
	memset(x, 0, sizeof(*x));
	x->store = s;
	x->path = make_path(s->path);
	init_lock(x);
	if (note_state(s, x->path, is_on) != SQLITE_OK) {
		nuncio_error_set(err, "%s: %s", s->path, sqlite3_errmsg(s->writer.handle));
		free_search(x);
		return NUNCIO_E_FAIL;
	}
	if (!is_on) {
		free_search(x);
		return 0;
	}
	/* Here already, so that the first search finds it; a failure is the thread's to repeat. */
	int rc = search_index_open(x);
	if (rc != SQLITE_OK) {
		complain(x, rc);
		search_index_close(x);
	}
	if (start_thread(x) != 0) {
		nuncio_error_set(err, "cannot start the search thread");
		free_search(x);
		return NUNCIO_E_FAIL;
	}
	s->search = x;
	return 0;
}

void search_stop(struct store *s)
{
	struct search *x = s->search;
	if (!x)
		return;
	pthread_mutex_lock(&x->lock);
	x->is_stopping = true;
	pthread_cond_signal(&x->wake);
	pthread_mutex_unlock(&x->lock);
	pthread_join(x->thread, NULL);
	s->search = NULL;
	free_search(x);
}

/* What the index needs of an edit or a recall: the body that is replaced. */
int search_shed(struct store *s, nuncio_id id, const struct nuncio_event *target)
{
	sqlite3_stmt *st = s->writer.sql[SQL_SHED_ADD];
	if (!s->search)
		return SQLITE_OK;
	sqlite3_bind_int64(st, 1, (sqlite3_int64)id);
	db_bind(st, 2, target->body);
	return db_run(&s->writer, SQL_SHED_ADD);
}

int search_drop_shed(struct store *s, int rows)
{
	sqlite3_stmt *st = s->writer.sql[SQL_SHED_DROP];
	nuncio_id done = s->search ? atomic_load(&s->search->done) : 0;
	s->shed_dropping = s->shed_dropped;
	if (done <= s->shed_dropped)
		return SQLITE_OK;
	sqlite3_bind_int64(st, 1, (sqlite3_int64)done);
	sqlite3_bind_int(st, 2, rows);
	int rc = db_run(&s->writer, SQL_SHED_DROP);
	if (rc != SQLITE_OK)
		return rc;
	if (sqlite3_changes(s->writer.handle) < rows)
		s->shed_dropping = done;
	/* An index from before could not be brought up to date any more: search_index.c. */
	return set_meta(s, "shed_dropped", (int64_t)done);
}

bool search_idle(struct store *s)
{
	if (!s->search || atomic_load(&s->search->done) <= s->shed_dropped)
		return false;
	int rc = db_run(&s->writer, SQL_BEGIN_WRITE);
	if (rc == SQLITE_OK)
		rc = search_drop_shed(s, STORE_TIDY_ROWS);
	if (rc == SQLITE_OK)
		rc = db_run(&s->writer, SQL_COMMIT);
	if (rc == SQLITE_OK) {
		s->shed_dropped = s->shed_dropping;
		return atomic_load(&s->search->done) > s->shed_dropped;
	}
	store_complain(s, &s->writer, rc, "dropping what search needs no more");
	if (!sqlite3_get_autocommit(s->writer.handle))
		db_run(&s->writer, SQL_ROLLBACK);
	return false;
}

int search_failed(struct search *x, struct db *db, uint64_t generation, int rc)
{
	/* An error of the store's own file is told as for any read. */
	if (search_db_is_broken(sqlite3_errcode(db->handle)))
		return READ_FAILED;
	if (rc == SQLITE_BUSY)
		return NUNCIO_E_BUSY;
	nuncio_log(x->store->self, NUNCIO_WARN, "searching in %s failed: %s (code %d)", x->path,
		sqlite3_errstr(rc), rc);
	if (search_db_is_broken(rc) && generation == atomic_load(&x->generation)) {
		atomic_store(&x->is_broken, true);
		search_wake(x);
	}
	return NUNCIO_E_FAIL;
}

/* SPDX-License-Identifier: MIT */
/*
 * Putting messages into the index, in the order of their ids. `upto` stands in the index itself and
 * is written in the transaction of what was indexed, so after a crash it goes on where it was.
 *
 * A message that is edited or taken back must be taken out with exactly the tokens that it was put
 * in with, or the index is damaged; but its old body is gone. So the event that replaces a body
 * leaves the old one in table `shed` of the store (amend.c), and a document remembers the `changed`
 * of the event that it was made from: the first event above that which shed a body shed the very
 * one that is indexed. Then the message is put in as it is now, and the sheds of changes that it
 * has already are passed over. What was shed is dropped by the writer when a commit of the index
 * that needs it no more has survived (search->done).
 *
 * Thread: the indexer's.
 */
#include "search.h"

#include <stdio.h>
#include <string.h>

enum { STEP_EVENTS = 1000, STEP_BYTES = 1024 * 1024 };
enum { MAIN_CACHE_BYTES = 1024 * 1024, INDEX_CACHE_BYTES = 4 * 1024 * 1024 };

/* Columns of `next` */
enum {
	NEXT_ID,
	NEXT_CONVERSATION,
	NEXT_SEQ,
	NEXT_SENDER,
	NEXT_TYPE,
	NEXT_BODY,
	NEXT_TARGET,
	NEXT_CHANGED,
	NEXT_FLAGS
};
static const char next_sql[] =
	"SELECT id, conversation, seq, sender, type, body, target, changed, flags FROM event"
	" WHERE id > ?1 ORDER BY id LIMIT ?2";
/* and of `target` */
enum { TARGET_ID, TARGET_SENDER, TARGET_TYPE, TARGET_BODY, TARGET_CHANGED, TARGET_FLAGS };
static const char target_sql[] = "SELECT id, sender, type, body, changed, flags FROM event"
				 " WHERE conversation = ?1 AND seq = ?2";
static const char shed_sql[] = "SELECT body FROM shed WHERE event = ?1";
static const char shed_any_sql[] = "SELECT 1 FROM shed WHERE event > ?1 LIMIT 1";

/*
 * An event as it was read. Texts stand in search->texts, at these places; a message has a body,
 * others have none.
 */
struct fresh {
	nuncio_id id;
	int64_t conversation;
	uint64_t seq, target, changed;
	size_t sender_at, sender_bytes, body_at, body_bytes;
	bool is_message, is_void;
};

/* --- opening --- */

static int prepare(sqlite3 *handle, const char *sql, sqlite3_stmt **st_r)
{
	return sqlite3_prepare_v3(handle, sql, -1, SQLITE_PREPARE_PERSISTENT, st_r, NULL);
}

static int open_main(struct search *x)
{
	struct db db = { 0 };
	struct nuncio_error err;
	if (x->main)
		return SQLITE_OK;
	if (db_open(&db, x->store->path, MAIN_CACHE_BYTES, &err) < 0)
		return SQLITE_CANTOPEN;
	x->main = db.handle;
	int rc = prepare(x->main, next_sql, &x->next);
	if (rc == SQLITE_OK)
		rc = prepare(x->main, target_sql, &x->target);
	if (rc == SQLITE_OK)
		rc = prepare(x->main, shed_sql, &x->shed);
	if (rc == SQLITE_OK)
		rc = prepare(x->main, shed_any_sql, &x->shed_any);
	return rc;
}

/* SQLITE_ROW: the store has this event. */
static int has_event(struct search *x, nuncio_id id)
{
	sqlite3_bind_int64(x->next, 1, (sqlite3_int64)id - 1);
	sqlite3_bind_int64(x->next, 2, 1);
	int rc = sqlite3_step(x->next);
	if (rc == SQLITE_ROW && db_uint(x->next, NEXT_ID) != id)
		rc = SQLITE_DONE;
	sqlite3_reset(x->next);
	return rc;
}

static nuncio_id read_dropped(struct search *x)
{
	sqlite3_stmt *st = NULL;
	nuncio_id dropped = 0;
	if (prepare(x->main, "SELECT value FROM meta WHERE name = 'shed_dropped'", &st) ==
			SQLITE_OK &&
		sqlite3_step(st) == SQLITE_ROW)
		dropped = db_uint(st, 0);
	sqlite3_finalize(st);
	return dropped;
}

/* Is it of this store as it is, not of one that was put back from a copy? */
static int check_index(struct search *x)
{
	struct search_doc last;
	int rc = search_db_check(&x->db, x->store->uuid, &x->state);
	if (rc != SQLITE_OK)
		return rc;
	/*
	 * It is ahead; or it needs bodies that are not kept any more, and was not made after that.
	 */
	nuncio_id committed = atomic_load(&x->store->committed), dropped = read_dropped(x);
	if (x->state.upto > committed || (x->state.upto < dropped && x->state.born < dropped))
		return SQLITE_NOTADB;
	if (!x->state.docs)
		return SQLITE_OK;
	rc = search_db_doc(&x->db, x->state.docs, &last);
	if (rc == SQLITE_ROW)
		rc = has_event(x, last.id);
	return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_NOTADB : rc;
}

static int open_or_make(struct search *x)
{
	int rc = search_db_make(x->path, x->store->uuid, atomic_load(&x->store->committed));
	if (rc == SQLITE_OK)
		rc = search_db_open(&x->db, x->path, INDEX_CACHE_BYTES);
	if (rc == SQLITE_OK)
		rc = check_index(x);
	if (rc != SQLITE_OK)
		search_db_close(&x->db);
	return rc;
}

int search_index_open(struct search *x)
{
	int rc = open_main(x);
	if (rc == SQLITE_OK)
		rc = open_or_make(x);
	if (search_db_is_broken(rc) && !search_db_is_foreign(x->path)) {
		nuncio_log(x->store->self, NUNCIO_WARN,
			"%s is damaged, of another version or of another store: it is made anew",
			x->path);
		search_db_remove(x->path);
		rc = open_or_make(x);
	}
	if (rc != SQLITE_OK)
		return rc;
	x->is_open = true;
	x->synced = 0;
	if (atomic_load(&x->generation) % 2 == 0) {
		atomic_store(&x->is_broken, false); /* that was another file */
		atomic_fetch_add(&x->generation, 1);
	}
	return SQLITE_OK;
}

void search_index_close(struct search *x)
{
	sqlite3_finalize(x->next);
	sqlite3_finalize(x->target);
	sqlite3_finalize(x->shed);
	sqlite3_finalize(x->shed_any);
	sqlite3_close(x->main);
	x->next = x->target = x->shed = x->shed_any = NULL;
	x->main = NULL;
	search_db_close(&x->db);
	x->is_open = false;
}

/* --- indexing --- */

static bool is_message(struct nuncio_str type)
{
	return type.n == 7 && memcmp(type.p, "message", 7) == 0;
}

static int put_words(struct search *x, enum search_sql which, uint64_t number)
{
	sqlite3_stmt *st = x->db.sql[which];
	if (!x->words.count)
		return SQLITE_OK;
	sqlite3_bind_int64(st, 1, (sqlite3_int64)number);
	sqlite3_bind_text64(st, 2, x->words.text, x->words.n, SQLITE_STATIC, SQLITE_UTF8);
	return search_db_run(&x->db, which);
}

static struct nuncio_str text_at(const struct search *x, size_t at, size_t n)
{
	return (struct nuncio_str){ x->texts.text + at, n };
}

static int add_message(struct search *x, const struct fresh *e)
{
	sqlite3_stmt *add = x->db.sql[SEARCH_DOC_ADD];
	sqlite3_bind_int64(add, 1, (sqlite3_int64)++x->state.docs);
	sqlite3_bind_int64(add, 2, (sqlite3_int64)e->id);
	sqlite3_bind_int64(add, 3, e->conversation);
	sqlite3_bind_int64(add, 4, (sqlite3_int64)e->changed);
	int rc = search_db_run(&x->db, SEARCH_DOC_ADD);
	if (rc != SQLITE_OK || e->is_void)
		return rc;
	words_of_message(&x->words, e->conversation, text_at(x, e->sender_at, e->sender_bytes),
		text_at(x, e->body_at, e->body_bytes));
	return put_words(x, SEARCH_WORDS_ADD, x->state.docs);
}

static int set_changed(struct search *x, uint64_t number, uint64_t changed)
{
	sqlite3_stmt *st = x->db.sql[SEARCH_DOC_SET];
	sqlite3_bind_int64(st, 1, (sqlite3_int64)number);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)changed);
	return search_db_run(&x->db, SEARCH_DOC_SET);
}

/* `shed` and `target` stand on their rows. */
static int replace(struct search *x, uint64_t number, int64_t conversation)
{
	struct nuncio_str sender = db_text(x->target, TARGET_SENDER);
	bool is_void = db_uint(x->target, TARGET_FLAGS) & NUNCIO_EVENT_VOID;
	words_of_message(&x->words, conversation, sender, db_text(x->shed, 0));
	int rc = put_words(x, SEARCH_WORDS_DROP, number);
	if (rc == SQLITE_OK && !is_void) {
		words_of_message(&x->words, conversation, sender, db_text(x->target, TARGET_BODY));
		rc = put_words(x, SEARCH_WORDS_ADD, number);
	}
	if (rc == SQLITE_OK)
		rc = set_changed(x, number, db_uint(x->target, TARGET_CHANGED));
	return rc;
}

/* `target` stands on the message. Passed over when what is indexed has this change already. */
static int replace_message(struct search *x, const struct fresh *change)
{
	struct search_doc doc;
	uint64_t number;
	nuncio_id id = db_uint(x->target, TARGET_ID);
	int rc = search_db_find(&x->db, x->state.docs, id, &number);
	if (rc != SQLITE_OK || number > x->state.docs)
		return rc;
	rc = search_db_doc(&x->db, number, &doc);
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
	if (doc.id != id || change->seq <= doc.changed)
		return SQLITE_OK;
	return replace(x, number, change->conversation);
}

static int apply_change(struct search *x, const struct fresh *change)
{
	sqlite3_bind_int64(x->shed, 1, (sqlite3_int64)change->id);
	int rc = sqlite3_step(x->shed);
	if (rc == SQLITE_ROW) {
		sqlite3_bind_int64(x->target, 1, change->conversation);
		sqlite3_bind_int64(x->target, 2, (sqlite3_int64)change->target);
		rc = sqlite3_step(x->target);
		if (rc == SQLITE_ROW && is_message(db_text(x->target, TARGET_TYPE)))
			rc = replace_message(x, change);
		sqlite3_reset(x->target);
	}
	sqlite3_reset(x->shed);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static size_t keep_text(struct search *x, struct nuncio_str text, size_t *n_r)
{
	*n_r = text.n;
	return words_keep(&x->texts, text);
}

static struct fresh read_event(struct search *x)
{
	sqlite3_stmt *row = x->next;
	struct fresh e = { .id = db_uint(row, NEXT_ID),
		.conversation = sqlite3_column_int64(row, NEXT_CONVERSATION),
		.seq = db_uint(row, NEXT_SEQ),
		.target = db_uint(row, NEXT_TARGET),
		.is_message = is_message(db_text(row, NEXT_TYPE)) };
	if (!e.is_message)
		return e;
	e.changed = db_uint(row, NEXT_CHANGED);
	e.is_void = db_uint(row, NEXT_FLAGS) & NUNCIO_EVENT_VOID;
	e.sender_at = keep_text(x, db_text(row, NEXT_SENDER), &e.sender_bytes);
	e.body_at = keep_text(x, db_text(row, NEXT_BODY), &e.body_bytes);
	return e;
}

/* Read first, indexed then: a snapshot that lasts would keep the store's log from starting over. */
static int read_events(struct search *x, struct fresh *events, size_t *count_r)
{
	int rc = SQLITE_DONE;
	x->texts.n = *count_r = 0;
	sqlite3_bind_int64(x->next, 1, (sqlite3_int64)x->state.upto);
	sqlite3_bind_int64(x->next, 2, STEP_EVENTS);
	while (x->texts.n < STEP_BYTES && (rc = sqlite3_step(x->next)) == SQLITE_ROW)
		events[(*count_r)++] = read_event(x);
	sqlite3_reset(x->next);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int add_all(struct search *x, const struct fresh *events, size_t count)
{
	int rc = SQLITE_OK;
	for (size_t i = 0; i < count && rc == SQLITE_OK; i++)
		if (events[i].is_message)
			rc = add_message(x, &events[i]);
	for (size_t i = 0; i < count && rc == SQLITE_OK; i++)
		if (events[i].target)
			rc = apply_change(x, &events[i]);
	if (rc != SQLITE_OK)
		return rc;
	if (count)
		x->state.upto = events[count - 1].id;
	sqlite3_bind_text(x->db.sql[SEARCH_META_SET], 1, "upto", -1, SQLITE_STATIC);
	sqlite3_bind_int64(x->db.sql[SEARCH_META_SET], 2, (sqlite3_int64)x->state.upto);
	return search_db_run(&x->db, SEARCH_META_SET);
}

static int has_shed(struct search *x, bool *has_r)
{
	sqlite3_bind_int64(x->shed_any, 1, (sqlite3_int64)x->synced);
	int rc = sqlite3_step(x->shed_any);
	*has_r = rc == SQLITE_ROW;
	sqlite3_reset(x->shed_any);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* A step that lets go of shed bodies must survive a power cut; others need not. */
static int commit(struct search *x, bool is_synced)
{
	int rc = search_db_run(&x->db, SEARCH_COMMIT);
	if (is_synced)
		sqlite3_exec(x->db.handle, "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return rc;
	if (is_synced) {
		x->synced = x->state.upto;
		atomic_store(&x->done, x->state.upto);
	}
	return rc;
}

static int run_step(struct search *x, size_t *count_r)
{
	struct fresh events[STEP_EVENTS];
	bool is_synced;
	int rc = has_shed(x, &is_synced);
	if (rc == SQLITE_OK)
		rc = read_events(x, events, count_r);
	if (rc != SQLITE_OK || (!*count_r && !is_synced))
		return rc;
	if (is_synced)
		rc = sqlite3_exec(x->db.handle, "PRAGMA synchronous = FULL", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = search_db_run(&x->db, SEARCH_BEGIN);
	if (rc == SQLITE_OK)
		rc = add_all(x, events, *count_r);
	return rc == SQLITE_OK ? commit(x, is_synced) : rc;
}

int search_index_step(struct search *x, size_t *count_r)
{
	struct search_state before = x->state;
	*count_r = 0;
	int rc = run_step(x, count_r);
	if (rc == SQLITE_OK)
		return rc;
	if (!sqlite3_get_autocommit(x->db.handle))
		search_db_run(&x->db, SEARCH_ROLLBACK);
	x->state = before;
	return rc;
}

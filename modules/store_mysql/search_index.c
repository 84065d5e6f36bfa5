/* SPDX-License-Identifier: MIT */
/*
 * Puts messages into the full-text index, one thread per server and process; of all nodes only the
 * one that has the server's lock works, the others wait for it.
 *
 * Not in the transaction that writes the message: the server brings a word into its index at
 * COMMIT, which costs several times what the message costs, and is the same work whoever waits for
 * it. What there is to do stands with each ticket, in order; the indexer follows up to what is safe
 * (position.c), writes rows of search_NN and how far it has come in one transaction, and takes away
 * tickets that are done. So every message is indexed once, whatever ends in between; as a rule a
 * moment after its commit.
 *
 * When the server was run with `search = off`, there are messages without an entry: then (meta:
 * rebuild) all messages are gone through once, shard by shard, beside the new ones.
 */
#include "store_mysql.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	TICKETS_PER_STEP = 50,
	PLACES_PER_STEP = 200,
	TICKETS_KEPT = 1000,
	ASK_EVERY_MS = 1000,
	GATHER_MS = 10,
	PAUSE_MS = 2000
};

struct indexer {
	struct server *server;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_woken, is_stopping; /* under lock */
	bool has_lock, may_rebuild; /* may_rebuild: not known yet that there is nothing to */
	struct db db;
	struct pool pool;
	struct sql words;
};

struct place {
	uint32_t shard;
	uint64_t number, seq;
};
struct places {
	struct place *all;
	size_t count, size;
};

static int by_place(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	if (x->shard != y->shard)
		return x->shard < y->shard ? -1 : 1;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return (x->seq > y->seq) - (x->seq < y->seq);
}

static void add_place(struct indexer *x, struct places *places, const struct place *place)
{
	if (places->count == places->size) {
		size_t size = places->size ? places->size * 2 : 256;
		struct place *all = pool_take(&x->pool, size * sizeof(*all));
		if (places->count)
			memcpy(all, places->all, places->count * sizeof(*all));
		places->all = all;
		places->size = size;
	}
	places->all[places->count++] = *place;
}

/* "shard.number.seq " again and again, as write_rows.c wrote it. */
static void take_changes(struct indexer *x, const char *text, struct places *places)
{
	while (*text) {
		char *end;
		struct place place = { .shard = (uint32_t)strtoul(text, &end, 10) };
		if (*end != '.')
			return;
		place.number = strtoull(end + 1, &end, 10);
		if (*end != '.')
			return;
		place.seq = strtoull(end + 1, &end, 10);
		if (place.shard >= x->server->first_shard && place.shard < x->server->end_shard)
			add_place(x, places, &place);
		text = *end == ' ' ? end + 1 : end;
		if (*end && *end != ' ')
			return;
	}
}

static void sort_out(struct places *places)
{
	size_t kept = 0;
	if (places->count)
		qsort(places->all, places->count, sizeof(*places->all), by_place);
	for (size_t i = 0; i < places->count; i++)
		if (!kept || by_place(&places->all[kept - 1], &places->all[i]) != 0)
			places->all[kept++] = places->all[i];
	places->count = kept;
}

/* --- messages into rows of search_NN, within the running transaction --- */

#define INDEXED_COLUMNS "conversation,seq,id,sent_at,sender,type,flags,body"

static int replace_rows(struct indexer *x, uint32_t shard, struct nuncio_event *events,
	const uint64_t *numbers, size_t n)
{
	static const struct nuncio_str message = { "message", 7 };
	struct db *db = &x->db;
	bool any = false;
	db_begin(db);
	sql_begin(&db->sql);
	sql_add(&db->sql, "DELETE FROM search_%n WHERE ", shard);
	for (size_t i = 0; i < n; i++)
		sql_add(&db->sql, "%s(conversation=%u AND seq=%u)", i ? " OR " : "", numbers[i],
			events[i].seq);
	for (size_t i = 0; i < n; i++) {
		if ((events[i].flags & NUNCIO_EVENT_VOID) ||
			!nuncio_text_same(events[i].type, message))
			continue;
		search_words(&x->words, &events[i], numbers[i]);
		if (!x->words.n)
			continue;
		if (!any) {
			sql_begin(&db->sql);
			sql_add(&db->sql,
				"INSERT INTO search_%n (conversation,seq,id,sent_at,sender,words)"
				" VALUES ",
				shard);
		}
		sql_add(&db->sql, "%s(%u,%u,%u,%t,%q,%q)", any ? "," : "", numbers[i],
			events[i].seq, events[i].id, events[i].sent_at_ms, events[i].from,
			(struct nuncio_str){ x->words.p, x->words.n });
		any = true;
	}
	return db_run(db);
}

/* The rows of an answer; *last_r: the place of the last one. */
static int index_answer(struct indexer *x, uint32_t shard, struct place *last_r, size_t *n_r)
{
	struct db *db = &x->db;
	struct row row;
	size_t size = db->answers[0] ? (size_t)mysql_num_rows(db->answers[0]) : 0;
	struct nuncio_event *events = pool_take(&x->pool, size * sizeof(*events));
	uint64_t *numbers = pool_take(&x->pool, size * sizeof(*numbers));
	*n_r = 0;
	while (*n_r < size && db_next(db, 0, &row)) {
		struct nuncio_event *e = &events[*n_r];
		numbers[(*n_r)++] = row_uint(&row, 0);
		*e = (struct nuncio_event){ .seq = row_uint(&row, 1),
			.id = row_uint(&row, 2),
			.sent_at_ms = sql_time_ms(row_text(&row, 3)),
			.from = pool_text(&x->pool, row_text(&row, 4)),
			.type = pool_text(&x->pool, row_text(&row, 5)),
			.flags = (uint32_t)row_uint(&row, 6),
			.body = pool_text(&x->pool, row_text(&row, 7)) };
		*last_r = (struct place){ shard, numbers[*n_r - 1], e->seq };
	}
	return *n_r ? replace_rows(x, shard, events, numbers, *n_r) : DB_OK;
}

static int index_places(struct indexer *x, const struct place *places, size_t n)
{
	struct db *db = &x->db;
	struct place last;
	size_t count;
	db_begin(db);
	sql_begin(&db->sql);
	sql_add(&db->sql, "SELECT " INDEXED_COLUMNS " FROM message_%n WHERE ", places->shard);
	for (size_t i = 0; i < n; i++)
		sql_add(&db->sql, "%s(conversation=%u AND seq=%u)", i ? " OR " : "",
			places[i].number, places[i].seq);
	int rc = db_run(db);
	return rc == DB_OK ? index_answer(x, places->shard, &last, &count) : rc;
}

static int index_all(struct indexer *x, const struct places *places)
{
	int rc = DB_OK;
	for (size_t at = 0, end; at < places->count && rc == DB_OK; at = end) {
		for (end = at + 1; end < places->count && end - at < PLACES_PER_STEP &&
				   places->all[end].shard == places->all[at].shard;)
			end++;
		rc = index_places(x, &places->all[at], end - at);
	}
	return rc;
}

/* --- following the tickets --- */

static int read_meta(struct indexer *x, const char *name, char *text, size_t size)
{
	struct row row;
	db_begin(&x->db);
	sql_begin(&x->db.sql);
	sql_add(&x->db.sql, "SELECT value FROM meta WHERE name=%q FOR UPDATE",
		(struct nuncio_str){ name, strlen(name) });
	int rc = db_run(&x->db);
	text[0] = '\0';
	if (rc == DB_OK && db_next(&x->db, 0, &row))
		snprintf(text, size, "%s", row.v[0]);
	return rc;
}

static int read_tickets(
	struct indexer *x, uint64_t after, uint64_t upto, struct places *places, uint64_t *last_r)
{
	struct row row;
	db_begin(&x->db);
	sql_begin(&x->db.sql);
	sql_add(&x->db.sql,
		"SELECT id,changes FROM ticket WHERE id>%u AND id<=%u ORDER BY id LIMIT %u", after,
		upto, (uint64_t)TICKETS_PER_STEP);
	int rc = db_run(&x->db);
	while (rc == DB_OK && db_next(&x->db, 0, &row)) {
		*last_r = row_uint(&row, 0);
		take_changes(x, row.v[1], places);
	}
	return rc;
}

static int finish_step(struct indexer *x, uint64_t last)
{
	struct db *db = &x->db;
	db_begin(db);
	sql_begin(&db->sql);
	sql_add(&db->sql, "UPDATE meta SET value=%u WHERE name='indexed'", last);
	sql_begin(&db->sql);
	sql_add(&db->sql, "COMMIT");
	if (last > TICKETS_KEPT) {
		sql_begin(&db->sql);
		sql_add(&db->sql, "DELETE FROM ticket WHERE id<=%u LIMIT 10000",
			last - TICKETS_KEPT);
	}
	return db_run(db);
}

/* *more_r: there may be more at once. */
static int follow(struct indexer *x, bool *more_r)
{
	struct position position;
	struct places places = { 0 };
	char text[32];
	int rc = position_read(&x->db, &position);
	if (rc == DB_OK)
		rc = db_execute(&x->db, "BEGIN");
	if (rc == DB_OK)
		rc = read_meta(x, "indexed", text, sizeof(text));
	uint64_t after = strtoull(text, NULL, 10), last = after;
	if (rc == DB_OK && after < position.safe)
		rc = read_tickets(x, after, position.safe, &places, &last);
	if (rc != DB_OK)
		return rc;
	if (last == after)
		return db_execute(&x->db, "ROLLBACK");
	*more_r = true;
	sort_out(&places);
	rc = index_all(x, &places);
	return rc == DB_OK ? finish_step(x, last) : rc;
}

/* --- going through everything --- */

static int rebuild_step(struct indexer *x, struct place *at, size_t *n_r)
{
	struct db *db = &x->db;
	db_begin(db);
	sql_begin(&db->sql);
	sql_add(&db->sql,
		"SELECT " INDEXED_COLUMNS " FROM message_%n WHERE conversation>=%u"
		" AND (conversation>%u OR seq>%u) ORDER BY conversation,seq LIMIT %u",
		at->shard, at->number, at->number, at->seq, (uint64_t)PLACES_PER_STEP);
	int rc = db_run(db);
	return rc == DB_OK ? index_answer(x, at->shard, at, n_r) : rc;
}

static int rebuild(struct indexer *x, bool *more_r)
{
	struct db *db = &x->db;
	struct place at = { .shard = x->server->first_shard };
	size_t n = 0;
	char text[96];
	int rc = db_execute(db, "BEGIN");
	if (rc == DB_OK)
		rc = read_meta(x, "rebuild", text, sizeof(text));
	if (rc != DB_OK)
		return rc;
	struct places places = { 0 };
	take_changes(x, text, &places);
	x->may_rebuild = text[0] != '\0';
	if (!x->may_rebuild)
		return db_execute(db, "ROLLBACK");
	if (places.count)
		at = places.all[0];
	*more_r = true;
	rc = rebuild_step(x, &at, &n);
	if (rc == DB_OK && !n)
		at = (struct place){ .shard = at.shard + 1 };
	db_begin(db);
	sql_begin(&db->sql);
	if (at.shard == x->server->end_shard)
		sql_add(&db->sql, "DELETE FROM meta WHERE name='rebuild'");
	else
		sql_add(&db->sql, "UPDATE meta SET value='%u.%u.%u' WHERE name='rebuild'",
			(uint64_t)at.shard, at.number, at.seq);
	sql_begin(&db->sql);
	sql_add(&db->sql, "COMMIT");
	return rc == DB_OK ? db_run(db) : rc;
}

/* --- the thread --- */

/* True when it has been woken or the time is over; false: the end. */
static bool wait_a_while(struct indexer *x, int64_t ms)
{
	int64_t until_ms = nuncio_mono_ms() + ms;
	struct timespec until = { .tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000 };
	pthread_mutex_lock(&x->lock);
	int rc = 0;
	while (!x->is_woken && !x->is_stopping && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&x->changed, &x->lock, &until);
	bool goes_on = !x->is_stopping;
	bool gathers = x->is_woken && goes_on;
	x->is_woken = false;
	pthread_mutex_unlock(&x->lock);
	if (gathers) {
		/* Those that come together are indexed together. */
		const struct timespec pause = { 0, GATHER_MS * 1000000L };
		nanosleep(&pause, NULL);
	}
	return goes_on;
}

static int take_lock(struct indexer *x)
{
	struct row row;
	if (x->has_lock)
		return DB_OK;
	int rc = db_execute(&x->db, "SELECT GET_LOCK(CONCAT('nuncio_index.',DATABASE()),0)");
	x->has_lock = rc == DB_OK && db_next(&x->db, 0, &row) && row_int(&row, 0) == 1;
	return rc;
}

static bool connect_to(struct indexer *x)
{
	struct nuncio_error err;
	if (x->db.handle)
		return true;
	x->has_lock = false;
	x->may_rebuild = true;
	return server_is_up(x->server) && db_connect(&x->db, x->server, DB_INDEX, &err) == 0;
}

/* How long to wait then; 0: there is more to do. */
static int64_t work(struct indexer *x)
{
	struct store *s = x->server->store;
	bool more = false;
	if (!connect_to(x))
		return PAUSE_MS;
	int rc = take_lock(x);
	if (rc == DB_OK && !x->has_lock)
		return PAUSE_MS;
	if (rc == DB_OK)
		rc = follow(x, &more);
	if (rc == DB_OK && !more && x->may_rebuild)
		rc = rebuild(x, &more);
	pool_reset(&x->pool);
	if (rc == DB_OK)
		return more ? 0 : ASK_EVERY_MS;
	if (rc != DB_AGAIN)
		store_complain(s, &x->db, "indexing");
	return rc == DB_AGAIN ? GATHER_MS : PAUSE_MS;
}

static bool is_stopping(struct indexer *x)
{
	pthread_mutex_lock(&x->lock);
	bool is_it = x->is_stopping;
	pthread_mutex_unlock(&x->lock);
	return is_it;
}

static void *run(void *user)
{
	struct indexer *x = user;
	while (!is_stopping(x)) {
		int64_t pause_ms = work(x);
		if (pause_ms && !wait_a_while(x, pause_ms))
			break;
	}
	db_fini(&x->db);
	mysql_thread_end();
	return NULL;
}

void indexer_wake(struct server *server)
{
	struct indexer *x = server->indexer;
	if (!x)
		return;
	pthread_mutex_lock(&x->lock);
	if (!x->is_woken)
		pthread_cond_signal(&x->changed);
	x->is_woken = true;
	pthread_mutex_unlock(&x->lock);
}

static int start_one(struct server *server, struct nuncio_error *err)
{
	struct indexer *x = nuncio_resize(NULL, sizeof(*x));
	pthread_condattr_t attr;
	memset(x, 0, sizeof(*x));
	x->server = server;
	pthread_mutex_init(&x->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&x->changed, &attr);
	pthread_condattr_destroy(&attr);
	int rc = pthread_create(&x->thread, NULL, run, x);
	if (rc == 0) {
		server->indexer = x;
		return 0;
	}
	nuncio_error_set(err, "cannot start a thread: %s", strerror(rc));
	pthread_cond_destroy(&x->changed);
	pthread_mutex_destroy(&x->lock);
	free(x);
	return NUNCIO_E_FAIL;
}

int indexer_start(struct store *s, struct nuncio_error *err)
{
	int status = 0;
	for (unsigned i = 0; s->has_search && status == 0 && i < s->server_count; i++)
		status = start_one(&s->servers[i], err);
	return status;
}

void indexer_stop(struct store *s)
{
	for (unsigned i = 0; i < s->server_count; i++) {
		struct indexer *x = s->servers[i].indexer;
		if (!x)
			continue;
		pthread_mutex_lock(&x->lock);
		x->is_stopping = true;
		pthread_cond_signal(&x->changed);
		pthread_mutex_unlock(&x->lock);
		pthread_join(x->thread, NULL);
		pool_fini(&x->pool);
		sql_fini(&x->words);
		pthread_cond_destroy(&x->changed);
		pthread_mutex_destroy(&x->lock);
		free(x);
		s->servers[i].indexer = NULL;
	}
}

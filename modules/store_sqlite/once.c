/* SPDX-License-Identifier: MIT */
/*
 * Has this (conversation, sender, client_id) been here before? The answer must hold for ever, so
 * there is a table `once` of (key, event), key being the conversation's number and 32 bits of a
 * keyed hash of sender and client_id. Equal keys are only a hint: the event itself is read and
 * compared. The hash is keyed (SipHash-1-3, secret in the file) so that nobody can make a crowd of
 * equal keys.
 *
 * An index kept row by row costs as much as the event itself, because keys fall anywhere. So new
 * keys collect in memory; when there are RUN_KEYS of them they become the *run*, which is sorted
 * and then merged into the table in order, a slice with every batch, so that no commit waits for a
 * whole merge. Nothing is lost by a crash: the events are the log of what is not merged yet (those
 * above meta.once_upto), and are read again on open.
 *
 * Thread: the writer lane. Changes are provisional until once_commit.
 */
#include "store_sqlite.h"

#include <stdlib.h>
#include <string.h>

enum { RUN_KEYS = 16384, SLICE_MIN = 16 };

struct key {
	int64_t key;
	nuncio_id event;
};

/*
 * What is not in the table yet, in order of arrival, and a hash set over it (index + 1; 0 is
 * empty).
 */
struct fresh {
	struct key *keys;
	size_t count, size, kept; /* kept: up to here committed */
	uint32_t *slots;
	size_t slot_count; /* a power of two, at least twice `size` */
};

struct once {
	uint64_t secret[2];
	struct fresh fresh;
	struct key *run;                    /* sorted */
	size_t run_count, run_at, run_kept; /* merged up to run_at, durably up to run_kept */
	nuncio_id run_upto;                 /* all events up to this are in the table or the run */
};

static uint64_t rotate(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] = rotate(v[2], 32);
}

struct sip {
	uint64_t v[4], word;
	size_t bytes;
};

static void sip_add(struct sip *sip, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		sip->word |= (uint64_t)(unsigned char)p[i] << sip->bytes++ % 8 * 8;
		if (sip->bytes % 8)
			continue;
		sip->v[3] ^= sip->word;
		sip_round(sip->v);
		sip->v[0] ^= sip->word;
		sip->word = 0;
	}
}

static int64_t key_of(
	const struct once *o, int64_t number, struct nuncio_str sender, struct nuncio_str client_id)
{
	struct sip sip = { .v = { UINT64_C(0x736f6d6570736575) ^ o->secret[0],
				   UINT64_C(0x646f72616e646f6d) ^ o->secret[1],
				   UINT64_C(0x6c7967656e657261) ^ o->secret[0],
				   UINT64_C(0x7465646279746573) ^ o->secret[1] } };
	/* The length first, so that a byte cannot move from one text to the other. */
	const char split[2] = { (char)(sender.n & 0xff), (char)(sender.n >> 8 & 0xff) };
	sip_add(&sip, split, sizeof(split));
	sip_add(&sip, sender.p, sender.n);
	sip_add(&sip, client_id.p, client_id.n);
	sip.word |= (uint64_t)sip.bytes << 56;
	sip.v[3] ^= sip.word;
	sip_round(sip.v);
	sip.v[0] ^= sip.word;
	sip.v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(sip.v);
	uint64_t hash = sip.v[0] ^ sip.v[1] ^ sip.v[2] ^ sip.v[3];
	return (int64_t)((uint64_t)number << 32 | hash >> 32);
}

/* Keys are hashed already, but for the conversation's number: spread that too. */
static size_t first_slot(const struct fresh *f, int64_t key)
{
	return (size_t)(((uint64_t)key * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & (f->slot_count - 1);
}

static void put_slot(struct fresh *f, size_t index)
{
	size_t slot = first_slot(f, f->keys[index].key);
	while (f->slots[slot])
		slot = (slot + 1) & (f->slot_count - 1);
	f->slots[slot] = (uint32_t)index + 1;
}

static void rebuild_slots(struct fresh *f)
{
	memset(f->slots, 0, f->slot_count * sizeof(*f->slots));
	for (size_t i = 0; i < f->count; i++)
		put_slot(f, i);
}

static void fresh_add(struct fresh *f, int64_t key, nuncio_id event)
{
	if (f->count == f->size) {
		f->size = f->size ? f->size * 2 : RUN_KEYS;
		f->slot_count = f->size * 2;
		f->keys = nuncio_resize(f->keys, f->size * sizeof(*f->keys));
		f->slots = nuncio_resize(f->slots, f->slot_count * sizeof(*f->slots));
		rebuild_slots(f);
	}
	f->keys[f->count] = (struct key){ key, event };
	put_slot(f, f->count++);
}

static int load_fresh(struct once *o, struct db *db)
{
	sqlite3_stmt *st = db->sql[SQL_EVENTS_KEYED];
	sqlite3_bind_int64(st, 1, (sqlite3_int64)o->run_upto);
	int rc;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct nuncio_str sender = db_text(st, 2), client_id = db_text(st, 3);
		if (client_id.n)
			fresh_add(&o->fresh,
				key_of(o, sqlite3_column_int64(st, 1), sender, client_id),
				db_uint(st, 0));
	}
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int read_upto(struct db *db, nuncio_id *upto_r)
{
	char text[24] = "";
	if (schema_meta(db, "once_upto", text, sizeof(text) - 1) < 0)
		return SQLITE_CORRUPT;
	*upto_r = strtoull(text, NULL, 10);
	return SQLITE_OK;
}

int once_open(struct db *db, struct once **once_r)
{
	struct once *o = nuncio_alloc(sizeof(*o));
	*o = (struct once){ 0 };
	*once_r = o;
	unsigned char secret[16];
	if (schema_meta(db, "once_secret", secret, sizeof(secret)) != sizeof(secret))
		return SQLITE_CORRUPT;
	for (size_t i = 0; i < sizeof(secret); i++)
		o->secret[i / 8] |= (uint64_t)secret[i] << i % 8 * 8;
	int rc = read_upto(db, &o->run_upto);
	if (rc == SQLITE_OK)
		rc = load_fresh(o, db);
	once_commit(o);
	return rc;
}

void once_free(struct once **once)
{
	if (!*once)
		return;
	free((*once)->fresh.keys);
	free((*once)->fresh.slots);
	free((*once)->run);
	free(*once);
	*once = NULL;
}

static bool same(struct nuncio_str a, struct nuncio_str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/*
 * SQLITE_ROW leaves SQL_EVENT_GET on the row: it is the one; SQLITE_DONE: another event of equal
 * key.
 */
static int compare(struct db *db, nuncio_id id, int64_t number, const struct nuncio_event *wanted)
{
	sqlite3_stmt *st = db->sql[SQL_EVENT_GET];
	sqlite3_bind_int64(st, 1, (sqlite3_int64)id);
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW && sqlite3_column_int64(st, EVENT_COLUMN_CONVERSATION) == number &&
		same(db_text(st, 3), wanted->from) && same(db_text(st, 4), wanted->client_id))
		return SQLITE_ROW;
	sqlite3_reset(st);
	return rc == SQLITE_ROW ? SQLITE_DONE : rc;
}

static int find_in_fresh(struct once *o, struct db *db, int64_t key, int64_t number,
	const struct nuncio_event *event)
{
	struct fresh *f = &o->fresh;
	int rc = SQLITE_DONE;
	if (!f->count)
		return rc;
	size_t slot = first_slot(f, key);
	for (; rc == SQLITE_DONE && f->slots[slot]; slot = (slot + 1) & (f->slot_count - 1)) {
		const struct key *k = &f->keys[f->slots[slot] - 1];
		if (k->key == key)
			rc = compare(db, k->event, number, event);
	}
	return rc;
}

static int by_key(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->event > y->event) - (x->event < y->event);
}

static int find_in_run(struct once *o, struct db *db, int64_t key, int64_t number,
	const struct nuncio_event *event)
{
	size_t low = 0, high = o->run_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (o->run[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	int rc = SQLITE_DONE;
	for (; rc == SQLITE_DONE && low < o->run_count && o->run[low].key == key; low++)
		rc = compare(db, o->run[low].event, number, event);
	return rc;
}

static int find_in_table(
	struct db *db, int64_t key, int64_t number, const struct nuncio_event *event)
{
	sqlite3_stmt *st = db->sql[SQL_ONCE_FIND];
	int rc, found = SQLITE_DONE;
	sqlite3_bind_int64(st, 1, key);
	while (found == SQLITE_DONE && (rc = sqlite3_step(st)) == SQLITE_ROW)
		found = compare(db, db_uint(st, 0), number, event);
	sqlite3_reset(st);
	return found != SQLITE_DONE ? found : rc;
}

int once_find(struct once *o, struct db *db, int64_t number, const struct nuncio_event *event)
{
	int64_t key = key_of(o, number, event->from, event->client_id);
	int rc = find_in_fresh(o, db, key, number, event);
	if (rc == SQLITE_DONE)
		rc = find_in_run(o, db, key, number, event);
	if (rc == SQLITE_DONE)
		rc = find_in_table(db, key, number, event);
	return rc;
}

void once_add(struct once *o, int64_t number, const struct nuncio_event *event)
{
	fresh_add(&o->fresh, key_of(o, number, event->from, event->client_id), event->id);
}

/*
 * What is committed becomes the run; there are no others while a transaction has not begun to
 * write.
 */
static void start_run(struct once *o)
{
	struct fresh *f = &o->fresh;
	free(o->run);
	o->run = f->keys;
	o->run_count = f->count;
	o->run_at = o->run_kept = 0;
	for (size_t i = 0; i < f->count; i++)
		if (f->keys[i].event > o->run_upto)
			o->run_upto = f->keys[i].event;
	qsort(o->run, o->run_count, sizeof(*o->run), by_key);
	free(f->slots);
	*f = (struct fresh){ 0 };
}

static int merge_slice(struct once *o, struct db *db, size_t limit)
{
	sqlite3_stmt *st = db->sql[SQL_ONCE_ADD];
	int rc = SQLITE_OK;
	for (; rc == SQLITE_OK && limit && o->run_at < o->run_count; limit--) {
		sqlite3_bind_int64(st, 1, o->run[o->run_at].key);
		sqlite3_bind_int64(st, 2, (sqlite3_int64)o->run[o->run_at].event);
		rc = db_run(db, SQL_ONCE_ADD);
		o->run_at++;
	}
	if (rc != SQLITE_OK || o->run_at < o->run_count)
		return rc;
	sqlite3_bind_text(db->sql[SQL_META_SET], 1, "once_upto", -1, SQLITE_STATIC);
	sqlite3_bind_int64(db->sql[SQL_META_SET], 2, (sqlite3_int64)o->run_upto);
	return db_run(db, SQL_META_SET);
}

/* Twice as many as this batch brought, so that the run is through before the next one is full. */
int once_merge(struct once *o, struct db *db, bool everything)
{
	size_t brought = o->fresh.count - o->fresh.kept;
	size_t limit = brought * 2 > SLICE_MIN ? brought * 2 : SLICE_MIN;
	if (!everything)
		return o->run_count ? merge_slice(o, db, limit) : SQLITE_OK;
	int rc = o->run_count ? merge_slice(o, db, SIZE_MAX) : SQLITE_OK;
	if (rc == SQLITE_OK && o->fresh.count) {
		start_run(o);
		rc = merge_slice(o, db, SIZE_MAX);
	}
	return rc;
}

void once_commit(struct once *o)
{
	o->fresh.kept = o->fresh.count;
	o->run_kept = o->run_at;
	if (o->run_count && o->run_at == o->run_count)
		o->run_count = 0;
	if (!o->run_count && o->fresh.count >= RUN_KEYS)
		start_run(o);
}

void once_rollback(struct once *o)
{
	o->run_at = o->run_kept;
	if (o->fresh.count == o->fresh.kept)
		return;
	o->fresh.count = o->fresh.kept;
	rebuild_slots(&o->fresh);
}

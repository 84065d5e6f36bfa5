/* SPDX-License-Identifier: MIT */
/*
 * Numbers, last seq, last ids and member counts of conversations, as the writer lane sees them. A
 * conversation's row is read once and written once per batch, however many events and marks the
 * batch has for it; that is worth 1.4-1.8 times the rate. Bounded: the least recently used go
 * first, never those of the running batch.
 *
 * After a rollback everything is forgotten, since the numbers ran ahead of the database.
 */
#include "store_sqlite.h"

#include <stdlib.h>
#include <string.h>

enum { HEADS_MAX = 8192, HEADS_BUCKETS = 16384 };
_Static_assert((int)HEADS_MAX > (int)STORE_BATCH_MAX, "a batch must fit");

struct heads {
	size_t count, dirty_count;
	struct head *newest, *oldest;
	struct head *dirty[STORE_BATCH_MAX];
	struct head *bucket[HEADS_BUCKETS];
};

struct heads *heads_new(void)
{
	struct heads *h = nuncio_alloc(sizeof(*h));
	memset(h, 0, sizeof(*h));
	return h;
}

void heads_free(struct heads **heads)
{
	if (!*heads)
		return;
	heads_forget(*heads);
	free(*heads);
	*heads = NULL;
}

/*
 * FNV-1a. Ids are made by the server's kinds; a crowded bucket costs time in the writer, nothing
 * else.
 */
static uint64_t hash_of(struct nuncio_str id)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < id.n; i++)
		hash = (hash ^ (unsigned char)id.p[i]) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 29;
}

static void unlink_use(struct heads *h, struct head *head)
{
	*(head->newer ? &head->newer->older : &h->newest) = head->older;
	*(head->older ? &head->older->newer : &h->oldest) = head->newer;
}

static void link_newest(struct heads *h, struct head *head)
{
	head->newer = NULL;
	head->older = h->newest;
	*(h->newest ? &h->newest->newer : &h->oldest) = head;
	h->newest = head;
}

static void forget(struct heads *h, struct head *head)
{
	struct head **at = &h->bucket[head->hash % HEADS_BUCKETS];
	while (*at != head)
		at = &(*at)->chain;
	*at = head->chain;
	unlink_use(h, head);
	h->count--;
	free(head);
}

void heads_forget(struct heads *h)
{
	while (h->newest)
		forget(h, h->newest);
	h->dirty_count = 0;
}

/*
 * Those of this batch are the newest, so the oldest is clean unless the batch is larger than the
 * cache.
 */
static struct head *keep(struct heads *h, struct nuncio_str id, uint64_t hash)
{
	if (h->count >= HEADS_MAX && !h->oldest->is_dirty)
		forget(h, h->oldest);
	struct head *head = nuncio_alloc(sizeof(*head) + id.n);
	*head = (struct head){ .hash = hash, .id_bytes = id.n };
	if (id.n)
		memcpy(head->id, id.p, id.n);
	head->chain = h->bucket[hash % HEADS_BUCKETS];
	h->bucket[hash % HEADS_BUCKETS] = head;
	link_newest(h, head);
	h->count++;
	return head;
}

static struct head *cached(struct heads *h, struct nuncio_str id, uint64_t hash)
{
	for (struct head *head = h->bucket[hash % HEADS_BUCKETS]; head; head = head->chain) {
		if (head->hash != hash || head->id_bytes != id.n ||
			memcmp(head->id, id.p, id.n) != 0)
			continue;
		if (head != h->newest) {
			unlink_use(h, head);
			link_newest(h, head);
		}
		return head;
	}
	return NULL;
}

int heads_find(struct heads *h, struct db *db, struct nuncio_str id, struct head **head_r)
{
	if (!id.n)
		id.p = "";
	uint64_t hash = hash_of(id);
	*head_r = cached(h, id, hash);
	if (*head_r)
		return SQLITE_OK;
	sqlite3_stmt *st = db->sql[SQL_CONVERSATION_FIND];
	db_bind(st, 1, id);
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		struct head *head = keep(h, id, hash);
		head->number = sqlite3_column_int64(st, 0);
		head->last_seq = db_uint(st, 1);
		head->last_id = db_uint(st, 2);
		head->member_count = (uint32_t)db_uint(st, 3);
		head->marked = db_uint(st, 4);
		*head_r = head;
	}
	sqlite3_reset(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int heads_add(struct heads *h, struct db *db, struct nuncio_str id, struct head **head_r)
{
	db_bind(db->sql[SQL_CONVERSATION_ADD], 1, id);
	int rc = db_run(db, SQL_CONVERSATION_ADD);
	if (rc != SQLITE_OK)
		return rc;
	int64_t number = sqlite3_last_insert_rowid(db->handle);
	sqlite3_bind_int64(db->sql[SQL_HEAD_ADD], 1, number);
	rc = db_run(db, SQL_HEAD_ADD);
	if (rc != SQLITE_OK)
		return rc;
	*head_r = keep(h, id, hash_of(id));
	(*head_r)->number = number;
	return SQLITE_OK;
}

void heads_drop(struct heads *h, struct head **head)
{
	if (*head)
		forget(h, *head);
	*head = NULL;
}

void heads_touch(struct heads *h, struct head *head)
{
	if (head->is_dirty)
		return;
	head->is_dirty = true;
	h->dirty[h->dirty_count++] = head;
}

int heads_write(struct heads *h, struct db *db)
{
	sqlite3_stmt *st = db->sql[SQL_HEAD_SET];
	int rc = SQLITE_OK;
	for (size_t i = 0; i < h->dirty_count && rc == SQLITE_OK; i++) {
		struct head *head = h->dirty[i];
		sqlite3_bind_int64(st, 1, head->number);
		sqlite3_bind_int64(st, 2, (sqlite3_int64)head->last_seq);
		sqlite3_bind_int64(st, 3, (sqlite3_int64)head->last_id);
		sqlite3_bind_int64(st, 4, head->member_count);
		sqlite3_bind_int64(st, 5, (sqlite3_int64)head->marked);
		rc = db_run(db, SQL_HEAD_SET);
		head->is_dirty = false;
	}
	h->dirty_count = 0;
	return rc;
}

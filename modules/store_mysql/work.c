/* SPDX-License-Identifier: MIT */
/*
 * What a transaction knows and changes: rows of the database as structs in the lane's pool, found
 * by what names them. Jobs of a batch come one after the other and see what those before them did,
 * as if each had a transaction of its own; one that fails takes back its changes, and only its.
 */
#include "store_mysql.h"

#include <string.h>

struct undo {
	struct undo *next;
	void *at;
	size_t bytes;
	char copy[];
};

void work_reset(struct work *w)
{
	memset(w->buckets, 0, sizeof(w->buckets));
	memset(w->first, 0, sizeof(w->first));
	memset(w->last, 0, sizeof(w->last));
	pool_reset(&w->lane->pool);
	w->events = pool_take(&w->lane->pool, w->n * sizeof(*w->events));
	w->event_count = w->events_before = 0;
	w->undo = NULL;
	w->has_changes = false;
	w->highest = 0;
	w->now_ms = nuncio_wall_ms();
}

static uint64_t mix(uint64_t hash, uint64_t more)
{
	return (hash ^ more) * UINT64_C(0x9e3779b97f4a7c15) ^ hash >> 29;
}

static uint64_t hash_of(const struct thing_key *key)
{
	uint64_t hash = mix((uint64_t)key->kind << 8 | key->shard, key->number);
	hash = mix(hash, (uint64_t)(uintptr_t)key->head);
	if (key->a.n)
		hash = mix(hash, place_hash(key->a));
	if (key->b.n)
		hash = mix(hash, place_hash(key->b));
	if (key->c.n)
		hash = mix(hash, place_hash(key->c));
	return hash ^ hash >> 32;
}

static bool is_key(const struct thing_key *a, const struct thing_key *b)
{
	return a->kind == b->kind && a->shard == b->shard && a->head == b->head &&
	       a->number == b->number && nuncio_text_same(a->a, b->a) &&
	       nuncio_text_same(a->b, b->b) && nuncio_text_same(a->c, b->c);
}

static struct thing *find(struct work *w, const struct thing_key *key, uint64_t hash)
{
	struct thing *thing = w->buckets[hash % THING_BUCKETS];
	while (thing && (thing->hash != hash || !is_key(&thing->key, key)))
		thing = thing->chain;
	return thing;
}

void *work_find(struct work *w, const struct thing_key *key)
{
	return find(w, key, hash_of(key));
}

void *work_put(struct work *w, const struct thing_key *key, size_t bytes)
{
	uint64_t hash = hash_of(key);
	struct thing *thing = find(w, key, hash);
	if (thing)
		return thing;
	thing = pool_take(&w->lane->pool, bytes);
	thing->key = *key;
	thing->hash = hash;
	thing->chain = w->buckets[hash % THING_BUCKETS];
	w->buckets[hash % THING_BUCKETS] = thing;
	struct thing **last = &w->last[key->kind][key->shard];
	*(*last ? &(*last)->next : &w->first[key->kind][key->shard]) = thing;
	*last = thing;
	return thing;
}

struct head *work_head(struct work *w, struct nuncio_str conversation)
{
	return work_put(w,
		&(struct thing_key){ .kind = THING_HEAD,
			.shard = place_shard(w->lane->store, conversation),
			.a = conversation },
		sizeof(struct head));
}

struct head *work_head_of(struct work *w, uint32_t shard, uint64_t number)
{
	const struct number *found = work_find(
		w, &(struct thing_key){ .kind = THING_NUMBER, .shard = shard, .number = number });
	return found ? found->head : NULL;
}

void work_number(struct work *w, struct head *head, uint64_t number)
{
	struct number *thing = work_put(w,
		&(struct thing_key){
			.kind = THING_NUMBER, .shard = head->thing.key.shard, .number = number },
		sizeof(*thing));
	thing->head = head;
	head->number = number;
}

struct member_row *work_member(struct work *w, struct head *head, struct nuncio_str user)
{
	struct member_row *row = work_put(w,
		&(struct thing_key){ .kind = THING_MEMBER,
			.shard = head->thing.key.shard,
			.head = head,
			.a = user },
		sizeof(*row));
	row->member.size = sizeof(row->member);
	row->member.user = row->thing.key.a;
	row->member.conversation = head->thing.key.a;
	return row;
}

struct target_row *work_target(struct work *w, struct head *head, uint64_t seq)
{
	return work_put(w,
		&(struct thing_key){ .kind = THING_TARGET,
			.shard = head->thing.key.shard,
			.head = head,
			.number = seq },
		sizeof(struct target_row));
}

struct once_row *work_once(struct work *w, struct head *head, const struct nuncio_event *event)
{
	return work_put(w,
		&(struct thing_key){ .kind = THING_ONCE,
			.shard = head->thing.key.shard,
			.head = head,
			.a = event->from,
			.b = event->client_id },
		sizeof(struct once_row));
}

struct record_row *work_record(
	struct work *w, const struct nuncio_record_write *write, struct nuncio_str key)
{
	return work_put(w,
		&(struct thing_key){ .kind = THING_RECORD,
			.shard = place_shard(w->lane->store, write->owner),
			.a = write->space,
			.b = write->owner,
			.c = key },
		sizeof(struct record_row));
}

void work_keep(struct work *w, void *at, size_t bytes)
{
	struct undo *undo = pool_take(&w->lane->pool, sizeof(*undo) + bytes);
	undo->next = w->undo;
	undo->at = at;
	undo->bytes = bytes;
	memcpy(undo->copy, at, bytes);
	w->undo = undo;
}

/*
 * The newest first, so that the oldest copy of a row wins. Rows that the job has brought in stay,
 * as they were read.
 */
void work_undo(struct work *w)
{
	for (struct undo *undo = w->undo; undo; undo = undo->next)
		memcpy(undo->at, undo->copy, undo->bytes);
	w->undo = NULL;
	w->event_count = w->events_before;
}

void work_settle(struct work *w)
{
	w->undo = NULL;
	w->events_before = w->event_count;
}

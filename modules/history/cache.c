/* SPDX-License-Identifier: MIT */
/*
 * The newest events of conversations that are being read. A conversation comes in with the answer
 * to a question for its newest page; from then on every event that is stored is added, and what an
 * event changes is replaced by what it has become, so that edits, recalls and reactions show at
 * once. Since every change is an event with the next seq, what is kept is right if and only if no
 * seq is missing: after a gap the conversation is thrown away, and so is the answer of the store to
 * a question that was asked before an event which it does not have.
 *
 * The least recently read conversation goes when there is no more room, or when it has been written
 * to so often without being read that nothing of what was read is left.
 *
 * An event is a counted copy, since it stands in its own place and, as `now`, with all events that
 * have changed it.
 */
#include "cache.h"

#include <nuncio/text.h>

enum { PLACES_MIN = 64, UNREAD_MAX = 2 * CACHE_EVENTS };

struct copy {
	unsigned refs;
	size_t bytes;
	struct nuncio_event event; /* its texts are behind this struct; now is NULL */
};

struct place {
	struct copy *event, *now; /* now: NULL without a target */
};

struct conversation {
	struct conversation *next;          /* in its bucket */
	struct conversation *newer, *older; /* by reading */
	uint64_t hash, number;
	uint64_t newest;       /* highest seq that is known, also while nothing is kept */
	unsigned unread;       /* events since it was last read */
	unsigned first, count; /* of `places`, a ring */
	size_t id_bytes;
	struct place *places; /* CACHE_EVENTS of them, or NULL: an answer is expected */
	char id[];
};

struct cache {
	struct conversation **buckets;
	size_t bucket_count;
	struct conversation *newest, *oldest;
	size_t bytes_max;
	uint64_t numbers;
	struct cache_state state;
};

/* ---- copies ---- */

static struct nuncio_str put(char **to, struct nuncio_str text)
{
	char *at = *to;
	if (text.n)
		memcpy(at, text.p, text.n);
	*to += text.n;
	return (struct nuncio_str){ at, text.n };
}

static struct copy *copy_new(struct cache *cache, const struct nuncio_event *event)
{
	size_t bytes = sizeof(struct copy) + event->conversation.n + event->type.n + event->from.n +
		       event->client_id.n + event->kind.n + event->body.n + event->extra.n +
		       event->state.n;
	struct copy *copy = nuncio_alloc(bytes);
	char *to = (char *)(copy + 1);
	copy->refs = 1;
	copy->bytes = bytes;
	copy->event = *event;
	copy->event.size = sizeof copy->event;
	copy->event.now = NULL;
	copy->event.conversation = put(&to, event->conversation);
	copy->event.type = put(&to, event->type);
	copy->event.from = put(&to, event->from);
	copy->event.client_id = put(&to, event->client_id);
	copy->event.kind = put(&to, event->kind);
	copy->event.body = put(&to, event->body);
	copy->event.extra = put(&to, event->extra);
	copy->event.state = put(&to, event->state);
	cache->state.bytes += bytes;
	return copy;
}

static struct copy *copy_ref(struct copy *copy)
{
	copy->refs++;
	return copy;
}

static void copy_unref(struct cache *cache, struct copy **copy)
{
	struct copy *old = *copy;
	*copy = NULL;
	if (!old || --old->refs > 0)
		return;
	cache->state.bytes -= old->bytes;
	free(old);
}

/* ---- conversations ---- */

static uint64_t hash_of(struct nuncio_str text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < text.n; i++)
		hash = (hash ^ (unsigned char)text.p[i]) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 29;
}

static struct conversation *find(const struct cache *cache, struct nuncio_str id)
{
	uint64_t hash = hash_of(id);
	struct conversation *c =
		cache->bucket_count ? cache->buckets[hash & (cache->bucket_count - 1)] : NULL;
	while (c && (c->hash != hash ||
			    !nuncio_text_same((struct nuncio_str){ c->id, c->id_bytes }, id)))
		c = c->next;
	return c;
}

static void grow(struct cache *cache)
{
	size_t count = cache->bucket_count ? cache->bucket_count * 2 : PLACES_MIN;
	struct conversation **buckets = nuncio_alloc(count * sizeof buckets[0]);
	for (size_t i = 0; i < cache->bucket_count; i++)
		while (cache->buckets[i]) {
			struct conversation *c = cache->buckets[i];
			cache->buckets[i] = c->next;
			c->next = buckets[c->hash & (count - 1)];
			buckets[c->hash & (count - 1)] = c;
		}
	free(cache->buckets);
	cache->buckets = buckets;
	cache->bucket_count = count;
}

static void unlink_read(struct cache *cache, struct conversation *c)
{
	*(c->newer ? &c->newer->older : &cache->newest) = c->older;
	*(c->older ? &c->older->newer : &cache->oldest) = c->newer;
}

static void link_newest(struct cache *cache, struct conversation *c)
{
	c->newer = NULL;
	c->older = cache->newest;
	*(cache->newest ? &cache->newest->newer : &cache->oldest) = c;
	cache->newest = c;
}

static void mark_read(struct cache *cache, struct conversation *c)
{
	c->unread = 0;
	unlink_read(cache, c);
	link_newest(cache, c);
}

static size_t own_bytes(const struct conversation *c)
{
	return sizeof *c + c->id_bytes + (c->places ? CACHE_EVENTS * sizeof c->places[0] : 0);
}

static struct conversation *conversation_new(struct cache *cache, struct nuncio_str id)
{
	if (cache->state.conversations >= cache->bucket_count)
		grow(cache);
	struct conversation *c = nuncio_alloc(sizeof *c + id.n);
	c->hash = hash_of(id);
	c->number = ++cache->numbers;
	c->id_bytes = id.n;
	memcpy(c->id, id.p, id.n);
	struct conversation **bucket = &cache->buckets[c->hash & (cache->bucket_count - 1)];
	c->next = *bucket;
	*bucket = c;
	link_newest(cache, c);
	cache->state.bytes += own_bytes(c);
	cache->state.conversations++;
	return c;
}

static struct place *place_at(const struct conversation *c, unsigned index)
{
	return &c->places[(c->first + index) % CACHE_EVENTS];
}

static uint64_t first_seq(const struct conversation *c)
{
	return c->newest - c->count + 1;
}

static void drop_oldest_event(struct cache *cache, struct conversation *c)
{
	struct place *place = place_at(c, 0);
	copy_unref(cache, &place->event);
	copy_unref(cache, &place->now);
	c->first = (c->first + 1) % CACHE_EVENTS;
	c->count--;
}

static void drop(struct cache *cache, struct conversation *c)
{
	struct conversation **at = &cache->buckets[c->hash & (cache->bucket_count - 1)];
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	unlink_read(cache, c);
	while (c->count > 0)
		drop_oldest_event(cache, c);
	cache->state.bytes -= own_bytes(c);
	cache->state.conversations--;
	free(c->places);
	free(c);
}

static void make_room(struct cache *cache)
{
	while (cache->oldest && cache->state.bytes > cache->bytes_max) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what was dropped is gone from it */
		drop(cache, cache->oldest);
		cache->state.evicted++;
	}
}

/* ---- the cache ---- */

struct cache *cache_new(size_t bytes_max)
{
	struct cache *cache = nuncio_alloc(sizeof *cache);
	cache->bytes_max = bytes_max;
	return cache;
}

void cache_drop_all(struct cache *cache)
{
	while (cache->newest) {
		drop(cache, cache->newest);
		cache->state.outdated++;
	}
}

void cache_free(struct cache **cache)
{
	if (!*cache)
		return;
	cache_drop_all(*cache);
	free((*cache)->buckets);
	free(*cache);
	*cache = NULL;
}

void cache_set_max(struct cache *cache, size_t bytes_max)
{
	cache->bytes_max = bytes_max;
	make_room(cache);
}

struct cache_state cache_state(const struct cache *cache)
{
	return cache->state;
}

void cache_drop(struct cache *cache, struct nuncio_str conversation)
{
	struct conversation *c = find(cache, conversation);
	if (!c)
		return;
	drop(cache, c);
	cache->state.outdated++;
}

uint64_t cache_newest(const struct cache *cache, struct nuncio_str conversation)
{
	const struct conversation *c = find(cache, conversation);
	return c && c->places ? c->newest : 0;
}

size_t cache_count(const struct cache *cache, struct nuncio_str conversation)
{
	const struct conversation *c = find(cache, conversation);
	return c ? c->count : 0;
}

/* ---- asking ---- */

static struct nuncio_event row_of(const struct place *place)
{
	struct nuncio_event row = place->event->event;
	row.now = place->now ? &place->now->event : NULL;
	return row;
}

/* As stores count. */
static size_t text_bytes(const struct nuncio_event *event)
{
	size_t bytes = event->conversation.n + event->type.n + event->from.n + event->client_id.n +
		       event->kind.n + event->body.n + event->extra.n + event->state.n;
	return event->now ? bytes + text_bytes(event->now) : bytes;
}

/* Rows from index `at` on, in the direction of `step`, while both limits last. */
static size_t take(const struct conversation *c, const struct nuncio_events_query *query,
	int64_t at, int step, struct nuncio_event *rows)
{
	size_t n = 0, bytes = 0;
	for (; at >= 0 && at < c->count && n < query->limit; at += step) {
		struct nuncio_event row = row_of(place_at(c, (unsigned)at));
		bytes += text_bytes(&row);
		if (n > 0 && query->max_bytes && bytes > query->max_bytes)
			break;
		rows[n++] = row;
	}
	return n;
}

static void reverse(struct nuncio_event *rows, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		struct nuncio_event row = rows[i];
		rows[i] = rows[n - 1 - i];
		rows[n - 1 - i] = row;
	}
}

/* What lies behind `after` is all here, or it is not. */
static bool find_forward(const struct conversation *c, const struct nuncio_events_query *query,
	struct nuncio_event *rows, size_t *n_r, int *more_r)
{
	uint64_t end = query->before ? query->before : UINT64_MAX;
	if (query->after + 1 < first_seq(c))
		return false;
	*n_r = query->after < c->newest
		       ? take(c, query, (int64_t)(query->after + 1 - first_seq(c)), 1, rows)
		       : 0;
	while (*n_r > 0 && rows[*n_r - 1].seq >= end)
		--*n_r;
	uint64_t reached = query->after + *n_r;
	*more_r = reached < c->newest && reached + 1 < end;
	return true;
}

/* Going back ends at a limit, at the first event of the log, or where we do not know any more. */
static bool find_back(const struct conversation *c, const struct nuncio_events_query *query,
	struct nuncio_event *rows, size_t *n_r, int *more_r)
{
	uint64_t last = query->before && query->before <= c->newest ? query->before - 1 : c->newest;
	if (last < first_seq(c))
		return false;
	*n_r = take(c, query, (int64_t)(last - first_seq(c)), -1, rows);
	uint64_t lowest = rows[*n_r - 1].seq;
	if (lowest == first_seq(c) && lowest > 1 && *n_r < query->limit)
		return false;
	reverse(rows, *n_r);
	*more_r = lowest > 1;
	return true;
}

bool cache_find(struct cache *cache, const struct nuncio_events_query *query,
	struct nuncio_event rows[CACHE_EVENTS], size_t *n_r, int *more_r)
{
	bool is_forward = query->after || query->flags & NUNCIO_EVENTS_FORWARD;
	struct conversation *c = find(cache, query->conversation);
	if (!c || !c->count || !query->limit || query->limit > CACHE_EVENTS || query->from_ms)
		return false;
	mark_read(cache, c);
	return is_forward ? find_forward(c, query, rows, n_r, more_r)
			  : find_back(c, query, rows, n_r, more_r);
}

/* ---- filling ---- */

uint64_t cache_expect(struct cache *cache, const struct nuncio_events_query *query)
{
	if (!cache->bytes_max || query->before || query->after || query->from_ms ||
		(query->flags & NUNCIO_EVENTS_FORWARD))
		return 0;
	struct conversation *c = find(cache, query->conversation);
	if (!c)
		c = conversation_new(cache, query->conversation);
	uint64_t number = c->number;
	make_room(cache);
	return number;
}

static void add(struct cache *cache, struct conversation *c, const struct nuncio_event *event)
{
	if (c->count == CACHE_EVENTS)
		drop_oldest_event(cache, c);
	struct place *place = place_at(c, c->count++);
	place->event = copy_new(cache, event);
	place->now = event->now ? copy_new(cache, event->now) : NULL;
	c->newest = event->seq;
}

static bool are_in_order(const struct nuncio_event *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].seq != rows[0].seq + i || (rows[i].target && !rows[i].now))
			return false;
	return true;
}

void cache_fill(struct cache *cache, uint64_t number, const struct nuncio_event *rows, size_t n)
{
	struct conversation *c = number && n ? find(cache, rows[0].conversation) : NULL;
	if (!c || c->number != number || rows[n - 1].seq < c->newest || n <= c->count ||
		!are_in_order(rows, n))
		return;
	while (c->count > 0)
		drop_oldest_event(cache, c);
	cache->state.bytes -= own_bytes(c);
	if (!c->places)
		c->places = nuncio_alloc(CACHE_EVENTS * sizeof c->places[0]);
	cache->state.bytes += own_bytes(c);
	for (size_t i = n > CACHE_EVENTS ? n - CACHE_EVENTS : 0; i < n; i++)
		add(cache, c, &rows[i]);
	mark_read(cache, c);
	make_room(cache);
}

/* ---- what happens ---- */

/* The event with this seq is `now`: in its place, and for all that have changed it. */
static void change(struct cache *cache, struct conversation *c, const struct nuncio_event *now)
{
	struct copy *copy = copy_new(cache, now);
	for (unsigned i = 0; i < c->count; i++) {
		struct place *place = place_at(c, i);
		struct copy **to = NULL;
		if (place->event->event.seq == now->seq)
			to = &place->event;
		else if (place->event->event.target == now->seq)
			to = &place->now;
		if (!to)
			continue;
		copy_unref(cache, to);
		*to = copy_ref(copy);
	}
	copy_unref(cache, &copy);
}

void cache_tell(struct cache *cache, const struct nuncio_event *event)
{
	struct conversation *c = find(cache, event->conversation);
	if (!c || event->seq <= c->newest)
		return;
	if (!c->places) {
		c->newest = event->seq; /* whoever answers must know it */
		return;
	}
	if (event->seq != c->newest + 1 || (event->target && !event->now)) {
		drop(cache, c);
		cache->state.outdated++;
		return;
	}
	if (++c->unread > UNREAD_MAX) {
		drop(cache, c);
		return;
	}
	if (event->target)
		change(cache, c, event->now);
	add(cache, c, event);
	make_room(cache);
}

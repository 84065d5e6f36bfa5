/* SPDX-License-Identifier: MIT */
/*
 * A hash map with a list through it. An item holds all names in one allocation. Of a conversation
 * it knows from which event on it has to be read again, and some single events before that; when
 * those become too many, the lowest of them is where the reading begins.
 */
#include "provide/store_dirty.h"

#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/slice.h"

void store_dirty_init(struct dirty *dirty)
{
	map_init(&dirty->map);
	dirty->first = NULL;
	dirty->last = &dirty->first;
}

void store_dirty_fini(struct dirty *dirty)
{
	for (struct dirty_item *item; (item = store_dirty_take(dirty)) != NULL;)
		alloc_free(item);
	map_fini(&dirty->map);
}

size_t store_dirty_count(const struct dirty *dirty)
{
	return map_count(&dirty->map);
}

static bool is_same(const struct map_node *node, const void *key)
{
	const struct dirty_item *a = (const struct dirty_item *)node, *b = key;
	return a->is_record == b->is_record && str_eq(a->conversation, b->conversation) &&
	       str_eq(a->space, b->space) && str_eq(a->owner, b->owner) && str_eq(a->key, b->key);
}

static uint64_t hash_of(const struct dirty_item *name)
{
	return hash_u64(hash_str(name->conversation) ^ hash_str(name->space)) ^
	       hash_u64(hash_str(name->owner) + 1) ^ hash_u64(hash_str(name->key) + 2);
}

static struct nuncio_str put(char **at, struct nuncio_str text)
{
	struct nuncio_str copy = { *at, text.n };
	if (text.n)
		memcpy(*at, text.p, text.n);
	*at += text.n;
	return copy;
}

/* NULL: no room for another. */
static struct dirty_item *find_or_add(struct dirty *dirty, const struct dirty_item *name)
{
	uint64_t hash = hash_of(name);
	struct map_node *node = map_find(&dirty->map, hash, is_same, name);
	if (node)
		return (struct dirty_item *)node;
	if (store_dirty_count(dirty) >= DIRTY_MAX)
		return NULL;
	struct dirty_item *item = alloc_get(
		sizeof(*item) + name->conversation.n + name->space.n + name->owner.n + name->key.n);
	char *at = item->text;
	*item = *name;
	item->conversation = put(&at, name->conversation);
	item->space = put(&at, name->space);
	item->owner = put(&at, name->owner);
	item->key = put(&at, name->key);
	item->next = NULL;
	*dirty->last = item;
	dirty->last = &item->next;
	map_add(&dirty->map, &item->node, hash);
	return item;
}

static void add_target(struct dirty_item *item, uint64_t target)
{
	for (unsigned i = 0; i < item->target_count; i++)
		if (item->targets[i] == target)
			return;
	if (item->target_count < DIRTY_TARGETS_MAX) {
		item->targets[item->target_count++] = target;
		return;
	}
	for (unsigned i = 0; i < item->target_count; i++)
		if (item->targets[i] < item->low)
			item->low = item->targets[i];
	if (target < item->low)
		item->low = target;
	item->target_count = 0;
}

bool store_dirty_conversation(
	struct dirty *dirty, struct nuncio_str conversation, uint64_t low, uint64_t target)
{
	struct dirty_item name = { .conversation = conversation, .low = UINT64_MAX };
	struct dirty_item *item = find_or_add(dirty, &name);
	if (!item)
		return false;
	if (low < item->low)
		item->low = low;
	if (target && target < item->low)
		add_target(item, target);
	return true;
}

bool store_dirty_record(struct dirty *dirty, struct nuncio_str space, struct nuncio_str owner,
	struct nuncio_str key)
{
	struct dirty_item name = { .is_record = true, .space = space, .owner = owner, .key = key };
	return find_or_add(dirty, &name) != NULL;
}

struct dirty_item *store_dirty_take(struct dirty *dirty)
{
	struct dirty_item *item = dirty->first;
	if (!item)
		return NULL;
	dirty->first = item->next;
	if (!dirty->first)
		dirty->last = &dirty->first;
	map_remove(&dirty->map, &item->node);
	return item;
}

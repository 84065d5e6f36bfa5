/* SPDX-License-Identifier: MIT */
#include "pending.h"

#include <stdlib.h>
#include <string.h>

enum { PLACES_MIN = 16 };

static uint64_t hash_of(struct nuncio_str text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < text.n; i++)
		hash = (hash ^ (unsigned char)text.p[i]) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 29;
}

void pending_init(struct pending *pending, size_t max_marks)
{
	*pending = (struct pending){ .max_marks = max_marks };
}

static void drop_marks(struct pending_conversation *conversation)
{
	while (conversation->marks) {
		struct pending_mark *mark = conversation->marks;
		conversation->marks = mark->next;
		free(mark);
	}
	conversation->mark_count = 0;
}

void pending_free(struct pending_conversation **conversation)
{
	if (!*conversation)
		return;
	drop_marks(*conversation);
	free(*conversation);
	*conversation = NULL;
}

struct pending_conversation *pending_take(struct pending *pending)
{
	struct pending_conversation *all = NULL;
	for (size_t i = 0; i < pending->place_count; i++)
		while (pending->places[i]) {
			struct pending_conversation *one = pending->places[i];
			pending->places[i] = one->next;
			one->next = all;
			all = one;
		}
	free(pending->places);
	pending->places = NULL;
	pending->place_count = pending->count = 0;
	return all;
}

void pending_fini(struct pending *pending)
{
	struct pending_conversation *all = pending_take(pending);
	while (all) {
		struct pending_conversation *one = all;
		all = one->next;
		pending_free(&one);
	}
}

static void grow(struct pending *pending)
{
	size_t place_count = pending->place_count ? pending->place_count * 2 : PLACES_MIN;
	struct pending_conversation **places =
		nuncio_alloc(place_count * sizeof(struct pending_conversation *));
	for (size_t i = 0; i < pending->place_count; i++)
		while (pending->places[i]) {
			struct pending_conversation *one = pending->places[i];
			pending->places[i] = one->next;
			one->next = places[one->hash & (place_count - 1)];
			places[one->hash & (place_count - 1)] = one;
		}
	free(pending->places);
	pending->places = places;
	pending->place_count = place_count;
}

static struct pending_conversation *conversation_new(struct nuncio_str id)
{
	struct pending_conversation *one = nuncio_alloc(sizeof *one + id.n);
	one->id_bytes = id.n;
	memcpy(one->id, id.p, id.n);
	return one;
}

static struct pending_conversation *conversation_of(struct pending *pending, struct nuncio_str id)
{
	uint64_t hash = hash_of(id);
	if (pending->count >= pending->place_count)
		grow(pending);
	struct pending_conversation **place = &pending->places[hash & (pending->place_count - 1)];
	for (struct pending_conversation *one = *place; one; one = one->next)
		if (one->hash == hash && one->id_bytes == id.n && memcmp(one->id, id.p, id.n) == 0)
			return one;
	struct pending_conversation *one = conversation_new(id);
	one->hash = hash;
	one->next = *place;
	*place = one;
	pending->count++;
	return one;
}

/* At most max_marks of them, and they are looked through in order: few, or none at all. */
static struct pending_mark *mark_of(
	struct pending_conversation *conversation, struct nuncio_str user)
{
	for (struct pending_mark *mark = conversation->marks; mark; mark = mark->next)
		if (mark->user_bytes == user.n && memcmp(mark->user, user.p, user.n) == 0)
			return mark;
	struct pending_mark *mark = nuncio_alloc(sizeof *mark + user.n);
	mark->user_bytes = user.n;
	memcpy(mark->user, user.p, user.n);
	mark->next = conversation->marks;
	conversation->marks = mark;
	conversation->mark_count++;
	return mark;
}

static struct pending_conversation *take_marks(struct pending_conversation *conversation)
{
	struct pending_conversation *taken =
		conversation_new((struct nuncio_str){ conversation->id, conversation->id_bytes });
	taken->marks = conversation->marks;
	taken->mark_count = conversation->mark_count;
	taken->is_over = 1;
	conversation->marks = NULL;
	conversation->mark_count = 0;
	return taken;
}

struct pending_conversation *pending_note(struct pending *pending, struct nuncio_str conversation,
	struct nuncio_str user, uint64_t delivered, uint64_t read)
{
	struct pending_conversation *one = conversation_of(pending, conversation);
	struct pending_mark *mark = mark_of(one, user);
	if (delivered > mark->delivered)
		mark->delivered = delivered;
	if (read > mark->read)
		mark->read = read;
	if (one->mark_count > pending->max_marks)
		one->is_over = 1;
	return one->is_over ? take_marks(one) : NULL;
}

/* SPDX-License-Identifier: MIT */
/*
 * Copies of record writes, one allocation for the texts of each. What could fail in the store for a
 * reason that its sender has nothing to do with is refused here, to the module. Knows no thread.
 */
#include "hook/write_list.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/slice.h"

enum {
	NAME_BYTES = 255, /* as in the store */
	SEQ_BYTES = 20,   /* of NUNCIO_WRITE_KEY_SEQ, which are added there */
	VALUE_BYTES = 65536
};

static bool is_name(struct nuncio_str s)
{
	return s.n <= NAME_BYTES;
}

/* "tour" has "tour" and "tour.notes". */
static bool owns_space(const char *module, struct nuncio_str space)
{
	struct nuncio_str name = str_of(module);
	return str_starts(space, name) && (space.n == name.n || space.p[name.n] == '.');
}

static int check(const char *module, const struct nuncio_record_write *w)
{
	if (!owns_space(module, w->space) || !is_name(w->space) || !is_name(w->owner) ||
		!is_name(w->key))
		return NUNCIO_E_INVAL;
	if ((w->flags & NUNCIO_WRITE_KEY_SEQ) && w->key.n > NAME_BYTES - SEQ_BYTES)
		return NUNCIO_E_INVAL;
	if ((w->flags & ~NUNCIO_WRITE_KEY_SEQ) != 0 || w->expect != NUNCIO_EXPECT_ANY)
		return NUNCIO_E_INVAL;
	return w->value.n > VALUE_BYTES ? NUNCIO_E_TOOBIG : 0;
}

static struct nuncio_str put(char **at, struct nuncio_str s)
{
	char *to = *at;
	if (!s.p) /* no value: a deletion */
		return s;
	memcpy(to, s.p, s.n);
	*at += s.n;
	return (struct nuncio_str){ to, s.n };
}

int write_list_add(
	struct write_list *list, const char *module, const struct nuncio_record_write *write)
{
	struct nuncio_record_write w = { 0 };
	memcpy(&w, write, write->size < sizeof(w) ? write->size : sizeof(w));
	int rc = check(module, &w);
	if (rc < 0)
		return rc;
	if (list->count == WRITE_LIST_MAX)
		return NUNCIO_E_TOOBIG;
	if (!list->all)
		list->all = ALLOC_ARRAY(struct nuncio_record_write, WRITE_LIST_MAX);
	char *at = alloc_get(w.space.n + w.owner.n + w.key.n + w.value.n);
	w.size = sizeof(w);
	w.space = put(&at, w.space); /* first: the block begins with it */
	w.owner = put(&at, w.owner);
	w.key = put(&at, w.key);
	w.value = put(&at, w.value);
	list->all[list->count++] = w;
	return 0;
}

int write_list_move(struct write_list *to, struct write_list *from)
{
	if (!from->count)
		return 0;
	if (to->count + from->count > WRITE_LIST_MAX)
		return NUNCIO_E_TOOBIG;
	if (!to->all) {
		*to = *from;
	} else {
		memcpy(to->all + to->count, from->all, from->count * sizeof(from->all[0]));
		to->count += from->count;
		alloc_free(from->all);
	}
	*from = (struct write_list){ NULL, 0 };
	return 0;
}

void write_list_fini(struct write_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		alloc_free((void *)list->all[i].space.p);
	alloc_free(list->all);
	*list = (struct write_list){ NULL, 0 };
}

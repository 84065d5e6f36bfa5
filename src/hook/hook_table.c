/* SPDX-License-Identifier: MIT */
/*
 * Handlers per hook. Adding happens while modules initialise; hook_table_freeze sorts once, and
 * after that the lists are only read, so a chain may be parked in the middle of one without anybody
 * moving it. A hook that nobody listens to has no list at all: asking it costs one test of a
 * pointer. Logic thread only.
 */
#include "hook/hook_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/slice.h"
#include "hook/ticket.h"

enum { FIRST_FILTER = 501 }; /* decisions have lower numbers: see hooks.h */

static const struct {
	enum nuncio_hook hook;
	const char *name;
} hooks[HOOK_COUNT] = {
#define NUNCIO_X(number, name, facts) [HOOK_AT_##name] = { NUNCIO_HOOK_##name, #name },
	NUNCIO_DECISIONS(NUNCIO_X) NUNCIO_FILTERS(NUNCIO_X) NUNCIO_NOTICES(NUNCIO_X)
#undef NUNCIO_X
};

struct hook_table *hook_table_new(const struct hook_settings *settings)
{
	struct hook_table *t = ALLOC_NEW(struct hook_table);
	t->settings = *settings;
	list_init(&t->parked);
	list_init(&t->tickets);
	list_init(&t->spent);
	return t;
}

static void free_list(struct hook_list **list)
{
	if (*list)
		alloc_free((*list)->handlers);
	alloc_free(*list);
	*list = NULL;
}

void hook_table_free(struct hook_table **t)
{
	if (!*t)
		return;
	CHECK(list_is_empty(&(*t)->parked));
	ticket_forget_all(*t);
	for (int i = 0; i < HOOK_COUNT; i++)
		free_list(&(*t)->lists[i]);
	alloc_free(*t);
	*t = NULL;
}

int hook_table_add(struct hook_table *t, enum nuncio_hook hook, int priority, const char *module,
	uint32_t module_order, nuncio_any_fn *fn, void *user)
{
	enum hook_index at = hook_index(hook);
	if (at == HOOK_COUNT)
		return NUNCIO_E_UNSUPPORTED;
	if (t->is_frozen)
		return NUNCIO_E_DENIED;
	if (!t->lists[at]) {
		t->lists[at] = ALLOC_NEW(struct hook_list);
		callback_init(&t->lists[at]->asked, CALLBACK_HOOK, "", hooks[at].name, NULL);
	}
	struct hook_list *list = t->lists[at];
	list->handlers = alloc_grow(list->handlers, (list->count + 1) * sizeof(list->handlers[0]));
	struct hook_handler *handler = &list->handlers[list->count++];
	*handler = (struct hook_handler){ .fn = fn,
		.user = user,
		.priority = priority,
		.module_order = module_order,
		.added = t->added++ };
	callback_init(&handler->stats, CALLBACK_HOOK, module, hooks[at].name, &t->settings.slow_us);
	return 0;
}

void hook_table_remove_module(struct hook_table *t, const char *module)
{
	for (int i = 0; i < HOOK_COUNT; i++) {
		struct hook_list *list = t->lists[i];
		size_t kept = 0;
		for (size_t k = 0; list && k < list->count; k++) {
			if (strcmp(list->handlers[k].stats.module, module) != 0)
				list->handlers[kept++] = list->handlers[k];
		}
		if (list && !kept)
			free_list(&t->lists[i]);
		else if (list)
			list->count = kept;
	}
}

static int compare(const void *a, const void *b)
{
	const struct hook_handler *x = a, *y = b;
	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	if (x->module_order != y->module_order)
		return x->module_order < y->module_order ? -1 : 1;
	return x->added < y->added ? -1 : x->added > y->added;
}

void hook_table_freeze(struct hook_table *t)
{
	t->is_frozen = true;
	for (int i = 0; i < HOOK_COUNT; i++) {
		struct hook_list *list = t->lists[i];
		if (list)
			qsort(list->handlers, list->count, sizeof(list->handlers[0]), compare);
	}
}

bool hook_by_name(struct nuncio_str name)
{
	for (int i = 0; i < HOOK_COUNT; i++)
		if ((int)hooks[i].hook < FIRST_FILTER && str_eq_text(name, hooks[i].name))
			return true;
	return false;
}

const char *hook_name(enum nuncio_hook hook)
{
	enum hook_index at = hook_index(hook);
	return at < HOOK_COUNT ? hooks[at].name : NULL;
}

void hook_table_each(const struct hook_table *t, hook_each_fn *fn, void *user)
{
	for (int i = 0; i < HOOK_COUNT; i++) {
		const struct hook_list *list = t->lists[i];
		for (size_t k = 0; list && k < list->count; k++)
			fn(hooks[i].hook, &list->handlers[k], user);
	}
}

void hook_table_each_decision(const struct hook_table *t, hook_each_decision_fn *fn, void *user)
{
	for (int i = 0; i < HOOK_COUNT; i++)
		if (t->lists[i] && (int)hooks[i].hook < FIRST_FILTER)
			fn(&t->lists[i]->asked, user);
}

static void print_one(enum nuncio_hook hook, const struct hook_handler *handler, void *user)
{
	buf_printf(
		user, "%-14s %5d  %s\n", hook_name(hook), handler->priority, handler->stats.module);
}

void hook_table_print(const struct hook_table *t, struct buf *out)
{
	hook_table_each(t, print_one, out);
}

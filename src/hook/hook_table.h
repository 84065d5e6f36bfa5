/* SPDX-License-Identifier: MIT */
#ifndef HOOK_HOOK_TABLE_H
#define HOOK_HOOK_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nuncio/hooks.h>

#include "base/list.h"
#include "hook/callback.h"

struct buf;
struct caller;
struct loop;

/*
 * Who listens to which hook. Handlers are added while modules initialise, sorted once by
 * hook_table_freeze, and only read from then on. Everything here: logic thread.
 */
struct hook_handler {
	nuncio_any_fn *fn;
	void *user;
	int priority;
	uint32_t module_order; /* place of the module in the INI's list */
	uint32_t added;        /* how many were added before */
	struct callback stats; /* stats.module names the module */
};

struct hook_list {
	size_t count;
	struct hook_handler *handlers; /* in the order in which they run */
	/* of a decision: from asking the first to the verdict, what was waited for included */
	struct callback asked;
};

/* Dense numbers for the hooks, in the order of the table in hooks.h. */
enum hook_index {
#define NUNCIO_X(number, name, facts) HOOK_AT_##name,
	NUNCIO_DECISIONS(NUNCIO_X) NUNCIO_FILTERS(NUNCIO_X) NUNCIO_NOTICES(NUNCIO_X)
#undef NUNCIO_X
		HOOK_COUNT
};

struct hook_settings {
	struct loop *loop;     /* the logic thread's, for deadlines */
	struct caller *caller; /* into the same loop, for answers from any thread */
	int (*check_json)(struct nuncio_str text, struct nuncio_error *err); /* a new body */
	int64_t slow_us;          /* callbacks that take longer are logged; 0: none */
	uint32_t answer_limit_ms; /* of any ticket, whatever its module asks for; 0: none */
	/* A deadline passed: does this question go on as if the module had passed? NULL: no */
	bool (*fails_open)(const char *module, const char *hook, void *user);
	void *fails_open_user;
};

struct hook_table {
	struct hook_list *lists[HOOK_COUNT]; /* NULL: nobody listens */
	struct hook_settings settings;       /* the last four may be changed at any time */
	struct list parked;                  /* of struct chain */
	size_t parked_count;
	int over_code;       /* not 0: nothing is asked any more, the answer is this code */
	struct list tickets; /* of struct nuncio_ticket: handed out, not back yet */
	size_t ticket_count;
	uint32_t added;
	bool is_frozen;
	struct list spent; /* answered tickets, kept a while: see ticket.c */
	size_t spent_count;
};

/* Folds to a constant when `hook` is one; HOOK_COUNT for a number that is no hook. */
static inline enum hook_index hook_index(enum nuncio_hook hook)
{
	switch ((int)hook) {
#define NUNCIO_X(number, name, facts) \
	case number: \
		return HOOK_AT_##name;
		NUNCIO_DECISIONS(NUNCIO_X)
		NUNCIO_FILTERS(NUNCIO_X)
		NUNCIO_NOTICES(NUNCIO_X)
#undef NUNCIO_X
	default:
		return HOOK_COUNT;
	}
}

/* Does anybody listen? One test of a pointer. */
static inline bool hook_has(const struct hook_table *t, enum nuncio_hook hook)
{
	enum hook_index at = hook_index(hook);
	return at < HOOK_COUNT && t->lists[at];
}

struct hook_table *hook_table_new(const struct hook_settings *settings);
void hook_table_free(struct hook_table **t);

/* `module` (a name) lives as long as the table. UNSUPPORTED: no such hook; DENIED: frozen. */
int hook_table_add(struct hook_table *t, enum nuncio_hook hook, int priority, const char *module,
	uint32_t module_order, nuncio_any_fn *fn, void *user);
void hook_table_remove_module(struct hook_table *t, const char *module); /* nothing is running */
void hook_table_freeze(struct hook_table *t);
/* A decision (may_*, able to wait) of this name. */
bool hook_by_name(struct nuncio_str name);
const char *hook_name(enum nuncio_hook hook); /* "may_send"; NULL for none */

/* For --show-hooks: one line per handler, hooks in table order, handlers in the order they run. */
void hook_table_print(const struct hook_table *t, struct buf *out);

/* Every handler, for reports. */
typedef void hook_each_fn(enum nuncio_hook hook, const struct hook_handler *handler, void *user);
void hook_table_each(const struct hook_table *t, hook_each_fn *fn, void *user);

/* Every decision that somebody listens to, for reports. */
typedef void hook_each_decision_fn(const struct callback *asked, void *user);
void hook_table_each_decision(const struct hook_table *t, hook_each_decision_fn *fn, void *user);

#endif

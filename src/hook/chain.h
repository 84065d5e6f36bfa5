/* SPDX-License-Identifier: MIT */
#ifndef HOOK_CHAIN_H
#define HOOK_CHAIN_H

#include <stdbool.h>
#include <stddef.h>

#include <nuncio/hooks.h>

#include "hook/hook_table.h"

/*
 * Asking the handlers of a hook, one after the other, also when one of them wants to answer later.
 * Everything here: logic thread.
 */
struct chain;

/*
 * A handler that is asked before those of the table: a kind's may_enter, a middleware's before. A
 * list of them runs in its order. Borrowed: must stay, like the facts, until the answer is there or
 * the question cancelled.
 */
struct chain_first {
	enum nuncio_verdict (*fn)(struct nuncio_ask *ask, const void *what, void *user);
	const void *what; /* its facts */
	void *user;
	struct callback *stats; /* its module's name for messages, and its cost; may be NULL */
	const struct chain_first *next; /* NULL: then those of the table */
};

/* Texts are borrowed until the callback returns. */
struct chain_answer {
	bool yes;
	int code;               /* codes.h; 0 when yes */
	const char *text;       /* words for the client; never NULL */
	struct nuncio_str body; /* may_send, may_edit: p NULL when it was not replaced */
	uint64_t since, until;  /* nuncio_ask_set_window */
	/* may_send: to be written with the message */
	const struct nuncio_record_write *writes;
	size_t writes_count;
};
typedef void chain_done_fn(const struct chain_answer *answer, void *user);

/*
 * Asks. NULL: it was answered at once, `done` has been called already. Otherwise somebody wants to
 * answer later: the question is parked, `done` comes from the loop, and then the chain is gone.
 * facts, first and user must stay valid until then. hook may be NUNCIO_HOOK_none: then only `first`
 * is asked. For may_send and may_edit facts is a struct nuncio_send; handlers behind one that
 * replaced the body see a copy with the new one.
 */
struct chain *chain_ask(struct hook_table *t, enum nuncio_hook hook, const void *facts,
	const struct chain_first *first, chain_done_fn *done, void *user);

/*
 * Who asked has gone: done is never called, the module's `cancelled` is called once. *c becomes
 * NULL; NULL inside is fine.
 */
void chain_cancel(struct chain **c);

/* Whose handler a parked chain waits for; NULL when that is not counted. */
struct callback *chain_asked(struct chain *c);

/*
 * The modules have stopped: everything parked is refused with this code, so that done is called for
 * all; and so is, from now on, whatever is asked, without a handler being called.
 */
void chain_refuse_all(struct hook_table *t, int code);
bool chain_is_over(const struct hook_table *t); /* chain_refuse_all was called */

void hook_tell(struct hook_table *t, enum nuncio_hook hook, const void *facts);   /* did_* */
bool hook_filter(struct hook_table *t, enum nuncio_hook hook, const void *facts); /* may_reach */

#endif

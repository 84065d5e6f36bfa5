/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_KINDS_H
#define LOGIC_KINDS_H

#include <stddef.h>

#include <nuncio/conversation.h>
#include <nuncio/hooks.h>

struct callback;
struct logic;

/* Which kinds of conversations there are. Few; looked through in order. */
enum { KINDS_MAX = 16 };

struct kind {
	const struct nuncio_kind *ops;
	const char *owner;
	void *user;
	size_t prefix_bytes;
	struct callback *stats; /* of may_enter; NULL: not counted */
};

struct kinds {
	struct kind all[KINDS_MAX];
	size_t count;
};

void kinds_init(struct kinds *kinds);

int kinds_add(struct kinds *kinds, const char *owner, const struct nuncio_kind *ops, void *user,
	struct nuncio_error *err);
void kinds_remove(struct kinds *kinds, const struct nuncio_kind *ops);
void kinds_measure(struct kinds *kinds, const struct nuncio_kind *ops, struct callback *stats);

/* The kind of an id that is valid for it; NULL: of none. */
const struct kind *kind_of(const struct kinds *kinds, struct nuncio_str conversation);
const struct kind *kind_by_target(const struct kinds *kinds, struct nuncio_str target);

/*
 * The kind's may_enter as the first handler of a chain: `what` is a struct nuncio_access, `user`
 * the kind.
 */
enum nuncio_verdict kind_ask_enter(struct nuncio_ask *ask, const void *what, void *user);

/* What a refusal with this code is to the module that asked. */
int kind_refusal_status(int code);

/*
 * May `what->user` do this? Asks the kind, and may_query when reading. `what` and its texts are
 * copied. done comes once, perhaps before this returns; it comes with NUNCIO_E_GONE when the
 * session that asks ends first, because the facts of a question must not outlive it.
 */
void kinds_enter(
	struct logic *logic, const struct nuncio_access *what, nuncio_entry_fn *done, void *user);
/* The same for one's own cursors: nothing is read, so may_query is not asked. */
void kinds_enter_to_mark(
	struct logic *logic, const struct nuncio_access *what, nuncio_entry_fn *done, void *user);

#endif

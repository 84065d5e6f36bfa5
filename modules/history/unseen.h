/* SPDX-License-Identifier: MIT */
#ifndef HISTORY_UNSEEN_H
#define HISTORY_UNSEEN_H

/*
 * What those who are online here have hidden, so that a change of it is told to them without the
 * message. Logic thread only.
 */

#include <nuncio/module.h>

struct unseen;
struct hidden;

/* Registers its hooks, in init; NULL when that fails. */
struct unseen *unseen_new(struct nuncio_module *self);
void unseen_free(struct unseen **unseen);

/* `who` has hidden this here: known from now on, and read anew where else they are. */
void unseen_set(struct unseen *unseen, struct nuncio_str who, struct nuncio_str conversation,
	const struct hidden *hidden);

#endif

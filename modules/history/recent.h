/* SPDX-License-Identifier: MIT */
#ifndef HISTORY_RECENT_H
#define HISTORY_RECENT_H

/* Reading from memory where that is as good as the store. See recent.c. */

#include <nuncio/store.h>

struct recent;

/* Registers hooks and metrics; NULL and err filled when that fails. In init. */
struct recent *recent_new(struct nuncio_module *self, struct nuncio_error *err);
void recent_free(struct recent **recent);
/* Services can be found: in start. */
void recent_find_place(struct recent *recent);
/* The options are readable: in start and in reload. */
void recent_configure(struct recent *recent);

/*
 * As nuncio_store_events, for somebody who may read the conversation; but `done` may be called
 * before it returns.
 */
int recent_events(struct recent *recent, struct nuncio_str who,
	const struct nuncio_events_query *query, nuncio_events_fn *done, void *user);

/*
 * What `who` has hidden in the conversation: the record's value, p NULL: there is none. `done` may
 * be called before it returns; negative: the store could not be asked, and it is not called.
 */
typedef void recent_hidden_fn(int status, struct nuncio_str value, void *user);
int recent_hidden(struct recent *recent, struct nuncio_str who, struct nuncio_str conversation,
	recent_hidden_fn *done, void *user);

/* Around each write of that record. */
void recent_hiding_begins(
	struct recent *recent, struct nuncio_str who, struct nuncio_str conversation);
void recent_hiding_ends(struct recent *recent);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef HOOK_WRITE_LIST_H
#define HOOK_WRITE_LIST_H

#include <stddef.h>

#include <nuncio/store.h>

/*
 * The records that handlers of may_send let be written with the message: copies, a few of them.
 * Whoever has the list has the thread.
 */
enum { WRITE_LIST_MAX = 16 };

struct write_list {
	struct nuncio_record_write *all; /* NULL: none */
	size_t count;
};

/*
 * Adds a copy. NUNCIO_E_INVAL: the space is not this module's, names are too long, or the write
 * has an expectation or a flag that cannot be here; NUNCIO_E_TOOBIG: the value, or one too many.
 */
int write_list_add(
	struct write_list *list, const char *module, const struct nuncio_record_write *write);

/* All of `from`, which is empty afterwards; NUNCIO_E_TOOBIG and nothing done: too many. */
int write_list_move(struct write_list *to, struct write_list *from);
void write_list_fini(struct write_list *list);

#endif

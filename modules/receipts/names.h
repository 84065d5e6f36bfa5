/* SPDX-License-Identifier: MIT */
#ifndef MODULES_RECEIPTS_NAMES_H
#define MODULES_RECEIPTS_NAMES_H

#include <nuncio/services/group.h>

/*
 * Who may be shown the members of a conversation by name. Who reads a channel may not know who else
 * does, so there it is the owner and admins; elsewhere every member. Logic thread.
 */
struct names {
	const struct nuncio_group_v1 *group; /* NULL: nobody has groups */
	void *group_impl;
};

typedef void names_fn(int status, int may, void *user);

/*
 * `who` (up to 64 bytes, copied) is in the conversation; empty: anybody who is. Negative: as
 * store.h, and done is not called; else it is, perhaps before this returns.
 */
int names_ask(const struct names *names, struct nuncio_str conversation, struct nuncio_str who,
	names_fn *done, void *user);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef MODULES_PRESENCE_ASKING_H
#define MODULES_PRESENCE_ASKING_H

#include <nuncio/module.h>
#include <nuncio/services/presence.h>

#include "people.h"

/*
 * Last-seen times in the store: records of the space "presence", owner the user, value
 * {"last_seen":milliseconds}. Logic thread only.
 */

/*
 * Asks for n users: from memory, else from the store. Users are copied; done may come before this
 * returns.
 */
void asking_start(struct nuncio_module *self, struct people *people, const struct nuncio_str *users,
	size_t n, nuncio_presence_fn *done, void *user);

/*
 * Hands up to `max` dirty times to the store; returns 1 if there are more. Without a store they are
 * only remembered.
 */
int asking_write(struct nuncio_module *self, struct people *people, size_t max);

#endif

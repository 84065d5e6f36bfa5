/* SPDX-License-Identifier: MIT */
#ifndef MODULES_PRESENCE_ASKING_H
#define MODULES_PRESENCE_ASKING_H

#include <nuncio/module.h>
#include <nuncio/services/contacts.h>
#include <nuncio/services/presence.h>
#include <nuncio/services/roster.h>

#include "people.h"

/*
 * Last-seen times in the store: records of the space "presence", owner the user, value
 * {"last_seen":milliseconds}. Logic thread only.
 */

/* Who says who may see whom. */
struct sight {
	const struct nuncio_contacts_v1 *contacts; /* NULL: nobody, everybody may */
	void *contacts_impl;
};

/* Who knows of other nodes. */
struct others {
	const struct nuncio_roster_v1 *roster; /* NULL: there are none */
	void *roster_impl;
};

/*
 * Asks for n users: from memory, else from the roster and the store. Whom `asker` may not see looks
 * offline; an empty asker sees all. Texts are copied; done may come before this returns.
 */
struct asker {
	struct nuncio_module *self;
	struct people *people;
	const struct sight *sight;
	const struct others *others;
	struct nuncio_str name;
};
void asking_start(const struct asker *asker, const struct nuncio_str *users, size_t n,
	nuncio_presence_fn *done, void *user);

/* Reads whether they are not to be disturbed into `people`. done may come before this returns. */
typedef void dnd_fn(void *context);
void dnd_read(struct nuncio_module *self, struct people *people, struct nuncio_str user,
	dnd_fn *done, void *context);

/*
 * Hands up to `max` dirty times to the store; returns 1 if there are more. Without a store they are
 * only remembered.
 */
int asking_write(struct nuncio_module *self, struct people *people, size_t max);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef TESTS_LIB_ROOM_H
#define TESTS_LIB_ROOM_H

/*
 * What a test of the logic side needs around what it tests: a kind of conversations, and a store
 * that a function plays.
 */

#include <nuncio/store_provider.h>

#include "tests/lib/loopback.h"

/*
 * The kind "room": conversation r:NAME, target {"room":NAME}, entered by everybody. Whom its events
 * reach is written in audience, read each time: users separated by spaces, a live side behind ~.
 */
void room_add(struct loopback *lb, char *audience);

/* For kinds of a test's own that differ in other points. */
int room_resolve(struct nuncio_str sender, struct nuncio_str value, char *out, size_t size,
	void *user, struct nuncio_error *err);
int room_is_valid(struct nuncio_str conversation, void *user);

/* Answers one job on the store's only lane, whose status it returns. */
typedef int room_store_fn(struct nuncio_job *job);
void room_store_open(struct loopback *lb, room_store_fn *run); /* one at a time */
void room_store_settle(struct loopback *lb); /* turns until the store has answered everything */

#endif

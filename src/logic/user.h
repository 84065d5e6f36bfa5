/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_USER_H
#define LOGIC_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nuncio/base.h>

#include "base/list.h"
#include "base/map.h"
#include "logic/slots.h"

struct live_place;
struct session;

/*
 * A user with at least one live session here. Exists from the first one's login to the last one's
 * end.
 */
struct user {
	struct map_node node;
	struct list sessions; /* by session->of_user, newest first */
	uint32_t session_count;
	uint32_t stamp;           /* of the last fan-out that took them: counts everybody once */
	void **slots;             /* NULL until a module keeps something */
	struct live_place *lives; /* conversations that they are live in: live.c */
	uint32_t live_count, live_room;
	uint32_t name_bytes;
	char name[]; /* NUL-ended */
};

struct users {
	struct map by_name;
	const struct slots *slots;
};

void users_init(struct users *users, const struct slots *slots);
void users_fini(struct users *users);
size_t users_count(const struct users *users);

struct user *user_find(const struct users *users, struct nuncio_str name); /* NULL: not here */
void user_add_session(struct users *users, struct nuncio_str name, struct session *session);
/* Frees the user with the last session, after their slots. */
void user_remove_session(struct users *users, struct session *session);
struct nuncio_str user_name(const struct user *user);
bool user_is_here(const struct user *user); /* has a session that is not ending; NULL has none */

#endif

/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_LIVE_H
#define LOGIC_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nuncio/conversation.h>

#include "base/list.h"
#include "base/map.h"
#include "logic/slots.h"

struct logic;
struct user;

/*
 * The live side of a conversation: those of its members who are connected here. States only go
 * forward:
 *
 *   OPENING  made by a join, nobody is in it yet
 *   LIVE     somebody is in it, or was until a short while ago: then a timer runs
 *   CLOSING  nobody came back in time: not found any more, modules free what they kept with it; a
 *            join from now on makes a new one
 *   CLOSED   freed
 */
enum live_state { LIVE_OPENING = 1, LIVE_LIVE, LIVE_CLOSING, LIVE_CLOSED };

enum {
	LIVE_PER_USER_MAX = 10000, /* conversations that one user can be live in */
	LIVE_IDLE_MS = 30000       /* how long one without anybody is kept */
};

struct live {
	struct map_node node; /* in lives.by_id until CLOSING */
	struct list idle;     /* in lives.idle while nobody is in it */
	int64_t idle_at_ms;   /* since then; monotonic */
	struct user **users;  /* in no order */
	/* of each of these: sees events above it; NULL while all see everything */
	uint64_t *since;
	uint32_t user_count, user_room;
	void **slots; /* NULL until a module keeps something */
	uint8_t state;
	uint32_t id_bytes;
	char id[]; /* NUL-ended */
};

/* One of the conversations that a user is in; the user's are sorted by the address of `live`. */
struct live_place {
	struct live *live;
	uint32_t at; /* this user's place in live->users */
};

struct lives {
	struct map by_id;
	struct list idle; /* longest first */
	size_t places;    /* pairs of a user and a conversation */
	struct slots slot_kinds;
};

void lives_init(struct lives *lives);
void lives_fini(struct lives *lives); /* every one must have ended */

struct live *live_find(const struct lives *lives, struct nuncio_str conversation); /* NULL: none */

/* As nuncio_live_*; Thread: logic. */
int live_join(struct logic *logic, struct nuncio_str conversation, struct nuncio_str name);
void live_leave(struct logic *logic, struct nuncio_str conversation, struct nuncio_str name);
int live_see_above(struct logic *logic, struct nuncio_str conversation, struct nuncio_str name,
	uint64_t since);
bool live_has(const struct logic *logic, struct nuncio_str conversation, struct nuncio_str name);

void live_user_ends(struct logic *logic, struct user *user); /* leaves everything */

/* Ends what has been empty for LIVE_IDLE_MS; with `all`, everything that is empty. */
void lives_reclaim(struct logic *logic, int64_t now_ms, bool all);

/*
 * Everybody in it. fn may join and leave: who joins meanwhile is not visited, and somebody may be
 * visited twice.
 */
typedef void live_each_fn(struct user *user, uint64_t since, void *data);
void live_each(const struct live *live, live_each_fn *fn, void *data);

#endif

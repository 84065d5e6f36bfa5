/* SPDX-License-Identifier: MIT */
#ifndef MODULES_PRESENCE_PRESENCE_H
#define MODULES_PRESENCE_PRESENCE_H

/* What the files of this module share. Everything runs on the logic thread. */

#include <nuncio/json.h>
#include <nuncio/metric.h>
#include <nuncio/module.h>
#include <nuncio/request.h>
#include <nuncio/timer.h>

#include "asking.h"
#include "people.h"

enum { USER_BYTES = 64 };

struct presence {
	struct nuncio_module *self;
	struct people people;
	struct sight sight;
	struct others others;
	struct nuncio_slot *slot; /* of a session: struct follower, owned by people */
	struct nuncio_timer *tell, *write;
	struct nuncio_gauge *known, *following;
	struct nuncio_counter *changes;
	int is_stopped;
};

/* {"user","status","last_seen"} */
void presence_write(struct nuncio_json *json, const struct nuncio_presence *row);
/* Tells those who follow, and may see, what is told of this person now. */
void presence_tell(struct presence *presence, const struct person *person);
/* asker empty: sees all. */
void presence_ask(struct presence *presence, struct nuncio_str asker,
	const struct nuncio_str *users, size_t n, nuncio_presence_fn *done, void *user);

/* --- nodes.c: sessions on other nodes --- */

void nodes_start(struct presence *presence); /* finds who knows of them */
/* What this user's sessions here are, for the other nodes. */
void nodes_share(struct presence *presence, struct nuncio_str user);
/* What has changed is told soon. */
void presence_changed(struct presence *presence);

/* --- dnd.c: who is not to be disturbed, as the store knows it --- */

int dnd_init(struct presence *presence);
/* Writes it, and answers when it holds. */
void dnd_set(struct presence *presence, struct nuncio_request *rq, int is_dnd);
/* Reads it for somebody with sessions here, and tells who has to know. */
void dnd_learn(struct presence *presence, struct nuncio_str user);
/* Another node says something else of them than what is known here: reads it if so. */
void dnd_doubt(struct presence *presence, struct nuncio_str user, int is_dnd);

/* --- sight.c: what a follower is told begins and ends with the right to see it --- */

/* An answer to a session that has begun to follow these: what it may see it is told from now on. */
void sight_open(
	struct presence *presence, uint64_t sid, const struct nuncio_presence *rows, size_t n);
void sight_start(struct presence *presence); /* finds who says who may see whom */
void sight_stop(struct presence *presence);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCE_REDIS_H
#define PRESENCE_REDIS_H

/*
 * What the files of this module share. Logic thread only.
 *
 * seats.c   this node's sessions, written into Redis
 * entry.c   one session as Redis has it (pure)
 * watches.c whose sessions elsewhere are told of, and questions
 * sweep.c   what a dead node has left
 * presence_redis.c   the service and the module's life
 */

#include <stdbool.h>

#include <nuncio/metric.h>
#include <nuncio/services/roster.h>
#include <nuncio/session.h>

#include "redis/redis_map.h"
#include "redis/redis_member.h"

struct redisReply;

/* ---- entry.c: pure ---- */

/* A field of a user's hash, "<node id>:<session>", and its value "<order> {...}". */
struct entry {
	struct nuncio_str node_id; /* in the field's text */
	struct nuncio_roster_row row;
	char node[256], device[256];
};

struct redis_buffer;
void entry_write_field(struct redis_buffer *out, const char *node_id, nuncio_sid session);
void entry_write_value(struct redis_buffer *out, const struct nuncio_roster_row *row);
/* NUNCIO_E_INVAL. row.is_here stays 0. */
int entry_read(struct nuncio_str field, struct nuncio_str value, struct entry *entry_r);
/* What two of enum nuncio_presence_status come to. */
uint32_t entry_join_states(uint32_t a, uint32_t b);

struct seats {
	struct redis_map sessions; /* of struct seat, by the session's id in words */
	struct redis_map users;    /* of struct holder: who has sessions here */
	struct redis_ring dirty;
	size_t flying;
	unsigned epoch;
	bool is_settling;
	struct nuncio_timer *soon, *later;
};

struct watches {
	struct redis_map all;    /* of struct watched */
	struct redis_ring dirty; /* to be asked for again */
	struct redis_ring unsubscribed;
	size_t flying;
	struct nuncio_timer *soon, *grace; /* grace: others may not have written yet */
	nuncio_roster_changed_fn *changed;
	void *context;
};

struct roster {
	struct nuncio_module *self;
	struct redis_member member;
	struct seats seats;
	struct watches watches;
	struct nuncio_counter *written, *asked, *told;
	struct nuncio_gauge *sessions, *watched;
};

/* The hash of a user, and the channel on which its changes are told. */
struct nuncio_str roster_user_key(struct roster *roster, struct nuncio_str user);
struct nuncio_str roster_user_channel(struct roster *roster, struct nuncio_str user);

/* ---- seats.c ---- */
void seats_init(struct seats *seats);
void seats_fini(struct seats *seats);
void seats_take(struct roster *roster, const struct nuncio_session *session);
void seats_leave(struct roster *roster, nuncio_sid session);
void seats_state(struct roster *roster, nuncio_sid session, uint32_t state);
void seats_write_all(struct roster *roster); /* redis_member_settled when it is done */
void seats_forget(struct roster *roster);    /* nothing of it is in Redis */
void seats_flush(struct roster *roster);     /* what is to be written, now */

/* ---- watches.c ---- */
void watches_init(struct watches *watches);
void watches_fini(struct watches *watches);
void watches_set(struct roster *roster, struct nuncio_str user, bool on);
void watches_forget(struct roster *roster);  /* subscriptions are gone */
void watches_ask_all(struct roster *roster); /* again, as changes may have been missed */
void watches_subscribed(struct roster *roster, struct nuncio_str channel);
/* is_sure: by a node that lives, so that "nobody" means it. */
void watches_changed(struct roster *roster, struct nuncio_str channel, bool is_sure);
void watches_node_died(struct roster *roster, uint16_t node);
void watches_list(
	struct roster *roster, struct nuncio_str user, nuncio_roster_rows_fn *done, void *context);
void watches_elsewhere(struct roster *roster, const struct nuncio_str *users, size_t n,
	nuncio_roster_states_fn *done, void *context);

/* ---- sweep.c ---- */
void sweep_node(struct roster *roster, uint16_t node);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef STORE_MYSQL_SYNC_H
#define STORE_MYSQL_SYNC_H

#include "store_mysql.h"

/*
 * Where a client's sync stands, in tickets of each server (position.c). A pass goes from `from` to
 * `upto`: first the user's records (phase 0), then the conversations of shard phase - 1, in order
 * of their numbers. Behind it everything up to `safe` is known to be seen.
 */
struct sync_place {
	uint64_t from[SERVERS_MAX], upto[SERVERS_MAX], safe[SERVERS_MAX];
	bool is_within; /* a pass that has begun */
	uint32_t phase;
	/* phase 0: number is a ticket, seq the place in it; else a conversation and the next seq */
	uint64_t number, seq;
	uint32_t skip; /* members of that conversation that were shown */
};

/* --- sync_cursor.c --- */
bool sync_cursor_take(struct store *s, struct nuncio_str text, struct sync_place *place_r);
void sync_cursor_give(struct store *s, struct nuncio_job *job, const struct sync_place *place);

#endif

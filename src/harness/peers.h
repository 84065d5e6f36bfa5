/* SPDX-License-Identifier: MIT */
#ifndef HARNESS_PEERS_H
#define HARNESS_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nuncio/base.h>

#include "loop/mailbox.h"

struct logic;

/*
 * The far ends: everybody who has connected or asked over HTTP, and what came to each of them, as
 * the texts of <nuncio/test.h>. Plays the one I/O thread of logic. Thread: logic.
 */
struct peers {
	struct logic *logic;
	struct mailbox inbox; /* what logic sends to the I/O thread */
	struct peer *list;
	size_t count;
};

void peers_init(struct peers *peers, struct logic *logic);
void peers_fini(struct peers *peers);

/* A new one: the id that it has from now on. */
nuncio_sid peers_connect(struct peers *peers, const char *token);
nuncio_sid peers_ask(struct peers *peers, const char *token, const char *method, const char *path,
	const char *body);

nuncio_sid peers_control(struct peers *peers, const char *name, const char *data);

/* NUNCIO_E_NOTFOUND: nobody has this id; NUNCIO_E_GONE: it was closed. */
int peers_call(
	struct peers *peers, nuncio_sid id, const char *op, const char *data, uint32_t *seq_r);
int peers_leave(struct peers *peers, nuncio_sid id);

bool peers_collect(
	struct peers *peers); /* takes what logic has sent; true if there was something */

/* The oldest text that came to it and was not taken yet, or NULL. Texts live as long as peers. */
const char *peers_next(const struct peers *peers, nuncio_sid id);
const char *peers_take(struct peers *peers, nuncio_sid id);
bool peers_has(const struct peers *peers, nuncio_sid id); /* is there such an id? */

#endif

/* SPDX-License-Identifier: MIT */
#ifndef TESTS_LIB_LOOPBACK_H
#define TESTS_LIB_LOOPBACK_H

/*
 * The logic side without sockets, threads or a store: a test plays the I/O thread, posts what it
 * would post and looks at what comes back. Tokens are "good:USER[:DEVICE]"; "later:USER" is
 * answered by loopback_answer_auth; everything else is refused.
 */

#include "base/buf.h"
#include "hook/hook_table.h"
#include "logic/logic.h"
#include "loop/mailbox.h"

struct loopback {
	struct loop *loop;
	struct caller *caller;
	struct metric_set *metrics;
	struct hook_table *hooks;
	struct store *store;
	struct ready_set *ready;
	struct auth *auth;
	struct bus *bus; /* not used until bus_use and bus_start */
	struct logic *logic;
	struct mailbox io;         /* what logic sends to the I/O thread */
	struct mail *received;     /* taken from it, oldest first */
	struct nuncio_auth *asked; /* the question of a "later:" token */
	uint32_t next_slot;
	int64_t token_expires_ms; /* of good tokens; 0: in an hour */
};

void loopback_init(struct loopback *lb);
void loopback_ready(struct loopback *lb); /* after hooks, ops and routes were added */
void loopback_fini(struct loopback *lb);
void loopback_turn(struct loopback *lb); /* one turn of the loop; collects what comes out */

nuncio_sid loopback_connect(struct loopback *lb, const char *token); /* NULL: none */
void loopback_packet(
	struct loopback *lb, nuncio_sid id, uint32_t seq, const char *op, const char *data);
nuncio_sid loopback_http(struct loopback *lb, const char *method, const char *path,
	const char *query, const char *token, const char *body);
void loopback_closed(struct loopback *lb, nuncio_sid id);
nuncio_sid loopback_login(
	struct loopback *lb, const char *token); /* connect, and eat what a login brings */
void loopback_answer_auth(struct loopback *lb, const char *user);

/*
 * The next thing that came out as one line, freed by the next call: "admit ready", "refuse 2001",
 * "send {...}", "close 4001", "ready", "answer 404 {...}", or "nothing".
 */
const char *loopback_next(struct loopback *lb);

#endif

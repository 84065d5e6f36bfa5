/* SPDX-License-Identifier: MIT */
#ifndef LOOP_CALLER_H
#define LOOP_CALLER_H

#include <stdbool.h>
#include <stddef.h>

#include "loop/mailbox.h"

/*
 * "Call this function on that loop's thread": a mailbox whose messages are functions. It drains
 * itself at the end of each turn of its loop. Calls posted by one thread run in their order.
 */
struct caller;

/* Embedded as the first member of what the function needs. */
struct call {
	struct mail mail;
	void (*fn)(struct call *call); /* owns the call from then on */
};

struct caller *caller_new(struct loop *l, size_t limit); /* the loop outlives it */
void caller_free(struct caller **c);                     /* nothing may be waiting */

/* Thread: any. After NUNCIO_E_BUSY the call is still the poster's. */
int caller_post(struct caller *c, struct call *call);
/* For answers that must not be lost, whose number a request has bounded. Thread: any. */
void caller_post_forced(struct caller *c, struct call *call);
struct mailbox *caller_mailbox(struct caller *c); /* for an outbox of struct call's mails */

bool caller_run(struct caller *c); /* own thread: runs what waits; true if there was something */
size_t caller_count(const struct caller *c); /* any thread; a moment's truth */
void caller_stats(const struct caller *c, struct queue_stats *stats_r); /* likewise */

#endif

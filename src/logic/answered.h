/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_ANSWERED_H
#define LOGIC_ANSWERED_H

#include <stdbool.h>
#include <stdint.h>

struct answered;
struct logic;
struct nuncio_request;

/*
 * did_request: answers that were given in this turn and are told at its end, when nobody is in the
 * middle of anything. Logic thread only.
 */
struct answers {
	struct answered *first, *last;
};

/* Counts the answer, and keeps it for the end of the turn if somebody listens. */
void answered_add(const struct nuncio_request *rq, int http_status, int code);
bool answered_tell(struct logic *logic); /* false: there was nothing */
void answered_drop(struct logic *logic); /* modules are through */

#endif

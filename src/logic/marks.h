/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_MARKS_H
#define LOGIC_MARKS_H

#include <stdbool.h>
#include <stddef.h>

#include <nuncio/base.h>

#include "base/list.h"
#include "base/map.h"
#include "loop/timer.h"

struct logic;
struct nuncio_request;

/*
 * The cursors of members, `delivered` and `read`, on their way to the store. Clients confirm often;
 * what counts is the highest, so confirmations are gathered for MARKS_FLUSH_MS and written
 * together. Each is answered when the store has it. At most MARKS_MAX requests wait.
 */
enum { MARKS_FLUSH_MS = 20, MARKS_MAX = 100000 };

struct marks {
	struct map pending;
	struct list order; /* the same, longest first */
	size_t requests;   /* that wait, for those that are being written, too */
	struct loop_timer timer;
};

void marks_init(struct marks *marks, struct logic *logic);
void marks_fini(struct marks *marks, struct logic *logic);

/*
 * Raises the cursors of the request's user and owns the request from here on: it is answered {}
 * when that is durable, `busy` when MARKS_MAX requests are waiting. A cursor of 0 is left alone.
 */
void marks_raise(struct nuncio_request *rq, struct nuncio_str conversation, uint64_t delivered,
	uint64_t read);
void marks_flush(struct logic *logic);
size_t marks_count(const struct marks *marks); /* requests that wait */
bool marks_are_clean(const struct marks *marks);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PROVIDE_READY_H
#define PROVIDE_READY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Who says that they are ready to serve, and who does which job. Made and listed by the logic
 * thread; an entry is written by any thread.
 */
struct ready_set;
struct ready;

enum { READY_WHY_BYTES = 160 };

struct ready_set *ready_set_new(void);
void ready_set_free(struct ready_set **set);

/* `name` and `job` are borrowed as long as the set lives. New entries are ready. */
struct ready *ready_add(struct ready_set *set, const char *name);
void ready_add_job(struct ready_set *set, const char *job, struct ready *who);

/*
 * What the module says of itself, and what the core sees of its work; ready is who is so in both.
 * True if this was a change. why: copied; may be NULL. Thread: any.
 */
bool ready_put(struct ready *entry, bool is_ready, const char *why);
bool ready_see(struct ready *entry, bool is_ready, const char *why);
bool ready_is(struct ready *entry); /* Thread: any */

struct ready_report {
	const char *job;  /* NULL: none that the server knows of */
	const char *name; /* of the module */
	bool is_ready, has_spoken;
	char why[READY_WHY_BYTES]; /* "" when ready */
};
/* First every job and who does it, then everybody who does none. */
typedef void ready_each_fn(const struct ready_report *report, void *user);
void ready_each(struct ready_set *set, ready_each_fn *fn, void *user);

#endif

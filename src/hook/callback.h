/* SPDX-License-Identifier: MIT */
#ifndef HOOK_CALLBACK_H
#define HOOK_CALLBACK_H

#include <stddef.h>
#include <stdint.h>

/*
 * What one callback of a module has cost, and the log line about slow ones (at most one a second
 * for each callback). Around every call: `int64_t at = callback_begin(); fn(...);
 * callback_end(&stats, at);` Thread: logic.
 */
enum callback_kind {
	CALLBACK_HOOK = 1,
	CALLBACK_OP,
	CALLBACK_ROUTE,
	CALLBACK_MIDDLEWARE,
	CALLBACK_ENTRY, /* may_enter of a kind of conversations */
	CALLBACK_PEER,  /* from the same module on another node */
	CALLBACK_CONTROL,
	CALLBACK_TIMER,
	CALLBACK_WATCH,    /* of a descriptor */
	CALLBACK_CALL,     /* nuncio_on_logic */
	CALLBACK_WORK,     /* on a worker: may block */
	CALLBACK_WORK_DONE /* its way back */
};
const char *callback_kind_name(enum callback_kind kind); /* "hook", "work_done" */

/*
 * Two buckets for each doubling of time, from 128 ns to two minutes: a quantile is right to a third
 * or a half, whatever its size, and costs no setting.
 */
enum { CALLBACK_BUCKETS = 62 };

struct callback_stats {
	uint64_t calls, slow_calls;
	uint64_t errors;   /* what a module must not do, such as a verdict that does not exist */
	uint64_t timeouts; /* answers that did not come */
	int64_t total_ns, longest_ns;
	uint64_t buckets[CALLBACK_BUCKETS];
};

struct callback {
	const char *module, *what; /* borrowed: "rate_limit", "may_send" */
	enum callback_kind kind;
	const int64_t *slow_us; /* longer than this is slow; NULL or 0: nothing is */
	int64_t told_at_ns;     /* when the log was told last */
	struct callback_stats stats;
};

void callback_init(struct callback *cb, enum callback_kind kind, const char *module,
	const char *what, const int64_t *slow_us);
int64_t callback_begin(void);
/* cb NULL: not counted. Returns when it ended, which is when the next one of a row begins. */
int64_t callback_end(struct callback *cb, int64_t begun_ns);
void callback_took(struct callback *cb, int64_t took_ns); /* measured elsewhere */
void callback_count_error(struct callback *cb);           /* cb NULL: nothing */
void callback_count_timeout(struct callback *cb);

void callback_stats_add(struct callback_stats *to, const struct callback_stats *from);
/* The time within which this part (0.99) of the calls ended; 0 when there was none. */
int64_t callback_quantile_ns(const struct callback_stats *stats, double part);
/* How many ended within 2^exponent ns; exponent 8 to 37. */
uint64_t callback_within(const struct callback_stats *stats, unsigned exponent);

#endif

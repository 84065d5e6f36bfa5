/* SPDX-License-Identifier: MIT */
#ifndef HOOK_CALLBACK_H
#define HOOK_CALLBACK_H

#include <stdint.h>

/*
 * What one callback of a module has cost, and the log line about slow ones (at most one a second
 * for each callback). Around every call: `int64_t at = callback_begin(); fn(...);
 * callback_end(&stats, at);` Thread: logic.
 */
struct callback {
	const char *module, *what; /* borrowed: "rate_limit", "may_send" */
	const int64_t *slow_us;    /* longer than this is slow; NULL or 0: nothing is */
	uint64_t calls, slow_calls;
	int64_t total_us, longest_us;
	int64_t told_at_us; /* when the log was told last */
};

void callback_init(
	struct callback *cb, const char *module, const char *what, const int64_t *slow_us);
int64_t callback_begin(void);
void callback_end(struct callback *cb, int64_t begun_us); /* cb NULL: nothing */

#endif

/* SPDX-License-Identifier: MIT */
#ifndef LOOP_SUPERVISOR_H
#define LOOP_SUPERVISOR_H

#include <stdint.h>

struct loop;

/*
 * What started this process and wants to hear how it fares, by the protocol of sd_notify(3).
 * Without one (no NOTIFY_SOCKET) everything here does nothing. Thread: the loop's.
 */
struct supervisor;

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID; takes them out of the environment. */
struct supervisor *supervisor_new(void);
void supervisor_free(struct supervisor **s);

/* READY=1, also at the end of a reload; `status` is one line for people. */
void supervisor_ready(struct supervisor *s, const char *status);
void supervisor_reloading(struct supervisor *s);
void supervisor_stopping(struct supervisor *s);

/*
 * From now on says WATCHDOG=1 from a timer of `loop`, at half the time that was asked for, if it
 * was. A loop that hangs says nothing, and is ended by the supervisor.
 */
void supervisor_watch(struct supervisor *s, struct loop *loop);
int64_t supervisor_watch_ms(const struct supervisor *s); /* how often; 0: nobody asked */

#endif

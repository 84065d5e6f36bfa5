/* SPDX-License-Identifier: MIT */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * An event loop, owned by the thread that calls loop_run. Everything here is for that thread (or,
 * before loop_run, for the one that sets it up), except loop_wake. One turn is: wait, callbacks of
 * descriptors, timers, signals and wakes, then the on_turn callbacks, then wait again.
 */
struct loop;

struct loop *loop_new(const char *name); /* NULL when the system has no descriptor left */
void loop_free(struct loop **l);         /* not running; what was started on it is forgotten */
void loop_run(struct loop *l);           /* until loop_stop */
void loop_stop(struct loop *l);          /* own thread: returns from loop_run after this turn */
void loop_wake(struct loop *l);          /* any thread; several before a turn count as one */
void loop_again(struct loop *l);         /* own thread: run on_turn once more before waiting */
/*
 * Own thread, from an on_turn callback that has more to do than one turn should: descriptors and
 * timers get their turn without waiting, then on_turn is called again. The number grows with every
 * turn, so that a callback knows when it may go on.
 */
void loop_soon(struct loop *l);
uint64_t loop_turn(const struct loop *l);
/*
 * From now on observes (in ns) how long each turn took, from the end of its wait to the beginning
 * of the next: what comes meanwhile waits no longer than that. Before loop_run; NULL: nothing.
 */
struct metric;
void loop_set_lag(struct loop *l, struct metric *lag);
bool loop_is_mine(const struct loop *l); /* any thread: is it running in the calling thread? */
const char *loop_name(const struct loop *l);
int64_t loop_now_ms(const struct loop *l); /* monotonic, as of the beginning of this turn */

/* Descriptors. The struct lives in its user's memory and must be stopped before that goes. */
enum { LOOP_READ = 1, LOOP_WRITE = 2 };
struct loop_io;
typedef void (*loop_io_fn)(struct loop *l, struct loop_io *io, int events, void *user);
struct loop_io {
	union {
		void *align;
		unsigned char bytes[48]; /* libev's watcher; size asserted in loop.c */
	} ev;
	loop_io_fn fn;
};

void loop_io_init(struct loop_io *io, int fd, loop_io_fn fn, void *user);
void loop_io_start(struct loop *l, struct loop_io *io, int events);
void loop_io_set(struct loop *l, struct loop_io *io, int events); /* 0 events: stopped */
void loop_io_stop(struct loop *l, struct loop_io *io);            /* also when not started */
int loop_io_fd(const struct loop_io *io);
int loop_io_events(const struct loop_io *io); /* what it waits for now; 0 when stopped */

/*
 * Called at the end of each turn, before waiting, in the order of registration; true means "did
 * something". They are called again until none did anything (or descriptors have waited for long).
 */
typedef bool (*loop_turn_fn)(struct loop *l, void *user);
void loop_on_turn(struct loop *l, loop_turn_fn fn, void *user);

typedef void (*loop_wake_fn)(struct loop *l, void *user);
void loop_on_wake(struct loop *l, loop_wake_fn fn, void *user); /* after a loop_wake */

/* Signals come as callbacks on this loop. One loop per signal in a process. */
typedef void (*loop_signal_fn)(struct loop *l, int signo, void *user);
void loop_signal(struct loop *l, int signo, loop_signal_fn fn, void *user);

/*
 * After a turn that did something, look at the spin callbacks for up to `us` before sleeping; one
 * that answers true ends it. Descriptors are not looked at meanwhile. 0 (default) never spins.
 */
typedef bool (*loop_spin_fn)(void *user);
void loop_set_spin_us(struct loop *l, unsigned us);
void loop_on_spin(struct loop *l, loop_spin_fn has_work, void *user);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef NUNCIO_TIMER_H
#define NUNCIO_TIMER_H

/*
 * Time, and work elsewhere: timers on the logic thread, blocking work on workers, a way back to the
 * logic thread.
 */

#include <nuncio/module.h>

NUNCIO_BEGIN_DECLS

struct nuncio_timer;
typedef void nuncio_timer_fn(void *user);
typedef void nuncio_work_fn(void *user);

/*
 * Calls fn after first_ms, then every every_ms (0: once). Both 0: at the end of this turn of the
 * loop, when all that had come has been dealt with, before the answers leave; started from within
 * such a timer: at the end of the next turn, so much work can be done in small parts while others
 * go on. Never NULL. A timer that ended may be stopped or left; all of a module's timers end with
 * the module. Monotonic clock, so it does not jump with the wall clock.
 * Thread: logic (fn too).
 */
struct nuncio_timer *nuncio_timer_start(struct nuncio_module *self, uint32_t first_ms,
	uint32_t every_ms, nuncio_timer_fn *fn, void *user);

/*
 * Ends a timer and frees it; *timer becomes NULL; NULL inside is fine. Allowed from within its own
 * fn.
 * Thread: logic.
 */
void nuncio_timer_stop(struct nuncio_timer **timer);

/*
 * Runs fn on the logic thread, soon, once, in the order posted by this thread. NUNCIO_E_BUSY: the
 * mailbox is full; NUNCIO_E_GONE: the module is stopping. In both cases fn will not run.
 * Thread: any.
 */
int nuncio_on_logic(struct nuncio_module *self, nuncio_work_fn *fn, void *user);

/*
 * Runs `work` on a worker thread, where it may block, then `done` on the logic thread. Works of
 * equal `shard` run in order, one after the other; different shards side by side. NUNCIO_E_BUSY:
 * the queue is full, neither is called. `done` is always called before the module's fini if `work`
 * was accepted.
 * Thread: logic (work: a worker; done: logic).
 */
int nuncio_work(struct nuncio_module *self, uint64_t shard, nuncio_work_fn *work,
	nuncio_work_fn *done, void *user);

/*
 * Milliseconds: monotonic (for durations), and since 1970-01-01 UTC (for people). Taken once a turn
 * of the loop on the logic thread, so cheap.
 * Thread: any.
 */
int64_t nuncio_mono_ms(void);
int64_t nuncio_wall_ms(void);

NUNCIO_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
#ifndef NUNCIO_WATCH_H
#define NUNCIO_WATCH_H

/*
 * Descriptors on the logic thread's loop: for modules that speak to another server themselves,
 * without a thread of their own. What may take long, such as looking up a name, is for nuncio_work
 * (timer.h).
 */

#include <nuncio/module.h>

NUNCIO_BEGIN_DECLS

/* What a descriptor is watched for; both may be asked for at once. */
enum { NUNCIO_WATCH_READ = 1, NUNCIO_WATCH_WRITE = 2 };

struct nuncio_watch;

/*
 * The descriptor can be read or written, or has failed, which the next read or write tells.
 * `events` has what can be done of what was asked for.
 */
typedef void nuncio_watch_fn(int fd, int events, void *user);

/*
 * Calls fn as long as the descriptor is ready for one of `events` (0: not yet), once a turn of the
 * loop. The descriptor stays the module's: non-blocking, open until nuncio_watch_stop, and watched
 * once only. In start and later. Never NULL. All of a module's watches end with the module.
 * Thread: logic (fn too).
 */
struct nuncio_watch *nuncio_watch_start(
	struct nuncio_module *self, int fd, int events, nuncio_watch_fn *fn, void *user);

/*
 * Watches for these events from here on; 0: for none, until it is called again. Costs no system
 * call when a turn changes its mind. Allowed from within fn.
 * Thread: logic.
 */
void nuncio_watch_set(struct nuncio_watch *watch, int events);

/*
 * Ends a watch and frees it, before the descriptor is closed; *watch becomes NULL; NULL inside is
 * fine. Allowed from within fn, which is not called again.
 * Thread: logic.
 */
void nuncio_watch_stop(struct nuncio_watch **watch);

NUNCIO_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
#ifndef NUNCIO_READY_H
#define NUNCIO_READY_H

/*
 * Whether this server should get traffic: what /readyz answers to a load balancer or supervisor.
 */

#include <nuncio/module.h>

NUNCIO_BEGIN_DECLS

/*
 * Says that the module can (ready 1) or cannot (0) do its work now, and why not, in a few words for
 * the operator ("no connection to db1:3306"; copied, cut at 159 bytes; NULL or ignored when ready).
 * As long as one module is not ready, /readyz answers 503: so say it only of what the server cannot
 * be used without, as a provider whose database has gone. A module that never calls this is ready
 * whenever it runs. Each change is logged once; saying the same again costs a lock and no line. May
 * be called in init and start too: a server starts although one of its modules is not ready yet.
 * Thread: any.
 */
void nuncio_ready_set(struct nuncio_module *self, int ready, const char *why);

NUNCIO_END_DECLS

#endif

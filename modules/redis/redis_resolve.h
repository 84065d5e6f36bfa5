/* SPDX-License-Identifier: MIT */
#ifndef REDIS_RESOLVE_H
#define REDIS_RESOLVE_H

#include <sys/socket.h>

#include <nuncio/module.h>

#include "redis/redis_address.h"

/* Looks a name up on a worker, because that may take long. Thread: logic. */
struct redis_resolve;

/* sa NULL: there is none, why says it. */
typedef void redis_resolved_fn(
	const struct sockaddr *sa, socklen_t size, const char *why, void *user);

/*
 * done comes once, perhaps before this returns, unless it is forgotten. *resolve_r: while it waits.
 */
void redis_resolve_start(struct nuncio_module *self, const struct redis_address *address,
	redis_resolved_fn *done, void *user, struct redis_resolve **resolve_r);
void redis_resolve_forget(struct redis_resolve **resolve); /* done is not called; NULL: nothing */
void redis_resolve_now(struct redis_resolve **resolve); /* blocks; for the start. NULL: nothing */

#endif

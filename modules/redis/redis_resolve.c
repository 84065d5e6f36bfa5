/* SPDX-License-Identifier: MIT */
/*
 * See redis_resolve.h. A number needs no looking up and is done at once. One that is forgotten goes
 * on at its worker and is freed when that is back.
 */
#include "redis/redis_resolve.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nuncio/timer.h>

#include "redis/redis_buffer.h"

struct redis_resolve {
	struct redis_address address;
	struct addrinfo *found;
	int error;
	redis_resolved_fn *done; /* NULL: forgotten, or told already */
	void *user;
	struct redis_resolve **place;
};

static int look_up(struct redis_resolve *r, int flags)
{
	struct addrinfo hints = { .ai_flags = flags | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM };
	char port[8];
	snprintf(port, sizeof port, "%u", (unsigned)r->address.port);
	return getaddrinfo(r->address.host, port, &hints, &r->found);
}

static void tell(struct redis_resolve *r)
{
	redis_resolved_fn *done = r->done;
	r->done = NULL;
	if (!done)
		return;
	*r->place = NULL;
	if (r->error == 0 && r->found)
		done(r->found->ai_addr, r->found->ai_addrlen, "", r->user);
	else
		done(NULL, 0, gai_strerror(r->error), r->user);
}

static void resolve_free(struct redis_resolve *r)
{
	if (r->found)
		freeaddrinfo(r->found);
	free(r);
}

static void on_work(void *user)
{
	struct redis_resolve *r = user;
	r->error = look_up(r, 0);
}

static void on_done(void *user)
{
	tell(user);
	resolve_free(user);
}

void redis_resolve_start(struct nuncio_module *self, const struct redis_address *address,
	redis_resolved_fn *done, void *user, struct redis_resolve **resolve_r)
{
	struct redis_resolve *r = nuncio_alloc(sizeof *r);
	r->address = *address;
	r->done = done;
	r->user = user;
	r->place = resolve_r;
	*resolve_r = r;
	r->error = look_up(r, AI_NUMERICHOST);
	if (r->error == EAI_NONAME) {
		uint64_t shard = (uint64_t)(uintptr_t)r;
		if (nuncio_work(self, shard, on_work, on_done, r) == 0)
			return;
		r->error = EAI_AGAIN;
	}
	on_done(r);
}

void redis_resolve_forget(struct redis_resolve **resolve)
{
	if (*resolve)
		(*resolve)->done = NULL;
	*resolve = NULL;
}

/* A lookup of its own: the worker's goes on, and its result is nobody's any more. */
void redis_resolve_now(struct redis_resolve **resolve)
{
	struct redis_resolve *waiting = *resolve;
	if (!waiting)
		return;
	struct redis_resolve own = { .address = waiting->address,
		.done = waiting->done,
		.user = waiting->user,
		.place = resolve };
	redis_resolve_forget(resolve);
	own.error = look_up(&own, 0);
	tell(&own);
	if (own.found)
		freeaddrinfo(own.found);
}

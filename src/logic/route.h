/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_ROUTE_H
#define LOGIC_ROUTE_H

#include <nuncio/request.h>

#include "logic/router.h"
#include "logic/tally.h"

struct callback;
struct io_http;
struct logic;

/* One HTTP route and one skin of the onion around routes. */
struct route {
	struct nuncio_route route; /* in our size */
	const char *owner, *about; /* module, and what it is for; about may be NULL */
	void *user;
	struct callback *stats; /* of the module; NULL: not counted */
	struct tally tally;
};

struct skin {
	const struct nuncio_middleware *middleware;
	const char *owner;
	void *user;
	struct callback *stats; /* of the module; NULL: not counted */
};

enum { ROUTE_SKINS_MAX = 32 };

struct routes {
	struct router *router;
	struct route **all;
	size_t count;
	struct skin skins[ROUTE_SKINS_MAX]; /* by priority, then order of adding */
	uint32_t skin_count;
};

void routes_init(struct routes *routes);
void routes_fini(struct routes *routes);
int routes_add(struct routes *routes, const char *owner, const struct nuncio_route *route,
	void *user, struct route **route_r, struct nuncio_error *err);
int routes_add_skin(struct routes *routes, const char *owner,
	const struct nuncio_middleware *middleware, void *user, struct callback *stats,
	struct nuncio_error *err);

/*
 * A complete HTTP request: find its route, ask the skins, the token, may_call, check the input, run
 * the handler. Takes it.
 */
void route_dispatch(struct logic *logic, struct io_http *http);
/* The way out of the onion: the skins that were entered, from inside to outside. */
void route_leave(struct nuncio_request *rq, int http_status);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_ROUTER_H
#define LOGIC_ROUTER_H

#include <stdbool.h>
#include <stddef.h>

#include <nuncio/base.h>

/*
 * A radix tree of path patterns: "/api/v1/users/:id/presence", "/files/" "*rest". Text wins over a
 * parameter, a parameter over a wildcard, and a dead end is given up for the next best. A parameter
 * takes one segment that is not empty; a wildcard takes the rest, which may be empty. Each end
 * holds one value per method. Owns its nodes, not the values. Built once, then read by the logic
 * thread.
 */
enum { ROUTER_PARAMS_MAX = 8, ROUTER_METHODS_MAX = 7 };

struct router;

struct router_param {
	struct nuncio_str name, value; /* value is borrowed from the path that was looked up */
};

struct router_match {
	void *value;
	struct router_param params[ROUTER_PARAMS_MAX];
	size_t param_count;
	/* Methods that the path knows ("GET, POST"), for 405 and Allow; NUL-ended. */
	char allow[64];
};

struct router *router_new(void);
void router_free(struct router **router);

/*
 * NUNCIO_E_EXISTS: this method and pattern has a value; NUNCIO_E_INVAL: not a pattern or method;
 * err says why.
 */
int router_add(struct router *router, const char *method, const char *pattern, void *value,
	struct nuncio_error *err);

/*
 * 1: found. 0: no such path. NUNCIO_E_UNSUPPORTED: the path is there, the method is not (allow is
 * filled). HEAD finds GET.
 */
int router_find(const struct router *router, struct nuncio_str method, struct nuncio_str path,
	struct router_match *match_r);

#endif

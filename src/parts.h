/* SPDX-License-Identifier: MIT */
#ifndef PARTS_H
#define PARTS_H

#include <stdint.h>

#include <nuncio/base.h>

#include "module/options.h"

struct auth;
struct bus;
struct caller;
struct hook_table;
struct ini;
struct logic;
struct loop;
struct metric_set;
struct modules;
struct provider_set;
struct ready_set;
struct store;
struct work_pool;

/*
 * The server behind its sockets: the logic loop, everything that lives on it, and the modules.
 * server.c puts I/O threads before it; the harness, in which authors test their modules, plays them
 * itself. Thread: main, which is the logic thread.
 */
struct parts {
	struct loop *loop;
	struct caller *caller;
	struct metric_set *metrics;
	struct hook_table *hooks;
	struct provider_set *providers;
	struct ready_set *ready;
	struct store *store;
	struct auth *auth;
	struct bus *bus;
	struct work_pool *work;
	struct logic *logic;
	struct modules *modules;
};

/*
 * Makes all of them from [core], for io_count I/O threads. parts_free undoes what a failure left.
 */
int parts_make(
	struct parts *p, const struct options *core, uint32_t io_count, struct nuncio_error *err);

/*
 * Modules: load, init, the core's own ops, freeze. Look at faults->count first, then at the result.
 */
int parts_load(struct parts *p, const struct ini *ini, struct option_faults *faults,
	struct nuncio_error *err);

/*
 * After the I/O threads have ended: sessions, modules and requests end, and what they still had to
 * say is dropped. Also after a failure, with what there is.
 */
void parts_stop(struct parts *p);
void parts_free(struct parts *p);

#endif

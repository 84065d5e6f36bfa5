/* SPDX-License-Identifier: MIT */
#ifndef MODULE_MODULE_PRIVATE_H
#define MODULE_MODULE_PRIVATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "module/module.h"
#include "provide/provider.h"

struct callback_group;
struct ready;

enum { MODULE_MAGIC = 0x30d01e00 };

enum module_stage {
	MODULE_LOADED,   /* options are readable */
	MODULE_INIT,     /* in its init: the only time to register */
	MODULE_READY,    /* init went well */
	MODULE_STARTING, /* in its start */
	MODULE_RUNNING,
	MODULE_STOPPING, /* in its stop */
	MODULE_STOPPED,  /* nothing new from here on */
	MODULE_ENDED     /* undone */
};

struct nuncio_module {
	uint32_t magic;
	uint32_t order; /* place in the INI's list */
	struct modules *set;
	struct nuncio_module_info info; /* in our size */
	struct options *options;
	_Atomic int stage; /* enum module_stage; written by the logic thread */
	void *_Atomic data;
	struct list owned;   /* of struct owned, newest first */
	struct list timers;  /* of struct module_timer */
	struct list watches; /* of struct nuncio_watch */
	struct ready *ready; /* of the set; for nuncio_ready_set */
	struct callback **callbacks;
	size_t callback_count;
	struct callback timer_stats, watch_stats, call_stats, work_stats, done_stats;
	size_t timer_count, work_count, error_count;
	char refusal[256]; /* why a registration failed, not told yet */
};

/* A service of service.h. */
struct service {
	const char *name;
	struct nuncio_module *module;
	const void *ops;
	void *impl;
};

struct modules {
	struct module_env env;
	struct thread_mark thread;
	struct nuncio_module **list; /* in the INI's order */
	size_t count;
	size_t *order; /* of start: indexes into list; NULL before the freeze */
	char **listed; /* every name in [modules], also those switched off */
	size_t listed_count;
	const struct provider *store, *copy_to, *auth, *bus; /* chosen; NULL: none */
	struct service *services;
	size_t service_count;
	struct callback_group **groups; /* of module_metrics.c */
	size_t group_count;
	struct map timers; /* of struct module_timer, by id */
	uint64_t timer_id;
	bool is_stopped;
};

struct modules *module_set(void); /* the set behind calls without self; NULL when there is none */
void module_check(const struct nuncio_module *self); /* is it one, and alive? */
enum module_stage module_stage(const struct nuncio_module *self);

/* Records only in spaces of the module's own: 0, or INVAL and it is logged. */
struct nuncio_record_write;
int module_check_writes(
	struct nuncio_module *self, const struct nuncio_record_write *writes, size_t n);

/* Offers to do a job that has one owner. */
int module_provide(struct nuncio_module *self, const char *job, const void *ops, void *impl);

const struct service *module_find_service(const struct modules *set, const char *name);
void module_withdraw_services(struct modules *set, const struct nuncio_module *module);
void module_stop_timers(struct nuncio_module *self);
void module_stop_watches(struct nuncio_module *self);
void module_free_groups(struct modules *set);

int module_needs_order(struct modules *set, struct nuncio_error *err); /* fills set->order */

#endif

/* SPDX-License-Identifier: MIT */
#ifndef MODULE_MODULE_H
#define MODULE_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nuncio/module.h>

#include "base/check.h"
#include "base/ini.h"
#include "hook/callback.h"
#include "module/options.h"

struct auth;
struct bus;
struct buf;
struct caller;
struct hook_table;
struct logic;
struct loop;
struct metric_set;
struct provider_set;
struct ready_set;
struct store;
struct work_pool;

/*
 * The modules that are switched on, and the parts of the server that they may use. server.c makes
 * the parts, then the set. Everything here: logic thread (the main thread before it runs), unless
 * said otherwise.
 */
struct module_env {
	struct loop *loop;
	struct caller *caller; /* closures into the logic loop: nuncio_on_logic */
	struct hook_table *hooks;
	struct provider_set *providers;
	struct store *store;
	struct auth *auth;
	struct bus *bus;
	struct work_pool *work;
	struct ready_set *ready;
	struct metric_set *metrics;
	struct logic *logic; /* for api_session.c, api_request.c, api_conversation.c */
	const struct options
		*core; /* [core]: needs the keys store, auth, bus, data_dir, node, module_path */
	const char *data_dir, *node; /* as [core] has them */
	int node_number;
	const char *module_path; /* folder of the .so files */
};

struct modules;

struct modules *modules_new(const struct module_env *env); /* env and its texts are copied */
void modules_free(struct modules **set);

/*
 * The stages of a start, in this order. Each returns 0, or a negative status with one message in
 * err; then modules_stop and modules_fini undo what was done so far (both may be called after any
 * stage, and skip what did not happen).
 */
int modules_load(struct modules *set, const struct ini *ini, struct option_faults *faults,
	struct nuncio_error
		*err); /* [modules]: open, check; faults of all sections, also unknown ones */
int modules_init(struct modules *set, struct nuncio_error *err);
int modules_freeze(
	struct modules *set, struct nuncio_error *err);           /* providers, needs, hook order */
int modules_start(struct modules *set, struct nuncio_error *err); /* opens the store in its place */
void modules_stop(struct modules *set); /* in reverse; then nuncio_on_logic answers GONE */
void modules_fini(struct modules *set); /* finishes work and calls, closes the store, undoes all */

/*
 * modules_load: a file that cannot be opened or does not fit is an error. What is wrong in the
 * configuration, unknown sections included, goes to `faults`, with 0 returned: the caller looks at
 * faults->count before it goes on.
 */

/*
 * New values from a changed file. `faults`: the file is wrong, nothing was changed. Otherwise every
 * module whose LIVE options changed was asked; `report` gets one line for each thing that somebody
 * should know: changed, cannot change while running, refused by its module.
 */
int modules_reload(struct modules *set, const struct ini *ini, struct option_faults *faults,
	struct buf *report);

size_t modules_count(const struct modules *set);
struct nuncio_module *modules_find(const struct modules *set, const char *name);

/* For reports. */
struct module_report {
	const char *name, *version, *summary, *stage;
	struct callback_stats stats; /* of all its callbacks but work, which is on workers */
	size_t timers, tickets, owned, work, errors;
	bool is_ready;
};
typedef void modules_callback_fn(const struct callback *cb, void *user);
typedef void modules_each_fn(const struct module_report *report, void *user);
void modules_each(const struct modules *set, modules_each_fn *fn, void *user);
/* Every callback: handlers of hooks in the order in which they run, then module by module. */
void modules_each_callback(const struct modules *set, modules_callback_fn *fn, void *user);
/* /metrics tells of them from here on; after the start, before the first scrape. */
void modules_add_metrics(struct modules *set);

/* [core], [modules] as they are switched, and every module's section. */
void modules_each_option(const struct modules *set, options_each_fn *fn, void *user);
void modules_show(const struct modules *set, struct buf *out); /* --show-config: all sections */
/*
 * --help-config and its ini form: all modules of the folder; `on` names those that a new
 * file switches on, with spaces between them, in the order of their hooks.
 */
int modules_help(const char *module_path, const struct options *core, struct buf *out,
	struct nuncio_error *err);
int modules_write_ini(const char *module_path, const struct options *core, const char *on,
	struct buf *out, struct nuncio_error *err);

/* ---- For the api_*.c files, also those in the hands of logic/ ---- */

/*
 * The parts behind API calls that have no `self` (nuncio_session_find and the like). NULL between
 * modules_free and modules_new.
 * Thread: any.
 */
const struct module_env *module_env(void);
const struct module_env *module_env_of(const struct nuncio_module *self); /* checks self */

#define MODULE_CHECK_THREAD() CHECK_THREAD(module_thread())
const struct thread_mark *module_thread(
	void); /* of the logic thread, set by modules_new and modules_bind */
void modules_bind(struct modules *set); /* the calling thread is the logic thread from now on */

/* 0 in init; otherwise NUNCIO_E_DENIED, and the log says who called `what` too late. */
int module_check_init(struct nuncio_module *self, const char *what);
bool module_is_gone(const struct nuncio_module *self);   /* its stop has returned. Thread: any */
uint32_t module_order(const struct nuncio_module *self); /* place in the INI's list */

/*
 * Remembers something that the module registered; undo(ptr) is called after its fini, in reverse
 * order of registration.
 */
typedef void module_undo_fn(void *ptr);
void module_own(struct nuncio_module *self, const char *kind, void *ptr, module_undo_fn *undo);
void module_forget(struct nuncio_module *self, void *ptr); /* gone already, do not undo */

/* Stats of one callback of this module, counted in its report; owned by the module's record. */
struct callback *module_callback(struct nuncio_module *self, enum callback_kind kind,
	const char *format, ...) NUNCIO_PRINTF(3, 4);
void module_count_error(struct nuncio_module *self);

/*
 * A registration that cannot be: returns status. If the module's init or start fails because of it,
 * this is the reason given, otherwise it is logged: so each refusal is told once.
 */
int module_refuse(struct nuncio_module *self, int status, const char *format, ...)
	NUNCIO_PRINTF(3, 4);
bool module_owns_space(const struct nuncio_module *self, struct nuncio_str space); /* store.h */

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The modules that are switched on: their records, their stages, and what each of them registered,
 * so that undoing it needs no code in the module.
 *
 * Start: load (files, options), init in the INI's order, freeze (providers chosen, needs put into
 * an order, hooks sorted), start in that order. End: stop in reverse, then everything under way is
 * finished, then fini and undo in reverse. After a failure the same end runs, and skips what did
 * not happen: a module whose init failed gets no fini, one whose start failed no stop. Logic thread
 * only, except where atomics are.
 */
#include "module/module.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/slice.h"
#include "hook/hook_table.h"
#include "loop/caller.h"
#include "module/loader.h"
#include "logic/logic.h"
#include "module/module_private.h"
#include "module/option_value.h"
#include "provide/auth.h"
#include "provide/bus.h"
#include "provide/ready.h"
#include "provide/store.h"
#include "provide/work.h"

/*
 * Some calls of the public API have no `self` (nuncio_session_find), so they need to know where
 * they are. There is one server in a process; set by modules_new before any module runs, cleared by
 * modules_free after the last one.
 */
static struct modules *the_set;

/* One thing that a module registered. */
struct owned {
	struct list node;
	const char *kind;
	void *ptr;
	module_undo_fn *undo;
};

struct modules *module_set(void)
{
	return the_set;
}

const struct module_env *module_env(void)
{
	return the_set ? &the_set->env : NULL;
}

void module_check(const struct nuncio_module *self)
{
	CHECK_MAGIC(self, MODULE_MAGIC);
}

const struct module_env *module_env_of(const struct nuncio_module *self)
{
	module_check(self);
	return &self->set->env;
}

const struct thread_mark *module_thread(void)
{
	CHECK(the_set);
	return &the_set->thread;
}

enum module_stage module_stage(const struct nuncio_module *self)
{
	return (enum module_stage)atomic_load(&self->stage);
}

bool module_is_gone(const struct nuncio_module *self)
{
	module_check(self);
	return module_stage(self) >= MODULE_STOPPED;
}

uint32_t module_order(const struct nuncio_module *self)
{
	module_check(self);
	return self->order;
}

void *nuncio_module_data(const struct nuncio_module *self)
{
	module_check(self);
	return atomic_load(&self->data);
}

void nuncio_module_set_data(struct nuncio_module *self, void *data)
{
	module_check(self);
	MODULE_CHECK_THREAD();
	atomic_store(&self->data, data);
}

const char *nuncio_module_name(const struct nuncio_module *self)
{
	module_check(self);
	return self->info.name;
}

/* ---- What modules register */

void module_own(struct nuncio_module *self, const char *kind, void *ptr, module_undo_fn *undo)
{
	struct owned *owned = ALLOC_NEW(struct owned);
	module_check(self);
	owned->kind = kind;
	owned->ptr = ptr;
	owned->undo = undo;
	list_add_first(&self->owned, &owned->node);
}

void module_forget(struct nuncio_module *self, void *ptr)
{
	LIST_EACH_SAFE (&self->owned, owned, struct owned, node) {
		if (owned->ptr != ptr)
			continue;
		list_remove(&owned->node);
		alloc_free(owned);
		return;
	}
}

struct callback *module_callback(
	struct nuncio_module *self, enum callback_kind kind, const char *format, ...)
{
	struct callback *cb = ALLOC_NEW(struct callback);
	char what[256];
	va_list ap;
	va_start(ap, format);
	vsnprintf(what, sizeof(what), format, ap);
	va_end(ap);
	callback_init(cb, kind, self->info.name, alloc_text(str_of(what)),
		&self->set->env.hooks->settings.slow_us);
	self->callbacks = alloc_grow(
		self->callbacks, (self->callback_count + 1) * sizeof(self->callbacks[0]));
	self->callbacks[self->callback_count++] = cb;
	return cb;
}

void module_count_error(struct nuncio_module *self)
{
	self->error_count++;
}

static void tell_refusal(struct nuncio_module *self)
{
	if (self->refusal[0])
		log_write(LOG_LEVEL_ERROR, self->info.name, NULL, "%s", self->refusal);
	self->refusal[0] = '\0';
}

int module_refuse(struct nuncio_module *self, int status, const char *format, ...)
{
	enum module_stage stage = module_stage(self);
	va_list ap;
	tell_refusal(self); /* the one before, if the module went on */
	va_start(ap, format);
	vsnprintf(self->refusal, sizeof(self->refusal), format, ap);
	va_end(ap);
	self->error_count++;
	if (stage != MODULE_INIT && stage != MODULE_STARTING)
		tell_refusal(self);
	return status;
}

int module_check_init(struct nuncio_module *self, const char *what)
{
	module_check(self);
	MODULE_CHECK_THREAD();
	if (module_stage(self) == MODULE_INIT)
		return 0;
	return module_refuse(self, NUNCIO_E_DENIED,
		"%s was called outside of init, the only place to register something", what);
}

bool module_owns_space(const struct nuncio_module *self, struct nuncio_str space)
{
	struct nuncio_str name = str_of(self->info.name);
	return str_starts(space, name) && (space.n == name.n || space.p[name.n] == '.');
}

/* ---- The set */

struct modules *modules_new(const struct module_env *env)
{
	struct modules *set = ALLOC_NEW(struct modules);
	CHECK(!the_set);
	set->env = *env;
	/* [core] may be read again while modules hold these. */
	set->env.data_dir = alloc_text(str_of(env->data_dir));
	set->env.node = alloc_text(str_of(env->node));
	set->env.module_path = alloc_text(str_of(env->module_path));
	map_init(&set->timers);
	thread_mark_set(&set->thread);
	the_set = set;
	return set;
}

void modules_bind(struct modules *set)
{
	thread_mark_set(&set->thread);
}

static void module_free(struct nuncio_module *m)
{
	for (size_t i = 0; i < m->callback_count; i++) {
		alloc_free((void *)m->callbacks[i]->what);
		alloc_free(m->callbacks[i]);
	}
	alloc_free(m->callbacks);
	options_free(&m->options);
	m->magic = 0;
	alloc_free(m);
}

void modules_free(struct modules **set_ptr)
{
	struct modules *set = *set_ptr;
	if (!set)
		return;
	for (size_t i = 0; i < set->count; i++)
		module_free(set->list[i]);
	for (size_t i = 0; i < set->listed_count; i++)
		alloc_free(set->listed[i]);
	alloc_free(set->listed);
	alloc_free(set->list);
	alloc_free(set->order);
	alloc_free(set->services);
	alloc_free((void *)set->env.data_dir);
	alloc_free((void *)set->env.node);
	alloc_free((void *)set->env.module_path);
	module_free_groups(set);
	map_fini(&set->timers);
	alloc_free(set);
	the_set = NULL;
	*set_ptr = NULL;
}

size_t modules_count(const struct modules *set)
{
	return set->count;
}

struct nuncio_module *modules_find(const struct modules *set, const char *name)
{
	for (size_t i = 0; i < set->count; i++) {
		if (strcmp(set->list[i]->info.name, name) == 0)
			return set->list[i];
	}
	return NULL;
}

/* ---- Load */

static int64_t read_ready(void *user)
{
	return ready_is(user);
}

static void add_ready(struct nuncio_module *m)
{
	const struct module_env *env = &m->set->env;
	struct metric_label labels[] = { { "module", m->info.name }, { NULL, NULL } };
	m->ready = ready_add(env->ready, m->info.name);
	metric_new_gauge_fn(env->metrics, "nuncio_module_ready",
		"1 while the module can do its work, 0 while it says that it cannot.", labels,
		read_ready, m->ready);
}

static int load_one(struct modules *set, const char *name, struct nuncio_error *err)
{
	struct nuncio_module_info info;
	struct options *options;
	int rc = loader_open(set->env.module_path, name, &info, err);
	if (rc < 0)
		return rc;
	rc = options_new(info.name, info.summary, info.options, info.option_size, &options, err);
	if (rc < 0)
		return rc;
	struct nuncio_module *m = ALLOC_NEW(struct nuncio_module);
	const int64_t *slow_us = &set->env.hooks->settings.slow_us;
	m->magic = MODULE_MAGIC;
	m->order = (uint32_t)set->count;
	m->set = set;
	m->info = info;
	m->options = options;
	list_init(&m->owned);
	list_init(&m->timers);
	list_init(&m->watches);
	callback_init(&m->timer_stats, CALLBACK_TIMER, info.name, "timer", slow_us);
	callback_init(&m->watch_stats, CALLBACK_WATCH, info.name, "watch", slow_us);
	callback_init(&m->call_stats, CALLBACK_CALL, info.name, "on_logic", slow_us);
	callback_init(&m->work_stats, CALLBACK_WORK, info.name, "work", NULL);
	callback_init(&m->done_stats, CALLBACK_WORK_DONE, info.name, "work done", slow_us);
	add_ready(m);
	set->list = alloc_grow(set->list, (set->count + 1) * sizeof(set->list[0]));
	set->list[set->count++] = m;
	return 0;
}

static void list_name(struct modules *set, const char *name)
{
	set->listed = alloc_grow(set->listed, (set->listed_count + 1) * sizeof(set->listed[0]));
	set->listed[set->listed_count++] = alloc_text(str_of(name));
}

/* Whether a line of [modules] switches one on; a word that says neither is a fault. */
static bool is_switched_on(
	const struct ini *ini, const struct ini_entry *entry, struct option_faults *faults)
{
	int64_t is_on = 0;
	if (option_parse_bool(str_of(entry->value), &is_on) < 0)
		option_fault(faults,
			"%s:%d: [modules] %s: \"%.100s\" cannot be read; "
			"allowed: on or off (yes, no, true, false, 1, 0)",
			ini->file, entry->line, entry->key, entry->value);
	return is_on != 0;
}

static int load_all(struct modules *set, const struct ini *ini, struct option_faults *faults,
	struct nuncio_error *err)
{
	const struct ini_section *section = ini_find_section(ini, "modules");
	int rc = 0;
	for (size_t i = 0; section && rc == 0 && i < section->entry_count; i++) {
		const struct ini_entry *entry = &section->entries[i];
		list_name(set, entry->key);
		if (!is_switched_on(ini, entry, faults))
			continue;
		rc = load_one(set, entry->key, err);
		if (rc < 0)
			error_prefix(err, "%s:%d: ", ini->file, entry->line);
	}
	return rc;
}

static bool is_listed(const struct modules *set, const char *name)
{
	for (size_t i = 0; i < set->listed_count; i++) {
		if (strcmp(set->listed[i], name) == 0)
			return true;
	}
	return strcmp(name, "core") == 0 || strcmp(name, "modules") == 0;
}

/* Sections of modules that are switched off stay unread: they may not even be installed. */
static void check_sections(
	const struct modules *set, const struct ini *ini, struct option_faults *faults)
{
	for (size_t i = 0; i < ini->section_count; i++) {
		const struct ini_section *section = &ini->sections[i];
		if (!is_listed(set, section->name))
			option_fault(faults,
				"%s:%d: [%s]: unknown section; allowed: core, "
				"modules, and the names listed in [modules]",
				ini->file, section->line, section->name);
	}
}

int modules_load(struct modules *set, const struct ini *ini, struct option_faults *faults,
	struct nuncio_error *err)
{
	int rc = load_all(set, ini, faults, err);
	if (rc < 0)
		return rc;
	check_sections(set, ini, faults);
	for (size_t i = 0; i < set->count; i++)
		options_prepare(set->list[i]->options, ini, set->env.data_dir, faults);
	struct buf kept = { 0 };
	for (size_t i = 0; faults->count == 0 && i < set->count; i++)
		options_apply(set->list[i]->options, &kept);
	return 0;
}

/* ---- Stages */

/* Says which module, which stage, and why: its own words, a refused registration, or the status. */
static int explain(struct nuncio_module *m, const char *what, int rc, struct nuncio_error *err)
{
	if (rc >= 0) {
		tell_refusal(m);
		return 0;
	}
	if (!err->text[0])
		nuncio_error_set(err, "%s", m->refusal[0] ? m->refusal : nuncio_status_name(rc));
	else
		tell_refusal(m);
	m->refusal[0] = '\0';
	error_prefix(err, "module %s: %s: ", m->info.name, what);
	return rc;
}

int modules_init(struct modules *set, struct nuncio_error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < set->count; i++) {
		struct nuncio_module *m = set->list[i];
		err->text[0] = '\0';
		atomic_store(&m->stage, MODULE_INIT);
		rc = explain(m, "init", m->info.init ? m->info.init(m, err) : 0, err);
		atomic_store(&m->stage, rc < 0 ? MODULE_LOADED : MODULE_READY);
	}
	return rc;
}

static int choose_copy_to(struct modules *set, struct nuncio_error *err)
{
	const char *name = options_text(set->env.core, "copy_to");
	if (!name[0])
		return 0;
	int rc = provider_choose(set->env.providers, "store", name, &set->copy_to, err);
	if (rc < 0 || set->copy_to != set->store)
		return rc;
	set->copy_to = NULL;
	nuncio_error_set(err, "[core] copy_to = %s: that is the store already", name);
	return NUNCIO_E_INVAL;
}

int modules_freeze(struct modules *set, struct nuncio_error *err)
{
	const struct module_env *env = &set->env;
	int rc = provider_choose(
		env->providers, "store", options_text(env->core, "store"), &set->store, err);
	if (rc >= 0)
		rc = choose_copy_to(set, err);
	if (rc >= 0)
		rc = provider_choose(
			env->providers, "auth", options_text(env->core, "auth"), &set->auth, err);
	if (rc >= 0)
		rc = provider_choose(
			env->providers, "bus", options_text(env->core, "bus"), &set->bus, err);
	if (rc >= 0)
		rc = module_needs_order(set, err);
	if (rc < 0)
		return rc;
	auth_use(env->auth, set->auth);
	bus_use(env->bus, set->bus);
	if (set->store) {
		ready_add_job(env->ready, "store", set->store->module->ready);
		store_watch(env->store, set->store->module->ready);
	}
	if (set->auth)
		ready_add_job(env->ready, "auth", set->auth->module->ready);
	if (set->bus)
		ready_add_job(env->ready, "bus", set->bus->module->ready);
	hook_table_freeze(env->hooks);
	return 0;
}

/* Nobody is kept from talking because a store that may be copied into one day is not there. */
static void open_target(struct modules *set, struct nuncio_module *m)
{
	struct nuncio_error err = { "" };
	if (explain(m, "open", store_open(store_target(set->env.store), set->copy_to, &err), &err) <
		0)
		log_write(LOG_LEVEL_WARN, m->info.name, NULL, "nothing can be copied to it: %s",
			err.text);
}

static int start_one(struct modules *set, struct nuncio_module *m, struct nuncio_error *err)
{
	err->text[0] = '\0';
	atomic_store(&m->stage, MODULE_STARTING);
	int rc = explain(m, "start", m->info.start ? m->info.start(m, err) : 0, err);
	if (rc < 0) {
		atomic_store(&m->stage, MODULE_READY);
		return rc;
	}
	atomic_store(&m->stage, MODULE_RUNNING);
	if (set->bus && set->bus->module == m)
		bus_start(set->env.bus);
	if (set->store && set->store->module == m) {
		err->text[0] = '\0';
		rc = explain(m, "open", store_open(set->env.store, set->store, err), err);
	}
	if (rc == 0 && set->copy_to && set->copy_to->module == m)
		open_target(set, m);
	return rc;
}

int modules_start(struct modules *set, struct nuncio_error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < set->count; i++)
		rc = start_one(set, set->list[set->order[i]], err);
	return rc;
}

/* The i-th from the end of the start order, or of the INI's before there is one. */
static struct nuncio_module *from_end(const struct modules *set, size_t i)
{
	size_t at = set->count - 1 - i;
	return set->list[set->order ? set->order[at] : at];
}

void modules_stop(struct modules *set)
{
	for (size_t i = 0; i < set->count; i++) {
		struct nuncio_module *m = from_end(set, i);
		if (module_stage(m) != MODULE_RUNNING)
			continue;
		atomic_store(&m->stage, MODULE_STOPPING);
		if (set->bus && set->bus->module == m)
			bus_stop(set->env.bus);
		if (m->info.stop)
			m->info.stop(m);
		atomic_store(&m->stage, MODULE_STOPPED);
	}
	set->is_stopped = true;
}

/* Everything accepted is answered: jobs, work, calls; each may ask for more until it is refused. */
static void finish_all(const struct module_env *env)
{
	if (env->work)
		work_finish(env->work);
	store_finish(env->store);
	while (caller_run(env->caller))
		;
	store_close(env->store);
	while (caller_run(env->caller))
		;
	if (env->logic)
		requests_end_inner(env->logic);
}

static void undo(struct nuncio_module *m)
{
	const struct module_env *env = &m->set->env;
	module_stop_timers(m);
	module_stop_watches(m);
	hook_table_remove_module(env->hooks, m->info.name);
	LIST_EACH_SAFE (&m->owned, owned, struct owned, node) {
		list_remove(&owned->node);
		owned->undo(owned->ptr);
		alloc_free(owned);
	}
	module_withdraw_services(m->set, m);
}

void modules_fini(struct modules *set)
{
	finish_all(&set->env);
	auth_use(set->env.auth, NULL);
	bus_use(set->env.bus, NULL);
	for (size_t i = 0; i < set->count; i++) {
		struct nuncio_module *m = from_end(set, i);
		enum module_stage stage = module_stage(m);
		if (stage >= MODULE_ENDED)
			continue;
		module_stop_timers(m);
		if (m->info.fini && stage >= MODULE_READY)
			m->info.fini(m);
		undo(m);
		provider_remove_module(set->env.providers, m);
		atomic_store(&m->stage, MODULE_ENDED);
	}
	set->store = set->copy_to = set->auth = set->bus = NULL;
}

/* ---- Reload */

/* A module is told also when no option has changed: a file that one of them names may have. */
static void reload_one(struct nuncio_module *m, struct buf *report)
{
	struct nuncio_error err = { "" };
	struct buf kept = { 0 };
	size_t changed = options_apply(m->options, &kept);
	if (kept.used)
		buf_printf(report, "[%s] " STR_FMT ": cannot change while the server runs\n",
			m->info.name, STR_ARG(buf_str(&kept)));
	int rc = m->info.reload ? m->info.reload(m, &err) : 0;
	if (rc < 0) {
		options_take_back(m->options);
		module_count_error(m);
		buf_printf(report, "[%s] the module refuses the change: %s\n", m->info.name,
			err.text[0] ? err.text : nuncio_status_name(rc));
	} else if (changed) {
		buf_printf(report, "[%s] %zu changed\n", m->info.name, changed);
	}
	options_settle(m->options);
	buf_fini(&kept);
}

static void report_switched(const struct modules *set, const struct ini *ini,
	struct option_faults *faults, struct buf *report)
{
	const struct ini_section *section = ini_find_section(ini, "modules");
	for (size_t i = 0; section && i < section->entry_count; i++) {
		const struct ini_entry *entry = &section->entries[i];
		bool is_on = is_switched_on(ini, entry, faults);
		if ((modules_find(set, entry->key) != NULL) != is_on)
			buf_printf(report, "[modules] %s: modules are switched at the next start\n",
				entry->key);
	}
	for (size_t i = 0; i < set->count; i++) {
		const char *name = set->list[i]->info.name;
		if (!section || !ini_find_entry(section, name))
			buf_printf(report, "[modules] %s: modules are switched at the next start\n",
				name);
	}
}

int modules_reload(struct modules *set, const struct ini *ini, struct option_faults *faults,
	struct buf *report)
{
	const struct ini_section *section = ini_find_section(ini, "modules");
	for (size_t i = 0; section && i < section->entry_count; i++) {
		if (!is_listed(set, section->entries[i].key))
			list_name(set, section->entries[i].key);
	}
	check_sections(set, ini, faults);
	report_switched(set, ini, faults, report);
	for (size_t i = 0; i < set->count; i++)
		options_prepare(set->list[i]->options, ini, set->env.data_dir, faults);
	for (size_t i = 0; faults->count && i < set->count; i++)
		options_settle(set->list[i]->options);
	if (faults->count)
		return NUNCIO_E_INVAL;
	for (size_t i = 0; i < set->count; i++)
		reload_one(set->list[i], report);
	return 0;
}

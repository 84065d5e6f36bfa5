/* SPDX-License-Identifier: MIT */
/*
 * What people want to read about modules: numbers of the running ones, effective options, help, and
 * the generated etc/nuncio.ini. The last two open every module of the folder, switched on or not,
 * and run none.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/slice.h"
#include "hook/hook_table.h"
#include "hook/ticket.h"
#include "module/loader.h"
#include "module/module_private.h"
#include "provide/ready.h"

static const char *stage_name(enum module_stage stage)
{
	static const char *const names[] = { "loaded", "init", "ready", "starting", "running",
		"stopping", "stopped", "ended" };
	return names[stage];
}

struct each {
	modules_callback_fn *fn;
	void *user;
};

static void each_handler(enum nuncio_hook hook, const struct hook_handler *handler, void *user)
{
	const struct each *each = user;
	(void)hook;
	each->fn(&handler->stats, each->user);
}

static void each_of_module(const struct nuncio_module *m, modules_callback_fn *fn, void *user)
{
	for (size_t i = 0; i < m->callback_count; i++)
		fn(m->callbacks[i], user);
	fn(&m->timer_stats, user);
	fn(&m->watch_stats, user);
	fn(&m->call_stats, user);
	fn(&m->work_stats, user);
	fn(&m->done_stats, user);
}

void modules_each_callback(const struct modules *set, modules_callback_fn *fn, void *user)
{
	struct each each = { fn, user };
	hook_table_each(set->env.hooks, each_handler, &each);
	for (size_t i = 0; i < set->count; i++)
		each_of_module(set->list[i], fn, user);
}

struct sum {
	const char *module;
	struct module_report *report;
};

static void add_callback(const struct callback *cb, void *user)
{
	struct sum *sum = user;
	if (cb->kind != CALLBACK_WORK && strcmp(cb->module, sum->module) == 0)
		callback_stats_add(&sum->report->stats, &cb->stats);
}

static size_t count_owned(const struct nuncio_module *m)
{
	size_t n = 0;
	for (const struct list *at = m->owned.next; at != &m->owned; at = at->next)
		n++;
	return n;
}

static void fill_report(const struct nuncio_module *m, struct module_report *report)
{
	struct sum sum = { m->info.name, report };
	*report = (struct module_report){ .name = m->info.name,
		.version = m->info.version ? m->info.version : "",
		.summary = m->info.summary ? m->info.summary : "",
		.stage = stage_name(module_stage(m)),
		.timers = m->timer_count,
		.tickets = ticket_count(m->set->env.hooks, m->info.name),
		.owned = count_owned(m),
		.work = m->work_count,
		.is_ready = ready_is(m->ready),
		.errors = m->error_count };
	modules_each_callback(m->set, add_callback, &sum);
	report->errors += report->stats.errors;
}

void modules_each(const struct modules *set, modules_each_fn *fn, void *user)
{
	for (size_t i = 0; i < set->count; i++) {
		struct module_report report;
		fill_report(set->list[i], &report);
		fn(&report, user);
	}
}

void modules_each_option(const struct modules *set, options_each_fn *fn, void *user)
{
	options_each(set->env.core, fn, user);
	for (size_t i = 0; i < set->listed_count; i++) {
		bool is_on = modules_find(set, set->listed[i]) != NULL;
		fn(&(struct option_view){ .section = "modules",
			   .key = set->listed[i],
			   .value = is_on ? "on" : "off" },
			user);
	}
	for (size_t i = 0; i < set->count; i++)
		options_each(set->list[i]->options, fn, user);
}

void modules_show(const struct modules *set, struct buf *out)
{
	options_show(set->env.core, out);
	buf_add_text(out, "\n[modules]\n");
	for (size_t i = 0; i < set->listed_count; i++)
		buf_printf(out, "%s = %s\n", set->listed[i],
			modules_find(set, set->listed[i]) ? "on" : "off");
	for (size_t i = 0; i < set->count; i++) {
		buf_add_char(out, '\n');
		options_show(set->list[i]->options, out);
	}
}

typedef void each_file_fn(
	const struct nuncio_module_info *info, const struct options *options, void *user);

static int each_file(
	const char *module_path, each_file_fn *fn, void *user, struct nuncio_error *err)
{
	struct loader_names names;
	int rc = loader_list(module_path, &names, err);
	for (size_t i = 0; rc == 0 && i < names.count; i++) {
		struct nuncio_module_info info;
		struct options *options = NULL;
		rc = loader_open(module_path, names.names[i], &info, err);
		if (rc == 0)
			rc = options_new(info.name, info.summary, info.options, info.option_size,
				&options, err);
		if (rc == 0)
			fn(&info, options, user);
		options_free(&options);
	}
	loader_names_fini(&names);
	return rc;
}

static void help_file(
	const struct nuncio_module_info *info, const struct options *options, void *user)
{
	(void)info;
	buf_add_char(user, '\n');
	options_help(options, user);
}

int modules_help(const char *module_path, const struct options *core, struct buf *out,
	struct nuncio_error *err)
{
	options_help(core, out);
	buf_add_text(out, "\n[modules]  one line for each module, in the order of hooks of equal "
			  "priority\n  NAME = on\n      Allowed: on or off.\n");
	return each_file(module_path, help_file, out, err);
}

/* ---- etc/nuncio.ini */

struct writing {
	struct buf *out;
	const char *on;             /* names with spaces between them */
	struct nuncio_str switched; /* the one to be written now */
};

static bool is_on(const struct writing *w, const char *name)
{
	struct nuncio_str rest = str_of(w->on), one;
	while (rest.n) {
		str_cut(rest, ' ', &one, &rest);
		if (str_eq_text(one, name))
			return true;
	}
	return false;
}

static void write_switch(
	struct writing *w, const struct nuncio_module_info *info, const char *position)
{
	buf_printf(w->out, "# %s\n%s = %s\n", info->summary ? info->summary : info->name,
		info->name, position);
}

static void write_on(
	const struct nuncio_module_info *info, const struct options *options, void *user)
{
	struct writing *w = user;
	(void)options;
	if (str_eq_text(w->switched, info->name))
		write_switch(w, info, "on");
}

static void write_off(
	const struct nuncio_module_info *info, const struct options *options, void *user)
{
	struct writing *w = user;
	(void)options;
	if (!is_on(w, info->name))
		write_switch(w, info, "off");
}

static void write_section(
	const struct nuncio_module_info *info, const struct options *options, void *user)
{
	struct writing *w = user;
	(void)info;
	buf_add_char(w->out, '\n');
	options_write_ini(options, w->out);
}

int modules_write_ini(const char *module_path, const struct options *core, const char *on,
	struct buf *out, struct nuncio_error *err)
{
	struct writing w = { .out = out, .on = on };
	struct nuncio_str rest = str_of(on);
	int rc = 0;
	buf_add_text(out,
		"# Configuration of nunciod. Lines that begin with # or ; are comments; values that\n"
		"# are commented out stand for what the server uses without them. Made from the\n"
		"# option tables of the server and its modules by: nunciod --help-config=ini\n\n");
	options_write_ini(core, out);
	buf_add_text(out, "\n# Which modules run. The order is that of hooks of equal priority.\n"
			  "[modules]\n");
	/* Those that are on come first, in their order: it is the order of equal hooks. */
	while (rc == 0 && rest.n) {
		str_cut(rest, ' ', &w.switched, &rest);
		rc = each_file(module_path, write_on, &w, err);
	}
	if (rc == 0)
		rc = each_file(module_path, write_off, &w, err);
	if (rc == 0)
		rc = each_file(module_path, write_section, &w, err);
	return rc;
}

/* SPDX-License-Identifier: MIT */
#include "server.h"

/*
 * Owns everything and knows in which order it comes and goes; what is behind the sockets comes and
 * goes together (parts.c). The logic loop runs on the main thread. Start: configuration, addresses,
 * privileges, data folder, parts, modules (load, init, freeze, start), I/O threads. Stop: sessions
 * are told and closed, I/O threads end, modules stop in reverse, the store finishes and closes,
 * memory is given back. Modules stay mapped until the process ends. What is done to it from outside
 * while it runs, by signals and over the control socket, is in server_control.c.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/admin.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/ini.h"
#include "base/log.h"
#include "base/slice.h"
#include "hook/hook_table.h"
#include "io/io_thread.h"
#include "logic/logic.h"
#include "loop/loop.h"
#include "loop/supervisor.h"
#include "module/module.h"
#include "parts.h"
#include "privilege.h"
#include "server_metrics.h"
#include "server_private.h"
#include "settings.h"
#include "trim.h"

static int fail(const char *what, const struct nuncio_error *err)
{
	fprintf(stderr, "nunciod: %s%s\n", what, err->text);
	return SERVER_EXIT_FAILED;
}

/* ---- configuration ---- */

static int print_faults(struct option_faults *faults)
{
	struct nuncio_str text = buf_str(&faults->text);
	fprintf(stderr, STR_FMT, STR_ARG(text));
	if (text.n && text.p[text.n - 1] != '\n')
		fputc('\n', stderr);
	return SERVER_EXIT_CONFIG;
}

static int read_config(struct server *s, struct option_faults *faults)
{
	struct nuncio_error err;
	if (ini_load(s->arguments->config, &s->ini, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return SERVER_EXIT_CONFIG;
	}
	if (settings_options(&s->core, &err) < 0)
		return fail("", &err);
	options_prepare(s->core, s->ini, NULL, faults);
	options_apply(s->core, NULL);
	options_settle(s->core);
	settings_check(s->core, faults);
	settings_io(s->core, &s->io_settings);
	s->io_threads = settings_io_threads(s->core);
	s->io_count = s->io_threads ? s->io_threads : 1;
	if (s->arguments->task != SERVER_RUN && s->arguments->task != SERVER_CHECK)
		return 0;
	if (privilege_check(options_text(s->core, "user"), &err) < 0)
		settings_fault(s->core, "user", faults, err.text);
	return 0;
}

/* ---- what needs the outside: addresses, user, folder ---- */

/* One server per folder: two would give the same numbers to different events. */
static int lock_data_dir(struct server *s, struct nuncio_error *err)
{
	const char *folder = options_text(s->core, "data_dir");
	char path[4200];
	mkdir(folder, 0700);
	snprintf(path, sizeof path, "%s/nunciod.lock", folder);
	s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock_fd < 0) {
		error_errno(err, path, errno);
		error_prefix(err, "[core] data_dir: ");
		return NUNCIO_E_FAIL;
	}
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	nuncio_error_set(err, "[core] data_dir: %s is in use by another nunciod", folder);
	return NUNCIO_E_BUSY;
}

static int take_places(struct server *s, struct nuncio_error *err)
{
	int rc = io_listen(&s->io_settings, s->io_count, &s->listeners, err);
	if (rc == 0)
		rc = privilege_drop(options_text(s->core, "user"), err);
	return rc < 0 ? rc : lock_data_dir(s, err);
}

/* A file is opened only by who may go on: root would leave it to a server that may not write it. */
static int start_log(struct server *s, bool is_run, struct nuncio_error *err)
{
	struct log_config config = {
		.path = is_run ? options_text(s->core, "log") : "-",
		.level = is_run ? settings_log_level(s->core) : LOG_LEVEL_ERROR,
		.service = "nuncio",
		.node = settings_node(s->core),
	};
	int rc = log_init(&config, err);
	return rc < 0 || !is_run ? rc : log_start_writer(err);
}

/* ---- parts ---- */

static int make_parts(struct server *s, struct nuncio_error *err)
{
	int rc = parts_make(&s->p, s->core, s->io_count, err);
	if (rc == 0)
		loop_set_spin_us(
			s->p.loop, s->io_threads ? (unsigned)options_int(s->core, "spin") : 0);
	return rc;
}

static int load_modules(struct server *s, struct option_faults *faults)
{
	struct nuncio_error err = { "" };
	int rc = parts_load(&s->p, s->ini, faults, &err);
	if (faults->count)
		return print_faults(faults);
	if (rc == 0)
		rc = server_control_commands(s, &err);
	if (rc == 0)
		return 0;
	fprintf(stderr, "nunciod: %s\n", err.text);
	return SERVER_EXIT_CONFIG;
}

static int make_io(struct server *s, struct nuncio_error *err)
{
	s->io = ALLOC_ARRAY(struct io_thread *, s->io_count);
	for (unsigned i = 0; i < s->io_count; i++) {
		int rc = io_thread_new(i, &s->io_settings, s->listeners, &s->p.logic->inbox,
			s->io_threads ? NULL : s->p.loop, &s->io[i], err);
		if (rc < 0)
			return rc;
		logic_set_io(s->p.logic, i, io_thread_inbox(s->io[i]));
	}
	return 0;
}

/* ---- running ---- */

static int start_threads(struct server *s, struct nuncio_error *err)
{
	for (unsigned i = 0; i < s->io_count; i++) {
		int rc = io_thread_start(s->io[i], err);
		if (rc == 0)
			continue;
		while (i-- > 0) /* those that run: they are joined at the end */
			io_thread_stop(s->io[i]);
		return rc;
	}
	return 0;
}

static void log_started(struct server *s)
{
	for (size_t i = 0; i < io_listeners_count(s->listeners); i++)
		log_write(LOG_LEVEL_INFO, "server", NULL, "listening on %s",
			io_listeners_address(s->listeners, i));
	log_write(LOG_LEVEL_INFO, "server", NULL,
		"ready: %zu modules, %u I/O threads, at most %u connections",
		modules_count(s->p.modules), s->io_threads,
		io_listeners_max_connections(s->listeners));
}

static int run(struct server *s)
{
	struct nuncio_error err;
	modules_bind(s->p.modules);
	logic_bind(s->p.logic);
	if (modules_start(s->p.modules, &err) < 0 || make_io(s, &err) < 0)
		return fail("", &err);
	logic_bind_end(s->p.logic);
	const struct server_metrics_parts shown = { .p = &s->p,
		.io = s->io,
		.io_count = s->io_count,
		.io_threads = s->io_threads,
		.io_settings = &s->io_settings,
		.listeners = s->listeners };
	s->shown = server_metrics_new(&shown);
	s->trim = trim_new(s->p.loop, s->p.work);
	modules_add_metrics(s->p.modules);
	server_control_signals(s);
	if (server_control_open(s, &err) < 0 || start_threads(s, &err) < 0)
		return fail("", &err);
	log_started(s);
	supervisor_watch(s->supervisor, s->p.loop);
	server_control_started(s);
	loop_run(s->p.loop);
	return SERVER_EXIT_OK;
}

static int print_and_free(struct buf *text)
{
	struct nuncio_str all = buf_str(text);
	fwrite(all.p, 1, all.n, stdout);
	buf_fini(text);
	return SERVER_EXIT_OK;
}

static int do_task(struct server *s)
{
	struct buf text = { 0 };
	switch (s->arguments->task) {
	case SERVER_CHECK:
		printf("%s: ok, %zu modules\n", s->arguments->config, modules_count(s->p.modules));
		return SERVER_EXIT_OK;
	case SERVER_SHOW_CONFIG:
		modules_show(s->p.modules, &text);
		return print_and_free(&text);
	case SERVER_SHOW_HOOKS:
		hook_table_print(s->p.hooks, &text);
		return print_and_free(&text);
	case SERVER_SHOW_OPENAPI:
		buf_add_str(&text, buf_str(&s->p.logic->openapi));
		buf_add_char(&text, '\n');
		return print_and_free(&text);
	default:
		return run(s);
	}
}

/* ---- the end ---- */

static void join_io(struct server *s)
{
	for (unsigned i = 0; s->io && i < s->io_count; i++)
		if (s->io[i])
			io_thread_join(s->io[i]);
}

static void free_io(struct server *s)
{
	for (unsigned i = 0; s->io && i < s->io_count; i++)
		io_thread_free(&s->io[i]);
	alloc_free(s->io);
	io_listeners_free(&s->listeners);
}

static void server_fini(struct server *s)
{
	admin_close(&s->admin);
	join_io(s);
	parts_stop(&s->p);
	trim_free(&s->trim);
	free_io(s);
	server_metrics_free(&s->shown);
	supervisor_free(&s->supervisor);
	parts_free(&s->p);
	settings_io_fini(&s->io_settings);
	options_free(&s->core);
	ini_free(&s->ini);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
}

static int server_start(struct server *s)
{
	struct option_faults faults = { 0 };
	struct nuncio_error err;
	int status = read_config(s, &faults);
	bool is_run = s->arguments->task == SERVER_RUN && faults.count == 0;
	if (status == 0 && is_run && take_places(s, &err) < 0)
		status = fail("", &err);
	if (status == 0 && (start_log(s, is_run, &err) < 0 || make_parts(s, &err) < 0))
		status = fail("", &err);
	if (status == 0)
		status = load_modules(s, &faults);
	option_faults_fini(&faults);
	return status == 0 ? do_task(s) : status;
}

int server_run(const struct server_arguments *arguments)
{
	struct server s = { .arguments = arguments, .lock_fd = -1 };
	alloc_setup();
	s.supervisor = supervisor_new();
	signal(SIGPIPE, SIG_IGN);
	umask(077);
	hash_seed_random();
	int status = server_start(&s);
	server_fini(&s);
	if (arguments->task == SERVER_RUN && status == SERVER_EXIT_OK)
		log_write(LOG_LEVEL_INFO, "server", NULL, "stopped");
	log_stop();
	log_fini();
	return status;
}

/* What a configuration says about the folder of the modules; other mistakes do not matter here. */
static int read_module_path(const char *config, struct options **core_r, struct nuncio_error *err)
{
	struct option_faults faults = { 0 };
	struct ini *ini = NULL;
	int rc = config ? ini_load(config, &ini, err) : 0;
	if (rc == 0)
		rc = settings_options(core_r, err);
	if (rc == 0) {
		options_prepare(*core_r, ini, NULL, &faults);
		options_apply(*core_r, NULL);
		options_settle(*core_r);
	}
	option_faults_fini(&faults);
	ini_free(&ini);
	return rc;
}

int server_help_config(const char *config, const char *module_path, int as_ini)
{
	struct options *core = NULL, *given = NULL;
	struct nuncio_error err;
	struct buf text = { 0 };
	int rc = settings_options(&core, &err);
	if (rc == 0)
		rc = read_module_path(config, &given, &err);
	if (rc == 0 && !module_path)
		module_path = options_text(given, "module_path");
	if (rc == 0)
		rc = as_ini ? modules_write_ini(
				      module_path, core, NUNCIO_DEFAULT_MODULES, &text, &err)
			    : modules_help(module_path, core, &text, &err);
	options_free(&core);
	options_free(&given);
	if (rc < 0) {
		buf_fini(&text);
		return fail("", &err);
	}
	return print_and_free(&text);
}

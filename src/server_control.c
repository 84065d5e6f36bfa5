/* SPDX-License-Identifier: MIT */
/*
 * What is done to the running server from outside: signals, and the same things asked over the
 * control socket. Stopping has steps: sessions are told and closed, then the I/O threads end, then
 * the loop. Logic thread only.
 */
#include <signal.h>
#include <stdio.h>

#include "admin/admin.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/slice.h"
#include "hook/hook_table.h"
#include "logic/logic.h"
#include "loop/loop.h"
#include "loop/supervisor.h"
#include "provide/ready.h"
#include "server_private.h"
#include "settings.h"
#include "wire/json_out.h"

enum { STOP_TIMEOUT_MS = 3000, READY_LOOK_MS = 20, READY_PATIENCE_MS = 10000 };

/* ---- stopping ---- */

static void end_loop(void *user)
{
	struct server *s = user;
	loop_stop(s->p.loop);
}

static void on_stop_timeout(struct loop *loop, struct loop_timer *timer, void *user)
{
	(void)timer, (void)user;
	log_write(LOG_LEVEL_WARN, "server", NULL, "the I/O threads did not end in time");
	loop_stop(loop);
}

/* Sessions have gone, or had their time. */
static void stop_io(void *user)
{
	struct server *s = user;
	requests_end(s->p.logic);
	logic_on_io_stopped(s->p.logic, end_loop, s);
	for (unsigned i = 0; i < s->io_count; i++)
		io_thread_stop(s->io[i]);
	loop_timer_stop(s->p.loop, &s->stop_timer);
	loop_timer_init(&s->stop_timer, on_stop_timeout, s);
	loop_timer_start(s->p.loop, &s->stop_timer, STOP_TIMEOUT_MS, 0);
}

static void on_drain_timeout(struct loop *loop, struct loop_timer *timer, void *user)
{
	struct server *s = user;
	(void)loop, (void)timer;
	log_write(LOG_LEVEL_WARN, "server", NULL,
		"drain_timeout: %zu sessions and %zu requests are cut off",
		s->p.logic->sessions.count, s->p.logic->requests.count);
	s->p.logic->on_drained = NULL;
	stop_io(s);
}

/* ---- the start ---- */

static void tell_ready(struct server *s)
{
	char status[96];
	snprintf(status, sizeof status, "%zu modules, at most %u connections",
		modules_count(s->p.modules), io_listeners_max_connections(s->listeners));
	supervisor_ready(s->supervisor, status);
}

static void look(const struct ready_report *report, void *user)
{
	bool *is_ready = user;
	*is_ready = *is_ready && (report->is_ready || (!report->job && !report->has_spoken));
}

/*
 * Who starts the server and then uses it can rely on what it said. But one whose database is away
 * waits for it, and must not be restarted for that.
 */
static void on_look(struct loop *loop, struct loop_timer *timer, void *user)
{
	struct server *s = user;
	bool is_ready = true;
	ready_each(s->p.ready, look, &is_ready);
	if (!is_ready && loop_now_ms(loop) - s->started_ms < READY_PATIENCE_MS)
		return;
	loop_timer_stop(loop, timer);
	tell_ready(s);
}

void server_control_started(struct server *s)
{
	s->started_ms = loop_now_ms(s->p.loop);
	loop_timer_init(&s->start_timer, on_look, s);
	loop_timer_start(s->p.loop, &s->start_timer, 0, READY_LOOK_MS);
}

static void drain(void *server, const char *why)
{
	struct server *s = server;
	if (s->is_stopping)
		return;
	s->is_stopping = true;
	loop_timer_stop(s->p.loop, &s->start_timer);
	supervisor_stopping(s->supervisor);
	log_write(LOG_LEVEL_INFO, "server", NULL, "stopping: %s, %zu sessions", why,
		s->p.logic->sessions.count);
	for (unsigned i = 0; i < s->io_count; i++)
		io_thread_drain(s->io[i]);
	loop_timer_init(&s->stop_timer, on_drain_timeout, s);
	loop_timer_start(s->p.loop, &s->stop_timer, options_int(s->core, "drain_timeout"), 0);
	logic_drain(s->p.logic, stop_io, s);
}

static void on_terminate(struct loop *loop, int signo, void *user)
{
	char why[32];
	(void)loop;
	snprintf(why, sizeof why, "signal %d", signo);
	drain(user, why);
}

/* ---- reload ---- */

static void log_lines(int level, struct nuncio_str text)
{
	struct nuncio_str line;
	while (text.n) {
		str_cut(text, '\n', &line, &text);
		if (line.n)
			log_write(level, "server", NULL, STR_FMT, STR_ARG(line));
	}
}

static void apply_core(struct server *s, const struct buf *kept, struct buf *report)
{
	if (kept->used)
		buf_printf(report, "[core] cannot change while running, restart for: " STR_FMT "\n",
			STR_ARG(buf_str(kept)));
	settings_logic(s->core, &s->p.logic->settings);
	log_level_set(settings_log_level(s->core));
}

/*
 * The core's values are in force while they are checked, which nobody sees: all this is one turn of
 * the loop. Modules change last, and only if there is no fault anywhere.
 */
static int apply_all(struct server *s, const struct ini *ini, struct buf *report)
{
	struct option_faults faults = { 0 };
	struct buf kept = { 0 };
	options_prepare(s->core, ini, NULL, &faults);
	options_apply(s->core, &kept);
	settings_check(s->core, &faults);
	settings_hooks(s->core, &s->p.hooks->settings); /* modules may compare their own with it */
	int rc = modules_reload(s->p.modules, ini, &faults, report);
	if (rc < 0) {
		options_take_back(s->core);
		settings_hooks(s->core, &s->p.hooks->settings);
		buf_add_str(report, buf_str(&faults.text));
	} else {
		apply_core(s, &kept, report);
	}
	options_settle(s->core);
	buf_fini(&kept);
	option_faults_fini(&faults);
	return rc;
}

/* Everything is read and checked before anything changes. */
static int read_again(struct server *s, struct buf *report)
{
	struct nuncio_error err;
	struct ini *ini = NULL;
	int rc = ini_load(s->arguments->config, &ini, &err);
	if (rc < 0)
		buf_printf(report, "%s\n", err.text);
	else
		rc = apply_all(s, ini, report);
	ini_free(&ini);
	return rc;
}

/* A refused one is a READY, too: the server goes on as before, and the log says why. */
static int reload(void *server, struct buf *report)
{
	struct server *s = server;
	if (!s->is_stopping)
		supervisor_reloading(s->supervisor);
	log_reopen();
	int rc = read_again(s, report);
	if (rc < 0)
		log_write(LOG_LEVEL_ERROR, "server", NULL, "reload refused, nothing was changed");
	log_lines(rc < 0 ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN, buf_str(report));
	if (rc == 0)
		log_write(LOG_LEVEL_INFO, "server", NULL, "configuration reloaded");
	if (!s->is_stopping)
		tell_ready(s);
	return rc;
}

static void on_reload(struct loop *loop, int signo, void *user)
{
	struct buf report = { 0 };
	(void)loop, (void)signo;
	reload(user, &report);
	buf_fini(&report);
}

void server_control_signals(struct server *s)
{
	loop_signal(s->p.loop, SIGTERM, on_terminate, s);
	loop_signal(s->p.loop, SIGINT, on_terminate, s);
	loop_signal(s->p.loop, SIGHUP, on_reload, s);
}

/* ---- the control socket ---- */

static void write_io(void *server, struct json_out *out)
{
	const struct server *s = server;
	struct io_stats sum = { 0 };
	struct buf listen = { 0 };
	for (size_t i = 0; i < io_listeners_count(s->listeners); i++)
		buf_printf(&listen, "%s%s", i ? ", " : "", io_listeners_address(s->listeners, i));
	for (unsigned i = 0; i < s->io_count; i++) {
		struct io_stats one;
		io_thread_stats(s->io[i], &one);
		sum.http += one.http + one.waiting;
		sum.admitting += one.admitting;
		sum.open += one.open;
		sum.closing += one.closing + one.ending;
		sum.queue_bytes += one.queue_bytes;
	}
	json_out_key_text(out, "listen", buf_str(&listen));
	json_out_key_uint(out, "io_threads", s->io_threads);
	json_out_key_uint(out, "connections_max", io_listeners_max_connections(s->listeners));
	json_out_key_int(out, "connections_http", sum.http);
	json_out_key_int(out, "connections_opening", sum.admitting);
	json_out_key_int(out, "connections_open", sum.open);
	json_out_key_int(out, "connections_closing", sum.closing);
	json_out_key_int(out, "queued_bytes", sum.queue_bytes);
	buf_fini(&listen);
}

int server_control_commands(struct server *s, struct nuncio_error *err)
{
	s->admin_env = (struct admin_env){
		.logic = s->p.logic,
		.hooks = s->p.hooks,
		.modules = s->p.modules,
		.config = s->arguments->config,
		.started_ms = clock_wall_ms(),
		.server = s,
		.write_io = write_io,
		.reload = reload,
		.drain = drain,
	};
	return admin_commands_add(&s->admin_env, err);
}

int server_control_open(struct server *s, struct nuncio_error *err)
{
	struct buf path = { 0 };
	settings_control_path(s->core, &path);
	buf_add_char(&path, '\0');
	int rc = path.data[0] ? admin_open(s->p.loop, s->p.logic, path.data, &s->admin, err) : 0;
	buf_fini(&path);
	return rc;
}

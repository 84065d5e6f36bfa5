/* SPDX-License-Identifier: MIT */
/*
 * The server of a case: parts.c with the harness in the place of the I/O threads and of the clock.
 * Its loop is the real one, so that answers of workers and of a module's own threads come as they
 * do in nunciod; a turn ends the loop when everything is done that the server knows of. Real time
 * counts only as a limit to waiting (a timerfd, as the loop's own timers are the test's).
 */
#include "harness/stage.h"

#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/ini.h"
#include "base/log.h"
#include "base/slice.h"
#include "harness/fake_timer.h"
#include "logic/logic.h"
#include "loop/caller.h"
#include "loop/loop.h"
#include "module/module.h"
#include "module/options.h"
#include "provide/store.h"
#include "provide/work.h"
#include "settings.h"

/* 2026-01-01T00:00:00Z; the monotonic clock starts well above 0, as it does in life. */
static const int64_t START_WALL_MS = INT64_C(1767225600000), START_MONO_MS = INT64_C(1000000);
/* ---- turns ---- */

static bool is_quiet(const struct nuncio_test *t)
{
	const struct parts *p = &t->p;
	return !p->logic->taken && mailbox_count(&p->logic->inbox) == 0 &&
	       caller_count(p->caller) == 0 && store_job_count(p->store) == 0 &&
	       work_count(p->work) == 0;
}

/* The last of a turn's callbacks. */
static bool on_turn(struct loop *loop, void *user)
{
	struct nuncio_test *t = user;
	bool is_busy = peers_collect(&t->peers);
	while (fake_timer_run_due())
		is_busy = true;
	if (!is_busy && is_quiet(t) && (!t->is_done || t->is_done(t->is_done_user))) {
		t->is_done = NULL; /* it is asked no more once it said yes */
		loop_stop(loop);
	}
	return is_busy;
}

static void on_limit(struct loop *loop, struct loop_io *io, int events, void *user)
{
	bool *is_late = user;
	(void)io, (void)events;
	*is_late = true;
	loop_stop(loop);
}

/* Runs the loop until on_turn ends it: true, or for so long. */
static bool run(struct nuncio_test *t, int limit_ms)
{
	struct itimerspec limit = { .it_value = { limit_ms / 1000, limit_ms % 1000 * 1000000L } };
	bool is_late = false;
	struct loop_io io;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	CHECK(fd >= 0 && timerfd_settime(fd, 0, &limit, NULL) == 0);
	loop_io_init(&io, fd, on_limit, &is_late);
	loop_io_start(t->p.loop, &io, LOOP_READ);
	loop_run(t->p.loop);
	loop_io_stop(t->p.loop, &io);
	close(fd);
	return !is_late;
}

bool stage_settle(struct nuncio_test *t)
{
	return run(t, t->patience_ms);
}

bool stage_wait(struct nuncio_test *t, bool (*is_done)(void *user), void *user)
{
	t->is_done = is_done;
	t->is_done_user = user;
	bool is_there = run(t, t->patience_ms / 2);
	t->is_done = NULL;
	return is_there;
}

bool stage_advance(struct nuncio_test *t, int64_t ms)
{
	bool is_settled = stage_settle(t);
	int64_t end_ms = clock_mono_ms() + ms;
	int64_t ahead_ms = clock_wall_ms() - clock_mono_ms();
	while (is_settled && clock_mono_ms() < end_ms) {
		int64_t next_ms = fake_timer_next_ms();
		if (next_ms < 0 || next_ms > end_ms)
			next_ms = end_ms;
		clock_set_for_test(next_ms, next_ms + ahead_ms);
		is_settled = stage_settle(t);
	}
	return is_settled;
}

/* ---- configuration ---- */

/* A suite that tests its own auth says so in `core`; all others get the one that trusts. */
static bool names_auth(const char *core)
{
	struct nuncio_str rest = str_of(core), line, key, value;
	while (rest.n) {
		str_cut(rest, '\n', &line, &rest);
		str_cut(line, '=', &key, &value);
		if (str_eq_text(str_trim(key), "auth"))
			return true;
	}
	return false;
}

static void add_switches(struct buf *out, const struct nuncio_test_suite *suite)
{
	struct nuncio_str rest = str_of(suite->modules), name;
	if (names_auth(suite->core))
		buf_add_text(out, "[modules]\n");
	else
		buf_add_text(out, "auth = test_auth\n[modules]\ntest_auth = on\n");
	while (rest.n) {
		str_cut(rest, ' ', &name, &rest);
		if (name.n)
			buf_printf(out, STR_FMT " = on\n", STR_ARG(name));
	}
}

static int read_ini(
	struct nuncio_test *t, const char *config, struct ini **ini_r, struct nuncio_error *err)
{
	struct buf text = { 0 };
	buf_printf(&text, "[core]\nnode = test\ndata_dir = %s\nmodule_path = %s\n", t->data_dir,
		t->modules_dir);
	if (t->suite->core)
		buf_printf(&text, "%s\n", t->suite->core);
	add_switches(&text, t->suite);
	if (!config)
		config = t->one->config ? t->one->config : t->suite->config;
	if (config)
		buf_add_text(&text, config);
	int rc = ini_parse_text("test.ini", buf_str(&text), ini_r, err);
	buf_fini(&text);
	return rc;
}

static int read_core(struct nuncio_test *t, struct option_faults *faults, struct nuncio_error *err)
{
	int rc = read_ini(t, NULL, &t->ini, err);
	if (rc == 0)
		rc = settings_options(&t->core, err);
	if (rc < 0)
		return rc;
	options_prepare(t->core, t->ini, NULL, faults);
	options_apply(t->core, NULL);
	options_settle(t->core);
	return 0;
}

const char *stage_keep(struct nuncio_test *t, struct buf *text)
{
	t->kept = alloc_grow(t->kept, (t->kept_count + 1) * sizeof t->kept[0]);
	t->kept[t->kept_count] = buf_take(text);
	return t->kept[t->kept_count++];
}

const char *stage_reload(struct nuncio_test *t, const char *config)
{
	struct option_faults faults = { 0 };
	struct nuncio_error err;
	struct ini *ini = NULL;
	struct buf said = { 0 };
	if (read_ini(t, config, &ini, &err) < 0)
		buf_add_text(&said, err.text);
	else
		modules_reload(t->p.modules, ini, &faults, &said);
	buf_add_str(&said, buf_str(&faults.text));
	option_faults_fini(&faults);
	ini_free(&ini);
	return stage_keep(t, &said);
}

/* ---- start and end ---- */

static int start(struct nuncio_test *t, struct option_faults *faults, struct nuncio_error *err)
{
	int rc = read_core(t, faults, err);
	if (rc == 0)
		rc = parts_make(&t->p, t->core, 1, err);
	if (rc < 0)
		return rc;
	peers_init(&t->peers, t->p.logic);
	t->has_peers = true;
	rc = parts_load(&t->p, t->ini, faults, err);
	if (rc < 0 || faults->count)
		return NUNCIO_E_INVAL;
	logic_bind(t->p.logic);
	rc = modules_start(t->p.modules, err);
	if (rc < 0)
		return rc;
	logic_bind_end(t->p.logic);
	loop_on_turn(t->p.loop, on_turn, t);
	t->is_started = true;
	return 0;
}

int stage_open(struct nuncio_test *t, struct buf *why)
{
	struct option_faults faults = { 0 };
	struct nuncio_error err = { "" };
	const struct log_config log = { .node = "test" };
	clock_set_for_test(START_MONO_MS, START_WALL_MS);
	log_init(&log, NULL);
	log_book_open(&t->log);
	t->is_open = true;
	int rc = start(t, &faults, &err);
	if (faults.count)
		buf_add_str(why, buf_str(&faults.text));
	else if (rc < 0)
		buf_add_text(why, err.text);
	option_faults_fini(&faults);
	return rc;
}

static void on_drained(void *user)
{
	(void)user;
}

void stage_stop(struct nuncio_test *t)
{
	if (t->is_started) {
		logic_drain(t->p.logic, on_drained, NULL);
		stage_settle(t);
	}
	if (!t->is_open)
		return;
	t->is_open = t->is_started = false;
	parts_stop(&t->p);
	parts_free(&t->p); /* tells what was left behind */
}

void stage_close(struct nuncio_test *t)
{
	stage_stop(t);
	if (t->has_peers)
		peers_fini(&t->peers);
	options_free(&t->core);
	ini_free(&t->ini);
	log_book_close(&t->log);
	log_fini();
	for (size_t i = 0; i < t->kept_count; i++)
		alloc_free(t->kept[i]);
	alloc_free(t->kept);
}

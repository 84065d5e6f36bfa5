/* SPDX-License-Identifier: MIT */
/*
 * The operator's commands, one at a time. They may take minutes, and they block, so each gets a
 * thread that lives as long as it does; workers are for short work. The answer comes back to the
 * logic thread as a call. A server that stops does not wait: the thread looks at is_cancelled every
 * few milliseconds.
 */
#include "tools.h"

#include <nuncio/conf.h>
#include <nuncio/json.h>
#include <nuncio/log.h>
#include <nuncio/timer.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store_sqlite.h"

struct tools {
	struct nuncio_module *self;
	struct tool *running; /* NULL: none */
	pthread_t thread;
	bool is_joined; /* of running: its thread has ended */
	atomic_bool is_posted;
};

int tool_fail(struct tool *tool, const char *path, sqlite3 *db)
{
	if (atomic_load(&tool->is_cancelled))
		nuncio_error_set(&tool->err, "the server is stopping");
	else
		nuncio_error_set(
			&tool->err, "%.150s: %s", path, db ? sqlite3_errmsg(db) : "out of memory");
	return NUNCIO_E_FAIL;
}

/* Tells SQLite to give up in the middle of a long statement. */
static int on_progress(void *user)
{
	const struct tool *tool = user;
	return atomic_load_explicit(&tool->is_cancelled, memory_order_relaxed);
}

int tool_open(struct tool *tool, const char *path, sqlite3 **db_r)
{
	if (sqlite3_open_v2(path, db_r, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) !=
		SQLITE_OK)
		return tool_fail(tool, path, *db_r);
	sqlite3_busy_timeout(*db_r, 5000);
	sqlite3_progress_handler(*db_r, 10000, on_progress, tool);
	return 0;
}

/* ---- the thread, and the way back ---- */

static void answer(struct tool *tool)
{
	if (tool->status == 0) {
		nuncio_json_object_end(tool->json);
		nuncio_reply(&tool->rq, 200, nuncio_json_str(tool->json));
	} else {
		nuncio_reply_error(&tool->rq,
			tool->status == NUNCIO_E_EXISTS ? NUNCIO_CODE_exists
							: NUNCIO_CODE_store_failed,
			"%s", tool->err.text);
	}
}

static void finish(struct tools *tools)
{
	struct tool *tool = tools->running;
	if (!tools->is_joined)
		pthread_join(tools->thread, NULL);
	tools->running = NULL;
	answer(tool);
	nuncio_json_free(&tool->json);
	free(tool);
}

static void on_end(void *user)
{
	finish(user);
}

static void *run(void *user)
{
	const struct timespec pause = { 0, 20000000 };
	struct tool *tool = user;
	struct tools *tools = tool->tools;
	int rc;
	tool->status = tool->run(tool);
	/* A full mailbox empties; a server that stops takes the answer in tools_stop. */
	while ((rc = nuncio_on_logic(tools->self, on_end, tools)) == NUNCIO_E_BUSY &&
		!atomic_load(&tool->is_cancelled))
		nanosleep(&pause, NULL);
	atomic_store(&tools->is_posted, rc == 0);
	return NULL;
}

static int start_thread(struct tools *tools)
{
	sigset_t all, before;
	/* Signals are the server's business, on its own thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(&tools->thread, NULL, run, tools->running);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

/* Takes the tool and its request. */
static void start(struct tools *tools, struct tool *tool)
{
	tool->tools = tools;
	tool->json = nuncio_json_new();
	nuncio_json_object_begin(tool->json);
	tools->running = tool;
	tools->is_joined = false;
	atomic_store(&tools->is_posted, false);
	if (start_thread(tools) == 0)
		return;
	tool->status = NUNCIO_E_FAIL;
	nuncio_error_set(&tool->err, "no thread can be started");
	tools->is_joined = true;
	finish(tools);
}

void tools_stop(struct tools *tools)
{
	if (!tools || !tools->running)
		return;
	atomic_store(&tools->running->is_cancelled, true);
	pthread_join(tools->thread, NULL);
	tools->is_joined = true;
	if (!atomic_load(&tools->is_posted))
		finish(tools);
}

/* ---- what is asked ---- */

/* NULL: refused, because another one runs or a path is too long. */
static struct tool *tool_new(struct tools *tools, struct nuncio_request *rq)
{
	const char *path = nuncio_conf_text(tools->self, "path");
	if (tools->running) {
		nuncio_reply_error(&rq, NUNCIO_CODE_busy,
			"another backup or fsck is under way; try again later");
		return NULL;
	}
	struct tool *tool = nuncio_alloc(sizeof *tool);
	memset(tool, 0, sizeof *tool);
	tool->rq = rq;
	snprintf(tool->path, sizeof tool->path, "%s", path);
	return tool;
}

/* A path that is not absolute begins in the data folder. false: too long, and refused. */
static bool take_path(struct tool **tool, const char *field, char *out, bool *is_given_r)
{
	struct nuncio_str path = { NULL, 0 };
	const char *folder = nuncio_conf_data_dir();
	nuncio_request_text((*tool)->rq, field, &path);
	*is_given_r = path.n > 0;
	if (!path.n)
		return true;
	bool is_absolute = path.p[0] == '/';
	int n = snprintf(out, TOOL_PATH_BYTES, "%s%s%.*s", is_absolute ? "" : folder,
		is_absolute ? "" : "/", (int)path.n, path.p);
	if (n < TOOL_PATH_BYTES - 8 && memchr(path.p, '\0', path.n) == NULL)
		return true;
	nuncio_reply_error(&(*tool)->rq, NUNCIO_CODE_invalid_field, "%s: is no path", field);
	free(*tool);
	*tool = NULL;
	return false;
}

/* backups/nuncio-20261126T101530Z.db: names that sort by time. */
static void default_copy(char *out)
{
	time_t now = (time_t)(nuncio_wall_ms() / 1000);
	struct tm utc;
	char stamp[32];
	gmtime_r(&now, &utc);
	strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &utc);
	snprintf(out, TOOL_PATH_BYTES, "%s/backups/nuncio-%s.db", nuncio_conf_data_dir(), stamp);
}

static void on_backup(struct nuncio_request *rq, void *user)
{
	bool is_given;
	int overwrites = 0;
	nuncio_request_bool(rq, "overwrite", &overwrites);
	struct tool *tool = tool_new(user, rq);
	if (!tool || !take_path(&tool, "path", tool->to, &is_given))
		return;
	if (!is_given)
		default_copy(tool->to);
	tool->overwrites = overwrites;
	tool->run = backup_run;
	start(user, tool);
}

static void on_fsck(struct nuncio_request *rq, void *user)
{
	bool is_given;
	struct tool *tool = tool_new(user, rq);
	if (!tool || !take_path(&tool, "path", tool->path, &is_given))
		return;
	tool->run = fsck_run;
	start(user, tool);
}

static const struct nuncio_field backup_fields[] = {
	{ "path", NUNCIO_FIELD_TEXT, 0, 0, TOOL_PATH_BYTES - 512,
		"where to; none: backups/ in data_dir, named by the time" },
	{ "overwrite", NUNCIO_FIELD_BOOL, 0, 0, 0, "replace what is there" },
	{ NULL },
};
static const struct nuncio_field fsck_fields[] = {
	{ "path", NUNCIO_FIELD_TEXT, 0, 0, TOOL_PATH_BYTES - 512,
		"another file, such as a backup; none: the server's own" },
	{ NULL },
};

#define COMMAND(OP, HELP, FIELDS, FLAGS, FN) \
	{ \
		.size = sizeof(struct nuncio_command), .flags = NUNCIO_CONTROL_SLOW | (FLAGS), \
		.op = (OP), .help = (HELP), .fields = (FIELDS), \
		.field_size = sizeof(struct nuncio_field), .fn = (FN) \
	}

static const struct nuncio_command commands[] = {
	COMMAND("backup", "Copies the database while the server runs.", backup_fields,
		NUNCIO_CONTROL_CHANGES, on_backup),
	COMMAND("fsck", "Looks for damage: pages, holes in seq, cursors, references.", fsck_fields,
		0, on_fsck),
};

int tools_add(struct nuncio_module *self, struct tools **tools_r)
{
	struct tools *tools = nuncio_alloc(sizeof *tools);
	memset(tools, 0, sizeof *tools);
	tools->self = self;
	*tools_r = tools;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < sizeof commands / sizeof commands[0]; i++)
		rc = nuncio_control_add(self, &commands[i], tools);
	return rc;
}

void tools_free(struct tools **tools)
{
	free(*tools);
	*tools = NULL;
}

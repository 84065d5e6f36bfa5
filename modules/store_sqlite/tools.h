/* SPDX-License-Identifier: MIT */
#ifndef STORE_SQLITE_TOOLS_H
#define STORE_SQLITE_TOOLS_H

/*
 * What an operator asks of the database file while the server runs: a copy of it, and whether it is
 * whole. Each runs on a thread and a connection of its own, beside the lanes.
 */

#include <nuncio/control.h>

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>

/* Control commands `backup` and `fsck`. Thread: logic, in init. */
struct tools;
int tools_add(struct nuncio_module *self, struct tools **tools_r);
void tools_stop(struct tools *tools); /* ends what is under way; logic, in stop */
void tools_free(struct tools **tools);

enum { TOOL_PATH_BYTES = 4096, TOOL_PROBLEMS_MAX = 100 };

/* One question on its thread. */
struct tool {
	struct tools *tools;
	struct nuncio_request *rq;
	int (*run)(struct tool *tool); /* 0, or negative and why in err */
	char path[TOOL_PATH_BYTES];    /* of the database */
	char to[TOOL_PATH_BYTES];      /* backup: the copy */
	bool overwrites;
	atomic_bool is_cancelled;
	/* The outcome: */
	int status;
	struct nuncio_error err;
	struct nuncio_json *json; /* the answer's members, in an open object */
};

int backup_run(struct tool *tool);
int fsck_run(struct tool *tool);

/* An open connection that only reads; negative and why. The caller closes it. */
int tool_open(struct tool *tool, const char *path, sqlite3 **db_r);
int tool_fail(struct tool *tool, const char *path, sqlite3 *db); /* with SQLite's words */

#endif

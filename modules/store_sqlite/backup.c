/* SPDX-License-Identifier: MIT */
/*
 * A copy of the database while the server writes on. A read transaction is held open from the first
 * page to the last, so the copy is what was committed when it began, however long it takes; without
 * it SQLite would begin anew with every commit of the writer. Meanwhile the log beside the database
 * cannot start over and grows by what is written.
 *
 * The copy is one file without a log, synced, checked page by page, and gets its name only then: a
 * file with that name is whole.
 */
#include "tools.h"

#include <nuncio/json.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { STEP_PAGES = 256 };

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int fail_errno(struct tool *tool, const char *path)
{
	nuncio_error_set(&tool->err, "%.200s: %s", path, strerror(errno));
	return NUNCIO_E_FAIL;
}

/* The folder of the copy: made when it is not there, synced when the copy is. */
static void folder_of(const char *path, char folder[TOOL_PATH_BYTES])
{
	const char *slash = strrchr(path, '/');
	size_t n = slash && slash != path ? (size_t)(slash - path) : 1;
	memcpy(folder, path, n);
	folder[n] = '\0';
}

static int prepare(struct tool *tool, const char *part)
{
	char folder[TOOL_PATH_BYTES];
	if (!tool->overwrites && access(tool->to, F_OK) == 0) {
		nuncio_error_set(&tool->err, "%s: is there already; see overwrite", tool->to);
		return NUNCIO_E_EXISTS;
	}
	folder_of(tool->to, folder);
	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return fail_errno(tool, folder);
	/* What a backup before left behind when it was cut short. */
	if (unlink(part) < 0 && errno != ENOENT)
		return fail_errno(tool, part);
	int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail_errno(tool, part);
	close(fd);
	return 0;
}

static int copy_pages(struct tool *tool, sqlite3 *from, sqlite3 *to, const char *part)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
	int rc = SQLITE_OK;
	if (!backup)
		return tool_fail(tool, part, to);
	while (rc == SQLITE_OK && !atomic_load(&tool->is_cancelled))
		rc = sqlite3_backup_step(backup, STEP_PAGES);
	sqlite3_backup_finish(backup);
	return rc == SQLITE_DONE ? 0 : tool_fail(tool, part, to);
}

/* SQLITE_OK and the first row's first column is "ok". */
static bool says_ok(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st = NULL;
	bool is_ok = sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK &&
		     sqlite3_step(st) == SQLITE_ROW &&
		     strcmp((const char *)sqlite3_column_text(st, 0), "ok") == 0;
	sqlite3_finalize(st);
	return is_ok;
}

static int check_copy(struct tool *tool, sqlite3 *to, const char *part)
{
	if (says_ok(to, "PRAGMA quick_check(1)"))
		return 0;
	if (sqlite3_errcode(to) != SQLITE_OK && sqlite3_errcode(to) < SQLITE_ROW)
		return tool_fail(tool, part, to);
	nuncio_error_set(
		&tool->err, "the copy is damaged, and so is the database, or the disk; see `fsck`");
	return NUNCIO_E_FAIL;
}

static int copy(struct tool *tool, sqlite3 *from, const char *part)
{
	sqlite3 *to = NULL;
	int rc = 0;
	if (sqlite3_open_v2(part, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
		SQLITE_OK)
		rc = tool_fail(tool, part, to);
	if (rc == 0)
		rc = copy_pages(tool, from, to, part);
	/* The mark of WAL came with the first page; a copy is one file. */
	if (rc == 0 &&
		sqlite3_exec(to, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL) != SQLITE_OK)
		rc = tool_fail(tool, part, to);
	if (rc == 0)
		rc = check_copy(tool, to, part);
	sqlite3_close(to);
	return rc;
}

static int sync_path(struct tool *tool, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc = fd < 0 || fsync(fd) < 0 ? fail_errno(tool, path) : 0;
	if (fd >= 0)
		close(fd);
	return rc;
}

static int give_name(struct tool *tool, const char *part)
{
	char folder[TOOL_PATH_BYTES];
	int rc = sync_path(tool, part);
	if (rc < 0)
		return rc;
	/* link, unlike rename, does not replace what somebody put there meanwhile */
	if (tool->overwrites ? rename(part, tool->to) : link(part, tool->to))
		return fail_errno(tool, tool->to);
	if (!tool->overwrites)
		unlink(part);
	folder_of(tool->to, folder);
	return sync_path(tool, folder);
}

static int copy_snapshot(struct tool *tool, const char *part)
{
	sqlite3 *from = NULL;
	int rc = tool_open(tool, tool->path, &from);
	/* A transaction begins with its first read. */
	if (rc == 0 && sqlite3_exec(from, "BEGIN; SELECT 1 FROM meta LIMIT 1", NULL, NULL, NULL) !=
			       SQLITE_OK)
		rc = tool_fail(tool, tool->path, from);
	if (rc == 0)
		rc = copy(tool, from, part);
	sqlite3_close(from);
	return rc;
}

static void tell(struct tool *tool, int64_t took_ms)
{
	struct stat st = { 0 };
	stat(tool->to, &st);
	nuncio_json_key(tool->json, "file");
	nuncio_json_put_text(tool->json, (struct nuncio_str){ tool->to, strlen(tool->to) });
	nuncio_json_key(tool->json, "size_bytes");
	nuncio_json_put_int(tool->json, st.st_size);
	nuncio_json_key(tool->json, "took_ms");
	nuncio_json_put_int(tool->json, took_ms);
}

int backup_run(struct tool *tool)
{
	char part[TOOL_PATH_BYTES + 8];
	int64_t begun_ms = now_ms();
	snprintf(part, sizeof part, "%s.part", tool->to);
	int rc = prepare(tool, part);
	if (rc < 0)
		return rc;
	rc = copy_snapshot(tool, part);
	if (rc == 0)
		rc = give_name(tool, part);
	if (rc < 0)
		unlink(part);
	else
		tell(tool, now_ms() - begun_ms);
	return rc;
}

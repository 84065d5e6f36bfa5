/* SPDX-License-Identifier: MIT */
#include "sqlite_file.h"

#include "store_case.h"

#include <sqlite3.h>

int64_t ask_file(const char *name, const char *sql)
{
	char path[512];
	sqlite3 *db;
	sqlite3_stmt *st = NULL;
	int64_t number = -1;
	case_path(path, sizeof(path), name);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	if (sqlite3_step(st) == SQLITE_ROW)
		number = sqlite3_column_int64(st, 0);
	if (sqlite3_finalize(st) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return number;
}

void run_file(const char *name, const char *sql)
{
	char path[512], *why = NULL;
	sqlite3 *db;
	case_path(path, sizeof(path), name);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

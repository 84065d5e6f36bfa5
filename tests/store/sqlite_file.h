/* SPDX-License-Identifier: MIT */
#ifndef SQLITE_FILE_H
#define SQLITE_FILE_H

/* SQL on a database in the folder of store_case, also while a store has it open. */

#include <stdint.h>

int64_t ask_file(const char *name, const char *sql); /* one number; -1: no row */
void run_file(const char *name, const char *sql);

#endif

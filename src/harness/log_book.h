/* SPDX-License-Identifier: MIT */
#ifndef HARNESS_LOG_BOOK_H
#define HARNESS_LOG_BOOK_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include <nuncio/base.h>

/*
 * Every log line since log_book_open, and which of them the test has looked for. Written by any
 * thread, everything else: the test's.
 */
struct log_line {
	int level;
	bool is_found;
	char *text;
};

struct log_book {
	pthread_mutex_t lock;
	struct log_line *lines; /* under lock */
	size_t count;
};

void log_book_open(struct log_book *book); /* from here on lines come here and nowhere else */
void log_book_close(struct log_book *book);

/*
 * Marks the oldest line of this level with this text in it, not marked yet; false: there is none.
 */
bool log_book_find(struct log_book *book, int level, const char *text);

/* The oldest unmarked line of at least this level, or NULL; marks it. Lives as long as the book. */
const char *log_book_next_unexpected(struct log_book *book, int level);

void log_book_print(struct log_book *book, size_t last); /* to stdout: the last so many lines */

#endif

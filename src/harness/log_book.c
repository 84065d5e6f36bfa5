/* SPDX-License-Identifier: MIT */
/* Lines are kept as they would be written, one JSON object each. See the header. */
#include "harness/log_book.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"

static void on_line(int level, struct nuncio_str line, void *user)
{
	struct log_book *book = user;
	pthread_mutex_lock(&book->lock);
	book->lines = alloc_grow(book->lines, (book->count + 1) * sizeof book->lines[0]);
	book->lines[book->count++] = (struct log_line){ .level = level, .text = alloc_text(line) };
	pthread_mutex_unlock(&book->lock);
}

void log_book_open(struct log_book *book)
{
	*book = (struct log_book){ .lines = NULL };
	pthread_mutex_init(&book->lock, NULL);
	log_capture(on_line, book);
}

void log_book_close(struct log_book *book)
{
	log_capture(NULL, NULL);
	for (size_t i = 0; i < book->count; i++)
		alloc_free(book->lines[i].text);
	alloc_free(book->lines);
	pthread_mutex_destroy(&book->lock);
}

/* text NULL: any. */
static const char *mark(struct log_book *book, int lowest, int highest, const char *text)
{
	const char *found = NULL;
	pthread_mutex_lock(&book->lock);
	for (size_t i = 0; !found && i < book->count; i++) {
		struct log_line *line = &book->lines[i];
		if (line->is_found || line->level < lowest || line->level > highest ||
			(text && !strstr(line->text, text)))
			continue;
		line->is_found = true;
		found = line->text;
	}
	pthread_mutex_unlock(&book->lock);
	return found;
}

bool log_book_find(struct log_book *book, int level, const char *text)
{
	return mark(book, level, level, text) != NULL;
}

const char *log_book_next_unexpected(struct log_book *book, int level)
{
	return mark(book, level, LOG_LEVEL_FATAL, NULL);
}

void log_book_print(struct log_book *book, size_t last)
{
	pthread_mutex_lock(&book->lock);
	for (size_t i = book->count > last ? book->count - last : 0; i < book->count; i++)
		printf("    | %s\n", book->lines[i].text);
	pthread_mutex_unlock(&book->lock);
}

/* SPDX-License-Identifier: MIT */
/*
 * A list is a text file: one entry a line, blanks around it do not count, `#` begins a comment.
 * Blocking; runs on a worker.
 */
#include "word_filter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct nuncio_str trim(char *line, size_t n)
{
	size_t begin = 0;
	while (n && strchr(" \t\r\n", line[n - 1]))
		n--;
	while (begin < n && strchr(" \t", line[begin]))
		begin++;
	return (struct nuncio_str){ line + begin, n - begin };
}

static int read_lines(struct words *words, FILE *file, const char *path, enum action action,
	struct nuncio_error *err)
{
	char *line = NULL;
	size_t room = 0, bytes = 0;
	unsigned number = 0;
	ssize_t n;
	int rc = 0;
	while (rc == 0 && (n = getline(&line, &room, file)) >= 0) {
		struct nuncio_str entry = trim(line, (size_t)n);
		number++;
		bytes += (size_t)n;
		if (bytes > FILE_BYTES_MAX) {
			nuncio_error_set(err, "%s: larger than %d bytes", path, FILE_BYTES_MAX);
			rc = NUNCIO_E_TOOBIG;
		} else if (entry.n && entry.p[0] != '#') {
			rc = words_add(words, entry, action);
			if (rc == NUNCIO_E_TOOBIG)
				nuncio_error_set(err,
					"%s:%u: longer than %d characters, or more than %d entries",
					path, number, ENTRY_POINTS_MAX, ENTRIES_MAX);
			else if (rc < 0)
				nuncio_error_set(err, "%s:%u: nothing to look for, or not UTF-8",
					path, number);
		}
	}
	if (rc == 0 && ferror(file)) {
		nuncio_error_set(err, "%s: %s", path, strerror(errno));
		rc = NUNCIO_E_FAIL;
	}
	free(line);
	return rc;
}

int list_read(struct words *words, const char *path, enum action action, struct nuncio_error *err)
{
	FILE *file = fopen(path, "re");
	if (!file) {
		nuncio_error_set(err, "%s: %s", path, strerror(errno));
		return NUNCIO_E_FAIL;
	}
	int rc = read_lines(words, file, path, action, err);
	fclose(file);
	return rc;
}

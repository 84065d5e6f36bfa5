/* SPDX-License-Identifier: MIT */
#ifndef MODULES_WEB_FILES_H
#define MODULES_WEB_FILES_H

#include <stddef.h>

#include <nuncio/base.h>

/*
 * The files of one folder, read into memory once. Only names that were found there exist for the
 * outside, so no request ever becomes a path. Taken are regular files with a known extension and a
 * name of letters, digits, '.', '_' and '-' that does not begin with a dot; symbolic links are not
 * followed, other files are left out.
 */
enum {
	FILES_MAX = 256,
	FILES_NAME_BYTES = 128,
	FILES_ONE_BYTES = 4 * 1024 * 1024,
	FILES_ALL_BYTES = 32 * 1024 * 1024
};

struct web_body {
	char *bytes; /* NULL: there is none */
	size_t size;
	char etag[40]; /* quoted */
};

struct web_file {
	char name[FILES_NAME_BYTES + 1];
	const char *type; /* Content-Type */
	struct web_body plain, gzip;
};

struct files {
	size_t count, bytes;
	struct web_file all[FILES_MAX]; /* by name */
};

/* NULL with err: the folder cannot be read, or a limit is passed. */
struct files *files_load(const char *root, struct nuncio_error *err);
void files_free(struct files **files);

const struct web_file *files_find(const struct files *files, struct nuncio_str name);

/* NULL for a name that is not served. */
const char *files_type(const char *name);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * See files.h. Reads at start and reload only, so it may block. The gzip form is kept where it is
 * smaller; it is another representation, so it has an ETag of its own.
 */
#include "files.h"

#include <nuncio/text.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

static const struct {
	const char *extension, *type;
} types[] = {
	{ ".html", "text/html; charset=utf-8" },
	{ ".js", "text/javascript; charset=utf-8" },
	{ ".mjs", "text/javascript; charset=utf-8" },
	{ ".css", "text/css; charset=utf-8" },
	{ ".json", "application/json" },
	{ ".map", "application/json" },
	{ ".webmanifest", "application/manifest+json" },
	{ ".txt", "text/plain; charset=utf-8" },
	{ ".svg", "image/svg+xml" },
	{ ".png", "image/png" },
	{ ".jpg", "image/jpeg" },
	{ ".webp", "image/webp" },
	{ ".ico", "image/vnd.microsoft.icon" },
	{ ".woff2", "font/woff2" },
	{ ".mp3", "audio/mpeg" },
	{ ".ogg", "audio/ogg" },
};

static int is_plain_name(const char *name)
{
	return name[0] != '.' && strlen(name) <= FILES_NAME_BYTES &&
	       name[strspn(name,
		       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] ==
		       '\0';
}

const char *files_type(const char *name)
{
	const char *dot = strrchr(name, '.');
	if (!dot || !is_plain_name(name))
		return NULL;
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (strcmp(dot, types[i].extension) == 0)
			return types[i].type;
	return NULL;
}

/* ---- one file ---- */

static int read_all(int fd, char *to, size_t size)
{
	size_t used = 0;
	while (used < size) {
		ssize_t n = read(fd, to + used, size - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return NUNCIO_E_FAIL;
		used += (size_t)n;
	}
	return 0;
}

/* 1 and the bytes; 0: not a regular file, leave it out. */
static int read_file(int folder, const char *name, struct web_body *body, struct nuncio_error *err)
{
	struct stat st;
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), rc = 0;
	if (fd < 0 && errno == ELOOP)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0) {
		nuncio_error_set(err, "%s cannot be read: %s", name, strerror(errno));
		rc = NUNCIO_E_FAIL;
	} else if (S_ISREG(st.st_mode) && st.st_size > FILES_ONE_BYTES) {
		nuncio_error_set(err, "%s is larger than %d MiB", name, FILES_ONE_BYTES >> 20);
		rc = NUNCIO_E_TOOBIG;
	} else if (S_ISREG(st.st_mode)) {
		body->size = (size_t)st.st_size;
		body->bytes = malloc(body->size + 1);
		if (!body->bytes)
			abort();
		rc = read_all(fd, body->bytes, body->size);
		if (rc < 0)
			nuncio_error_set(err, "%s cannot be read, or has changed meanwhile", name);
		else
			rc = 1;
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

static int is_packed_already(const char *type)
{
	return strcmp(type, "image/png") == 0 || strcmp(type, "image/jpeg") == 0 ||
	       strcmp(type, "image/webp") == 0 || strcmp(type, "font/woff2") == 0 ||
	       strncmp(type, "audio/", 6) == 0;
}

/* Leaves gzip->bytes NULL when it would not be smaller. */
static void make_gzip(const struct web_body *plain, struct web_body *gzip)
{
	enum { GZIP_WINDOW = 15 + 16, GZIP_HEAD_BYTES = 18 };
	z_stream z = { 0 };
	if (plain->size < 256 ||
		deflateInit2(&z, 9, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return;
	size_t room = plain->size - GZIP_HEAD_BYTES;
	gzip->bytes = malloc(room);
	if (!gzip->bytes)
		abort();
	z.next_in = (unsigned char *)plain->bytes;
	z.avail_in = (unsigned)plain->size;
	z.next_out = (unsigned char *)gzip->bytes;
	z.avail_out = (unsigned)room;
	if (deflate(&z, Z_FINISH) == Z_STREAM_END) {
		gzip->size = room - z.avail_out;
	} else {
		free(gzip->bytes);
		gzip->bytes = NULL;
	}
	deflateEnd(&z);
}

/* Strong: of the content, so it is the same on every node. */
static void make_etags(struct web_file *file)
{
	uint64_t hash = 0xcbf29ce484222325u;
	for (size_t i = 0; i < file->plain.size; i++)
		hash = (hash ^ (unsigned char)file->plain.bytes[i]) * 0x100000001b3u;
	snprintf(file->plain.etag, sizeof file->plain.etag, "\"%016llx-%zx\"",
		(unsigned long long)hash, file->plain.size);
	snprintf(file->gzip.etag, sizeof file->gzip.etag, "\"%016llx-%zx-gz\"",
		(unsigned long long)hash, file->plain.size);
}

/* ---- the folder ---- */

static int add_file(struct files *files, int folder, const char *name, struct nuncio_error *err)
{
	const char *type = files_type(name);
	if (!type)
		return 0;
	if (files->count == FILES_MAX) {
		nuncio_error_set(err, "more than %d files", FILES_MAX);
		return NUNCIO_E_TOOBIG;
	}
	struct web_file *file = &files->all[files->count];
	int rc = read_file(folder, name, &file->plain, err);
	if (file->plain.bytes)
		files->count++; /* so that files_free finds it, also after an error */
	if (rc <= 0)
		return rc;
	memcpy(file->name, name, strlen(name) + 1); /* files_type has looked at the length */
	file->type = type;
	if (!is_packed_already(type))
		make_gzip(&file->plain, &file->gzip);
	make_etags(file);
	files->bytes += file->plain.size + file->gzip.size;
	if (files->bytes <= FILES_ALL_BYTES)
		return 0;
	nuncio_error_set(err, "the files have more than %d MiB", FILES_ALL_BYTES >> 20);
	return NUNCIO_E_TOOBIG;
}

static int add_folder(struct files *files, DIR *dir, struct nuncio_error *err)
{
	const struct dirent *entry;
	int rc = 0;
	while (rc == 0 && (errno = 0, entry = readdir(dir)))
		rc = add_file(files, dirfd(dir), entry->d_name, err);
	if (rc == 0 && errno) {
		nuncio_error_set(err, "the folder cannot be read: %s", strerror(errno));
		rc = NUNCIO_E_FAIL;
	}
	return rc;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct web_file *)a)->name, ((const struct web_file *)b)->name);
}

struct files *files_load(const char *root, struct nuncio_error *err)
{
	DIR *dir = opendir(root);
	if (!dir) {
		nuncio_error_set(err, "root %s: %s", root, strerror(errno));
		return NULL;
	}
	struct files *files = nuncio_alloc(sizeof *files);
	struct nuncio_error why;
	int rc = add_folder(files, dir, &why);
	closedir(dir);
	if (rc < 0) {
		nuncio_error_set(err, "root %s: %s", root, why.text);
		files_free(&files);
		return NULL;
	}
	qsort(files->all, files->count, sizeof files->all[0], compare_names);
	return files;
}

void files_free(struct files **files)
{
	if (!*files)
		return;
	for (size_t i = 0; i < (*files)->count; i++) {
		free((*files)->all[i].plain.bytes);
		free((*files)->all[i].gzip.bytes);
	}
	free(*files);
	*files = NULL;
}

const struct web_file *files_find(const struct files *files, struct nuncio_str name)
{
	size_t low = 0, high = files->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const char *other = files->all[middle].name;
		size_t other_bytes = strlen(other);
		size_t shorter = name.n < other_bytes ? name.n : other_bytes;
		int order = shorter ? memcmp(name.p, other, shorter) : 0;
		if (order == 0)
			order = (name.n > other_bytes) - (name.n < other_bytes);
		if (order == 0)
			return &files->all[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

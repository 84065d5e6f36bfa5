/* SPDX-License-Identifier: MIT */
/*
 * INI text to sections, keys, values and line numbers. libinih splits keys from values; this file
 * decides what a line may look like before libinih sees it, because the library as packaged
 * guesses: it continues values over indented lines, takes ';' inside a value for a comment, ':' for
 * '=', cuts lines at 200 and names at 49 bytes, and says nothing. Its line size is a variable of
 * the Debian library, set once here together with the switches for the guesses.
 *
 * Thread: any, but start-up and reload only. An ini owns everything in it. Order is the file's.
 */
#include "base/ini.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <ini.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/error.h"
#include "base/slice.h"
#include "base/utf8.h"

enum { NAME_BYTES = 48 }; /* libinih holds 49 */

struct parse {
	struct ini *ini;
	struct nuncio_str rest;
	int line;
	struct nuncio_error *err;
	int status; /* first failure; the message is in err then */
};

static void fail(struct parse *p, const char *why)
{
	if (p->status < 0)
		return;
	p->status = NUNCIO_E_INVAL;
	nuncio_error_set(p->err, "%s:%d: %s", p->ini->file, p->line, why);
}

static void fail_twice(struct parse *p, const char *what, const char *name, int first_line)
{
	if (p->status < 0)
		return;
	p->status = NUNCIO_E_EXISTS;
	nuncio_error_set(p->err, "%s:%d: %s '%s' was given already in line %d", p->ini->file,
		p->line, what, name, first_line);
}

const struct ini_section *ini_find_section(const struct ini *ini, const char *name)
{
	for (size_t i = 0; i < ini->section_count; i++)
		if (strcmp(ini->sections[i].name, name) == 0)
			return &ini->sections[i];
	return NULL;
}

const struct ini_entry *ini_find_entry(const struct ini_section *section, const char *key)
{
	for (size_t i = 0; i < section->entry_count; i++)
		if (strcmp(section->entries[i].key, key) == 0)
			return &section->entries[i];
	return NULL;
}

static bool is_name(struct nuncio_str s)
{
	if (!s.n || s.n > NAME_BYTES)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!is_letter && !(c >= '0' && c <= '9') && c != '_' && c != '-' && c != '.')
			return false;
	}
	return true;
}

static bool check_section(struct parse *p, struct nuncio_str line)
{
	if (line.p[line.n - 1] != ']') {
		fail(p, "nothing but [section] may stand on this line");
		return false;
	}
	struct nuncio_str name = { line.p + 1, line.n - 2 };
	if (!is_name(name)) {
		fail(p, "a section name is 1 to 48 of a-z A-Z 0-9 _ - .");
		return false;
	}
	char *text = alloc_text(name);
	const struct ini_section *same = ini_find_section(p->ini, text);
	if (same) {
		fail_twice(p, "section", text, same->line);
		alloc_free(text);
		return false;
	}
	struct ini *ini = p->ini;
	ini->sections =
		alloc_grow(ini->sections, (ini->section_count + 1) * sizeof(*ini->sections));
	ini->sections[ini->section_count++] = (struct ini_section){ .name = text, .line = p->line };
	return true;
}

static void fail_line(struct parse *p, struct nuncio_str line)
{
	char why[160];
	snprintf(why, sizeof(why),
		"\"%.*s\": expected [section], key = value, or a comment that begins with ; or #",
		line.n > 40 ? 40 : (int)line.n, line.p);
	fail(p, why);
}

static bool check_entry(struct parse *p, struct nuncio_str line)
{
	struct nuncio_str key, value;
	if (!str_cut(line, '=', &key, &value))
		fail_line(p, line);
	else if (!is_name(str_trim(key)))
		fail(p, "a key is 1 to 48 of a-z A-Z 0-9 _ - .");
	else if (!p->ini->section_count)
		fail(p, "a key before the first [section]");
	else
		return true;
	return false;
}

static bool check_line(struct parse *p, struct nuncio_str line)
{
	if (line.n > INI_LINE_BYTES)
		fail(p, "line longer than 4096 bytes");
	else if (str_find(line, '\0') >= 0)
		fail(p, "NUL byte; is this a text file?");
	else if (!utf8_is_valid(line.p, line.n))
		fail(p, "invalid UTF-8");
	if (p->status < 0)
		return false;
	line = str_trim(line);
	if (!line.n || line.p[0] == ';' || line.p[0] == '#')
		return true;
	return line.p[0] == '[' ? check_section(p, line) : check_entry(p, line);
}

/* libinih's fgets: one checked line a call. */
static char *read_line(char *out, int size, void *stream)
{
	struct parse *p = stream;
	struct nuncio_str line, tail;
	if (!p->rest.n || p->status < 0)
		return NULL;
	str_cut(p->rest, '\n', &line, &tail);
	p->rest = tail;
	p->line++;
	if (!check_line(p, line))
		return NULL;
	line = str_trim(line);
	CHECK(line.n + 2 <= (size_t)size);
	if (line.n)
		memcpy(out, line.p, line.n);
	out[line.n] = '\n';
	out[line.n + 1] = '\0';
	return out;
}

static int on_entry(void *user, const char *section, const char *key, const char *value)
{
	struct parse *p = user;
	struct ini_section *s = &p->ini->sections[p->ini->section_count - 1];
	CHECK(strcmp(s->name, section) == 0);
	const struct ini_entry *same = ini_find_entry(s, key);
	if (same) {
		fail_twice(p, "key", key, same->line);
		return 0;
	}
	s->entries = alloc_grow(s->entries, (s->entry_count + 1) * sizeof(*s->entries));
	s->entries[s->entry_count++] = (struct ini_entry){
		.key = alloc_text(str_of(key)),
		.value = alloc_text(str_of(value)),
		.line = p->line,
	};
	return 1;
}

static void set_library_up(void)
{
	ini_max_line = INI_LINE_BYTES + 3;
	ini_allow_multiline = false;
	ini_allow_inline_comments = false;
	ini_allow_no_value = false;
	ini_stop_on_first_error = true;
}

static void skip_bom(struct nuncio_str *text)
{
	if (str_starts(*text, STR("\xEF\xBB\xBF"))) {
		text->p += 3;
		text->n -= 3;
	}
}

int ini_parse_text(
	const char *name, struct nuncio_str text, struct ini **ini_r, struct nuncio_error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, set_library_up);

	struct ini *ini = ALLOC_NEW(struct ini);
	struct parse p = { .ini = ini, .rest = text, .err = err };
	ini->file = alloc_text(str_of(name));
	skip_bom(&p.rest);
	int bad_line = ini_parse_stream(read_line, &p, on_entry, &p);
	if (bad_line)
		fail(&p, "not understood");
	if (p.status < 0) {
		ini_free(&ini);
		return p.status;
	}
	*ini_r = ini;
	return NUNCIO_OK;
}

static int read_all(int fd, struct buf *b)
{
	for (;;) {
		ssize_t n = read(fd, buf_reserve(b, 4096), 4096);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		buf_commit(b, (size_t)n);
		if (n == 0)
			return 0;
		if (b->used > INI_FILE_BYTES)
			return -EFBIG;
	}
}

int ini_load(const char *path, struct ini **ini_r, struct nuncio_error *err)
{
	struct buf text = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, path, errno);
	int rc = read_all(fd, &text);
	close(fd);
	if (rc < 0)
		rc = error_errno(err, path, -rc);
	else
		rc = ini_parse_text(path, buf_str(&text), ini_r, err);
	buf_fini(&text);
	return rc;
}

static void section_fini(struct ini_section *s)
{
	for (size_t i = 0; i < s->entry_count; i++) {
		alloc_free((char *)s->entries[i].key);
		alloc_free((char *)s->entries[i].value);
	}
	alloc_free(s->entries);
	alloc_free((char *)s->name);
}

void ini_free(struct ini **ini)
{
	struct ini *dead = *ini;
	*ini = NULL;
	if (!dead)
		return;
	for (size_t i = 0; i < dead->section_count; i++)
		section_fini(&dead->sections[i]);
	alloc_free(dead->sections);
	alloc_free((char *)dead->file);
	alloc_free(dead);
}

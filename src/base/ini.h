/* SPDX-License-Identifier: MIT */
#ifndef BASE_INI_H
#define BASE_INI_H

#include <stddef.h>

#include <nuncio/base.h>

/*
 * An INI file as sections, keys, values and line numbers, in the file's order; no meaning. A line
 * whose first character is ';' or '#' is a comment; there are no comments behind a value and no
 * values over several lines. Refused, with "file:line: why": a section or key given twice, a key
 * before the first section, an empty name, NUL, invalid UTF-8, a line of more than INI_LINE_BYTES.
 */
enum { INI_LINE_BYTES = 4096, INI_FILE_BYTES = 1 << 20 };

struct ini_entry {
	const char *key, *value; /* owned by the ini; value may be "" */
	int line;
};

struct ini_section {
	const char *name;
	int line;
	struct ini_entry *entries;
	size_t entry_count;
};

struct ini {
	const char *file; /* as given, for messages */
	struct ini_section *sections;
	size_t section_count;
};

int ini_load(const char *path, struct ini **ini_r, struct nuncio_error *err);
int ini_parse_text(
	const char *name, struct nuncio_str text, struct ini **ini_r, struct nuncio_error *err);
void ini_free(struct ini **ini);

const struct ini_section *ini_find_section(const struct ini *ini, const char *name); /* or NULL */
const struct ini_entry *ini_find_entry(const struct ini_section *section, const char *key);

#endif

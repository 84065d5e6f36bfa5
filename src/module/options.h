/* SPDX-License-Identifier: MIT */
#ifndef MODULE_OPTIONS_H
#define MODULE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nuncio/module.h>

#include "base/buf.h"
#include "base/ini.h"

/*
 * One INI section: its table of options and the values in force. Thread: logic (or main, before
 * there is one).
 */
struct options;

/* What is wrong with a configuration, one "file:line: [section] key: ..." a line; the first ten. */
struct option_faults {
	struct buf text;
	size_t count; /* all, also those beyond ten */
};
enum { OPTION_FAULTS_MAX = 10 };
void option_fault(struct option_faults *faults, const char *format, ...) NUNCIO_PRINTF(2, 3);
void option_faults_fini(struct option_faults *faults);

/*
 * `table` (may be NULL) ends with a zeroed entry, `option_size` is its element size for who
 * compiled it; it and the texts live as long as the result. A table that is wrong in itself is an
 * error.
 */
int options_new(const char *section, const char *summary, const struct nuncio_option *table,
	size_t option_size, struct options **options_r, struct nuncio_error *err);
void options_free(struct options **options);

/*
 * Reads the section's values (missing ones: the fallback) and puts them beside those in force;
 * every problem becomes a fault. `ini` may be NULL: only fallbacks. data_dir (may be NULL) is where
 * relative paths begin.
 */
void options_prepare(struct options *options, const struct ini *ini, const char *data_dir,
	struct option_faults *faults);

/*
 * Puts the prepared values in force. The first time all; later only those marked LIVE: for others
 * that differ, `kept` gets their keys, separated by ", ". Returns how many changed. The old values
 * stay readable for options_take_back until options_settle. Texts of values that did not change
 * stay where they are, so who has read one that is not LIVE may keep it.
 */
size_t options_apply(struct options *options, struct buf *kept);
void options_take_back(struct options *options);
void options_settle(
	struct options *options); /* frees the old values, or prepared ones not applied */

/* Values in force; a key that is not there or of another type is a programming error. */
const char *options_text(const struct options *options, const char *key);
int64_t options_int(const struct options *options, const char *key);
size_t options_count(const struct options *options, const char *key);
const char *options_item(const struct options *options, const char *key, size_t index);
bool options_is_given(const struct options *options, const char *key); /* stands in the file */

/* For messages about a value: "etc/nuncio.ini:12: [core] listen", or "[core] listen (default)". */
void options_where(const struct options *options, const char *key, struct buf *out);

/* One by one, in the table's order; texts are borrowed until fn returns. */
struct option_view {
	const char *section, *key, *value; /* "(hidden)" for a secret */
	const char *file;                  /* NULL: the default */
	int line;
	bool is_live;
};
typedef void options_each_fn(const struct option_view *view, void *user);
void options_each(const struct options *options, options_each_fn *fn, void *user);

void options_show(const struct options *options, struct buf *out); /* values and their origin */
void options_help(const struct options *options, struct buf *out); /* keys, types, limits, texts */
void options_write_ini(const struct options *options, struct buf *out); /* a commented section */

#endif

/* SPDX-License-Identifier: MIT */
#ifndef MODULE_OPTION_VALUE_H
#define MODULE_OPTION_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nuncio/module.h>

struct buf;

/* One value of an option: text as in the file (paths made absolute), and what it means. */
struct option_value {
	char *text;
	int64_t number; /* int, bool, msec, bytes */
	char **items;   /* list; each trimmed */
	size_t item_count;
	int line;     /* in the file; 0: the fallback */
	bool is_kept; /* the last options_apply left it where it was */
};

/*
 * 0, or negative with what is wrong in `why` (never the text of a secret); then nothing is owned.
 */
int option_value_parse(const struct nuncio_option *option, const char *text, const char *data_dir,
	struct option_value *value_r, struct buf *why);
void option_value_fini(struct option_value *value);

const char *option_type_name(uint32_t type); /* NULL for none */
bool option_is_number(uint32_t type);
void option_allowed(const struct nuncio_option *option, struct buf *out); /* "a number, 1 to 9" */

int option_parse_bool(struct nuncio_str text, int64_t *value_r);
int option_parse_msec(struct nuncio_str text, int64_t *value_r);
int option_parse_bytes(struct nuncio_str text, int64_t *value_r);

#endif

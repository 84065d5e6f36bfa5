/* SPDX-License-Identifier: MIT */
#ifndef CTL_CTL_PRINT_H
#define CTL_CTL_PRINT_H

#include <stdbool.h>
#include <stddef.h>

#include <nuncio/base.h>

/*
 * Answers for people and, with is_json, for programs: all pages of a list become one object. Begin
 * with a zeroed struct and is_json; one call a page; then the end.
 */
struct ctl_printer {
	bool is_json;
	bool has_begun; /* a page was printed */
	bool is_merged; /* JSON: a list of several pages is open */
	bool has_item;  /* and has something in it */
	char **keys;    /* of the table's columns */
	size_t *widths; /* of the first page */
	size_t columns;
};

void ctl_print_page(struct ctl_printer *printer, struct nuncio_str data);
void ctl_print_end(struct ctl_printer *printer);

#endif

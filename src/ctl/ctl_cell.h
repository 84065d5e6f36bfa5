/* SPDX-License-Identifier: MIT */
#ifndef CTL_CTL_CELL_H
#define CTL_CTL_CELL_H

#include <stdbool.h>
#include <stddef.h>

#include <nuncio/base.h>

#include "base/buf.h"

/*
 * A JSON value as a person reads it. The unit is the end of its name: _ns, _us, _ms, _bytes. Text
 * loses what would move a terminal's cursor.
 */
void ctl_cell_write(const char *key, struct nuncio_str value, struct buf *out);

/* Its name without the unit; '_' becomes ' '. */
void ctl_cell_title(const char *key, struct buf *out);

bool ctl_cell_is_number(struct nuncio_str value);
size_t ctl_cell_width(struct nuncio_str text); /* columns of a terminal */

#endif

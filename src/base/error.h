/* SPDX-License-Identifier: MIT */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <nuncio/base.h>

/*
 * error.c also holds what <nuncio/base.h> declares: nuncio_error_set, nuncio_status_name and the
 * two nuncio_code_ functions. err may be NULL everywhere; arguments may point into err->text.
 */

const char *error_name(int status); /* "E_BUSY", "OK", or "E_UNKNOWN" */

/* The status that fits an errno value, always negative. */
int error_status_of(int errno_value);

/* Fills "what: No such file or directory" and returns error_status_of(errno_value). */
int error_errno(struct nuncio_error *err, const char *what, int errno_value);

/* Puts text in front of what err already says: "store: " + "disk full". */
void error_prefix(struct nuncio_error *err, const char *fmt, ...) NUNCIO_PRINTF(2, 3);

#endif

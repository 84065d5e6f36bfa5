/* SPDX-License-Identifier: MIT */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <nuncio/base.h>

/* nuncio_error_set is declared in <nuncio/base.h> and lives in error.c. err may be NULL everywhere. */

const char *error_name(int status); /* "BUSY" for NUNCIO_E_BUSY; "UNKNOWN" for what it does not know */

/* Fills "what: No such file or directory" and returns the status that fits, always negative. */
int error_errno(struct nuncio_error *err, const char *what, int errno_value);

/* Puts text in front of what err already says: "store: " + "disk full". */
void error_prefix(struct nuncio_error *err, const char *fmt, ...) NUNCIO_PRINTF(2, 3);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef MODULES_WEB_CONDITIONS_H
#define MODULES_WEB_CONDITIONS_H

#include <nuncio/base.h>

/* Two request headers of RFC 9110, as questions. Pure functions. */

/*
 * 1 if a client that sent this Accept-Encoding (section 12.5.3) takes gzip; only when it says so.
 */
int conditions_take_gzip(struct nuncio_str accept_encoding);

/* 1 if If-None-Match (section 13.1.2) names this ETag, weakly compared, or is "*". */
int conditions_have_etag(struct nuncio_str if_none_match, const char *etag);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef NUNCIO_LOG_H
#define NUNCIO_LOG_H

/*
 * One JSON object a line; the server adds timestamp, service, node and the module's name. Never
 * blocks on the disk.
 */

#include <nuncio/module.h>

NUNCIO_BEGIN_DECLS

struct nuncio_request;

enum nuncio_level {
	NUNCIO_DEBUG = 1,
	NUNCIO_INFO = 2,
	NUNCIO_WARN = 3,
	/*
	 * written at once; lower levels in batches, and dropped (counted) when the sink is too slow
	 */
	NUNCIO_ERROR = 4
};

/*
 * Logs one line. No secrets, no message bodies. Invalid UTF-8 is replaced. Text over 4 KiB is cut.
 * Thread: any.
 */
void nuncio_log(const struct nuncio_module *self, enum nuncio_level level, const char *format, ...)
	NUNCIO_PRINTF(3, 4);

/*
 * The same with the request's trace id (W3C Trace Context, section 3.2.2.3).
 * Thread: logic.
 */
void nuncio_log_request(const struct nuncio_module *self, const struct nuncio_request *rq,
	enum nuncio_level level, const char *format, ...) NUNCIO_PRINTF(4, 5);

NUNCIO_END_DECLS

#endif

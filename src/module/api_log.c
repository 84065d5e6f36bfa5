/* SPDX-License-Identifier: MIT */
/* <nuncio/log.h>: lines with the module's name. Text that is longer than LINE_BYTES is cut. */
#include <nuncio/log.h>

#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"
#include "logic/requests.h"
#include "module/module.h"

enum { LINE_BYTES = 4096 };

static void write_line(const struct nuncio_module *self, const char *trace_id, int level,
	const char *format, va_list ap)
{
	char line[LINE_BYTES];
	if (level < NUNCIO_DEBUG)
		level = NUNCIO_DEBUG;
	if (level > NUNCIO_ERROR)
		level = NUNCIO_ERROR;
	if (!log_is_on(level))
		return;
	vsnprintf(line, sizeof(line), format, ap);
	log_write(level, nuncio_module_name(self), trace_id, "%s", line);
}

void nuncio_log(const struct nuncio_module *self, enum nuncio_level level, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	write_line(self, NULL, (int)level, format, ap);
	va_end(ap);
}

void nuncio_log_request(const struct nuncio_module *self, const struct nuncio_request *rq,
	enum nuncio_level level, const char *format, ...)
{
	va_list ap;
	MODULE_CHECK_THREAD();
	va_start(ap, format);
	/* The trace id is made when it is asked for the first time. */
	write_line(self, request_trace((struct nuncio_request *)rq), (int)level, format, ap);
	va_end(ap);
}

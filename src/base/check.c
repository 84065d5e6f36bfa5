/* SPDX-License-Identifier: MIT */
/*
 * What a failed CHECK does: one line on stderr, then abort, so that there is a core. Not through
 * the log: the failure may be in it, and the line must be out before the process ends. Thread: any.
 */
#include "base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void check_failed(const char *file, int line, const char *fmt, ...)
{
	va_list args;
	fprintf(stderr, "nuncio: %s:%d: check failed: ", file, line);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

void thread_mark_set(struct thread_mark *mark)
{
	mark->owner = pthread_self();
	mark->is_set = true;
}

void thread_mark_clear(struct thread_mark *mark)
{
	mark->is_set = false;
}

bool thread_mark_is_mine(const struct thread_mark *mark)
{
	return !mark->is_set || pthread_equal(mark->owner, pthread_self());
}

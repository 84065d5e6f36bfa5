/* SPDX-License-Identifier: MIT */
#ifndef LOOP_THREAD_H
#define LOOP_THREAD_H

#include <nuncio/base.h>

/*
 * Named threads. All signals are blocked in them, so that signals reach the main thread's loop.
 * The name is cut to 15 characters for the kernel. The thread never outlives its join.
 */
struct thread;
typedef void (*thread_fn)(void *user);

int thread_start(
	const char *name, thread_fn fn, void *user, struct thread **t_r, struct nuncio_error *err);
int64_t thread_cpu_ns(const struct thread *t); /* that it has used; NULL: of the calling one */
void thread_join(struct thread **t);           /* NULL inside is fine; leaves NULL */

#endif

/* SPDX-License-Identifier: MIT */
#ifndef IO_ACCEPTOR_H
#define IO_ACCEPTOR_H

#include <stdbool.h>

struct io_listeners;
struct loop;

/* The accepting of one I/O thread. Thread: that one. */
struct acceptor;
typedef void (*acceptor_fn)(int fd, void *user); /* takes the descriptor over */

struct acceptor *acceptor_new(struct io_listeners *listeners, unsigned thread, struct loop *loop,
	acceptor_fn fn, void *user);
void acceptor_free(struct acceptor **a);
void acceptor_start(struct acceptor *a);
void acceptor_close(
	struct acceptor *a); /* takes what waits in the backlog, then no more, for good */
bool acceptor_is_paused(const struct acceptor *a);
void acceptor_resume(struct acceptor *a); /* if paused, and there is room again; for a timer */
void acceptor_give(struct acceptor *a);   /* a connection was closed: one less in the count */

#endif

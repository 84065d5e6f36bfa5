/* SPDX-License-Identifier: MIT */
/*
 * Accepting. It stops before descriptors run out (files and databases need some) and goes on when
 * there is room again; clients wait in the backlog meanwhile. Should accept fail for want of
 * descriptors all the same, one held in reserve is given up to accept and close one client, and
 * accepting pauses until the next tick: a level-triggered listener must never spin.
 *
 * The count of connections is one atomic of all threads; each counts its own up and down. It may
 * pass the limit by what the other threads accept in the same instant.
 */
#include "io/acceptor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/slice.h"
#include "io/listener.h"
#include "loop/loop.h"

enum { ACCEPT_BATCH = 64, TELL_EVERY_MS = 60 * 1000 };

struct acceptor {
	struct io_listeners *listeners;
	struct loop *loop;
	unsigned thread;
	int spare_fd;
	bool is_paused, is_started;
	acceptor_fn fn;
	void *user;
	struct loop_io *ios; /* one per address */
};

static void watch(struct acceptor *a, int events)
{
	for (size_t i = 0; i < a->listeners->count; i++)
		if (a->listeners->addresses[i].fds[a->thread] >= 0)
			loop_io_set(a->loop, &a->ios[i], events);
}

static bool is_full(const struct acceptor *a)
{
	return atomic_load_explicit(&a->listeners->connections, memory_order_relaxed) >=
	       a->listeners->max_connections;
}

/* Once a minute at most, whichever thread is first. */
static void tell(struct acceptor *a, const char *why)
{
	long long now_ms = clock_mono_ms() + 1, told_ms = atomic_load(&a->listeners->told_ms);
	const struct log_field fields[] = {
		LOG_F_TEXT("why", str_of(why)),
		LOG_F_UINT("connections", atomic_load(&a->listeners->connections)),
		LOG_F_UINT("max_connections", a->listeners->max_connections),
		LOG_F_UINT("descriptor_limit", a->listeners->descriptors),
	};
	if ((told_ms && now_ms - told_ms < TELL_EVERY_MS) ||
		!atomic_compare_exchange_strong(&a->listeners->told_ms, &told_ms, now_ms))
		return;
	log_fields(LOG_LEVEL_WARN, "io", NULL, "accepting stopped until connections close", fields,
		sizeof(fields) / sizeof(*fields));
}

static void pause_accepting(struct acceptor *a, const char *why)
{
	tell(a, why);
	atomic_fetch_add_explicit(&a->listeners->pauses, 1, memory_order_relaxed);
	a->is_paused = true;
	watch(a, 0);
}

/* The client learns at once, instead of waiting for nothing. */
static void refuse_one(struct acceptor *a, int listen_fd)
{
	close(a->spare_fd);
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	a->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static bool is_about_one_client(int errno_value)
{
	return errno_value == EINTR || errno_value == ECONNABORTED || errno_value == EPROTO ||
	       errno_value == EPERM || errno_value == ENETDOWN || errno_value == EHOSTUNREACH ||
	       errno_value == ENETUNREACH || errno_value == EHOSTDOWN || errno_value == ENONET;
}

/* False: enough. */
static bool accept_one(struct acceptor *a, int listen_fd)
{
	if (is_full(a)) {
		pause_accepting(a, "connection limit");
		return false;
	}
	int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		atomic_fetch_add_explicit(&a->listeners->connections, 1, memory_order_relaxed);
		a->fn(fd, a->user);
		return true;
	}
	if (is_about_one_client(errno))
		return true;
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return false;
	atomic_fetch_add_explicit(&a->listeners->failed, 1, memory_order_relaxed);
	if (errno == EMFILE && a->spare_fd >= 0)
		refuse_one(a, listen_fd);
	pause_accepting(a, "accept failed: no descriptor or memory");
	return false;
}

static void on_listener(struct loop *l, struct loop_io *io, int events, void *user)
{
	struct acceptor *a = user;
	(void)l;
	(void)events;
	for (int i = 0; i < ACCEPT_BATCH && accept_one(a, loop_io_fd(io)); i++) {
	}
}

struct acceptor *acceptor_new(struct io_listeners *listeners, unsigned thread, struct loop *loop,
	acceptor_fn fn, void *user)
{
	struct acceptor *a = ALLOC_NEW(struct acceptor);
	*a = (struct acceptor){
		.listeners = listeners, .thread = thread, .loop = loop, .fn = fn, .user = user
	};
	a->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	a->ios = ALLOC_ARRAY(struct loop_io, listeners->count);
	for (size_t i = 0; i < listeners->count; i++)
		loop_io_init(&a->ios[i], listeners->addresses[i].fds[thread], on_listener, a);
	return a;
}

void acceptor_free(struct acceptor **ap)
{
	struct acceptor *a = *ap;
	*ap = NULL;
	if (!a)
		return;
	if (a->spare_fd >= 0)
		close(a->spare_fd);
	alloc_free(a->ios);
	alloc_free(a);
}

void acceptor_start(struct acceptor *a)
{
	a->is_started = true;
	watch(a, LOOP_READ);
}

void acceptor_close(struct acceptor *a)
{
	if (!a->is_started)
		return;
	for (size_t i = 0; i < a->listeners->count; i++) {
		int *fd = &a->listeners->addresses[i].fds[a->thread];
		while (*fd >= 0 && !a->is_paused && accept_one(a, *fd)) {
		}
		loop_io_stop(a->loop, &a->ios[i]);
		if (*fd >= 0)
			close(*fd);
		*fd = -1;
	}
	a->is_paused = a->is_started = false;
}

bool acceptor_is_paused(const struct acceptor *a)
{
	return a->is_paused;
}

void acceptor_resume(struct acceptor *a)
{
	uint32_t count = atomic_load_explicit(&a->listeners->connections, memory_order_relaxed);
	if (!a->is_paused || count > a->listeners->resume_connections)
		return;
	a->is_paused = false;
	watch(a, LOOP_READ);
}

void acceptor_give(struct acceptor *a)
{
	atomic_fetch_sub_explicit(&a->listeners->connections, 1, memory_order_relaxed);
}

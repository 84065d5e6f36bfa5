/* SPDX-License-Identifier: MIT */
/*
 * Two ends of a socket that speak to each other over the loop: one writes when it can, the other
 * reads; each changes its mind, one stops within its own function. Then says how it went.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nuncio/log.h>
#include <nuncio/timer.h>
#include <nuncio/watch.h>

enum { ROUNDS = 5 };

static struct {
	struct nuncio_module *self;
	int fds[2], left_fd[2];
	struct nuncio_watch *writer, *reader, *left;
	struct nuncio_timer *end;
	int wrote, read, wrong, closed, after_stop;
} state;

/* Writable all the time, so it must not be called again after it asked for nothing. */
static void on_writer(int fd, int events, void *user)
{
	if (user != &state || fd != state.fds[0] || events != NUNCIO_WATCH_WRITE)
		state.wrong++;
	if (write(fd, "x", 1) != 1)
		state.wrong++;
	state.wrote++;
	nuncio_watch_set(state.writer, 0);
}

static void on_reader(int fd, int events, void *user)
{
	char text[16];
	(void)user;
	if (!state.reader)
		state.after_stop++;
	if (events != NUNCIO_WATCH_READ)
		state.wrong++;
	ssize_t n = read(fd, text, sizeof text);
	if (n == 1 && ++state.read < ROUNDS) {
		nuncio_watch_set(state.writer, NUNCIO_WATCH_WRITE);
		return;
	}
	if (n == 1) { /* the other end goes: that is told as readable */
		nuncio_watch_stop(&state.writer);
		close(state.fds[0]);
		return;
	}
	state.closed = n == 0;
	nuncio_watch_stop(&state.reader);
	nuncio_watch_stop(&state.reader); /* is NULL */
	close(fd);
}

static void on_left(int fd, int events, void *user)
{
	(void)fd, (void)events, (void)user;
	state.wrong++; /* nothing ever comes */
}

static void on_end(void *user)
{
	(void)user;
	if (!state.closed)
		return;
	nuncio_timer_stop(&state.end);
	int is_ok = state.wrote == ROUNDS && state.read == ROUNDS && !state.wrong &&
		    !state.after_stop && !state.writer && !state.reader;
	nuncio_log(state.self, NUNCIO_INFO, "api: %s", is_ok ? "ok" : "wrong");
}

static int start(struct nuncio_module *self, struct nuncio_error *err)
{
	state.self = self;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, state.fds) < 0 ||
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, state.left_fd) <
			0) {
		nuncio_error_set(err, "no sockets");
		return NUNCIO_E_FAIL;
	}
	state.reader = nuncio_watch_start(self, state.fds[1], NUNCIO_WATCH_READ, on_reader, NULL);
	state.writer = nuncio_watch_start(self, state.fds[0], 0, on_writer, &state);
	nuncio_watch_set(state.writer, NUNCIO_WATCH_WRITE);
	state.left = nuncio_watch_start(self, state.left_fd[0], NUNCIO_WATCH_READ, on_left, NULL);
	state.end = nuncio_timer_start(self, 1, 2, on_end, NULL);
	return 0;
}

/* The watch that is left is the server's to end. */
static void fini(struct nuncio_module *self)
{
	(void)self;
	close(state.left_fd[0]);
	close(state.left_fd[1]);
}

NUNCIO_MODULE("api_watch", .summary = "descriptors on the loop", .start = start, .fini = fini)

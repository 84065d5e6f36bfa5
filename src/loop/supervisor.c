/* SPDX-License-Identifier: MIT */
/*
 * The notify protocol, written out: one datagram of `KEY=value` lines to the socket that
 * NOTIFY_SOCKET names, a path or, with '@', an abstract name. So nunciod needs no library of
 * systemd's, and everything that speaks the protocol may be the supervisor.
 *
 * Sending never waits: what the socket does not take is lost, as the next WATCHDOG=1 is soon to
 * come. Errors are not told, since nobody could do anything about them but the supervisor, who will
 * notice.
 */
#include "loop/supervisor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/slice.h"
#include "loop/timer.h"

struct supervisor {
	int fd; /* connected; -1: nobody wants to hear */
	int64_t watch_ms;
	struct loop *watched;
	struct loop_timer timer;
};

static int connect_to(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t n = strlen(name);
	if (n < 2 || n >= sizeof address.sun_path || (name[0] != '/' && name[0] != '@'))
		return -1;
	memcpy(address.sun_path, name, n);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, bytes) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static uint64_t number_in(const char *variable)
{
	uint64_t value = 0;
	const char *text = getenv(variable);
	return text && str_to_u64(str_of(text), &value) == 0 ? value : 0;
}

/* Half of the time asked for, so that one late message does no harm. */
static int64_t read_watchdog(void)
{
	uint64_t us = number_in("WATCHDOG_USEC"), pid = number_in("WATCHDOG_PID");
	if (us == 0 || us > INT64_MAX || (pid != 0 && pid != (uint64_t)getpid()))
		return 0;
	return us < 2000 ? 1 : (int64_t)(us / 2000);
}

struct supervisor *supervisor_new(void)
{
	struct supervisor *s = ALLOC_NEW(struct supervisor);
	const char *name = getenv("NOTIFY_SOCKET");
	s->fd = name ? connect_to(name) : -1;
	s->watch_ms = s->fd >= 0 ? read_watchdog() : 0;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return s;
}

void supervisor_free(struct supervisor **supervisor)
{
	struct supervisor *s = *supervisor;
	if (!s)
		return;
	if (s->watched)
		loop_timer_stop(s->watched, &s->timer);
	if (s->fd >= 0)
		close(s->fd);
	alloc_free(s);
	*supervisor = NULL;
}

static void tell(struct supervisor *s, const char *text)
{
	if (s->fd >= 0)
		(void)!send(s->fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void supervisor_ready(struct supervisor *s, const char *status)
{
	char text[256];
	snprintf(text, sizeof text, "READY=1\nSTATUS=%s", status);
	tell(s, text);
}

/* The time lets a supervisor tell an old READY=1 from the one that ends this reload. */
void supervisor_reloading(struct supervisor *s)
{
	char text[64];
	snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_mono_us());
	tell(s, text);
}

void supervisor_stopping(struct supervisor *s)
{
	tell(s, "STOPPING=1\nSTATUS=stopping");
}

static void on_watch(struct loop *loop, struct loop_timer *timer, void *user)
{
	(void)loop, (void)timer;
	tell(user, "WATCHDOG=1");
}

void supervisor_watch(struct supervisor *s, struct loop *loop)
{
	if (s->watch_ms == 0 || s->watched)
		return;
	s->watched = loop;
	loop_timer_init(&s->timer, on_watch, s);
	loop_timer_start(loop, &s->timer, s->watch_ms, s->watch_ms);
}

int64_t supervisor_watch_ms(const struct supervisor *s)
{
	return s->watch_ms;
}

/* SPDX-License-Identifier: MIT */
/*
 * Binding. Each address is bound once per I/O thread with SO_REUSEPORT, so the kernel
 * spreads connections and threads share no socket. Because SO_REUSEPORT would also let a second
 * server share the port silently, a probe without it is bound first. Thread: main, before the I/O
 * threads; they share the struct afterwards (see acceptor.c), and only its atomics change.
 */
#include "io/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/slice.h"

enum { BACKLOG = 4096 };

struct wanted {
	struct sockaddr_storage address;
	socklen_t bytes;
	bool is_any; /* a port alone: both families */
};

/* ---- addresses ---- */

static bool read_port(struct nuncio_str text, uint16_t *port_r)
{
	uint64_t port;
	if (str_to_u64(text, &port) < 0 || port > 65535)
		return false;
	*port_r = (uint16_t)port;
	return true;
}

static bool read_v6(const char *host, uint16_t port, struct wanted *w)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&w->address;
	*v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
	w->bytes = sizeof(*v6);
	return inet_pton(AF_INET6, host, &v6->sin6_addr) == 1;
}

static bool read_v4(const char *host, uint16_t port, struct wanted *w)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&w->address;
	*v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
	w->bytes = sizeof(*v4);
	return inet_pton(AF_INET, host, &v4->sin_addr) == 1;
}

static bool read_address(const char *text, struct wanted *w)
{
	const char *colon = strrchr(text, ':');
	char host[64];
	uint16_t port;
	*w = (struct wanted){ .is_any = !colon };
	if (!colon)
		return read_port(str_of(text), &port) && read_v6("::", port, w);
	size_t n = (size_t)(colon - text);
	if (!n || n >= sizeof(host) || !read_port(str_of(colon + 1), &port))
		return false;
	if (text[0] != '[') {
		snprintf(host, sizeof(host), "%.*s", (int)n, text);
		return read_v4(host, port, w);
	}
	if (text[n - 1] != ']')
		return false;
	snprintf(host, sizeof(host), "%.*s", (int)n - 2, text + 1);
	return read_v6(host, port, w);
}

int io_check_address(const char *text, struct nuncio_error *err)
{
	struct wanted w;
	if (read_address(text, &w))
		return 0;
	nuncio_error_set(err,
		"'%s' is no address; allowed: ADDRESS:PORT, [IPv6]:PORT or PORT, "
		"without names",
		text);
	return NUNCIO_E_INVAL;
}

static void set_port(struct wanted *w, uint16_t port)
{
	if (w->address.ss_family == AF_INET)
		((struct sockaddr_in *)&w->address)->sin_port = htons(port);
	else
		((struct sockaddr_in6 *)&w->address)->sin6_port = htons(port);
}

static uint16_t port_of(const struct wanted *w)
{
	return ntohs(w->address.ss_family == AF_INET
			     ? ((const struct sockaddr_in *)&w->address)->sin_port
			     : ((const struct sockaddr_in6 *)&w->address)->sin6_port);
}

/* ---- binding ---- */

static void switch_on(int fd, int level, int name)
{
	int on = 1;
	setsockopt(fd, level, name, &on, sizeof(on));
}

/* A bound socket, or -1 with errno. */
static int bind_socket(const struct wanted *w, bool is_shared)
{
	int off = 0;
	int fd = socket(w->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	switch_on(fd, SOL_SOCKET, SO_REUSEADDR);
	if (is_shared)
		switch_on(fd, SOL_SOCKET, SO_REUSEPORT);
	if (w->address.ss_family == AF_INET6 && w->is_any)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	else if (w->address.ss_family == AF_INET6)
		switch_on(fd, IPPROTO_IPV6, IPV6_V6ONLY);
	switch_on(fd, IPPROTO_TCP, TCP_NODELAY); /* accepted sockets inherit it */
	if (bind(fd, (const struct sockaddr *)&w->address, w->bytes) == 0)
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static int listen_socket(const struct wanted *w, bool is_shared)
{
	int fd = bind_socket(w, is_shared);
	if (fd < 0 || listen(fd, BACKLOG) == 0)
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* Nobody else listens there. */
static int probe(const struct wanted *w)
{
	int fd = bind_socket(w, false);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static int take_port(struct wanted *w, int fd)
{
	struct wanted bound = *w;
	if (getsockname(fd, (struct sockaddr *)&bound.address, &bound.bytes) < 0)
		return -1;
	set_port(w, port_of(&bound));
	return 0;
}

static int bind_all(struct wanted *w, unsigned thread_count, int *fds)
{
	bool is_shared = thread_count > 1;
	if (is_shared && port_of(w) && probe(w) < 0)
		return -1;
	for (unsigned i = 0; i < thread_count; i++) {
		fds[i] = listen_socket(w, is_shared);
		if (fds[i] < 0 || (i == 0 && take_port(w, fds[0]) < 0))
			return -1;
	}
	return 0;
}

static void write_address(const struct wanted *w, struct listener_address *a)
{
	char host[INET6_ADDRSTRLEN] = "*";
	a->port = port_of(w);
	if (w->address.ss_family == AF_INET) {
		inet_ntop(AF_INET, &((const struct sockaddr_in *)&w->address)->sin_addr, host,
			sizeof(host));
		snprintf(a->text, sizeof(a->text), "%s:%u", host, a->port);
	} else {
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)&w->address)->sin6_addr, host,
			sizeof(host));
		snprintf(a->text, sizeof(a->text), "[%s]:%u", host, a->port);
	}
}

static int open_address(const char *text, unsigned thread_count, struct listener_address *a,
	struct nuncio_error *err)
{
	struct wanted w;
	char what[128];
	if (!read_address(text, &w))
		return io_check_address(text, err);
	int rc = bind_all(&w, thread_count, a->fds);
	if (rc < 0 && w.is_any && errno == EAFNOSUPPORT) { /* a host without IPv6 */
		uint16_t port = port_of(&w);
		read_v4("0.0.0.0", port, &w);
		rc = bind_all(&w, thread_count, a->fds);
	}
	if (rc < 0) {
		snprintf(what, sizeof(what), "cannot listen on %s", text);
		return error_errno(err, what, errno);
	}
	write_address(&w, a);
	return 0;
}

/* ---- the whole ---- */

static uint32_t raise_descriptor_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1024;
	if (limit.rlim_cur < limit.rlim_max) {
		struct rlimit raised = { limit.rlim_max, limit.rlim_max };
		if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
			limit = raised;
	}
	return limit.rlim_cur > UINT32_MAX ? UINT32_MAX : (uint32_t)limit.rlim_cur;
}

static void set_limits(struct io_listeners *l, const struct io_settings *settings)
{
	l->descriptors = raise_descriptor_limit();
	uint32_t reserve = settings->descriptor_reserve;
	if (reserve > l->descriptors / 2)
		reserve = l->descriptors / 2;
	l->max_connections = l->descriptors - reserve;
	if (settings->max_connections && settings->max_connections < l->max_connections)
		l->max_connections = settings->max_connections;
	l->resume_connections = l->max_connections - l->max_connections / 64 - 1;
}

int io_listen(const struct io_settings *settings, unsigned thread_count,
	struct io_listeners **listeners_r, struct nuncio_error *err)
{
	struct io_listeners *l = ALLOC_NEW(struct io_listeners);
	int rc = 0;
	l->thread_count = thread_count;
	l->addresses = ALLOC_ARRAY(struct listener_address, settings->listen_count);
	set_limits(l, settings);
	for (; rc == 0 && l->count < settings->listen_count; l->count++) {
		struct listener_address *a = &l->addresses[l->count];
		a->fds = ALLOC_ARRAY(int, thread_count);
		for (unsigned i = 0; i < thread_count; i++)
			a->fds[i] = -1;
		rc = open_address(settings->listen[l->count], thread_count, a, err);
	}
	if (rc < 0)
		io_listeners_free(&l);
	*listeners_r = l;
	return rc;
}

void io_listeners_free(struct io_listeners **listeners)
{
	struct io_listeners *l = *listeners;
	*listeners = NULL;
	if (!l)
		return;
	for (size_t i = 0; i < l->count; i++) {
		for (unsigned k = 0; k < l->thread_count; k++)
			if (l->addresses[i].fds[k] >= 0)
				close(l->addresses[i].fds[k]);
		alloc_free(l->addresses[i].fds);
	}
	alloc_free(l->addresses);
	alloc_free(l);
}

size_t io_listeners_count(const struct io_listeners *listeners)
{
	return listeners->count;
}

const char *io_listeners_address(const struct io_listeners *listeners, size_t index)
{
	return listeners->addresses[index].text;
}

uint16_t io_listeners_port(const struct io_listeners *listeners, size_t index)
{
	return listeners->addresses[index].port;
}

uint32_t io_listeners_max_connections(const struct io_listeners *listeners)
{
	return listeners->max_connections;
}

uint32_t io_listeners_connections(const struct io_listeners *listeners)
{
	return atomic_load_explicit(&listeners->connections, memory_order_relaxed);
}

void io_listeners_troubles(
	const struct io_listeners *listeners, uint64_t *failed_r, uint64_t *pauses_r)
{
	*failed_r = atomic_load_explicit(&listeners->failed, memory_order_relaxed);
	*pauses_r = atomic_load_explicit(&listeners->pauses, memory_order_relaxed);
}

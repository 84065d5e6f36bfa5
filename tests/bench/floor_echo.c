/* SPDX-License-Identifier: MIT */
/*
 * The floor under every request: a bare libev echo server against loopback clients. The server is a
 * child process on the first core: one ev_io a connection, recv, send, nothing else. The client
 * (this process, on the second core, plain epoll) keeps `depth` requests of `size` bytes in flight
 * on each connection; all that one recv brought is answered with one send, on both sides. Prints
 * round trips a second and the server's CPU time for each.
 */
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ev.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct echo_client {
	int epoll_fd;
	size_t size, depth;
	char *requests;  /* depth of them */
	size_t *partial; /* by descriptor: bytes of an answer that has not come whole yet */
	uint64_t answers;
};

static char buffer[65536];

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	ssize_t n = recv(io->fd, buffer, sizeof buffer, 0);

	(void)events;
	if (n > 0 && send(io->fd, buffer, (size_t)n, MSG_NOSIGNAL) == n)
		return;
	ev_io_stop(loop, io);
	close(io->fd);
}

static _Noreturn void serve(int listener, unsigned conns)
{
	struct ev_loop *loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
	ev_io *ios = calloc(conns, sizeof *ios);
	int one = 1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (loop == NULL || ios == NULL)
		_exit(1);
	bench_pin(0);
	for (unsigned i = 0; i < conns; i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			_exit(1);
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		ev_io_init(&ios[i], on_readable, fd, EV_READ);
		ev_io_start(loop, &ios[i]);
	}
	ev_run(loop, 0);
	_exit(0);
}

static int listen_anywhere(struct sockaddr_in *address_r)
{
	socklen_t n = sizeof *address_r;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memset(address_r, 0, sizeof *address_r);
	address_r->sin_family = AF_INET;
	address_r->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)address_r, n) != 0 || listen(fd, 4096) != 0 ||
		getsockname(fd, (struct sockaddr *)address_r, &n) != 0)
		bench_die("listen");
	return fd;
}

static void connect_one(struct echo_client *c, const struct sockaddr_in *address)
{
	struct linger reset = { .l_onoff = 1 };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof *address) != 0)
		bench_die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
	if (epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0 ||
		send(fd, c->requests, c->size * c->depth, MSG_NOSIGNAL) < 0)
		bench_die("first request");
}

static void answer_one(struct echo_client *c, int fd)
{
	ssize_t n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);

	if (n <= 0) {
		if (n < 0 && errno == EAGAIN)
			return;
		bench_die("the echo server went away");
	}
	size_t have = c->partial[fd] + (size_t)n, whole = have / c->size;
	c->partial[fd] = have % c->size;
	c->answers += whole;
	if (whole != 0 && send(fd, c->requests, whole * c->size, MSG_NOSIGNAL) < 0)
		bench_die("send");
}

static void run_until(struct echo_client *c, uint64_t end_ns)
{
	struct epoll_event events[256];

	while (bench_now_ns() < end_ns) {
		int n = epoll_wait(c->epoll_fd, events, 256, 20);
		for (int i = 0; i < n; i++)
			answer_one(c, events[i].data.fd);
	}
}

static void measure(struct echo_client *c, unsigned conns, int pid, uint64_t seconds)
{
	struct bench_usage before, after;

	run_until(c, bench_now_ns() + 300000000u);
	c->answers = 0;
	bench_usage_of(pid, &before);
	uint64_t start = bench_now_ns();
	run_until(c, start + seconds * 1000000000u);
	double elapsed_s = (double)(bench_now_ns() - start) / 1e9;
	bench_usage_of(pid, &after);
	printf("floor name=echo conns=%u depth=%zu size=%zu per_s=%.0f server_us=%.2f\n", conns,
		c->depth, c->size, (double)c->answers / elapsed_s,
		(double)(after.cpu_us - before.cpu_us) / (double)c->answers);
}

int main(int argc, char **argv)
{
	struct echo_client client = { .size = 100, .depth = 1 };
	struct sockaddr_in address;
	unsigned conns = 100;
	uint64_t seconds = 3;
	int option;

	while ((option = getopt(argc, argv, "d:n:s:t:")) != -1) {
		switch (option) {
		case 'd':
			client.depth = bench_number(optarg, 1, 256);
			break;
		case 'n':
			conns = (unsigned)bench_number(optarg, 1, 10000);
			break;
		case 's':
			client.size = bench_number(optarg, 1, 1000);
			break;
		case 't':
			seconds = bench_number(optarg, 1, 60);
			break;
		default:
			fprintf(stderr,
				"usage: floor_echo [-n conns] [-d depth] [-s size] [-t seconds]\n");
			return 2;
		}
	}
	bench_raise_descriptors();
	int listener = listen_anywhere(&address);
	pid_t pid = fork();
	if (pid < 0)
		bench_die("fork");
	if (pid == 0)
		serve(listener, conns);
	bench_pin(1);
	client.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	client.requests = bench_grow(NULL, client.size * client.depth);
	memset(client.requests, 'q', client.size * client.depth);
	client.partial = calloc(conns + 64, sizeof *client.partial);
	if (client.partial == NULL)
		bench_die("out of memory");
	for (unsigned i = 0; i < conns; i++)
		connect_one(&client, &address);
	measure(&client, conns, (int)pid, seconds);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	free(client.partial);
	free(client.requests);
	return 0;
}

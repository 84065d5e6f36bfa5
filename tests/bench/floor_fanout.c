/* SPDX-License-Identifier: MIT */
/*
 * The floor under fan-out: one thread that sends the same frame to `-n` sockets, one bare send()
 * for each, round after round. The receiver is a child process on the other core: an epoll that
 * reads whatever comes and counts bytes. First one round at a time, then `-w` of them under way.
 * Prints how many frames a second arrived, and the sender's CPU time for each.
 */
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CONNS_A_SOURCE = 2000, FRAME_BYTES_MAX = 65536, PATIENCE_S = 20 };

/* Between the two processes. */
struct shared {
	_Atomic uint64_t bytes; /* that the receiver has read */
	_Atomic uint32_t is_connected;
};

struct sender {
	struct shared *shared;
	int *fds;
	unsigned conns, window;
	size_t frame_bytes;
	uint64_t rounds;
};

static char frame[FRAME_BYTES_MAX];

/* ---- the receiver ---- */

/* One source address has ports for only so many connections to one address and port. */
static int connect_one(const struct sockaddr_in *server, unsigned index)
{
	struct sockaddr_in source = { .sin_family = AF_INET };
	struct linger reset = { .l_onoff = 1 };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	source.sin_addr.s_addr = htonl(0x7f400001u + index / CONNS_A_SOURCE);
	if (fd < 0)
		bench_die("socket (the descriptor limit may be too low)");
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	if (bind(fd, (struct sockaddr *)&source, sizeof source) != 0 ||
		connect(fd, (const struct sockaddr *)server, sizeof *server) != 0)
		bench_die("connection %u", index);
	return fd;
}

static _Noreturn void receive(
	struct shared *shared, const struct sockaddr_in *server, unsigned conns)
{
	struct epoll_event events[512];
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	bench_pin(1);
	for (unsigned i = 0; i < conns; i++) {
		struct epoll_event event = { .events = EPOLLIN };
		event.data.fd = connect_one(server, i);
		if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, event.data.fd, &event) != 0)
			bench_die("epoll_ctl");
	}
	atomic_store(&shared->is_connected, 1);
	for (;;) {
		uint64_t bytes = 0;
		int count = epoll_wait(epoll_fd, events, 512, -1);
		for (int i = 0; i < count; i++) {
			ssize_t n = recv(events[i].data.fd, frame, sizeof frame, MSG_DONTWAIT);
			bytes += n > 0 ? (uint64_t)n : 0;
		}
		atomic_fetch_add(&shared->bytes, bytes);
	}
}

/* ---- the sender ---- */

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

static void accept_all(struct sender *s, int listener)
{
	uint64_t end_ns = bench_now_ns() + PATIENCE_S * 1000000000ull;
	int one = 1;

	for (unsigned i = 0; i < s->conns; i++) {
		s->fds[i] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (s->fds[i] < 0)
			bench_die("accept");
		setsockopt(s->fds[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	}
	while (!atomic_load(&s->shared->is_connected)) {
		errno = 0;
		if (bench_now_ns() > end_ns)
			bench_die("the receiver does not get ready");
		sched_yield();
	}
}

/* Until so many rounds have arrived in full. */
static void wait_for(const struct sender *s, uint64_t rounds)
{
	uint64_t wanted = rounds * s->conns * s->frame_bytes;
	uint64_t end_ns = bench_now_ns() + PATIENCE_S * 1000000000ull;

	while (atomic_load(&s->shared->bytes) < wanted) {
		errno = 0;
		if (bench_now_ns() > end_ns)
			bench_die("the receiver does not read any more");
		sched_yield();
	}
}

static void send_round(struct sender *s)
{
	for (unsigned i = 0; i < s->conns; i++)
		if (send(s->fds[i], frame, s->frame_bytes, MSG_NOSIGNAL) != (ssize_t)s->frame_bytes)
			bench_die("send to receiver %u", i);
	s->rounds++;
}

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

struct rate {
	double per_s, cpu_us;
};

/* The CPU time is of the sends alone, not of waiting for the receiver. */
static struct rate measure(struct sender *s, unsigned window, uint64_t duration_ns)
{
	uint64_t before = s->rounds, cpu = 0, start = bench_now_ns();

	do {
		if (s->rounds - before >= window)
			wait_for(s, s->rounds - window + 1);
		uint64_t begun = cpu_ns();
		send_round(s);
		cpu += cpu_ns() - begun;
	} while (bench_now_ns() < start + duration_ns);
	wait_for(s, s->rounds);
	double sent = (double)(s->rounds - before) * s->conns;
	return (struct rate){ sent * 1e9 / (double)(bench_now_ns() - start),
		(double)cpu / 1e3 / sent };
}

static void measure_all(struct sender *s, uint64_t seconds)
{
	struct rate alone, many;

	measure(s, 1, 0); /* the first send of a socket is another matter */
	alone = measure(s, 1, seconds * 500000000u);
	many = measure(s, s->window, seconds * 500000000u);
	printf("floor name=fanout conns=%u size=%zu alone_per_s=%.0f alone_round_us=%.0f"
	       " alone_server_us=%.2f window=%u"
	       " per_s=%.0f server_us=%.2f\n",
		s->conns, s->frame_bytes, alone.per_s, s->conns * 1e6 / alone.per_s, alone.cpu_us,
		s->window, many.per_s, many.cpu_us);
}

int main(int argc, char **argv)
{
	struct sender sender = { .conns = 1000, .window = 4, .frame_bytes = 450 };
	struct sockaddr_in address;
	uint64_t seconds = 3;
	int option;

	while ((option = getopt(argc, argv, "n:s:t:w:")) != -1) {
		switch (option) {
		case 'n':
			sender.conns = (unsigned)bench_number(optarg, 1, 19000);
			break;
		case 's':
			sender.frame_bytes = bench_number(optarg, 1, 8000);
			break;
		case 't':
			seconds = bench_number(optarg, 1, 60);
			break;
		case 'w':
			sender.window = (unsigned)bench_number(optarg, 1, 16);
			break;
		default:
			fprintf(stderr, "usage: floor_fanout [-n conns] [-s frame bytes]"
					" [-w rounds under way] [-t seconds]\n");
			return 2;
		}
	}
	bench_raise_descriptors();
	sender.shared = mmap(NULL, sizeof *sender.shared, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sender.fds = calloc(sender.conns, sizeof *sender.fds);
	if (sender.shared == MAP_FAILED || sender.fds == NULL)
		bench_die("out of memory");
	int listener = listen_anywhere(&address);
	pid_t pid = fork();
	if (pid < 0)
		bench_die("fork");
	if (pid == 0)
		receive(sender.shared, &address, sender.conns);
	bench_pin(0);
	accept_all(&sender, listener);
	measure_all(&sender, seconds);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	free(sender.fds);
	return 0;
}

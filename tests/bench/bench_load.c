/* SPDX-License-Identifier: MIT */
/*
 * bench_load: drives a running nunciod as its clients would and prints one line of key=value pairs.
 * This file has the command line and what all loads do alike: log in many peers, read the clocks,
 * end the line. A load is one function in its own load_*.c, listed in the table below.
 *
 * The exit status is 1 only for what slowness cannot excuse: refused logins, closed connections,
 * wrong answers, messages lost, doubled or out of order. Every wait has an end.
 */
#include "bench_load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	OPENING_MAX = 64,
	OPENING_PATIENCE_S = 60,
	HARD_END_S = 240,
};

static const struct {
	const char *name;
	int (*run)(struct load *load);
	unsigned peers, depth;
	const char *help;
} loads[] = {
	{ "fanout", load_fanout, 1000, 4,
		"a group whose -n others are online, -d messages under way" },
	{ "crowd", load_crowd, 1000, 1,
		"a group of -m members, -n of them online, and one of two" },
	{ "pages", load_pages, 2, 1, "pages of history, of memory and of the store by turns" },
	{ "idle", load_idle, 0, 0, "memory of connections that do nothing (-c 5000,15000)" },
	{ "ping", load_ping, 100, 1, "-n connections keep -d pings in flight each" },
	{ "pairs", load_pairs, 50, 16, "-n pairs, senders keep -d messages unacknowledged" },
	{ "latency", load_latency, 2, 1, "one pair, one message at a time, -g ms between them" },
	{ "login", load_login, 32, 1, "-n logins at a time, each closed as soon as it is ready" },
};

void *load_array(size_t count, size_t bytes)
{
	void *p = calloc(count, bytes);

	if (p == NULL)
		bench_die("out of memory for %zu items", count);
	return p;
}

void load_name(
	const struct load *load, const char *role, size_t index, char name_r[LOAD_NAME_BYTES])
{
	snprintf(name_r, LOAD_NAME_BYTES, "%.20s-%.8s%zu", load->prefix, role, index);
}

void load_open(struct load *load, struct peer *peers, size_t from, size_t to, const char *role)
{
	struct swarm *s = &load->swarm;
	uint32_t wanted = s->ready + (uint32_t)(to - from);
	uint64_t end = bench_now_ns() + OPENING_PATIENCE_S * 1000000000ull;
	size_t opened = from;
	char name[LOAD_NAME_BYTES];

	while (s->ready < wanted) {
		while (opened < to && wanted - s->ready - (to - opened) < OPENING_MAX) {
			load_name(load, role, opened, name);
			peer_open(s, &peers[opened++], name);
		}
		swarm_turn(s, 100);
		errno = 0;
		if (s->faults != 0)
			bench_die("login failed: %s", s->first_fault);
		if (bench_now_ns() > end)
			bench_die("only %u of %u logins after %d s", (unsigned)s->ready,
				(unsigned)wanted, OPENING_PATIENCE_S);
	}
}

void load_close(struct peer *peers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		peer_reset(&peers[i]);
}

void load_window_start(const struct load *load, struct load_window *w)
{
	memset(w, 0, sizeof *w);
	if (load->pid != 0)
		bench_usage_of(load->pid, &w->before);
	w->start_ns = bench_now_ns();
	w->end_ns = w->start_ns + load->seconds * 1000000000u;
}

void load_window_end(const struct load *load, struct load_window *w)
{
	w->end_ns = bench_now_ns();
	if (load->pid != 0 && !bench_usage_of(load->pid, &w->after)) {
		errno = 0;
		bench_die("the server (pid %d) is gone", load->pid);
	}
}

double load_window_seconds(const struct load_window *w)
{
	return (double)(w->end_ns - w->start_ns) / 1e9;
}

int load_finish(struct load *load, const struct load_window *w, uint64_t count)
{
	if (load->pid != 0 && count != 0)
		printf(" server_us=%.2f server_switches=%.3f",
			(double)(w->after.cpu_us - w->before.cpu_us) / (double)count,
			(double)(w->after.switches - w->before.switches) / (double)count);
	printf(" faults=%llu\n", (unsigned long long)load->swarm.faults);
	if (load->swarm.faults != 0)
		fprintf(stderr, "first fault: %s\n", load->swarm.first_fault);
	return load->swarm.faults != 0;
}

static _Noreturn void usage(void)
{
	fprintf(stderr, "usage: bench_load [options] LOAD\n"
			"  -a ADDRESS:PORT  of the server, in 127.0.0.0/8 (127.0.0.1:8080)\n"
			"  -k FILE          its HS256 key\n"
			"  -i KID           the id of that key (bench)\n"
			"  -p PID           of the server: also say what CPU and memory it used\n"
			"  -t SECONDS       to measure (5)\n"
			"  -n COUNT  -d DEPTH  -b BODY BYTES (200)  -g MS (2)  -c COUNT,COUNT\n"
			"  -m MEMBERS       of the group of crowd (100000)\n"
			"  -u PREFIX        of user names (made from the pid)\n"
			"loads:\n");
	for (size_t i = 0; i < sizeof loads / sizeof *loads; i++)
		fprintf(stderr, "  %-8s %s\n", loads[i].name, loads[i].help);
	exit(2);
}

static size_t find_load(const char *name)
{
	for (size_t i = 0; i < sizeof loads / sizeof *loads; i++)
		if (strcmp(loads[i].name, name) == 0)
			return i;
	usage();
}

int main(int argc, char **argv)
{
	struct load load = { .seconds = 5,
		.body_bytes = 200,
		.gap_ms = 2,
		.steps = "5000,15000",
		.members = 100000 };
	const char *address = "127.0.0.1:8080", *key_file = NULL, *kid = "bench";
	char prefix[32];
	int option;

	snprintf(prefix, sizeof prefix, "b%ld", (long)getpid());
	load.prefix = prefix;
	while ((option = getopt(argc, argv, "a:b:c:d:g:i:k:m:n:p:t:u:")) != -1) {
		switch (option) {
		case 'a':
			address = optarg;
			break;
		case 'b':
			load.body_bytes = (unsigned)bench_number(optarg, 1, 8000);
			break;
		case 'c':
			load.steps = optarg;
			break;
		case 'd':
			load.depth = (unsigned)bench_number(optarg, 1, 1024);
			break;
		case 'g':
			load.gap_ms = (unsigned)bench_number(optarg, 0, 1000);
			break;
		case 'i':
			kid = optarg;
			break;
		case 'k':
			key_file = optarg;
			break;
		case 'm':
			load.members = (unsigned)bench_number(optarg, 2, 1000000);
			break;
		case 'n':
			load.peers = (unsigned)bench_number(optarg, 1, 19000);
			break;
		case 'p':
			load.pid = (int)bench_number(optarg, 1, 1u << 30);
			break;
		case 't':
			load.seconds = bench_number(optarg, 1, 60);
			break;
		case 'u':
			load.prefix = optarg;
			break;
		default:
			usage();
		}
	}
	if (optind + 1 != argc || key_file == NULL)
		usage();
	size_t index = find_load(argv[optind]);
	load.peers = load.peers != 0 ? load.peers : loads[index].peers;
	load.depth = load.depth != 0 ? load.depth : loads[index].depth;
	alarm(HARD_END_S);
	swarm_init(&load.swarm, address, key_file, kid);
	int rc = loads[index].run(&load);
	swarm_fini(&load.swarm);
	return rc;
}

/* SPDX-License-Identifier: MIT */
/*
 * idle: what one authenticated connection costs the server in memory of its own (user space), when
 * it does nothing. The server's private and anonymous memory is read before the first connection
 * and after each step (5,000 and 15,000 by default), and divided: everything that the server keeps
 * for a connection, its session and its user is in it. At the end every connection sends one ping
 * and the memory is read once more: a connection that has talked must fall back to nothing too.
 */
#include "bench_load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { STEPS_MAX = 8, SETTLE_MS = 1500, PATIENCE_MS = 20000 };

struct idle_run {
	uint64_t answers;
};

static void on_packet(struct peer *peer, const struct packet *packet)
{
	struct idle_run *run = peer->user;

	if (packet->type != PACKET_RESPONSE)
		return;
	if (packet->code != 0)
		swarm_fault(peer->swarm, "ping answered with code %lld", (long long)packet->code);
	run->answers++;
}

static unsigned parse_steps(const char *text, unsigned steps_r[STEPS_MAX])
{
	unsigned count = 0;
	char *end;

	for (const char *p = text; count < STEPS_MAX; p = end + 1) {
		unsigned long v = strtoul(p, &end, 10);
		errno = 0;
		if (end == p || v == 0 || v > 19000 || (count != 0 && v <= steps_r[count - 1]))
			bench_die("\"%s\" must be rising numbers up to 19000", text);
		steps_r[count++] = (unsigned)v;
		if (*end != ',')
			break;
	}
	return count;
}

/* Connections must stay alive meanwhile, so it is not a plain sleep. */
static void settle(struct load *load, unsigned ms)
{
	uint64_t end = bench_now_ns() + ms * 1000000ull;

	while (bench_now_ns() < end)
		swarm_turn(&load->swarm, 50);
}

static void read_memory(struct load *load, struct bench_memory *memory_r)
{
	settle(load, SETTLE_MS);
	if (!bench_memory_of(load->pid, memory_r))
		bench_die("memory of pid %d", load->pid);
}

static void print_memory(const char *what, const struct bench_memory *before,
	const struct bench_memory *after, unsigned conns)
{
	printf(" private_%s=%.0f anonymous_%s=%.0f", what,
		((double)after->private_bytes - (double)before->private_bytes) / conns, what,
		((double)after->anonymous_bytes - (double)before->anonymous_bytes) / conns);
}

static void ping_all(struct load *load, struct idle_run *run, struct peer *peers, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		peer_request(&peers[i], "ping", "{}", 2);
		peer_flush(&peers[i]);
		if (i % 64 == 0)
			swarm_turn(&load->swarm, 0);
	}
	uint64_t end = bench_now_ns() + PATIENCE_MS * 1000000ull;
	while (run->answers < count && bench_now_ns() < end && load->swarm.faults == 0)
		swarm_turn(&load->swarm, 20);
	if (run->answers < count)
		swarm_fault(&load->swarm, "only %llu of %u pings were answered",
			(unsigned long long)run->answers, count);
}

int load_idle(struct load *load)
{
	unsigned steps[STEPS_MAX], count = parse_steps(load->steps, steps), open = 0;
	struct bench_memory before, after;
	struct idle_run run = { 0 };
	struct load_window window;
	char what[16];

	if (load->pid == 0) {
		errno = 0;
		bench_die("idle needs the server's pid (-p)");
	}
	struct peer *peers = load_array(steps[count - 1], sizeof *peers);
	load->swarm.hooks = (struct swarm_hooks){ .on_packet = on_packet };
	for (unsigned i = 0; i < steps[count - 1]; i++)
		peers[i].user = &run;
	load_window_start(load, &window);
	read_memory(load, &before);
	printf("load name=idle base=%llu", (unsigned long long)before.private_bytes);
	for (unsigned i = 0; i < count; i++) {
		load_open(load, peers, open, steps[i], "idle");
		open = steps[i];
		read_memory(load, &after);
		snprintf(what, sizeof what, "%u", open);
		print_memory(what, &before, &after, open);
	}
	ping_all(load, &run, peers, open);
	read_memory(load, &after);
	print_memory("touched", &before, &after, open);
	if (load->swarm.ready != open)
		swarm_fault(&load->swarm, "only %u of %u connections are left",
			(unsigned)load->swarm.ready, open);
	load_window_end(load, &window);
	int rc = load_finish(load, &window, open);
	load_close(peers, open);
	free(peers);
	return rc;
}

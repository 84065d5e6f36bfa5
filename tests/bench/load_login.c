/* SPDX-License-Identifier: MIT */
/*
 * login: a storm of reconnects. Some logins at a time: connect, upgrade with a bearer token of a
 * user not seen before, wait for session.ready, reset, again. Every token is new, so a cache of
 * verified tokens does not help.
 */
#include "bench_load.h"

#include <stdio.h>
#include <stdlib.h>

struct login_run {
	uint64_t started, done;
};

static void on_ready(struct peer *peer)
{
	struct login_run *run = peer->user;

	run->done++;
	peer_reset(peer);
}

static void open_next(struct load *load, struct login_run *run, struct peer *peer)
{
	char name[48];

	snprintf(
		name, sizeof name, "%.20s-l%llu", load->prefix, (unsigned long long)run->started++);
	peer_open(&load->swarm, peer, name);
}

static void run_until(struct load *load, struct login_run *run, struct peer *peers, uint64_t end_ns)
{
	while (bench_now_ns() < end_ns && load->swarm.faults == 0) {
		for (unsigned i = 0; i < load->peers; i++)
			if (peers[i].state == PEER_CLOSED)
				open_next(load, run, &peers[i]);
		swarm_turn(&load->swarm, 20);
	}
}

int load_login(struct load *load)
{
	struct login_run run = { 0 };
	struct peer *peers = load_array(load->peers, sizeof *peers);
	struct load_window window;

	load->swarm.hooks = (struct swarm_hooks){ .on_ready = on_ready };
	for (unsigned i = 0; i < load->peers; i++)
		peers[i].user = &run;
	run_until(load, &run, peers, bench_now_ns() + 300000000u);
	run.done = 0;
	load_window_start(load, &window);
	run_until(load, &run, peers, window.end_ns);
	load_window_end(load, &window);
	printf("load name=login at_once=%u per_s=%.0f", load->peers,
		(double)run.done / load_window_seconds(&window));
	int rc = load_finish(load, &window, run.done);
	load_close(peers, load->peers);
	free(peers);
	return rc;
}

/* SPDX-License-Identifier: MIT */
/*
 * ping: what a request costs that needs no store. Each connection keeps `depth` pings in flight and
 * sends as many new ones as answers came with one read, in one write: just what floor_echo does.
 * Answers must come in order, since nothing here waits for anything.
 */
#include "bench_load.h"

#include <stdio.h>
#include <stdlib.h>

struct pinger {
	struct ping_run *run;
	uint32_t answered; /* seq of the last answer */
	uint32_t owed;     /* new pings to send at the end of the batch */
};

struct ping_run {
	uint64_t answers;
};

static void on_packet(struct peer *peer, const struct packet *packet)
{
	struct pinger *pinger = peer->user;

	if (packet->type != PACKET_RESPONSE)
		return;
	if (packet->code != 0 || packet->seq != pinger->answered + 1)
		swarm_fault(peer->swarm, "ping %u answered as seq %u, code %lld",
			(unsigned)pinger->answered + 1, (unsigned)packet->seq,
			(long long)packet->code);
	pinger->answered = packet->seq;
	pinger->owed++;
	pinger->run->answers++;
}

static void on_batch_end(struct peer *peer)
{
	struct pinger *pinger = peer->user;

	for (; pinger->owed != 0; pinger->owed--)
		peer_request(peer, "ping", "{}", 2);
}

static void run_until(struct load *load, uint64_t end_ns)
{
	while (bench_now_ns() < end_ns && load->swarm.faults == 0)
		swarm_turn(&load->swarm, 20);
}

int load_ping(struct load *load)
{
	struct ping_run run = { 0 };
	struct peer *peers = load_array(load->peers, sizeof *peers);
	struct pinger *pingers = load_array(load->peers, sizeof *pingers);
	struct load_window window;

	load->swarm.hooks =
		(struct swarm_hooks){ .on_packet = on_packet, .on_batch_end = on_batch_end };
	for (unsigned i = 0; i < load->peers; i++) {
		peers[i].user = &pingers[i];
		pingers[i].run = &run;
	}
	load_open(load, peers, 0, load->peers, "ping");
	for (unsigned i = 0; i < load->peers; i++) {
		pingers[i].owed = load->depth;
		on_batch_end(&peers[i]);
		peer_flush(&peers[i]);
	}
	run_until(load, bench_now_ns() + 300000000u);
	run.answers = 0;
	load_window_start(load, &window);
	run_until(load, window.end_ns);
	load_window_end(load, &window);
	printf("load name=ping conns=%u depth=%u per_s=%.0f", load->peers, load->depth,
		(double)run.answers / load_window_seconds(&window));
	int rc = load_finish(load, &window, run.answers);
	load_close(peers, load->peers);
	free(pingers);
	free(peers);
	return rc;
}

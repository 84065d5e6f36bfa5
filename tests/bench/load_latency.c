/* SPDX-License-Identifier: MIT */
/*
 * latency: one message at a time between two users, with a pause between them, so that the server
 * has gone to sleep each time. Measures from before the send until the acknowledgement is read, and
 * until the message is read by the other user. Waking this program is part of both, as it is of
 * any client.
 */
#include "bench_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WARM_UP = 50, PATIENCE_S = 30 };

struct latency_run {
	struct peer peers[2]; /* sender, receiver */
	struct bench_samples acks, deliveries;
	uint64_t sent, sent_ns;
	bool acked, delivered;
	bool warm;
};

static void take_ack(struct latency_run *run, struct peer *peer, const struct packet *packet)
{
	if (packet->code != 0) {
		swarm_fault(peer->swarm, "message.send answered %lld: %.*s",
			(long long)packet->code, (int)packet->message.n,
			packet->message.n != 0 ? packet->message.p : "");
		return;
	}
	if (run->warm)
		bench_samples_add(&run->acks, bench_now_ns() - run->sent_ns);
	run->acked = true;
}

static void take_delivery(struct latency_run *run, struct peer *peer, const struct packet *packet)
{
	char confirm[256];

	if (run->warm)
		bench_samples_add(&run->deliveries, bench_now_ns() - run->sent_ns);
	if (run->delivered)
		swarm_fault(peer->swarm, "message %llu was delivered twice",
			(unsigned long long)run->sent);
	run->delivered = true;
	struct span conversation = json_member(packet->data, "conversation");
	int n = snprintf(confirm, sizeof confirm, "{\"conversation\":\"%.*s\",\"seq\":%lld}",
		(int)(conversation.n < 160 ? conversation.n : 160), conversation.p,
		(long long)span_number(json_member(packet->data, "seq")));
	peer_request(peer, "message.confirm", confirm, (size_t)n);
}

static void on_packet(struct peer *peer, const struct packet *packet)
{
	struct latency_run *run = peer->user;

	if (peer == &run->peers[0] && packet->type == PACKET_RESPONSE)
		take_ack(run, peer, packet);
	else if (peer == &run->peers[1] && span_is(packet->op, "message.new"))
		take_delivery(run, peer, packet);
}

static void send_one(struct load *load, struct latency_run *run, const char *body)
{
	char data[16384 - 512];

	int n = snprintf(data, sizeof data,
		"{\"to\":{\"user\":\"%s\"},\"client_id\":\"m%llu\",\"body\":\"%.*s\"}",
		run->peers[1].name, (unsigned long long)++run->sent, (int)load->body_bytes, body);
	run->acked = run->delivered = false;
	peer_request(&run->peers[0], "message.send", data, (size_t)n);
	run->sent_ns = bench_now_ns();
	peer_flush(&run->peers[0]);
	uint64_t end = run->sent_ns + PATIENCE_S * 1000000000ull;
	while ((!run->acked || !run->delivered) && load->swarm.faults == 0) {
		swarm_turn(&load->swarm, 100);
		if (bench_now_ns() > end)
			swarm_fault(&load->swarm, "message %llu: acknowledged %d, delivered %d",
				(unsigned long long)run->sent, run->acked, run->delivered);
	}
}

static void pause_between(struct load *load)
{
	uint64_t end = bench_now_ns() + load->gap_ms * 1000000ull;

	while (load->gap_ms != 0 && bench_now_ns() < end && load->swarm.faults == 0)
		swarm_turn(&load->swarm, (int)load->gap_ms);
}

int load_latency(struct load *load)
{
	struct latency_run *run = load_array(1, sizeof *run);
	struct load_window window;
	static char body[8001];

	memset(body, 'x', sizeof body - 1);
	load->swarm.hooks = (struct swarm_hooks){ .on_packet = on_packet };
	run->peers[0].user = run->peers[1].user = run;
	load_open(load, run->peers, 0, 2, "one");
	for (unsigned i = 0; i < WARM_UP && load->swarm.faults == 0; i++)
		send_one(load, run, body);
	run->warm = true;
	load_window_start(load, &window);
	while (bench_now_ns() < window.end_ns && load->swarm.faults == 0) {
		send_one(load, run, body);
		pause_between(load);
	}
	load_window_end(load, &window);
	printf("load name=latency body=%u gap_ms=%u count=%zu ack_p50_us=%.1f ack_p99_us=%.1f"
	       " delivery_p50_us=%.1f delivery_p99_us=%.1f",
		load->body_bytes, load->gap_ms, run->acks.count, bench_samples_us(&run->acks, 0.5),
		bench_samples_us(&run->acks, 0.99), bench_samples_us(&run->deliveries, 0.5),
		bench_samples_us(&run->deliveries, 0.99));
	int rc = load_finish(load, &window, run->acks.count);
	load_close(run->peers, 2);
	bench_samples_fini(&run->acks);
	bench_samples_fini(&run->deliveries);
	free(run);
	return rc;
}

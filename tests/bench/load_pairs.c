/* SPDX-License-Identifier: MIT */
/*
 * pairs: one-to-one chat under load. In each pair one user keeps `depth` messages unacknowledged;
 * the other reads, and confirms cumulatively once for all that one read brought. A message counts
 * when it is both acknowledged and delivered.
 *
 * After the time is up no more is sent, and the run waits until nothing more comes. Then for every
 * message: the seq in the acknowledgement and in the delivery must be the same, and delivered seqs
 * must be 1, 2, 3 ... without hole or repeat, in the order of sending. Anything else is a fault.
 */
#include "bench_load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SENDER, RECEIVER };

/* How long nothing at all may come before what is missing counts as lost. */
enum { DRAIN_QUIET_S = 10 };

struct pair_run {
	struct load *load;
	uint64_t acked, delivered, both;
	bool draining;
};

struct pair {
	struct pair_run *run;
	struct peer *peers[2];
	uint32_t sent, owed; /* messages: sent so far; to send at the end of the batch */
	uint32_t delivered;  /* highest seq */
	uint32_t confirmed;
	uint32_t *acked_seq; /* by message; 0 not yet */
	bool *is_delivered;
	size_t size; /* of both arrays */
	char conversation[256];
};

static void make_room(struct pair *pair)
{
	if (pair->sent < pair->size)
		return;
	size_t size = pair->size != 0 ? pair->size * 2 : 1024;
	pair->acked_seq = bench_grow(pair->acked_seq, size * sizeof *pair->acked_seq);
	pair->is_delivered = bench_grow(pair->is_delivered, size * sizeof *pair->is_delivered);
	memset(pair->acked_seq + pair->size, 0, (size - pair->size) * sizeof *pair->acked_seq);
	memset(pair->is_delivered + pair->size, 0,
		(size - pair->size) * sizeof *pair->is_delivered);
	pair->size = size;
}

static void send_one(struct pair *pair)
{
	static const char x[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
	unsigned left = pair->run->load->body_bytes;
	char data[16384 - 512];

	make_room(pair);
	int n = snprintf(data, 512, "{\"to\":{\"user\":\"%s\"},\"client_id\":\"m%u\",\"body\":\"",
		pair->peers[RECEIVER]->name, (unsigned)pair->sent);
	for (unsigned part; left != 0; left -= part, n += (int)part) {
		part = left < sizeof x - 1 ? left : (unsigned)sizeof x - 1;
		memcpy(data + n, x, part);
	}
	memcpy(data + n, "\"}", 2);
	peer_request(pair->peers[SENDER], "message.send", data, (size_t)n + 2);
	pair->sent++;
}

/* The first answer names the conversation; all others must name the same. */
static void check_conversation(struct pair *pair, struct span conversation)
{
	if (pair->conversation[0] == '\0' && conversation.n != 0 &&
		conversation.n < sizeof pair->conversation)
		memcpy(pair->conversation, conversation.p, conversation.n);
	if (!span_is(conversation, pair->conversation))
		swarm_fault(&pair->run->load->swarm, "conversation %.*s instead of %s",
			(int)conversation.n, conversation.p, pair->conversation);
}

static void take_ack(struct pair *pair, const struct packet *packet)
{
	struct pair_run *run = pair->run;
	struct swarm *s = &run->load->swarm;
	uint32_t index = packet->seq - 1;

	if (packet->code != 0) {
		swarm_fault(s, "message.send answered %lld: %.*s", (long long)packet->code,
			(int)packet->message.n, packet->message.n != 0 ? packet->message.p : "");
		return;
	}
	int64_t seq = span_number(json_member(packet->data, "seq"));
	if (index >= pair->sent || pair->acked_seq[index] != 0 || seq < 1) {
		swarm_fault(s, "request %u was not open, or its message has no seq",
			(unsigned)packet->seq);
		return;
	}
	if (!span_is(json_member(packet->data, "durability"), "stored") ||
		span_is(json_member(packet->data, "duplicate"), "true"))
		swarm_fault(s, "acknowledged as not stored or as duplicate: %.*s",
			(int)(packet->data.n < 160 ? packet->data.n : 160), packet->data.p);
	check_conversation(pair, json_member(packet->data, "conversation"));
	pair->acked_seq[index] = (uint32_t)seq;
	run->acked++;
	run->both += pair->is_delivered[index];
	pair->owed += !run->draining;
}

/* One pass over the event: it comes as often as messages do. */
static void read_event(
	struct span data, struct span *conversation_r, int64_t *seq_r, int64_t *index_r)
{
	struct json_walk walk = json_walk_of(data);
	struct span key, value;

	*conversation_r = (struct span){ "", 0 };
	*seq_r = *index_r = -1;
	while (json_walk_next(&walk, &key, &value)) {
		if (span_is(key, "conversation"))
			*conversation_r = value;
		else if (span_is(key, "seq"))
			*seq_r = span_number(value);
		else if (span_is(key, "client_id") && value.n > 1)
			*index_r = span_number((struct span){ value.p + 1, value.n - 1 });
	}
}

static void take_delivery(struct pair *pair, const struct packet *packet)
{
	struct pair_run *run = pair->run;
	struct swarm *s = &run->load->swarm;
	struct span conversation;
	int64_t seq, index;

	read_event(packet->data, &conversation, &seq, &index);
	check_conversation(pair, conversation);
	if (seq != (int64_t)pair->delivered + 1)
		swarm_fault(s, "%s: seq %lld came after %u",
			conversation.n != 0 ? pair->conversation : "?", (long long)seq,
			(unsigned)pair->delivered);
	if (index < 0 || index >= pair->sent || pair->is_delivered[index] || index != seq - 1) {
		swarm_fault(s, "%s: message %lld came as seq %lld, again or out of order",
			pair->conversation, (long long)index, (long long)seq);
		return;
	}
	pair->delivered = (uint32_t)seq;
	pair->is_delivered[index] = true;
	run->delivered++;
	run->both += pair->acked_seq[index] != 0;
}

static void on_packet(struct peer *peer, const struct packet *packet)
{
	struct pair *pair = peer->user;

	if (peer == pair->peers[SENDER]) {
		if (packet->type == PACKET_RESPONSE)
			take_ack(pair, packet);
	} else if (packet->type == PACKET_RESPONSE) {
		if (packet->code != 0)
			swarm_fault(peer->swarm, "message.confirm answered %lld",
				(long long)packet->code);
	} else if (span_is(packet->op, "message.new")) {
		take_delivery(pair, packet);
	}
}

static void on_batch_end(struct peer *peer)
{
	struct pair *pair = peer->user;
	char data[320];

	if (peer == pair->peers[SENDER]) {
		for (; pair->owed != 0; pair->owed--)
			send_one(pair);
	} else if (pair->confirmed != pair->delivered) {
		pair->confirmed = pair->delivered;
		int n = snprintf(data, sizeof data, "{\"conversation\":\"%s\",\"seq\":%u}",
			pair->conversation, (unsigned)pair->delivered);
		peer_request(peer, "message.confirm", data, (size_t)n);
	}
}

static void run_until(struct pair_run *run, uint64_t end_ns)
{
	while (bench_now_ns() < end_ns && run->load->swarm.faults == 0)
		swarm_turn(&run->load->swarm, 20);
}

static uint64_t count_sent(const struct pair *pairs, unsigned count)
{
	uint64_t sent = 0;

	for (unsigned i = 0; i < count; i++)
		sent += pairs[i].sent;
	return sent;
}

/* A slow server may take its time, as long as something still comes. */
static void drain(struct pair_run *run, uint64_t sent)
{
	uint64_t last = bench_now_ns(), progress = 0;

	run->draining = true;
	while ((run->acked < sent || run->delivered < sent) && run->load->swarm.faults == 0) {
		swarm_turn(&run->load->swarm, 50);
		if (run->acked + run->delivered != progress) {
			progress = run->acked + run->delivered;
			last = bench_now_ns();
		}
		if (bench_now_ns() - last > DRAIN_QUIET_S * 1000000000ull)
			return;
	}
	/* What comes now, comes twice. */
	run_until(run, bench_now_ns() + 200000000u);
}

static void check_pair(struct swarm *s, const struct pair *pair)
{
	for (uint32_t i = 0; i < pair->sent; i++)
		if (pair->acked_seq[i] != i + 1 || !pair->is_delivered[i])
			swarm_fault(s, "%s: message %u: acknowledged as seq %u, %s",
				pair->conversation, (unsigned)i, (unsigned)pair->acked_seq[i],
				pair->is_delivered[i] ? "delivered" : "not delivered");
}

static void start_pairs(
	struct load *load, struct pair_run *run, struct pair *pairs, struct peer *peers)
{
	for (unsigned i = 0; i < load->peers; i++) {
		struct pair *pair = &pairs[i];
		pair->run = run;
		for (int side = SENDER; side <= RECEIVER; side++) {
			pair->peers[side] = &peers[2 * i + (unsigned)side];
			pair->peers[side]->user = pair;
		}
	}
	load_open(load, peers, 0, 2 * (size_t)load->peers, "pair");
	/* Not before all are there: a receiver who is not would get its first messages by sync. */
	for (unsigned i = 0; i < load->peers; i++) {
		pairs[i].owed = load->depth;
		on_batch_end(pairs[i].peers[SENDER]);
		peer_flush(pairs[i].peers[SENDER]);
	}
}

int load_pairs(struct load *load)
{
	struct pair_run run = { .load = load };
	struct pair *pairs = load_array(load->peers, sizeof *pairs);
	struct peer *peers = load_array(2 * (size_t)load->peers, sizeof *peers);
	struct load_window window;

	load->swarm.hooks =
		(struct swarm_hooks){ .on_packet = on_packet, .on_batch_end = on_batch_end };
	start_pairs(load, &run, pairs, peers);
	run_until(&run, bench_now_ns() + 500000000u);
	uint64_t before = run.both;
	load_window_start(load, &window);
	run_until(&run, window.end_ns);
	load_window_end(load, &window);
	uint64_t counted = run.both - before, sent = count_sent(pairs, load->peers);
	drain(&run, sent);
	for (unsigned i = 0; i < load->peers; i++)
		check_pair(&load->swarm, &pairs[i]);
	printf("load name=pairs pairs=%u window=%u body=%u per_s=%.0f sent=%llu acked=%llu"
	       " delivered=%llu",
		load->peers, load->depth, load->body_bytes,
		(double)counted / load_window_seconds(&window), (unsigned long long)sent,
		(unsigned long long)run.acked, (unsigned long long)run.delivered);
	int rc = load_finish(load, &window, counted);
	load_close(peers, 2 * (size_t)load->peers);
	for (unsigned i = 0; i < load->peers; i++) {
		free(pairs[i].acked_seq);
		free(pairs[i].is_delivered);
	}
	free(peers);
	free(pairs);
	return rc;
}

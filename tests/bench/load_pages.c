/* SPDX-License-Identifier: MIT */
/*
 * pages: history. A conversation of two with MESSAGES messages; one of them asks for pages of 50,
 * one question at a time, by turns for the newest page, which the server may have in memory, and
 * for one in the middle, which is the store's. Both must have 50 events, in order.
 */
#include "bench_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGES = 1000, UNDER_WAY = 64, PAGE = 50, MIDDLE = 500, PATIENCE_S = 20 };

struct pages_run {
	struct load *load;
	struct peer peers[2];
	uint32_t sent, acked;
	uint64_t newest; /* seq that the page must end with */
	bool is_answered, is_open;
	char conversation[256];
	struct bench_samples cached, stored;
};

static void check_page(struct pages_run *run, struct span events)
{
	struct swarm *s = &run->load->swarm;
	unsigned count = 0;
	const char *at = events.p, *end = events.p + events.n;
	static const char mark[] = "\"seq\":";
	uint64_t first = run->newest - PAGE + 1;

	for (; at != NULL && (at = memmem(at, (size_t)(end - at), mark, sizeof mark - 1)) != NULL;
		count++) {
		at += sizeof mark - 1;
		if (strtoull(at, NULL, 10) != first + count) {
			swarm_fault(s, "event %u of a page has the wrong seq", count);
			return;
		}
	}
	if (count != PAGE)
		swarm_fault(s, "a page has %u events", count);
}

static void on_packet(struct peer *peer, const struct packet *packet)
{
	struct pages_run *run = peer->user;

	if (packet->type != PACKET_RESPONSE)
		return;
	if (packet->code != 0) {
		swarm_fault(peer->swarm, "answered %lld: %.*s", (long long)packet->code,
			(int)packet->message.n, packet->message.n != 0 ? packet->message.p : "");
	} else if (!run->is_open) {
		struct span id = json_member(packet->data, "conversation");
		if (id.n < sizeof run->conversation)
			memcpy(run->conversation, id.p, id.n);
		run->acked++;
	} else {
		check_page(run, json_member(packet->data, "events"));
		run->is_answered = true;
	}
}

static void wait_for(struct pages_run *run, const bool *flag, uint32_t acked)
{
	struct swarm *s = &run->load->swarm;
	uint64_t end_ns = bench_now_ns() + PATIENCE_S * 1000000000ull;

	while (s->faults == 0 && (flag != NULL ? !*flag : run->acked < acked)) {
		swarm_turn(s, 100);
		if (bench_now_ns() > end_ns)
			swarm_fault(s, "no answer within %d s", PATIENCE_S);
	}
}

static void fill(struct pages_run *run)
{
	static char body[8001];
	char data[sizeof body + 512];

	memset(body, 'x', sizeof body - 1);
	while (run->sent < MESSAGES && run->load->swarm.faults == 0) {
		int n = snprintf(data, sizeof data,
			"{\"to\":{\"user\":\"%s\"},\"client_id\":\"m%u\",\"body\":\"%.*s\"}",
			run->peers[1].name, (unsigned)run->sent++, (int)run->load->body_bytes,
			body);
		peer_request(&run->peers[0], "message.send", data, (size_t)n);
		peer_flush(&run->peers[0]);
		wait_for(run, NULL, run->sent < UNDER_WAY ? 0 : run->sent - UNDER_WAY);
	}
	wait_for(run, NULL, run->sent);
	run->is_open = true;
}

static void ask(struct pages_run *run, unsigned before, struct bench_samples *samples)
{
	char data[512];
	int n = snprintf(data, sizeof data, "{\"conversation\":\"%s\",\"limit\":%d",
		run->conversation, PAGE);

	if (before != 0)
		n += snprintf(data + n, sizeof data - (size_t)n, ",\"before\":%u", before);
	n += snprintf(data + n, sizeof data - (size_t)n, "}");
	run->newest = before != 0 ? before - 1 : MESSAGES;
	run->is_answered = false;
	peer_request(&run->peers[1], "history.query", data, (size_t)n);
	uint64_t asked_ns = bench_now_ns();
	peer_flush(&run->peers[1]);
	wait_for(run, &run->is_answered, 0);
	if (samples != NULL)
		bench_samples_add(samples, bench_now_ns() - asked_ns);
}

int load_pages(struct load *load)
{
	static struct pages_run run;
	struct load_window window;

	run.load = load;
	run.peers[0].user = run.peers[1].user = &run;
	load->swarm.hooks = (struct swarm_hooks){ .on_packet = on_packet };
	load_open(load, run.peers, 0, 2, "page");
	fill(&run);
	for (int i = 0; i < 20 && load->swarm.faults == 0; i++)
		ask(&run, i % 2 != 0 ? MIDDLE : 0, NULL);
	load_window_start(load, &window);
	while (bench_now_ns() < window.end_ns && load->swarm.faults == 0) {
		ask(&run, 0, &run.cached);
		ask(&run, MIDDLE, &run.stored);
	}
	load_window_end(load, &window);
	printf("load name=pages page=%d body=%u count=%zu cached_us=%.1f stored_us=%.1f", PAGE,
		load->body_bytes, run.cached.count, bench_samples_us(&run.cached, 0.5),
		bench_samples_us(&run.stored, 0.5));
	int rc = load_finish(load, &window, 2 * run.cached.count);
	load_close(run.peers, 2);
	bench_samples_fini(&run.cached);
	bench_samples_fini(&run.stored);
	return rc;
}

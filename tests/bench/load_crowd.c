/* SPDX-License-Identifier: MIT */
/*
 * crowd: a group of `-m` members of whom `-n` are online, and one of two members beside it in the
 * same server. Messages go to the one and the other by turns, one at a time, with a pause. Figures:
 * until a message is acknowledged, and until it has reached everybody, in both; what the latter
 * takes longer than one and a half times that of two (the fan-out itself); and how much the
 * server's private memory has grown after the first of the messages.
 *
 * At the end it says how many events and members there must be in the store now, for whoever can
 * look (run does): one row for each message, and none for each member.
 */
#include "bench_load.h"
#include "bench_room.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGES_MAX = 400, WARM_UP = 40, SETTLE_MS = 300 };

struct crowd_room {
	struct room room;
	struct bench_samples acks, deliveries;
};

static void wait_ms(struct load *load, unsigned ms)
{
	uint64_t end_ns = bench_now_ns() + ms * 1000000ull;

	while (bench_now_ns() < end_ns && load->swarm.faults == 0)
		swarm_turn(&load->swarm, 1);
}

static void send_one(struct crowd_room *crowd, bool counts)
{
	struct room *room = &crowd->room;

	room_send(room, 1);
	room_wait(room);
	if (!counts)
		return;
	bench_samples_add(&crowd->acks, room->acked_ns - room->sent_ns);
	bench_samples_add(&crowd->deliveries, room->delivered_ns - room->sent_ns);
}

static void send_in_turns(struct load *load, struct crowd_room *two, struct crowd_room *big,
	unsigned most, bool counts)
{
	uint64_t end_ns = bench_now_ns() + load->seconds * 1000000000u;

	for (unsigned i = 0; i < most && load->swarm.faults == 0 && bench_now_ns() < end_ns; i++) {
		send_one(two, counts);
		wait_ms(load, load->gap_ms);
		send_one(big, counts);
		wait_ms(load, load->gap_ms);
	}
}

static double private_of(struct load *load)
{
	struct bench_memory memory = { 0 };

	wait_ms(load, SETTLE_MS);
	if (load->pid != 0 && !bench_memory_of(load->pid, &memory))
		bench_die("memory of pid %d", load->pid);
	return (double)memory.private_bytes;
}

static unsigned events_of(const struct room *room)
{
	unsigned others = room->members - 1;

	/* That it was made, each hundred who were added, and the messages. */
	return 1 + (others + 99) / 100 + room->sent;
}

int load_crowd(struct load *load)
{
	static struct crowd_room two, big;
	struct load_window window;

	if (load->members <= load->peers) {
		errno = 0;
		bench_die("of %u members not more than %u can be online besides the owner",
			load->members, load->members - 1);
	}
	load->swarm.hooks = room_hooks;
	room_open(&two.room, load, "two", 1, 2);
	uint64_t start_ns = bench_now_ns();
	room_open(&big.room, load, "big", load->peers, load->members);
	double made_s = (double)(bench_now_ns() - start_ns) / 1e9;
	send_in_turns(load, &two, &big, WARM_UP, false);
	double before = private_of(load);
	load_window_start(load, &window);
	send_in_turns(load, &two, &big, MESSAGES_MAX, true);
	load_window_end(load, &window);
	double grown = private_of(load) - before;
	double reached_us = bench_samples_us(&big.deliveries, 0.5);
	double two_reached_us = bench_samples_us(&two.deliveries, 0.5);
	printf("load name=crowd members=%u online=%u body=%u count=%zu made_s=%.1f ack_p50_us=%.1f"
	       " two_ack_p50_us=%.1f delivery_p50_us=%.1f two_delivery_p50_us=%.1f"
	       " fan_out_us=%.1f grown_bytes=%.0f events=%u store_members=%u",
		load->members, load->peers, load->body_bytes, big.acks.count, made_s,
		bench_samples_us(&big.acks, 0.5), bench_samples_us(&two.acks, 0.5), reached_us,
		two_reached_us, reached_us - 1.5 * two_reached_us, grown,
		events_of(&two.room) + events_of(&big.room), two.room.members + big.room.members);
	int rc = load_finish(load, &window, 2 * big.acks.count);
	for (struct crowd_room *each = &two; each != NULL; each = each == &two ? &big : NULL) {
		bench_samples_fini(&each->acks);
		bench_samples_fini(&each->deliveries);
		room_close(&each->room);
	}
	return rc;
}

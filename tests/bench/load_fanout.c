/* SPDX-License-Identifier: MIT */
/*
 * fanout: one writes into a group of `-n` others who are all online. Three stretches:
 *   alone_per_s  deliveries a second, one message at a time: the next one is sent when the one
 *                before has reached everybody; the server's CPU time is that of this stretch
 *   per_s        the same with `-d` messages under way, which may leave in one write together
 *   burst_gain   ten messages one after the other against ten in one write: how many times less
 *                time the burst takes
 * Every reader checks that every message comes once, in order.
 */
#include "bench_load.h"
#include "bench_room.h"

#include <stdio.h>

enum { BURST = 10 };

static bool goes_on(const struct load *load, uint64_t end_ns)
{
	return load->swarm.faults == 0 && bench_now_ns() < end_ns;
}

/* Deliveries a second with so many messages under way. */
static double measure_rate(struct room *room, unsigned depth, uint64_t duration_ns)
{
	uint64_t start_ns = bench_now_ns(), before = room->delivered;

	while (goes_on(room->load, start_ns + duration_ns)) {
		uint32_t under_way = room->sent - room_done(room);
		if (under_way < depth)
			room_send(room, depth - under_way);
		swarm_turn(&room->load->swarm, 20);
	}
	room_wait(room);
	return (double)(room->delivered - before) * 1e9 / (double)(bench_now_ns() - start_ns);
}

static uint64_t take_time(struct room *room, unsigned writes, unsigned messages)
{
	uint64_t start_ns = bench_now_ns();

	for (unsigned i = 0; i < writes && room->load->swarm.faults == 0; i++) {
		room_send(room, messages);
		room_wait(room);
	}
	return bench_now_ns() - start_ns;
}

/* By turns, so that both meet the same machine. At least once, however slow it is. */
static void measure_bursts(struct room *room, struct bench_samples *single,
	struct bench_samples *burst, uint64_t end_ns)
{
	do {
		bench_samples_add(single, take_time(room, BURST, 1));
		bench_samples_add(burst, take_time(room, 1, BURST));
	} while (goes_on(room->load, end_ns));
}

int load_fanout(struct load *load)
{
	struct bench_samples single = { 0 }, burst = { 0 };
	uint64_t third_ns = load->seconds * 333333333u;
	struct load_window window;
	static struct room room;

	load->swarm.hooks = room_hooks;
	room_open(&room, load, "fan", load->peers, load->peers + 1);
	take_time(&room, 2, 2);
	load_window_start(load, &window);
	uint64_t before = room.delivered;
	double alone = measure_rate(&room, 1, third_ns);
	load_window_end(load, &window);
	uint64_t counted = room.delivered - before;
	double many = measure_rate(&room, load->depth, third_ns);
	measure_bursts(&room, &single, &burst, bench_now_ns() + third_ns);
	double single_us = bench_samples_us(&single, 0.5), burst_us = bench_samples_us(&burst, 0.5);
	printf("load name=fanout readers=%u body=%u alone_per_s=%.0f window=%u per_s=%.0f"
	       " burst_us=%.0f burst_gain=%.2f messages=%u",
		load->peers, load->body_bytes, alone, load->depth, many, burst_us,
		single_us / burst_us, (unsigned)room.sent);
	int rc = load_finish(load, &window, counted);
	bench_samples_fini(&single);
	bench_samples_fini(&burst);
	room_close(&room);
	return rc;
}

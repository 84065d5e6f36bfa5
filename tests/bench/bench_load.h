/* SPDX-License-Identifier: MIT */
/* One kind of load each; what they are for is said at the top of their files and in README.md. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "bench.h"
#include "bench_swarm.h"

#include <stddef.h>
#include <stdint.h>

struct load {
	struct swarm swarm;
	int pid; /* of the server, or 0: then nothing is said about its CPU and memory */
	uint64_t seconds;
	unsigned peers, depth, body_bytes, gap_ms, members;
	const char *prefix; /* of all user names: another one in each run against the same server */
	const char *steps;  /* idle: counts of connections, "5000,15000" */
};

/* A stretch of time that is measured, and what the server used in it. */
struct load_window {
	uint64_t start_ns, end_ns;
	struct bench_usage before, after;
};

/*
 * Each prints one line and returns 0, or 1 when something went wrong that slowness cannot excuse.
 */
int load_crowd(struct load *load);
int load_fanout(struct load *load);
int load_idle(struct load *load);
int load_latency(struct load *load);
int load_login(struct load *load);
int load_pages(struct load *load);
int load_pairs(struct load *load);
int load_ping(struct load *load);

/* The name of the user that load_open gives to peers[index]. */
enum { LOAD_NAME_BYTES = 48 };
void load_name(
	const struct load *load, const char *role, size_t index, char name_r[LOAD_NAME_BYTES]);

/* Opens peers[from..to) and waits until all are ready; ends the program when they do not come. */
void load_open(struct load *load, struct peer *peers, size_t from, size_t to, const char *role);
void load_close(struct peer *peers, size_t count);
void *load_array(size_t count, size_t bytes);

void load_window_start(const struct load *load, struct load_window *w);
void load_window_end(const struct load *load, struct load_window *w);
double load_window_seconds(const struct load_window *w);
/* Ends the line that the load has begun: what the server used for each of `count`, faults. */
int load_finish(struct load *load, const struct load_window *w, uint64_t count);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef BASE_ID_H
#define BASE_ID_H

#include <stddef.h>
#include <stdint.h>

/*
 * Ids that grow: 41 bits of milliseconds since 2020-01-01, 10 bits of node, 12 bits of counter; the
 * sign bit stays clear. They grow strictly even when the clock goes back or more than 4096 are made
 * in a millisecond (then they borrow from the future). One maker belongs to one thread.
 */
enum { ID_NODE_MAX = 1023 };
#define ID_EPOCH_MS INT64_C(1577836800000)

struct id_maker {
	uint32_t node;
	uint32_t counter;
	int64_t last_ms; /* since the epoch above */
};

void id_maker_init(struct id_maker *m, unsigned node);
uint64_t id_next(struct id_maker *m, int64_t wall_ms);
int64_t id_wall_ms(uint64_t id); /* when it was made, give or take the borrowing */

/* 2 * bytes hex digits and a NUL, from the system's random source. Thread: any. */
void id_random_hex(char *out, size_t bytes);

#endif

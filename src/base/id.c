/* SPDX-License-Identifier: MIT */
/*
 * Ids that grow with time and are unique as long as node numbers are. A maker belongs to one
 * thread. Strictly growing is promised per maker, also when the clock steps back: then it goes on
 * from its last millisecond, and counts into the following ones when a millisecond is used up.
 */
#include "base/id.h"

#include <sodium.h>

#include "base/check.h"

enum { NODE_BITS = 10, COUNTER_BITS = 12, COUNTER_MAX = (1 << COUNTER_BITS) - 1 };

void id_maker_init(struct id_maker *m, unsigned node)
{
	CHECK(node <= ID_NODE_MAX);
	*m = (struct id_maker){ .node = node, .last_ms = -1 };
}

uint64_t id_next(struct id_maker *m, int64_t wall_ms)
{
	int64_t ms = wall_ms - ID_EPOCH_MS;
	if (ms > m->last_ms) {
		m->last_ms = ms;
		m->counter = 0;
	} else if (m->counter < COUNTER_MAX) {
		m->counter++;
	} else {
		m->last_ms++;
		m->counter = 0;
	}
	if (m->last_ms < 0) /* a clock before 2020, and nothing made yet */
		m->last_ms = 0;
	return (uint64_t)m->last_ms << (NODE_BITS + COUNTER_BITS) |
	       (uint64_t)m->node << COUNTER_BITS | m->counter;
}

int64_t id_wall_ms(uint64_t id)
{
	return (int64_t)(id >> (NODE_BITS + COUNTER_BITS)) + ID_EPOCH_MS;
}

void id_random_hex(char *out, size_t bytes)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char *raw = (unsigned char *)out + bytes; /* upper half; read before overwritten */
	CHECK(sodium_init() >= 0);
	randombytes_buf(raw, bytes);
	for (size_t i = 0; i < bytes; i++) {
		unsigned char c = raw[i];
		out[2 * i] = digits[c >> 4];
		out[2 * i + 1] = digits[c & 15];
	}
	out[2 * bytes] = '\0';
}

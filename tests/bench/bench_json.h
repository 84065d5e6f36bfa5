/* SPDX-License-Identifier: MIT */
/* Reading packets without building a tree: the server's JSON is trusted to be JSON here. */
#ifndef BENCH_JSON_H
#define BENCH_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes of a packet; a JSON text without its quotes and with its escapes as they are. */
struct span {
	const char *p;
	size_t n;
};

/* An object whose members are being walked. */
struct json_walk {
	const char *at, *end;
};

enum packet_type { PACKET_OTHER, PACKET_RESPONSE, PACKET_NOTIFY };

struct packet {
	enum packet_type type;
	uint32_t seq; /* of the request that it answers */
	int64_t code;
	struct span op, message, data;
};

struct json_walk json_walk_of(struct span object);
/* False at the end, and at anything that is no object. */
bool json_walk_next(struct json_walk *w, struct span *key_r, struct span *value_r);
/* The member's value, or an empty span. */
struct span json_member(struct span object, const char *key);

bool span_is(struct span s, const char *text);
/* -1 when it is not a plain decimal number. */
int64_t span_number(struct span s);

bool packet_read(struct span text, struct packet *packet_r);

#endif

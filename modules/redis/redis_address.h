/* SPDX-License-Identifier: MIT */
#ifndef REDIS_ADDRESS_H
#define REDIS_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include <nuncio/base.h>

/* Where a Redis server is, and which part of a Redis Cluster a key belongs to. Pure. */

enum { REDIS_HOST_BYTES = 256, REDIS_SLOTS = 16384 };

struct redis_address {
	char host[REDIS_HOST_BYTES]; /* a name or a number; NUL-ended */
	uint16_t port;
};

/*
 * "host", "host:port", "[2001:db8::1]:port"; the port that is not given is `port`.
 * NUNCIO_E_INVAL.
 */
int redis_address_parse(struct nuncio_str text, uint16_t port, struct redis_address *address_r);
bool redis_address_equal(const struct redis_address *a, const struct redis_address *b);
/* "host:port" into out[size], NUL-ended, cut if it must be; returns out. */
const char *redis_address_text(const struct redis_address *address, char *out, size_t size);

/* The slot of a key: CRC16 (XMODEM) of it, or of what stands in its first {} that is not empty. */
uint16_t redis_slot(struct nuncio_str key);

/*
 * Reads the end of "MOVED 3999 10.0.0.1:6381" or "ASK ...": where to go. A host that is not named
 * is the one that answered. NUNCIO_E_INVAL: it is something else.
 */
int redis_address_redirected(struct nuncio_str error, const struct redis_address *from,
	struct redis_address *address_r, bool *is_ask_r);

#endif

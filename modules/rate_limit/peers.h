/* SPDX-License-Identifier: MIT */
#ifndef MODULES_RATE_LIMIT_PEERS_H
#define MODULES_RATE_LIMIT_PEERS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Buckets for those who have no session, by a key: an address, or the user of a REST call. The
 * table never grows. When all places that a key may have are taken, the bucket that is nearest to
 * full is given up: its owner loses least, and gains least.
 */
enum { PEERS_KEY_BYTES = 80 };

struct peers;

struct peers *peers_new(size_t count); /* rounded up to a power of two, at least 16 */
void peers_free(struct peers **peers);

/* The bucket of a key; valid until the next call. */
int64_t *peers_bucket(struct peers *peers, const char *key, size_t key_bytes, int64_t now_us);

/*
 * What an address is counted by: itself for IPv4; its first 64 bits for IPv6, because one customer
 * has all of them. Writes at most PEERS_KEY_BYTES, returns the length.
 */
size_t peers_address_key(const char *address, size_t address_bytes, char key[PEERS_KEY_BYTES]);

#endif

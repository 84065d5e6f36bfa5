/* SPDX-License-Identifier: MIT */
/*
 * A table of fixed size: 16 bytes a place, PROBES places a key. Keys are kept as 64-bit hashes,
 * seeded at start so that nobody outside can choose whom to share a bucket with.
 */
#include "peers.h"

#include <nuncio/text.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { PROBES = 8, COUNT_MIN = 16 };

struct peer {
	uint64_t hash; /* 0: free */
	int64_t full_at_us;
};

struct peers {
	uint64_t seed, mask;
	struct peer all[];
};

struct peers *peers_new(size_t count)
{
	size_t size = COUNT_MIN;
	while (size < count)
		size *= 2;
	struct peers *peers = nuncio_alloc(sizeof *peers + size * sizeof(struct peer));
	peers->mask = size - 1;
	if (getrandom(&peers->seed, sizeof peers->seed, 0) != (ssize_t)sizeof peers->seed)
		peers->seed = (uint64_t)(uintptr_t)peers;
	return peers;
}

void peers_free(struct peers **peers)
{
	free(*peers);
	*peers = NULL;
}

/* FNV-1a, then mixed so that every bit of the seed reaches every bit of the place. */
static uint64_t peers_hash(const struct peers *peers, const char *key, size_t key_bytes)
{
	uint64_t hash = 0xcbf29ce484222325u ^ peers->seed;
	for (size_t i = 0; i < key_bytes; i++)
		hash = (hash ^ (unsigned char)key[i]) * 0x100000001b3u;
	hash = (hash ^ (hash >> 32)) * 0xd6e8feb86659fd93u;
	hash ^= hash >> 32;
	return hash ? hash : 1;
}

int64_t *peers_bucket(struct peers *peers, const char *key, size_t key_bytes, int64_t now_us)
{
	uint64_t hash = peers_hash(peers, key, key_bytes);
	struct peer *least = NULL;
	for (uint64_t i = 0; i < PROBES; i++) {
		struct peer *peer = &peers->all[(hash + i) & peers->mask];
		if (peer->hash == hash)
			return &peer->full_at_us;
		if (!least || peer->full_at_us < least->full_at_us)
			least = peer;
	}
	least->hash = hash;
	least->full_at_us = now_us;
	return &least->full_at_us;
}

size_t peers_address_key(const char *address, size_t address_bytes, char key[PEERS_KEY_BYTES])
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr ip;
	size_t used = address_bytes < PEERS_KEY_BYTES ? address_bytes : PEERS_KEY_BYTES;
	if (address_bytes > 0)
		memcpy(key, address, used);
	if (address_bytes >= sizeof text)
		return used;
	memcpy(text, key, used);
	text[used] = '\0';
	if (inet_pton(AF_INET6, text, &ip) != 1 || IN6_IS_ADDR_V4MAPPED(&ip))
		return used;
	memcpy(key, &ip, 8);
	return 8;
}

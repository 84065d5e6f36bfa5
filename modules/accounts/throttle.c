/* SPDX-License-Identifier: MIT */
#include "accounts.h"

/*
 * Counts offences that fade: `limit` at once, then one more per window/limit. Each counter is one
 * time, the one at which it will be empty (a leaking bucket told by its last drop). The table is
 * bounded: sets of four, where the counter that will be empty first makes room. Keys are keyed
 * hashes, so that nobody can aim at a set. An IPv6 address counts as its /64, because whoever has
 * one has all of it.
 */

#include <arpa/inet.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { SETS = 4096, WAYS = 4 };

struct counter {
	uint64_t key;     /* 0: unused */
	int64_t empty_ms; /* when it will be empty */
};

struct throttle {
	unsigned char secret[crypto_shorthash_KEYBYTES];
	struct counter counters[SETS * WAYS];
};

struct throttle *throttle_new(void)
{
	struct throttle *throttle = nuncio_alloc(sizeof *throttle);
	crypto_shorthash_keygen(throttle->secret);
	return throttle;
}

void throttle_free(struct throttle **throttle)
{
	free(*throttle);
	*throttle = NULL;
}

/* Bytes written to out: 8 of an IPv6 address, otherwise the text. */
static size_t address_bytes(struct nuncio_str address, char out[64])
{
	unsigned char ip[16];
	if (nuncio_text_copy(address, out, 64) < 0)
		return 0;
	if (inet_pton(AF_INET6, out, ip) != 1 ||
		memcmp(ip, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0)
		return address.n;
	memcpy(out, ip, 8);
	return 8;
}

bool throttle_is_same(struct nuncio_str address, struct nuncio_str other)
{
	char one[64], two[64];
	size_t n = address_bytes(address, one);
	return n == address_bytes(other, two) && memcmp(one, two, n) == 0;
}

static uint64_t key_of(const struct throttle *throttle, char kind, struct nuncio_str user,
	struct nuncio_str address)
{
	unsigned char text[2 + ACCOUNT_ID_BYTES_MAX + 64] = { (unsigned char)kind };
	uint64_t key;
	size_t n = user.n < ACCOUNT_ID_BYTES_MAX ? user.n : ACCOUNT_ID_BYTES_MAX;
	text[1] = (unsigned char)n;
	if (n)
		memcpy(text + 2, user.p, n);
	n += 2 + address_bytes(address, (char *)text + 2 + n);
	crypto_shorthash((unsigned char *)&key, text, n, throttle->secret);
	return key ? key : 1;
}

/* The counter of that key, or the one that it may replace. */
static struct counter *counter_find(struct throttle *throttle, uint64_t key)
{
	struct counter *set = &throttle->counters[key % SETS * WAYS], *least = set;
	for (int i = 0; i < WAYS; i++) {
		if (set[i].key == key)
			return &set[i];
		if (set[i].empty_ms < least->empty_ms)
			least = &set[i];
	}
	return least;
}

int throttle_take(struct throttle *throttle, const struct throttle_rule *rule,
	struct nuncio_str user, struct nuncio_str address, int64_t now_ms)
{
	if (rule->limit <= 0)
		return 1;
	uint64_t key = key_of(throttle, rule->kind, user, address);
	struct counter *counter = counter_find(throttle, key);
	int64_t drop_ms = rule->window_ms / rule->limit;
	if (counter->key != key)
		*counter = (struct counter){ .key = key };
	int64_t from_ms = counter->empty_ms > now_ms ? counter->empty_ms : now_ms;
	if (from_ms + drop_ms > now_ms + rule->window_ms)
		return 0;
	counter->empty_ms = from_ms + drop_ms;
	return 1;
}

void throttle_add(struct throttle *throttle, const struct throttle_rule *rule,
	struct nuncio_str user, struct nuncio_str address, int64_t now_ms)
{
	if (rule->limit <= 0)
		return;
	uint64_t key = key_of(throttle, rule->kind, user, address);
	struct counter *counter = counter_find(throttle, key);
	if (counter->key != key)
		*counter = (struct counter){ .key = key };
	int64_t from_ms = counter->empty_ms > now_ms ? counter->empty_ms : now_ms;
	int64_t to_ms = from_ms + rule->window_ms / rule->limit;
	counter->empty_ms = to_ms < now_ms + rule->window_ms ? to_ms : now_ms + rule->window_ms;
}

void throttle_give(struct throttle *throttle, const struct throttle_rule *rule,
	struct nuncio_str user, struct nuncio_str address)
{
	if (rule->limit <= 0)
		return;
	uint64_t key = key_of(throttle, rule->kind, user, address);
	struct counter *counter = counter_find(throttle, key);
	if (counter->key == key)
		counter->empty_ms -= rule->window_ms / rule->limit;
}

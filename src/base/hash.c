/* SPDX-License-Identifier: MIT */
/*
 * Keyed hashes for maps. The key is the one piece of static state here: written once at start,
 * before there are threads, and only read afterwards. A key per map would cost 16 bytes each and
 * buy nothing.
 */
#include "base/hash.h"

#include <string.h>

#include <sodium.h>

#include "base/check.h"

static struct {
	unsigned char sip[crypto_shorthash_KEYBYTES];
	uint64_t mix;
} key;

void hash_seed_random(void)
{
	CHECK(sodium_init() >= 0);
	crypto_shorthash_keygen(key.sip);
	randombytes_buf(&key.mix, sizeof(key.mix));
}

uint64_t hash_str(struct nuncio_str s)
{
	unsigned char out[crypto_shorthash_BYTES];
	uint64_t hash;
	_Static_assert(sizeof(out) == sizeof(hash), "SipHash gives 64 bits");
	crypto_shorthash(out, (const unsigned char *)(s.n ? s.p : ""), s.n, key.sip);
	memcpy(&hash, out, sizeof(hash));
	return hash;
}

/* SplitMix64's finaliser: every input bit reaches every output bit. */
uint64_t hash_u64(uint64_t v)
{
	v ^= key.mix;
	v = (v ^ (v >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	v = (v ^ (v >> 27)) * UINT64_C(0x94D049BB133111EB);
	return v ^ (v >> 31);
}

/* SPDX-License-Identifier: MIT */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdint.h>

#include <nuncio/base.h>

/*
 * Keyed hashes, so that nobody outside can choose colliding keys. The key is one per process:
 * call hash_seed_random once at start, before any thread and any map. Without it the key is zero.
 */
void hash_seed_random(void);
uint64_t hash_str(struct nuncio_str s); /* SipHash-2-4 */
uint64_t hash_u64(uint64_t v);          /* for ids that the server chose; cheaper, weaker */

#endif

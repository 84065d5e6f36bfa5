/* SPDX-License-Identifier: MIT */
#ifndef MODULES_RATE_LIMIT_SPENT_H
#define MODULES_RATE_LIMIT_SPENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nuncio/text.h>

#include "peers.h"

/*
 * What was spent on this node since the others were told, by key, and how it is said to them: for
 * each key a kind, a count (2 bytes, network order), its length (1 byte), the key. Fixed size; what
 * is full has to be told before more is added. Text of other nodes is not trusted.
 */
enum { SPENT_KEYS = 512, SPENT_HEAD_BYTES = 4 };

enum spent_kind { SPENT_USER = 'u', SPENT_ADDRESS = 'a' };

struct spent;

struct spent *spent_new(void);
void spent_free(struct spent **spent);

/* One more of this key; false: it is full. At most PEERS_KEY_BYTES of the key count. */
bool spent_add(struct spent *spent, enum spent_kind kind, const char *key, size_t key_bytes);
bool spent_is_empty(const struct spent *spent);
/* Everything, as it is said; lives until the next call. Empty afterwards. */
struct nuncio_str spent_take(struct spent *spent);

/* One after the other: *at starts with 0. False: the end, or nonsense. */
struct spent_one {
	enum spent_kind kind;
	uint32_t count;
	struct nuncio_str key;
};
bool spent_next(struct nuncio_str text, size_t *at, struct spent_one *one_r);

#endif

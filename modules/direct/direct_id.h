/* SPDX-License-Identifier: MIT */
#ifndef MODULES_DIRECT_DIRECT_ID_H
#define MODULES_DIRECT_DIRECT_ID_H

#include <nuncio/base.h>

/*
 * The id of a one-to-one conversation: "d:5:alice:bob", both users in byte order with the length of
 * the first, so that it is the same from both sides and no user id can be read as another pair.
 * With oneself: "d:5:alice:alice". Pure functions.
 */
enum {
	DIRECT_USER_BYTES = 64,
	DIRECT_ID_BYTES = 2 + 2 + 1 + DIRECT_USER_BYTES + 1 + DIRECT_USER_BYTES
};

struct direct_pair {
	struct nuncio_str first, second; /* first <= second by bytes; equal for notes to oneself */
};

/* 1 if it can be a user: 1-64 bytes of UTF-8 without control characters. */
int direct_user_is_valid(struct nuncio_str user);

/*
 * Writes the id, NUL-ended, returns its length; NUNCIO_E_INVAL for what is no user, NUNCIO_E_TOOBIG
 * when out is too small.
 */
int direct_id_write(struct nuncio_str a, struct nuncio_str b, char *out, size_t out_size);

/*
 * 0 and the pair, borrowed from id; NUNCIO_E_INVAL for everything that direct_id_write would not
 * write.
 */
int direct_id_read(struct nuncio_str id, struct direct_pair *pair_r);

/* 1 for notes to oneself. */
int direct_pair_is_one(const struct direct_pair *pair);

/* The other one of the pair (oneself when alone), or an empty text when user is neither. */
struct nuncio_str direct_peer(const struct direct_pair *pair, struct nuncio_str user);

#endif

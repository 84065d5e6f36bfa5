/* SPDX-License-Identifier: MIT */
#ifndef HISTORY_KNOWN_H
#define HISTORY_KNOWN_H

/* Records of what users have hidden, kept in memory. Pure. Logic thread. */

#include <nuncio/base.h>

#include <stdbool.h>
#include <stdint.h>

struct known;

struct known *known_new(void);
void known_free(struct known **known);
void known_drop_all(struct known *known);

/* True and the record's value, p NULL: there is none. Valid until the next call. */
bool known_get(struct known *known, struct nuncio_str who, struct nuncio_str conversation,
	struct nuncio_str *value_r);

/* A number to take before the store is asked, and to say with its answer, which is kept. */
uint64_t known_expect(const struct known *known);
void known_put(struct known *known, uint64_t expected, struct nuncio_str who,
	struct nuncio_str conversation, struct nuncio_str value);

/* Around each write; it may have been done even if it seems to have failed. */
void known_write_begins(struct known *known, struct nuncio_str who, struct nuncio_str conversation);
void known_write_ends(struct known *known);

#endif

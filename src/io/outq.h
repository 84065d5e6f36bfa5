/* SPDX-License-Identifier: MIT */
#ifndef IO_OUTQ_H
#define IO_OUTQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nuncio/base.h>

#include "base/list.h"

struct packet_out;

/*
 * What is still to be written to one socket: references to shared packets and small memory of our
 * own, in order. Exists only while something waits; a pool keeps a few for reuse. Limits nothing:
 * the connection compares `bytes` with its limit. One thread.
 */
struct out_piece {
	struct packet_out *packet; /* a reference, or NULL */
	char *own;                 /* memory to free, or NULL; with `size` also room to append */
	const char *p;
	uint32_t n, size;
};

struct outq {
	struct outq *next; /* of the pool */
	struct list node;  /* owner: left by outq_give */
	void *user;
	struct out_piece *pieces;
	uint32_t first, count, size;
	uint32_t offset;                    /* of the first piece that is sent already */
	uint32_t moved_ms;                  /* owner: when bytes last left, or the first came */
	bool is_dirty, is_bulk, is_blocked; /* owner */
	size_t bytes;
};

struct outq_pool {
	struct outq *idle;
	size_t idle_count;
};

void outq_pool_fini(struct outq_pool *pool);
struct outq *outq_take(struct outq_pool *pool, void *user);
void outq_give(struct outq_pool *pool, struct outq **q); /* NULL inside is fine */

/* Adds `bytes`, which live as long as the packet; takes a reference. */
void outq_add_packet(struct outq *q, struct packet_out *packet, struct nuncio_str bytes);
void outq_add_copy(struct outq *q, struct nuncio_str bytes);
/* bytes lie in `own`, which alloc_free frees when they are sent. */
void outq_add_own(struct outq *q, void *own, struct nuncio_str bytes);

/*
 * Sends what it can: all that fits `scratch` in one send(), more with sendmsg(). 1: empty now. 0:
 * the socket takes no more. NUNCIO_E_GONE: the peer has gone. *sends_r counts the system calls.
 */
enum { OUTQ_SCRATCH_BYTES = 64 * 1024 };
int outq_send(struct outq *q, int fd, char *scratch, unsigned *sends_r);

/* Drops what the peer has seen nothing of, at piece borders: the stream stays whole. */
void outq_drop_unsent(struct outq *q);

#endif

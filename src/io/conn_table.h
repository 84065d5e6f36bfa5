/* SPDX-License-Identifier: MIT */
#ifndef IO_CONN_TABLE_H
#define IO_CONN_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include <nuncio/base.h>

/*
 * The connections of one I/O thread by id. A slot is used again as late as possible (first freed,
 * first used) and under another generation, so that an id never comes back. One thread.
 */
struct conn;
struct conn_slot {
	struct conn *conn; /* NULL: free */
	uint32_t generation;
	uint32_t next_free;
};

struct conn_table {
	struct conn_slot *slots;
	uint32_t size, count;
	uint32_t free_first, free_last; /* slot + 1; 0: none */
	unsigned thread;
};

void conn_table_init(struct conn_table *t, unsigned thread);
void conn_table_fini(struct conn_table *t);
nuncio_sid conn_table_add(struct conn_table *t, struct conn *c);
void conn_table_remove(struct conn_table *t, nuncio_sid id);
struct conn *conn_table_find(const struct conn_table *t, nuncio_sid id); /* NULL: gone */

#endif

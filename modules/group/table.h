/* SPDX-License-Identifier: MIT */
#ifndef MODULES_GROUP_TABLE_H
#define MODULES_GROUP_TABLE_H

#include <nuncio/base.h>
#include <nuncio/text.h>

/* A hash table by text, of nodes that live in what they find. A key is borrowed, of one's own. */
struct table_node {
	struct table_node *next;
	uint64_t hash;
	struct nuncio_str key;
};
struct table {
	struct table_node **places;
	size_t place_count, count;
};

/* All zero is an empty table. */
void table_fini(struct table *table); /* what is in it is left alone */
struct table_node *table_find(const struct table *table, struct nuncio_str key);
void table_add(struct table *table, struct table_node *node, struct nuncio_str key); /* not there */
void table_remove(struct table *table, struct table_node *node);                     /* is there */
/* Any one, so that all can be taken out; NULL when it is empty. */
struct table_node *table_any(const struct table *table);

typedef void table_each_fn(struct table_node *node, void *user);
void table_each(
	const struct table *table, table_each_fn *fn, void *user); /* fn may not change it */

#define TABLE_OF(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

/* Memory that is there, or the end of the process. */

#endif

/* SPDX-License-Identifier: MIT */
#ifndef MODULE_LOADER_H
#define MODULE_LOADER_H

#include <stddef.h>

#include <nuncio/module.h>

/*
 * Finding and opening a module's file, and putting modules into an order. Opened files are never
 * closed: the process ends with them, so that sanitizers and profilers keep their symbols. Thread:
 * logic (or main).
 */

/*
 * Opens <folder>/<name>.so and checks its descriptor; the copy in info_r is as long as ours,
 * whatever the module's was.
 */
int loader_open(const char *folder, const char *name, struct nuncio_module_info *info_r,
	struct nuncio_error *err);

/* Names of the modules in a folder, sorted. */
struct loader_names {
	char **names;
	size_t count;
};
int loader_list(const char *folder, struct loader_names *names_r, struct nuncio_error *err);
void loader_names_fini(struct loader_names *names);

/* One thing to be ordered: `before` says which others must come first. */
struct loader_node {
	const char *name;
	const size_t *needs; /* indexes */
	size_t needs_count;
	const size_t *wants;
	size_t wants_count;
};

/*
 * Writes into order_r the indexes such that needs and wants come first, otherwise in the given
 * order. A cycle of needs is an error that names it; a want that would close a cycle is dropped.
 */
int loader_order(
	const struct loader_node *nodes, size_t count, size_t *order_r, struct nuncio_error *err);

#endif

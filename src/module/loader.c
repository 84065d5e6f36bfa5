/* SPDX-License-Identifier: MIT */
/*
 * From a module's name to its descriptor, and from needs to an order. The file is looked up in one
 * folder, opened with all symbols resolved at once, and its descriptor checked before a line of it
 * is used; every refusal says what a person can do. Files stay open until the process ends. Runs
 * before the loop (main thread) only.
 */
#include "module/loader.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "provide/sized.h"

static bool is_name(const char *name)
{
	return name[0] && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name);
}

/* dlerror() begins with the path, which our message has already. */
static const char *without_path(const char *text, const char *path)
{
	size_t n = strlen(path);
	return strncmp(text, path, n) == 0 && strncmp(text + n, ": ", 2) == 0 ? text + n + 2 : text;
}

static int open_file(const char *path, const char *name, void **handle_r, struct nuncio_error *err)
{
	if (access(path, F_OK) != 0) {
		nuncio_error_set(err,
			"%s: there is no such module; switch it off with `%s = off` "
			"in [modules], or correct [core] module_path",
			path, name);
		return NUNCIO_E_NOTFOUND;
	}
	*handle_r = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (*handle_r)
		return 0;
	nuncio_error_set(err, "%s: %s", path, without_path(dlerror(), path));
	return NUNCIO_E_FAIL;
}

static int check(const struct nuncio_module_info *info, const char *path, const char *name,
	struct nuncio_error *err)
{
	/* As of 1.0; members that come later may be missing, so these numbers stay. */
	const size_t size_1_0 = 104, option_size_1_0 = 56;
	if (info->abi_major != NUNCIO_ABI_MAJOR)
		nuncio_error_set(err,
			"%s: built for module ABI %u.%u, this server has %d.%d; build it again "
			"with this server's headers",
			path, info->abi_major, info->abi_minor, NUNCIO_ABI_MAJOR, NUNCIO_ABI_MINOR);
	else if (info->abi_minor > NUNCIO_ABI_MINOR)
		nuncio_error_set(err,
			"%s: needs module ABI %u.%u, this server has %d.%d; it needs a newer server",
			path, info->abi_major, info->abi_minor, NUNCIO_ABI_MAJOR, NUNCIO_ABI_MINOR);
	else if (sizeof(void *) == 8 && info->size < size_1_0)
		nuncio_error_set(err, "%s: its descriptor has %u bytes, at least %zu are needed",
			path, info->size, size_1_0);
	else if (!info->name || strcmp(info->name, name) != 0)
		nuncio_error_set(err, "%s: calls itself \"%s\"; file and module must have one name",
			path, info->name ? info->name : "");
	else if (sizeof(void *) == 8 && info->options && info->option_size < option_size_1_0)
		nuncio_error_set(err, "%s: its options have %u bytes, at least %zu are needed",
			path, info->option_size, option_size_1_0);
	else
		return 0;
	return NUNCIO_E_UNSUPPORTED;
}

int loader_open(const char *folder, const char *name, struct nuncio_module_info *info_r,
	struct nuncio_error *err)
{
	struct buf path = { 0 };
	void *handle = NULL;
	int rc = NUNCIO_E_INVAL;
	if (!is_name(name)) {
		nuncio_error_set(err, "\"%s\" is no module name; allowed: [a-z0-9_]", name);
		return rc;
	}
	buf_printf(&path, "%s/%s.so", folder, name);
	buf_add_char(&path, '\0');
	rc = open_file(path.data, name, &handle, err);
	if (rc == 0) {
		const struct nuncio_module_info *info = dlsym(handle, "nuncio_module_info");
		if (!info) {
			nuncio_error_set(err,
				"%s: is no nuncio module: it has no nuncio_module_info", path.data);
			rc = NUNCIO_E_INVAL;
		} else if ((rc = check(info, path.data, name, err)) == 0) {
			sized_take(info_r, sizeof(*info_r), info, info->size);
		}
	}
	buf_fini(&path);
	return rc;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int loader_list(const char *folder, struct loader_names *names_r, struct nuncio_error *err)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	*names_r = (struct loader_names){ NULL, 0 };
	if (!dir)
		return error_errno(err, folder, errno);
	while ((entry = readdir(dir)) != NULL) {
		struct nuncio_str name = str_of(entry->d_name);
		if (!str_ends(name, STR(".so")))
			continue;
		name.n -= 3;
		names_r->names = alloc_grow(
			names_r->names, (names_r->count + 1) * sizeof(names_r->names[0]));
		names_r->names[names_r->count++] = alloc_text(name);
	}
	closedir(dir);
	if (names_r->count)
		qsort(names_r->names, names_r->count, sizeof(names_r->names[0]), compare_names);
	return 0;
}

void loader_names_fini(struct loader_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		alloc_free(names->names[i]);
	alloc_free(names->names);
	*names = (struct loader_names){ NULL, 0 };
}

/* ---- Order: depth first, in the given order; what is on the way and met again is a cycle. */

enum mark { MARK_NEW, MARK_ON_THE_WAY, MARK_DONE };

struct walk {
	const struct loader_node *nodes;
	enum mark *marks;
	size_t *way, way_count; /* from where we came */
	size_t *order, order_count;
	struct nuncio_error *err;
};

static void name_cycle(struct walk *w, size_t back_to)
{
	struct buf text = { 0 };
	size_t i = 0;
	while (w->way[i] != back_to)
		i++;
	for (; i < w->way_count; i++)
		buf_printf(&text, "%s needs ", w->nodes[w->way[i]].name);
	buf_printf(&text, "%s", w->nodes[back_to].name);
	buf_add_char(&text, '\0');
	nuncio_error_set(w->err, "modules need each other in a circle: %s", text.data);
	buf_fini(&text);
}

/* 0; or negative when a need closes a cycle. A want that would is skipped by the one who wants. */
static int visit(struct walk *w, size_t index)
{
	const struct loader_node *node = &w->nodes[index];
	int rc = 0;
	if (w->marks[index] == MARK_DONE)
		return 0;
	if (w->marks[index] == MARK_ON_THE_WAY) {
		name_cycle(w, index);
		return NUNCIO_E_CONFLICT;
	}
	w->marks[index] = MARK_ON_THE_WAY;
	w->way[w->way_count++] = index;
	for (size_t i = 0; rc == 0 && i < node->needs_count; i++)
		rc = visit(w, node->needs[i]);
	w->way_count--;
	if (rc < 0)
		return rc;
	w->marks[index] = MARK_DONE;
	w->order[w->order_count++] = index;
	return 0;
}

/* Is `from` reached from `to` by needs and wants? */
static bool reaches(
	const struct loader_node *nodes, size_t count, size_t to, size_t from, bool *seen)
{
	if (to == from)
		return true;
	if (seen[to])
		return false;
	seen[to] = true;
	for (size_t i = 0; i < nodes[to].needs_count; i++) {
		if (reaches(nodes, count, nodes[to].needs[i], from, seen))
			return true;
	}
	return false;
}

/* Turns wants into needs, one after the other, except those that would close a cycle. */
static struct loader_node *with_wants(const struct loader_node *nodes, size_t count)
{
	struct loader_node *all = ALLOC_ARRAY(struct loader_node, count + 1);
	bool *seen = ALLOC_ARRAY(bool, count + 1);
	for (size_t i = 0; i < count; i++) {
		size_t bytes = nodes[i].needs_count * sizeof(size_t);
		size_t *needs =
			ALLOC_ARRAY(size_t, nodes[i].needs_count + nodes[i].wants_count + 1);
		if (bytes)
			memcpy(needs, nodes[i].needs, bytes);
		all[i] = (struct loader_node){
			.name = nodes[i].name, .needs = needs, .needs_count = nodes[i].needs_count
		};
	}
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < nodes[i].wants_count; k++) {
			memset(seen, 0, count * sizeof(*seen));
			if (reaches(all, count, nodes[i].wants[k], i, seen))
				continue;
			((size_t *)all[i].needs)[all[i].needs_count++] = nodes[i].wants[k];
		}
	}
	alloc_free(seen);
	return all;
}

int loader_order(
	const struct loader_node *nodes, size_t count, size_t *order_r, struct nuncio_error *err)
{
	struct loader_node *all = with_wants(nodes, count);
	struct walk w = { .nodes = all,
		.marks = ALLOC_ARRAY(enum mark, count + 1),
		.way = ALLOC_ARRAY(size_t, count + 1),
		.order = order_r,
		.err = err };
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = visit(&w, i);
	for (size_t i = 0; i < count; i++)
		alloc_free((void *)all[i].needs);
	alloc_free(all);
	alloc_free(w.marks);
	alloc_free(w.way);
	return rc;
}

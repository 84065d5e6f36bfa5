/* SPDX-License-Identifier: MIT */
/*
 * From the names in `needs` and `wants` to the order of start. A name is a module, "store", "auth"
 * or "bus" (the chosen provider), or a service. Runs after all inits, when services and providers
 * are known. What is missing is told with what to switch on. Main thread, before the loop.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "module/loader.h"
#include "module/module_private.h"

static const struct nuncio_module *who_is(const struct modules *set, const char *name)
{
	const struct service *service = module_find_service(set, name);
	if (strcmp(name, "store") == 0)
		return set->store ? set->store->module : NULL;
	if (strcmp(name, "auth") == 0)
		return set->auth ? set->auth->module : NULL;
	if (strcmp(name, "bus") == 0)
		return set->bus ? set->bus->module : NULL;
	return service ? service->module : modules_find(set, name);
}

/* "; for example store_memory = on": the files of the folder whose name begins with the job's. */
static void add_examples(struct buf *out, const char *folder, const char *job)
{
	struct loader_names names;
	struct nuncio_error err;
	const char *between = "; installed: ";
	size_t n = strlen(job);
	if (loader_list(folder, &names, &err) < 0)
		return;
	for (size_t i = 0; i < names.count; i++) {
		if (strncmp(names.names[i], job, n) != 0 || names.names[i][n] != '_')
			continue;
		buf_printf(out, "%s%s", between, names.names[i]);
		between = ", ";
	}
	loader_names_fini(&names);
}

static bool is_installed(const char *folder, const char *name)
{
	struct loader_names names;
	struct nuncio_error err;
	bool found = false;
	if (loader_list(folder, &names, &err) < 0)
		return false;
	for (size_t i = 0; i < names.count; i++)
		found = found || strcmp(names.names[i], name) == 0;
	loader_names_fini(&names);
	return found;
}

static int tell_missing(const struct modules *set, const struct nuncio_module *m, const char *name,
	struct nuncio_error *err)
{
	const char *folder = set->env.module_path;
	struct buf out = { 0 };
	buf_printf(&out, "module %s needs ", m->info.name);
	if (strcmp(name, "store") == 0 || strcmp(name, "auth") == 0 || strcmp(name, "bus") == 0) {
		buf_printf(&out,
			"%s, which no module that is switched on provides; switch one on "
			"in [modules]",
			name);
		add_examples(&out, folder, name);
	} else if (strchr(name, '.')) {
		buf_printf(
			&out, "the service %s, which no module that is switched on offers", name);
	} else if (is_installed(folder, name)) {
		buf_printf(&out, "the module %s; switch it on in [modules]: %s = on", name, name);
	} else {
		buf_printf(&out, "the module %s, which is not in %s", name, folder);
	}
	buf_add_char(&out, '\0');
	nuncio_error_set(err, "%s", out.data);
	buf_fini(&out);
	return NUNCIO_E_NOTFOUND;
}

static size_t count_names(const char *const *names)
{
	size_t n = 0;
	while (names && names[n])
		n++;
	return n;
}

/* Indexes for names; missing ones are an error if `missing_err`, otherwise left out. */
static int resolve(const struct modules *set, const struct nuncio_module *m,
	const char *const *names, size_t *indexes_r, size_t *count_r, bool is_need,
	struct nuncio_error *err)
{
	*count_r = 0;
	for (size_t i = 0; names && names[i]; i++) {
		const struct nuncio_module *other = who_is(set, names[i]);
		if (!other && is_need)
			return tell_missing(set, m, names[i], err);
		if (other && other != m) /* one who offers what it needs is content */
			indexes_r[(*count_r)++] = other->order;
	}
	return 0;
}

static int make_node(const struct modules *set, const struct nuncio_module *m,
	struct loader_node *node, struct nuncio_error *err)
{
	size_t needs = count_names(m->info.needs), wants = count_names(m->info.wants);
	size_t *indexes = ALLOC_ARRAY(size_t, needs + wants + 1);
	*node = (struct loader_node){
		.name = m->info.name, .needs = indexes, .wants = indexes + needs
	};
	int rc = resolve(set, m, m->info.needs, indexes, &node->needs_count, true, err);
	if (rc == 0)
		rc = resolve(
			set, m, m->info.wants, indexes + needs, &node->wants_count, false, err);
	return rc;
}

int module_needs_order(struct modules *set, struct nuncio_error *err)
{
	struct loader_node *nodes = ALLOC_ARRAY(struct loader_node, set->count + 1);
	int rc = 0;
	alloc_free(set->order);
	set->order = ALLOC_ARRAY(size_t, set->count + 1);
	for (size_t i = 0; rc == 0 && i < set->count; i++)
		rc = make_node(set, set->list[i], &nodes[i], err);
	if (rc == 0)
		rc = loader_order(nodes, set->count, set->order, err);
	for (size_t i = 0; i < set->count; i++)
		alloc_free((void *)nodes[i].needs);
	alloc_free(nodes);
	return rc;
}

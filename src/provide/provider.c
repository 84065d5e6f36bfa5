/* SPDX-License-Identifier: MIT */
/*
 * Who offers to do a job that has one owner. A short list: modules register in init, the
 * configuration chooses once after that, and every wrong choice is explained with the names that
 * there are. Logic thread only.
 */
#include "provide/provider.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"

struct provider_set {
	struct provider **list; /* each its own allocation, so that addresses stay */
	size_t count;
};

struct provider_set *provider_set_new(void)
{
	return ALLOC_NEW(struct provider_set);
}

void provider_set_free(struct provider_set **set)
{
	if (!*set)
		return;
	for (size_t i = 0; i < (*set)->count; i++)
		alloc_free((*set)->list[i]);
	alloc_free((*set)->list);
	alloc_free(*set);
	*set = NULL;
}

static const struct provider *find(
	const struct provider_set *set, const char *job, const char *name)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct provider *p = set->list[i];
		if (strcmp(p->job, job) == 0 && (!name || strcmp(p->name, name) == 0))
			return p;
	}
	return NULL;
}

int provider_add(struct provider_set *set, const struct provider *p)
{
	if (find(set, p->job, p->name))
		return NUNCIO_E_EXISTS;
	set->list = alloc_grow(set->list, (set->count + 1) * sizeof(set->list[0]));
	set->list[set->count++] = alloc_copy(p, sizeof(*p));
	return 0;
}

void provider_remove_module(struct provider_set *set, const struct nuncio_module *module)
{
	size_t kept = 0;
	for (size_t i = 0; i < set->count; i++) {
		if (set->list[i]->module == module)
			alloc_free(set->list[i]);
		else
			set->list[kept++] = set->list[i];
	}
	set->count = kept;
}

/* "store_memory, store_sqlite"; returns how many */
static size_t names_of(const struct provider_set *set, const char *job, struct buf *out)
{
	size_t count = 0;
	for (size_t i = 0; i < set->count; i++) {
		if (strcmp(set->list[i]->job, job) != 0)
			continue;
		buf_printf(out, "%s%s", count++ ? ", " : "", set->list[i]->name);
	}
	return count;
}

int provider_choose(const struct provider_set *set, const char *job, const char *chosen,
	const struct provider **p_r, struct nuncio_error *err)
{
	struct buf names = { 0 };
	size_t count = names_of(set, job, &names);
	int rc;
	buf_add_char(&names, '\0');
	*p_r = NULL;
	if (chosen[0]) {
		*p_r = find(set, job, chosen);
		rc = *p_r ? 1 : NUNCIO_E_NOTFOUND;
		if (rc < 0)
			nuncio_error_set(err,
				"[core] %s = %s: no module that is switched on provides it; "
				"there %s%s",
				job, chosen, count ? "is: " : "is none", names.data);
	} else {
		*p_r = count == 1 ? find(set, job, NULL) : NULL;
		rc = count > 1 ? NUNCIO_E_CONFLICT : (int)count;
		if (rc < 0)
			nuncio_error_set(err,
				"[core] %s: several modules provide it (%s); choose one: %s = NAME",
				job, names.data, job);
	}
	buf_fini(&names);
	return rc;
}

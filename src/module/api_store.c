/* SPDX-License-Identifier: MIT */
/*
 * <nuncio/store.h>, and the registering part of store_provider.h and auth.h. A module writes only
 * into spaces of its own name.
 */
#include <nuncio/auth.h>
#include <nuncio/store_provider.h>

#include "base/slice.h"
#include "module/module_private.h"
#include "provide/sized.h"
#include "provide/store.h"

/* The store, or NULL with why not. */
static struct store *store_of(struct nuncio_module *self, int *rc)
{
	module_check(self);
	MODULE_CHECK_THREAD();
	*rc = module_is_gone(self) ? NUNCIO_E_GONE : 0;
	return *rc < 0 ? NULL : self->set->env.store;
}

static int check_space(struct nuncio_module *self, struct nuncio_str space)
{
	if (module_owns_space(self, space))
		return 0;
	return module_refuse(self, NUNCIO_E_INVAL,
		"writing records of the space \"" STR_FMT
		"\": a module's spaces are its name, or its "
		"name, a dot and more",
		STR_ARG(space));
}

int module_check_writes(
	struct nuncio_module *self, const struct nuncio_record_write *writes, size_t n)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		const struct nuncio_record_write *w = sized_at(writes, writes->size, i);
		rc = check_space(self, w->space);
	}
	return rc;
}

int nuncio_store_events(struct nuncio_module *self, const struct nuncio_events_query *query,
	nuncio_events_fn *done, void *user)
{
	int rc;
	struct store *store = store_of(self, &rc);
	return store ? store_events(store, query, done, user) : rc;
}

int nuncio_store_sync(struct nuncio_module *self, const struct nuncio_sync_query *query,
	nuncio_sync_fn *done, void *user)
{
	int rc;
	struct store *store = store_of(self, &rc);
	return store ? store_sync(store, query, done, user) : rc;
}

int nuncio_store_conversations(struct nuncio_module *self, struct nuncio_str who,
	struct nuncio_str after, uint32_t limit, nuncio_conversations_fn *done, void *user)
{
	int rc;
	struct store *store = store_of(self, &rc);
	return store ? store_conversations(store, who, after, limit, done, user) : rc;
}

int nuncio_store_members(struct nuncio_module *self, struct nuncio_str conversation,
	struct nuncio_str after, uint32_t limit, nuncio_members_fn *done, void *user)
{
	int rc;
	struct store *store = store_of(self, &rc);
	return store ? store_members(store, conversation, 0, after, limit, done, user) : rc;
}

int nuncio_store_members_by_role(struct nuncio_module *self, struct nuncio_str conversation,
	uint32_t min_role, struct nuncio_str after, uint32_t limit, nuncio_members_fn *done,
	void *user)
{
	int rc;
	struct store *store = store_of(self, &rc);
	return store ? store_members(store, conversation, min_role, after, limit, done, user) : rc;
}

int nuncio_store_member(struct nuncio_module *self, struct nuncio_str conversation,
	struct nuncio_str who, nuncio_members_fn *done, void *user)
{
	int rc;
	struct store *store = store_of(self, &rc);
	return store ? store_member(store, conversation, who, done, user) : rc;
}

int nuncio_store_memberships(struct nuncio_module *self, struct nuncio_str who,
	struct nuncio_str prefix, struct nuncio_str after, uint32_t limit, nuncio_members_fn *done,
	void *user)
{
	int rc;
	struct store *store = store_of(self, &rc);
	return store ? store_memberships(store, who, prefix, after, limit, done, user) : rc;
}

int nuncio_store_membership_count(struct nuncio_module *self, struct nuncio_str who,
	struct nuncio_str prefix, uint32_t limit, nuncio_count_fn *done, void *user)
{
	int rc;
	struct store *store = store_of(self, &rc);
	return store ? store_membership_count(store, who, prefix, limit, done, user) : rc;
}

int nuncio_store_reached(struct nuncio_module *self, struct nuncio_str conversation, uint64_t seq,
	nuncio_reached_fn *done, void *user)
{
	int rc;
	struct store *store = store_of(self, &rc);
	return store ? store_reached(store, conversation, seq, done, user) : rc;
}

int nuncio_store_search(struct nuncio_module *self, const struct nuncio_search_query *query,
	nuncio_found_fn *done, void *user)
{
	int rc;
	struct store *store = store_of(self, &rc);
	return store ? store_search(store, query, done, user) : rc;
}

int nuncio_store_get(struct nuncio_module *self, struct nuncio_str space, struct nuncio_str owner,
	struct nuncio_str key, nuncio_records_fn *done, void *user)
{
	int rc;
	struct store *store = store_of(self, &rc);
	return store ? store_get(store, space, owner, key, done, user) : rc;
}

int nuncio_store_list(struct nuncio_module *self, const struct nuncio_records_query *query,
	nuncio_records_fn *done, void *user)
{
	int rc;
	struct store *store = store_of(self, &rc);
	return store ? store_list(store, query, done, user) : rc;
}

int nuncio_store_write(struct nuncio_module *self, const struct nuncio_record_write *writes,
	size_t n, nuncio_written_fn *done, void *user)
{
	int rc;
	struct store *store = store_of(self, &rc);
	if (!store || (rc = module_check_writes(self, writes, n)) < 0)
		return rc;
	return store_write(store, writes, n, done, user);
}

/* ---- Providers */

int module_provide(struct nuncio_module *self, const char *job, const void *ops, void *impl)
{
	const struct provider p = {
		.job = job, .name = self->info.name, .module = self, .ops = ops, .impl = impl
	};
	int rc = provider_add(self->set->env.providers, &p);
	if (rc < 0)
		return module_refuse(self, rc, "provides %s twice", job);
	return 0;
}

int nuncio_provide_store(struct nuncio_module *self, const struct nuncio_store_ops *ops)
{
	struct nuncio_store_ops own;
	int rc = module_check_init(self, "nuncio_provide_store");
	if (rc < 0)
		return rc;
	sized_take(&own, sizeof(own), ops, ops->size);
	if (!own.open || !own.close || !own.lanes || !own.run)
		return module_refuse(self, NUNCIO_E_INVAL,
			"nuncio_provide_store without open, close, lanes or run");
	return module_provide(self, "store", ops, NULL);
}

void nuncio_store_opened(struct nuncio_module *self, nuncio_id highest)
{
	module_check(self);
	MODULE_CHECK_THREAD();
	store_set_highest(self->set->env.store, highest);
}

int nuncio_store_is_target(const struct nuncio_module *self)
{
	module_check(self);
	MODULE_CHECK_THREAD();
	return self->set->copy_to && self->set->copy_to->module == self;
}

int nuncio_provide_auth(struct nuncio_module *self, const struct nuncio_auth_ops *ops, void *impl)
{
	struct nuncio_auth_ops own;
	int rc = module_check_init(self, "nuncio_provide_auth");
	if (rc < 0)
		return rc;
	sized_take(&own, sizeof(own), ops, ops->size);
	if (!own.check)
		return module_refuse(self, NUNCIO_E_INVAL, "nuncio_provide_auth without check");
	return module_provide(self, "auth", ops, impl);
}

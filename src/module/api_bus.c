/* SPDX-License-Identifier: MIT */
#include <nuncio/bus.h>

/*
 * <nuncio/bus.h>: being the bus, and messages of modules to themselves on other nodes. Checks
 * thread and stage, then asks provide/bus.c and logic/cluster.c. nuncio_bus_found is in
 * provide/bus.c.
 */

#include "base/alloc.h"
#include "logic/cluster.h"
#include "logic/logic.h"
#include "module/module_private.h"
#include "provide/bus.h"
#include "provide/sized.h"

int nuncio_provide_bus(struct nuncio_module *self, const struct nuncio_bus_ops *ops, void *impl)
{
	struct nuncio_bus_ops own;
	int rc = module_check_init(self, "nuncio_provide_bus");
	if (rc < 0)
		return rc;
	sized_take(&own, sizeof own, ops, ops->size);
	if (!own.publish || !own.interest)
		return module_refuse(
			self, NUNCIO_E_INVAL, "nuncio_provide_bus without publish or interest");
	return module_provide(self, "bus", ops, impl);
}

/* A bus that is on but was not chosen has nothing to say, nor has one that stops. */
static bool is_bus(struct nuncio_module *self)
{
	module_check(self);
	MODULE_CHECK_THREAD();
	return self->set->bus && self->set->bus->module == self &&
	       bus_is_running(self->set->env.bus);
}

void nuncio_bus_received(struct nuncio_module *self, struct nuncio_str frame)
{
	if (is_bus(self))
		cluster_received(self->set->env.logic, frame);
}

void nuncio_bus_recovered(struct nuncio_module *self)
{
	if (is_bus(self))
		cluster_resync(self->set->env.logic);
}

int nuncio_bus_is_there(void)
{
	MODULE_CHECK_THREAD();
	return bus_is_there(module_env()->bus);
}

static void undo_peer(void *ptr)
{
	struct peer *peer = ptr;
	cluster_peer_remove(&peer);
}

int nuncio_peer_add(struct nuncio_module *self, const char *name, nuncio_peer_fn *fn, void *user)
{
	struct peer *peer;
	int rc = module_check_init(self, "nuncio_peer_add");
	if (rc < 0)
		return rc;
	rc = cluster_peer_add(module_env_of(self)->logic, nuncio_module_name(self), name, fn, user,
		module_callback(self, CALLBACK_PEER, "%s", name), &peer);
	if (rc < 0)
		return module_refuse(self, rc, "the peer %s was added twice", name);
	module_own(self, "peer", peer, undo_peer);
	return 0;
}

int nuncio_peer_send(
	struct nuncio_module *self, const char *name, struct nuncio_str who, struct nuncio_str data)
{
	MODULE_CHECK_THREAD();
	return cluster_peer_send(
		module_env_of(self)->logic, nuncio_module_name(self), name, who, data);
}

/* SPDX-License-Identifier: MIT */
/* <nuncio/service.h>: named interfaces between modules, in one short list. */
#include <nuncio/service.h>

#include <string.h>

#include "base/alloc.h"
#include "module/module_private.h"

const struct service *module_find_service(const struct modules *set, const char *name)
{
	for (size_t i = 0; i < set->service_count; i++) {
		if (strcmp(set->services[i].name, name) == 0)
			return &set->services[i];
	}
	return NULL;
}

void module_withdraw_services(struct modules *set, const struct nuncio_module *module)
{
	size_t kept = 0;
	for (size_t i = 0; i < set->service_count; i++) {
		if (set->services[i].module != module)
			set->services[kept++] = set->services[i];
	}
	set->service_count = kept;
}

int nuncio_service_offer(struct nuncio_module *self, const char *name, const void *ops, void *impl)
{
	int rc = module_check_init(self, "nuncio_service_offer");
	if (rc < 0)
		return rc;
	struct modules *set = self->set;
	const struct service *other = module_find_service(set, name);
	if (other)
		return module_refuse(self, NUNCIO_E_EXISTS,
			"the service %s is offered by the module %s already", name,
			other->module->info.name);
	if (!ops || !strchr(name, '.'))
		return module_refuse(self, NUNCIO_E_INVAL,
			"the service %s: needs functions, and a version in its name, like %s.v1",
			name, name);
	set->services =
		alloc_grow(set->services, (set->service_count + 1) * sizeof(set->services[0]));
	set->services[set->service_count++] =
		(struct service){ .name = name, .module = self, .ops = ops, .impl = impl };
	return 0;
}

const void *nuncio_service_find(struct nuncio_module *self, const char *name, void **impl_r)
{
	module_check(self);
	MODULE_CHECK_THREAD();
	const struct service *service = module_find_service(self->set, name);
	if (impl_r)
		*impl_r = service ? service->impl : NULL;
	return service ? service->ops : NULL;
}

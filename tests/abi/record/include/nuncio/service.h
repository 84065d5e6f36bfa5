/* SPDX-License-Identifier: MIT */
#ifndef NUNCIO_SERVICE_H
#define NUNCIO_SERVICE_H

/*
 * Named interfaces between modules: a struct of functions that starts with `uint32_t size`,
 * published in a header of its own (nuncio/services/), versioned in its name ("token.v1"). A
 * changed interface is a new name; both can be offered.
 */

#include <nuncio/module.h>

NUNCIO_BEGIN_DECLS

/*
 * Offers `ops` (kept by reference: static) under `name`. NUNCIO_E_EXISTS if another module offers
 * it: the start is refused, both are named.
 * Thread: logic, in init.
 */
int nuncio_service_offer(struct nuncio_module *self, const char *name, const void *ops, void *impl);

/*
 * Finds a service: the ops and, in *impl_r, its owner's data. NULL if no module offers it. Put the
 * name into `needs` or `wants` to be started after it.
 * Thread: logic, in start or later.
 */
const void *nuncio_service_find(struct nuncio_module *self, const char *name, void **impl_r);

NUNCIO_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
#ifndef NUNCIO_SERVICES_CONTACTS_H
#define NUNCIO_SERVICES_CONTACTS_H

/* Service "contacts.v1": what one user is to another. Offered by the module contacts. */

#include <nuncio/base.h>

NUNCIO_BEGIN_DECLS

#define NUNCIO_CONTACTS_V1 "contacts.v1"

/* What `owner` has decided about `other`. */
#define NUNCIO_CONTACTS_FRIEND 1u  /* each has accepted the other */
#define NUNCIO_CONTACTS_BLOCKED 2u /* owner wants nothing of other */

typedef void nuncio_relation_fn(int status, uint32_t relation, void *user);

struct nuncio_contacts_v1 {
	uint32_t size, reserved;
	/*
	 * Asks for the relation; the answer may come before this returns, and nearly always does
	 * for pairs that were asked about before. A negative status: the store could not tell.
	 * Thread: logic (done too).
	 */
	void (*relation)(void *impl, struct nuncio_str owner, struct nuncio_str other,
		nuncio_relation_fn *done, void *user);
};

NUNCIO_END_DECLS

#endif

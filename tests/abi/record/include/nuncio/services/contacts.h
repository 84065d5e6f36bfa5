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

/* What `owner` has decided about `other` is another now; about everybody if `other` is empty. */
typedef void nuncio_relation_changed_fn(
	struct nuncio_str owner, struct nuncio_str other, void *user);

struct nuncio_contacts_v1 {
	uint32_t size, reserved;
	/*
	 * Asks for the relation; the answer may come before this returns, and nearly always does
	 * for pairs that were asked about before. A negative status: the store could not tell.
	 * Thread: logic (done too).
	 */
	void (*relation)(void *impl, struct nuncio_str owner, struct nuncio_str other,
		nuncio_relation_fn *done, void *user);
	/*
	 * May `other` see whether `owner` is there, and when they were last? `relation` is 1 or 0:
	 * as the owner has chosen, and never for whom they have blocked.
	 * Thread: logic (done too).
	 */
	void (*may_see)(void *impl, struct nuncio_str owner, struct nuncio_str other,
		nuncio_relation_fn *done, void *user);
	/*
	 * fn hears of every change, whichever node it was made on, after the other functions know
	 * of it; NULL ends that for `user`, and must come before `user` goes. NUNCIO_E_BUSY: eight
	 * hear already.
	 * Thread: logic (fn too).
	 */
	int (*watch)(void *impl, nuncio_relation_changed_fn *fn, void *user);
};

NUNCIO_END_DECLS

#endif

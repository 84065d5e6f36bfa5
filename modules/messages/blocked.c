/* SPDX-License-Identifier: MIT */
/*
 * Between two people of whom one has blocked the other no message is changed either, but for taking
 * it back: an edit would say to somebody what may not be sent to them. Answers are mostly in memory
 * (services/contacts.h).
 */
#include "messages.h"

#include <nuncio/codes.h>
#include <nuncio/service.h>

static void on_own(int status, uint32_t relation, void *user)
{
	struct change *change = user;
	if (status < 0)
		change_fail(change, status);
	else if (relation & NUNCIO_CONTACTS_BLOCKED) {
		change_refuse(change, NUNCIO_CODE_you_blocked, "you have blocked this person");
		change_drop(&change);
	} else
		change_ask_member(change);
}

static bool peer_of(const struct change *change, struct nuncio_str *peer_r)
{
	const struct messages *m = change->m;
	const struct nuncio_str user = nuncio_text(change->user);
	return m->contacts && m->direct &&
	       m->direct->peer(m->direct_impl, nuncio_text(change->conversation), user, peer_r) &&
	       !nuncio_text_same(*peer_r, user);
}

static void on_theirs(int status, uint32_t relation, void *user)
{
	struct change *change = user;
	const struct messages *m = change->m;
	struct nuncio_str peer;
	if (status < 0) {
		change_fail(change, status);
	} else if (relation & NUNCIO_CONTACTS_BLOCKED || !peer_of(change, &peer)) {
		change_refuse(change, NUNCIO_CODE_not_accepted,
			"this person does not take messages from you");
		change_drop(&change);
	} else {
		m->contacts->relation(
			m->contacts_impl, nuncio_text(change->user), peer, on_own, change);
	}
}

void blocked_ask(struct change *change)
{
	const struct messages *m = change->m;
	struct nuncio_str peer;
	if (change->verb->access == NUNCIO_ACCESS_WRITE && peer_of(change, &peer))
		m->contacts->relation(
			m->contacts_impl, peer, nuncio_text(change->user), on_theirs, change);
	else
		change_ask_member(change);
}

void blocked_start(struct messages *m)
{
	m->contacts = nuncio_service_find(m->self, NUNCIO_CONTACTS_V1, &m->contacts_impl);
	m->direct = nuncio_service_find(m->self, NUNCIO_DIRECT_V1, &m->direct_impl);
}

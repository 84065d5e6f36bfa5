/* SPDX-License-Identifier: MIT */
/*
 * May this one see that one: whether they are there, and when they were last? What the owner has
 * chosen comes first, since it often decides; then what they have decided about the one who looks.
 */
#include "contacts.h"

#include <stdlib.h>

struct sight {
	struct contacts *c;
	nuncio_relation_fn *done;
	void *user;
	uint32_t policy;
	char owner[USER_BYTES + 1], other[USER_BYTES + 1];
};

static void sight_end(struct sight *s, int status, uint32_t yes)
{
	s->done(status, yes, s->user);
	free(s);
}

static void on_relation(int status, uint32_t relation, void *user)
{
	struct sight *s = user;
	bool is_friend = relation & NUNCIO_CONTACTS_FRIEND;
	bool is_blocked = relation & NUNCIO_CONTACTS_BLOCKED;
	sight_end(s, status, !is_blocked && (s->policy == POLICY_EVERYONE || is_friend));
}

static void on_policies(int status, uint32_t policies, void *user)
{
	struct sight *s = user;
	s->policy = POLICY_OF(policies, POLICY_PRESENCE);
	if (status < 0 || s->policy == POLICY_NOBODY)
		sight_end(s, status, 0);
	else
		relations_ask(s->c->relations, nuncio_text(s->owner), nuncio_text(s->other),
			on_relation, s);
}

void sight_ask(struct contacts *c, struct nuncio_str owner, struct nuncio_str other,
	nuncio_relation_fn *done, void *user)
{
	if (nuncio_text_same(owner, other)) {
		done(0, 1, user);
		return;
	}
	struct sight *s = nuncio_alloc(sizeof *s);
	*s = (struct sight){ .c = c, .done = done, .user = user };
	if (nuncio_text_copy(owner, s->owner, sizeof s->owner) < 0 ||
		nuncio_text_copy(other, s->other, sizeof s->other) < 0)
		sight_end(s, 0, 0); /* nobody has so long a name */
	else
		relations_ask_policy(c->relations, nuncio_text(s->owner), on_policies, s);
}

/* SPDX-License-Identifier: MIT */
/*
 * Who may see whom is asked when a session begins to follow somebody, and again when the one who
 * is followed changes their mind: about one person, or about all. Telling of a change then asks
 * nobody: each follower's watch knows. Where it could not be found out, nothing is shown.
 */
#include "presence.h"

#include <stdlib.h>
#include <string.h>

#include <nuncio/service.h>
#include <nuncio/session.h>
#include <nuncio/text.h>

/* One session that is about to see more, or less, of one user. */
struct looking {
	struct presence *presence;
	uint64_t sid;
	char owner[USER_BYTES + 1];
};

static struct follower *follower_of(struct presence *presence, uint64_t sid)
{
	struct nuncio_session *session = nuncio_session_find(sid);
	return session ? nuncio_slot_get(session, presence->slot) : NULL;
}

/* What the followers know is made true first, so that whoever joins them knows the same. */
static void settle(struct presence *presence, struct nuncio_str user)
{
	struct person *person = people_find(&presence->people, user);
	if (person && people_show(person))
		presence_tell(presence, person);
}

void sight_open(
	struct presence *presence, uint64_t sid, const struct nuncio_presence *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct follower *follower = follower_of(presence, sid);
		if (!follower)
			return;
		settle(presence, rows[i].user);
		people_let_see(&presence->people, follower, rows[i].user,
			!(rows[i].flags & NUNCIO_PRESENCE_HIDDEN));
	}
}

/* ---- changes ---- */

static void notify(const struct looking *looking, const struct nuncio_presence *row)
{
	struct nuncio_json *json = nuncio_json_new();
	presence_write(json, row);
	nuncio_session_notify(looking->sid, "presence.changed", nuncio_json_str(json));
	nuncio_json_free(&json);
}

static void on_row(int status, const struct nuncio_presence *rows, size_t n, void *user)
{
	struct looking *looking = user;
	struct presence *presence = looking->presence;
	struct follower *follower = follower_of(presence, looking->sid);
	(void)n;
	int may_see = status == 0 && !(rows->flags & NUNCIO_PRESENCE_HIDDEN);
	if (may_see)
		settle(presence, rows->user);
	if (follower && people_let_see(&presence->people, follower, rows->user, may_see))
		notify(looking, rows);
	free(looking);
}

static void look_again(struct presence *presence, struct nuncio_str owner, uint64_t sid)
{
	const struct nuncio_session *session = nuncio_session_find(sid);
	struct looking *looking = nuncio_alloc(sizeof *looking);
	looking->presence = presence;
	looking->sid = sid;
	if (!session || nuncio_text_copy(owner, looking->owner, sizeof looking->owner) < 0) {
		free(looking);
		return;
	}
	const struct nuncio_str name = nuncio_text(looking->owner);
	presence_ask(presence, nuncio_session_user(session), &name, 1, on_row, looking);
}

static int is_meant(const struct watch *watch, struct nuncio_str other)
{
	const struct nuncio_session *session = nuncio_session_find(watch->sid);
	return session && (!other.n || nuncio_text_same(nuncio_session_user(session), other));
}

/* Answers may come at once and tell, so the ring of followers is walked before anybody is asked. */
static void on_changed(struct nuncio_str owner, struct nuncio_str other, void *user)
{
	struct presence *presence = user;
	const struct person *person = people_find(&presence->people, owner);
	size_t n = 0, count = 0;
	if (!person || presence->is_stopped)
		return;
	for (const struct link *at = person->watches.next; at != &person->watches; at = at->next)
		count += (size_t)is_meant(PEOPLE_OF(at, const struct watch, of_person), other);
	uint64_t *sids = nuncio_alloc((count + 1) * sizeof *sids);
	for (const struct link *at = person->watches.next; at != &person->watches; at = at->next) {
		const struct watch *watch = PEOPLE_OF(at, const struct watch, of_person);
		if (is_meant(watch, other))
			sids[n++] = watch->sid;
	}
	for (size_t i = 0; i < n; i++)
		look_again(presence, owner, sids[i]);
	free(sids);
}

/* ---- life ---- */

void sight_start(struct presence *presence)
{
	struct sight *sight = &presence->sight;
	sight->contacts =
		nuncio_service_find(presence->self, NUNCIO_CONTACTS_V1, &sight->contacts_impl);
	if (sight->contacts && sight->contacts->size < sizeof *sight->contacts)
		sight->contacts = NULL; /* an older one, which does not know of this */
	if (sight->contacts)
		sight->contacts->watch(sight->contacts_impl, on_changed, presence);
}

void sight_stop(struct presence *presence)
{
	struct sight *sight = &presence->sight;
	if (sight->contacts)
		sight->contacts->watch(sight->contacts_impl, NULL, presence);
}

/* SPDX-License-Identifier: MIT */
/*
 * Sessions on other nodes: the service roster.v1 says what they come to, for those who are here or
 * followed here, and is told what sessions here are. Who comes and goes it sees by itself.
 */
#include "presence.h"

#include <nuncio/service.h>
#include <nuncio/session.h>

static void on_interest(struct nuncio_str user, int on, void *context)
{
	const struct presence *presence = context;
	const struct others *others = &presence->others;
	others->roster->watch(others->roster_impl, user, on);
}

static void on_changed(struct nuncio_str user, uint32_t state, uint32_t is_first, void *context)
{
	struct presence *presence = context;
	(void)is_first; /* the state itself knows whether it is */
	people_set_elsewhere(&presence->people, user, (enum nuncio_presence_status)state,
		nuncio_mono_ms(), nuncio_wall_ms());
	if (state != NUNCIO_PRESENCE_OFFLINE)
		dnd_doubt(presence, user, state == NUNCIO_PRESENCE_DND);
	presence_changed(presence);
}

void nodes_start(struct presence *presence)
{
	struct others *others = &presence->others;
	others->roster =
		nuncio_service_find(presence->self, NUNCIO_ROSTER_V1, &others->roster_impl);
	if (!others->roster)
		return;
	presence->people.interest = on_interest;
	presence->people.context = presence;
	others->roster->listen(others->roster_impl, on_changed, presence);
}

static uint32_t state_of(const struct person *person, const struct follower *follower)
{
	if (person->is_dnd)
		return NUNCIO_PRESENCE_DND;
	return follower && follower->is_away ? NUNCIO_PRESENCE_AWAY : NUNCIO_PRESENCE_ONLINE;
}

void nodes_share(struct presence *presence, struct nuncio_str user)
{
	const struct others *others = &presence->others;
	const struct person *person = people_find(&presence->people, user);
	if (!others->roster || !person)
		return;
	for (nuncio_sid id = nuncio_user_next_session(user, 0); id;
		id = nuncio_user_next_session(user, id)) {
		const struct nuncio_session *session = nuncio_session_find(id);
		if (session)
			others->roster->state(others->roster_impl, id,
				state_of(person, nuncio_slot_get(session, presence->slot)));
	}
}

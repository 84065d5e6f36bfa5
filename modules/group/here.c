/* SPDX-License-Identifier: MIT */
/*
 * Which members of which groups are online on this node, and how they stand there: role, mute, what
 * they may see. So a message of somebody who is online costs no question to the store. The core has
 * the live sides, for delivery; here is what the rules need, kept with them: a struct here_group in
 * the slot of each live group, a struct here_user in the slot of each user, a struct here_member
 * for each pair.
 *
 * Kept right by the group's own events, of this node and of others. Each pair remembers up to which
 * seq it is true, so events that come twice or late do no harm. What decides about writing for all
 * (the mode) is read from the store when it is first needed, and again after an event that changed
 * it. Thread: logic.
 */
#include <stdlib.h>
#include <string.h>

#include <nuncio/session.h>

#include "group.h"

static struct nuncio_str name_of(const struct here_user *user)
{
	return (struct nuncio_str){ user->name, user->name_bytes };
}

/* Any of their sessions leads to what is kept with the user. */
static struct nuncio_session *session_of(struct nuncio_str user)
{
	nuncio_sid id = nuncio_user_next_session(user, 0);
	return id ? nuncio_session_find(id) : NULL;
}

struct here_user *here_user_of(const struct group *g, struct nuncio_str user)
{
	struct nuncio_session *session = session_of(user);
	return session ? nuncio_slot_get(session, g->of_user) : NULL;
}

struct here_user *here_user_new(struct group *g, struct nuncio_str user)
{
	struct nuncio_session *session = session_of(user);
	if (!session)
		return NULL;
	struct here_user *here = nuncio_alloc(sizeof *here + user.n + 1);
	here->g = g;
	here->next = g->users;
	if (g->users)
		g->users->previous = here;
	g->users = here;
	here->name_bytes = (uint32_t)user.n;
	memcpy(here->name, user.p, user.n);
	nuncio_slot_set(session, g->of_user, here);
	return here;
}

struct here_member *here_find(
	const struct group *g, struct nuncio_str conversation, struct nuncio_str user)
{
	const struct here_group *group = nuncio_live_get(conversation, g->of_conversation);
	struct table_node *node = group ? table_find(&group->members, user) : NULL;
	return node ? TABLE_OF(node, struct here_member, node) : NULL;
}

static struct here_group *group_here(struct group *g, struct nuncio_str conversation)
{
	struct here_group *group = nuncio_live_get(conversation, g->of_conversation);
	if (group)
		return group;
	group = nuncio_alloc(sizeof *group);
	group->g = g;
	memcpy(group->conversation, conversation.p, conversation.n);
	if (nuncio_live_set(conversation, g->of_conversation, group) < 0) {
		free(group);
		return NULL;
	}
	return group;
}

/* Takes the pair apart; the core's live side is another matter. */
static void member_free(struct here_member *member)
{
	struct here_user *user = member->user;
	table_remove(&member->group->members, &member->node);
	if (member->previous)
		member->previous->next = member->next;
	else
		user->members = member->next;
	if (member->next)
		member->next->previous = member->previous;
	user->count--;
	nuncio_gauge_add(user->g->live_members, -1);
	free(member);
}

static void member_new(struct here_group *group, struct here_user *user,
	const struct standing *standing, uint64_t as_of)
{
	struct here_member *member = nuncio_alloc(sizeof *member);
	member->group = group;
	member->user = user;
	member->standing = *standing;
	member->as_of = as_of;
	member->next = user->members;
	if (user->members)
		user->members->previous = member;
	user->members = member;
	user->count++;
	table_add(&group->members, &member->node, name_of(user));
	nuncio_gauge_add(user->g->live_members, 1);
}

void here_join(struct group *g, struct here_user *user, struct nuncio_str conversation,
	const struct standing *standing, uint64_t as_of)
{
	struct here_member *member = here_find(g, conversation, name_of(user));
	if (member) {
		if (member->as_of < as_of) {
			member->standing = *standing;
			member->as_of = as_of;
			nuncio_live_see_above(
				g->self, conversation, name_of(user), standing->since);
		}
		return;
	}
	if (nuncio_live_join(g->self, conversation, name_of(user)) < 0)
		return; /* in too many; their clients find what they miss by sync */
	nuncio_live_see_above(g->self, conversation, name_of(user), standing->since);
	struct here_group *group = group_here(g, conversation);
	if (!group)
		return;
	if (group->low < as_of && !group->later)
		group->low = as_of;
	member_new(group, user, standing, as_of);
}

void here_leave(struct group *g, struct here_member *member)
{
	nuncio_live_leave(g->self, nuncio_text(member->group->conversation), name_of(member->user));
	member_free(member);
}

void here_free_user(void *data)
{
	struct here_user *user = data;
	struct here_member *member = user->members, *next;
	for (; member; member = next) {
		next = member->next;
		member_free(member);
	}
	if (user->previous)
		user->previous->next = user->next;
	else
		user->g->users = user->next;
	if (user->next)
		user->next->previous = user->previous;
	free(user);
}

void here_free_group(void *data)
{
	struct here_group *group = data;
	struct table_node *node;
	enter_group_ends(group);
	check_group_ends(group);
	while ((node = table_any(&group->members)) != NULL)
		member_free(TABLE_OF(node, struct here_member, node));
	table_fini(&group->members);
	free(group);
}

/* ---- events ---- */

void here_apply(const struct news_event *news, const struct nuncio_event *event,
	struct nuncio_str user, struct standing *standing)
{
	int is_sender = nuncio_text_same(user, event->from);
	switch (news->what) {
	case NEWS_CREATED:
	case NEWS_JOINED:
		*standing = (struct standing){ .is_member = 1,
			.since = news->has_history ? 0 : event->seq - 1,
			.joined_at_ms = event->sent_at_ms };
		if (news->what == NEWS_CREATED && is_sender)
			standing->role = NUNCIO_GROUP_OWNER;
		break;
	case NEWS_LEFT:
	case NEWS_REMOVED:
	case NEWS_DISSOLVED:
		standing->is_member = 0;
		standing->until = event->seq;
		break;
	case NEWS_ROLE:
		standing->role = news->role;
		break;
	case NEWS_MUTED:
	case NEWS_UNMUTED:
		standing->muted_until_ms = news->until_ms;
		break;
	case NEWS_TRANSFERRED:
		standing->role = is_sender ? NUNCIO_GROUP_ADMIN : NUNCIO_GROUP_OWNER;
		if (!is_sender)
			standing->muted_until_ms = 0; /* an owner is not muted; so it is stored */
		break;
	default:
		break;
	}
}

static void tell_user(struct group *g, const struct nuncio_event *event,
	const struct news_event *news, struct nuncio_str user)
{
	struct here_user *here = here_user_of(g, user);
	struct here_member *member = here ? here_find(g, event->conversation, user) : NULL;
	struct standing standing = { 0 };
	if (!here || (member && member->as_of >= event->seq))
		return;
	if (member)
		standing = member->standing;
	here_apply(news, event, user, &standing);
	if (!standing.is_member && member)
		here_leave(g, member);
	else if (standing.is_member)
		here_join(g, here, event->conversation, &standing, event->seq);
}

static void everybody_leaves(struct group *g, struct nuncio_str conversation)
{
	struct here_group *group = nuncio_live_get(conversation, g->of_conversation);
	struct table_node *node;
	while (group && (node = table_any(&group->members)) != NULL)
		here_leave(g, TABLE_OF(node, struct here_member, node));
}

void here_tell(struct group *g, const struct nuncio_event *event, const struct news_event *news)
{
	char user[GROUP_USER_BYTES + 1];
	size_t at = 0;
	if (news->what == NEWS_UPDATED || news->what == NEWS_ALL_MUTED ||
		news->what == NEWS_ALL_UNMUTED)
		enter_forget_mode(g, event->conversation);
	if (news->what == NEWS_DISSOLVED) {
		everybody_leaves(g, event->conversation);
		return;
	}
	while (news_next_user(news, &at, user))
		tell_user(g, event, news, nuncio_text(user));
	if (news->what == NEWS_CREATED || news->what == NEWS_TRANSFERRED)
		tell_user(g, event, news, event->from);
}

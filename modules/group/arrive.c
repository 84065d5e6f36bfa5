/* SPDX-License-Identifier: MIT */
/*
 * A login waits until the user's groups are loaded, and the same turn that makes the session ready
 * makes the user live in them: nothing falls between what `sync` brings and what comes by itself.
 * What happens to a user's groups while theirs are being loaded is kept with the arrival, and the
 * newer of both wins. Somebody who is here already with another device does not wait.
 *
 * The store is asked again for a while when it is busy, as it is when a whole server's clients come
 * back; then the login is refused with `busy`, because a session that hears nothing of its groups
 * would be worse. Thread: logic.
 */
#include <stdlib.h>
#include <string.h>

#include <nuncio/hooks.h>
#include <nuncio/session.h>
#include <nuncio/timer.h>

#include "group.h"

enum { PAGE_ROWS = 200, LOGIN_TIMEOUT_MS = 10000, AGAIN_MS = 100, TRIES_MAX = 50 };

/* One group of somebody who arrives. */
struct arrived {
	struct table_node node; /* key: conversation */
	struct standing standing;
	uint64_t as_of;
	size_t conversation_bytes;
	char conversation[];
};

struct arriving {
	struct arriving *previous, *next; /* in g->arriving */
	struct group *g;
	nuncio_sid sid;
	struct nuncio_ticket *ticket; /* NULL: it was answered, or the session is there already */
	struct nuncio_timer *again;
	struct table groups;
	int is_asking; /* the store has a question of ours */
	int is_over;   /* the session has gone: free it when the store has answered */
	int is_check;  /* of somebody who is here: no session of theirs waits for it */
	int is_dirty;  /* something happened that may be missing in what was loaded: load again */
	int tries;
	char after[GROUP_CONVERSATION_BYTES + 1];
	char user[GROUP_USER_BYTES + 1];
};

static void ask_page(struct arriving *arriving);

static void note(struct arriving *arriving, struct nuncio_str conversation,
	const struct standing *standing, uint64_t as_of)
{
	struct table_node *node = table_find(&arriving->groups, conversation);
	struct arrived *arrived = node ? TABLE_OF(node, struct arrived, node) : NULL;
	if (arrived && arrived->as_of >= as_of)
		return;
	if (!arrived) {
		arrived = nuncio_alloc(sizeof *arrived + conversation.n);
		arrived->conversation_bytes = conversation.n;
		memcpy(arrived->conversation, conversation.p, conversation.n);
		table_add(&arriving->groups, &arrived->node,
			(struct nuncio_str){ arrived->conversation, conversation.n });
	}
	arrived->standing = *standing;
	arrived->as_of = as_of;
}

static void unlink_it(struct arriving *arriving)
{
	if (arriving->previous)
		arriving->previous->next = arriving->next;
	else
		arriving->g->arriving = arriving->next;
	if (arriving->next)
		arriving->next->previous = arriving->previous;
}

static void end(struct arriving *arriving)
{
	struct table_node *node;
	while ((node = table_any(&arriving->groups)) != NULL) {
		table_remove(&arriving->groups, node);
		free(TABLE_OF(node, struct arrived, node));
	}
	table_fini(&arriving->groups);
	nuncio_timer_stop(&arriving->again);
	unlink_it(arriving);
	free(arriving);
}

static void answer(struct arriving *arriving, int code, const char *text)
{
	if (arriving->ticket)
		nuncio_resume(&arriving->ticket, code == 0 ? NUNCIO_PASS : NUNCIO_REJECT, code,
			text, (struct nuncio_str){ NULL, 0 });
}

/* The slot of a session that has ended; also of one whose login was refused. */
void arrive_free(void *data)
{
	struct arriving *arriving = data;
	answer(arriving, NUNCIO_CODE_denied, "the session has ended");
	if (arriving->is_asking)
		arriving->is_over = 1;
	else
		end(arriving);
}

static struct arriving *begin_for(struct group *g, struct nuncio_str user)
{
	struct arriving *arriving = nuncio_alloc(sizeof *arriving);
	arriving->g = g;
	memcpy(arriving->user, user.p, user.n);
	arriving->next = g->arriving;
	if (g->arriving)
		g->arriving->previous = arriving;
	g->arriving = arriving;
	return arriving;
}

static struct arriving *begin(
	struct group *g, struct nuncio_session *session, struct nuncio_str user)
{
	struct arriving *arriving = begin_for(g, user);
	arriving->sid = nuncio_session_id(session);
	nuncio_slot_set(session, g->of_session, arriving);
	return arriving;
}

/* ---- both together ---- */

static void join_one(struct table_node *node, void *user)
{
	struct arrived *arrived = TABLE_OF(node, struct arrived, node);
	struct here_user *here = user;
	if (arrived->standing.is_member)
		here_join(here->g, here, node->key, &arrived->standing, arrived->as_of);
}

/* The session is there and the groups are known. */
static void settle(struct arriving *arriving, struct nuncio_session *session)
{
	struct group *g = arriving->g;
	struct nuncio_str user = nuncio_text(arriving->user);
	struct here_user *here = here_user_of(g, user);
	if (!here)
		here = here_user_new(g, user);
	if (here)
		table_each(&arriving->groups, join_one, here);
	nuncio_slot_set(session, g->of_session, NULL);
	end(arriving);
}

/* Who is here is put right: what the store does not say is left. */
static void settle_check(struct arriving *arriving)
{
	struct group *g = arriving->g;
	struct here_user *here = here_user_of(g, nuncio_text(arriving->user));
	struct here_member *member = here ? here->members : NULL, *next;
	if (here)
		table_each(&arriving->groups, join_one, here);
	for (; member; member = next) {
		struct table_node *node =
			table_find(&arriving->groups, nuncio_text(member->group->conversation));
		next = member->next;
		if (!node || !TABLE_OF(node, struct arrived, node)->standing.is_member)
			here_leave(g, member);
	}
	end(arriving);
	check_done(g);
}

/* ---- the store ---- */

static void loaded(struct arriving *arriving)
{
	struct nuncio_session *session =
		arriving->is_check ? NULL : nuncio_session_find(arriving->sid);
	if (arriving->is_check)
		settle_check(arriving);
	else if (arriving->ticket)
		answer(arriving, 0, NULL);
	else if (session)
		settle(arriving, session);
}

static void on_again(void *user)
{
	struct arriving *arriving = user;
	arriving->again = NULL;
	ask_page(arriving);
}

static void failed(struct arriving *arriving)
{
	if (++arriving->tries < TRIES_MAX || !arriving->ticket)
		arriving->again =
			nuncio_timer_start(arriving->g->self, AGAIN_MS, 0, on_again, arriving);
	else
		answer(arriving, NUNCIO_CODE_busy,
			"the groups of this user cannot be loaded now, try again later");
}

static void on_page(int status, const struct nuncio_member *rows, size_t n, int more, void *user)
{
	struct arriving *arriving = user;
	arriving->is_asking = 0;
	if (arriving->is_over) {
		end(arriving);
		return;
	}
	if (status < 0) {
		failed(arriving);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct standing standing = standing_of(&rows[i]);
		note(arriving, rows[i].conversation, &standing, rows[i].last_seq);
	}
	if (more && n > 0) {
		struct nuncio_str last = rows[n - 1].conversation;
		memcpy(arriving->after, last.p, last.n);
		arriving->after[last.n] = '\0';
		ask_page(arriving);
	} else if (arriving->is_dirty) {
		arriving->is_dirty = 0;
		arriving->after[0] = '\0';
		ask_page(arriving);
	} else {
		loaded(arriving);
	}
}

static void ask_page(struct arriving *arriving)
{
	int rc = nuncio_store_memberships(arriving->g->self, nuncio_text(arriving->user),
		nuncio_text(PREFIX), nuncio_text(arriving->after), PAGE_ROWS, on_page, arriving);
	if (rc == 0)
		arriving->is_asking = 1;
	else if (rc != NUNCIO_E_GONE)
		failed(arriving);
}

void arrive_check(struct group *g, struct nuncio_str user)
{
	struct arriving *arriving = begin_for(g, user);
	arriving->is_check = 1;
	ask_page(arriving);
}

/* Those whose session has gone are freed; what is left was being looked up at the end. */
void arrive_fini(struct group *g)
{
	while (g->arriving)
		end(g->arriving);
}

/* ---- hooks ---- */

static void on_cancelled(void *user)
{
	struct arriving *arriving = user;
	answer(arriving, NUNCIO_CODE_denied, "nobody waits");
}

enum nuncio_verdict arrive_may_login(
	struct nuncio_ask *ask, const struct nuncio_login *login, void *user)
{
	struct group *g = user;
	if (here_user_of(g, login->user))
		return NUNCIO_PASS;
	struct arriving *arriving = begin(g, login->session, login->user);
	arriving->ticket = nuncio_defer(ask, LOGIN_TIMEOUT_MS, on_cancelled, arriving);
	ask_page(arriving);
	return NUNCIO_LATER;
}

/* Without an arrival: the other device that was here at may_login has gone meanwhile. */
void arrive_did_login(const struct nuncio_login *login, void *user)
{
	struct group *g = user;
	struct arriving *arriving = nuncio_slot_get(login->session, g->of_session);
	if (arriving)
		settle(arriving, login->session);
	else if (!here_user_of(g, login->user))
		ask_page(begin(g, login->session, login->user));
}

static void tell_one(
	struct arriving *arriving, const struct nuncio_event *event, const struct news_event *news)
{
	struct table_node *node = table_find(&arriving->groups, event->conversation);
	struct standing standing = { 0 };
	if (node)
		standing = TABLE_OF(node, struct arrived, node)->standing;
	else if (news->what == NEWS_ROLE || news->what == NEWS_MUTED ||
		 news->what == NEWS_UNMUTED || news->what == NEWS_TRANSFERRED) {
		arriving->is_dirty = 1; /* the page that will bring it may be older than this */
		return;
	}
	here_apply(news, event, nuncio_text(arriving->user), &standing);
	note(arriving, event->conversation, &standing, event->seq);
}

static int is_about(
	const struct news_event *news, const struct nuncio_event *event, const char *user)
{
	char name[GROUP_USER_BYTES + 1];
	size_t at = 0;
	if (news->what == NEWS_DISSOLVED)
		return 1;
	while (news_next_user(news, &at, name))
		if (strcmp(name, user) == 0)
			return 1;
	return (news->what == NEWS_CREATED || news->what == NEWS_TRANSFERRED) &&
	       nuncio_text_same(event->from, nuncio_text(user));
}

void arrive_tell(struct group *g, const struct nuncio_event *event, const struct news_event *news)
{
	for (struct arriving *at = g->arriving; at; at = at->next)
		if (is_about(news, event, at->user))
			tell_one(at, event, news);
}

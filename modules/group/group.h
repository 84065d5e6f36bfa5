/* SPDX-License-Identifier: MIT */
#ifndef MODULES_GROUP_GROUP_H
#define MODULES_GROUP_GROUP_H

#include <nuncio/conversation.h>
#include <nuncio/hooks.h>
#include <nuncio/metric.h>
#include <nuncio/module.h>
#include <nuncio/session.h>
#include <nuncio/store.h>

#include "news.h"
#include "record.h"
#include "rules.h"
#include "table.h"

/* What the parts of the module share. Everything here: logic thread. */

#define SPACE_GROUP "group"           /* owner the conversation: struct record */
#define SPACE_INVITE "group.invite"   /* owner the invited user, key the conversation */
#define SPACE_REQUEST "group.request" /* owner the conversation, key who asks to join */
#define PREFIX "g:"

struct arriving;

struct group_options {
	uint64_t max_members;
	uint32_t mention_all; /* members, up to which each may call everybody */
	uint32_t max_admins, max_groups_per_user, max_requests, max_invites;
	uint32_t name_bytes, announcement_bytes;
	int64_t invite_ttl_ms;
	int adds_at_once; /* who is added need not accept */
};

struct group {
	struct nuncio_module *self;
	struct group_options options;
	struct nuncio_slot *of_session;      /* struct arriving */
	struct nuncio_slot *of_user;         /* struct here_user */
	struct nuncio_slot *of_conversation; /* struct here_group */
	struct arriving *arriving;           /* logins under way, linked */
	struct here_user *users;             /* all who are here, linked */
	struct check *checks, **last_check;  /* who is to be looked up again */
	uint32_t checking;                   /* are being looked up */
	struct here_group *holes;            /* with events that have not come */
	struct nuncio_timer *hole_timer;
	struct nuncio_counter *changes, *conflicts, *checks_total;
	struct nuncio_gauge *live_members;
	int is_stopped;
};

/* ---- here.c: the members who are online on this node ---- */

struct here_group;
struct here_user;

struct here_member {
	struct table_node node; /* in group->members, key user->name */
	struct here_group *group;
	struct here_user *user;
	struct here_member *previous, *next; /* of the user */
	struct standing standing;
	uint64_t as_of; /* the log up to this seq is in `standing` */
};

struct here_user {
	struct here_member *members;
	struct here_user *previous, *next; /* in g->users */
	struct group *g;
	uint32_t count;
	int is_to_check;
	uint32_t name_bytes;
	char name[];
};

struct asking;

struct here_group {
	struct group *g;
	struct table members;
	struct asking *asking; /* the store is being asked for the mode */
	int is_mode_known;
	struct rules_mode mode;
	/* events that have been heard of: all up to `low`; bit i of `later` is low + 1 + i */
	uint64_t low, later;
	int has_hole; /* in g->holes */
	struct here_group *next_hole;
	char conversation[GROUP_CONVERSATION_BYTES + 1];
};

/* Of a user who has a session here, and whose groups are known; else NULL. */
struct here_user *here_user_of(const struct group *g, struct nuncio_str user);
/* From now on that user's groups are known; they have a session here. NULL: they have not. */
struct here_user *here_user_new(struct group *g, struct nuncio_str user);
struct here_member *here_find(
	const struct group *g, struct nuncio_str conversation, struct nuncio_str user);
/* Makes the user live there, or updates what is older than `as_of`. */
void here_join(struct group *g, struct here_user *user, struct nuncio_str conversation,
	const struct standing *standing, uint64_t as_of);
void here_leave(struct group *g, struct here_member *member);
/* An event of any node: members come and go, change, and the mode may have to be asked again. */
void here_tell(struct group *g, const struct nuncio_event *event, const struct news_event *news);
nuncio_free_fn here_free_user, here_free_group;

/* What an event makes of a user whom it names (or who has sent it). */
void here_apply(const struct news_event *news, const struct nuncio_event *event,
	struct nuncio_str user, struct standing *standing);

/* ---- arrive.c: a user's groups are loaded before their session is ready ---- */

enum nuncio_verdict arrive_may_login(
	struct nuncio_ask *ask, const struct nuncio_login *login, void *user);
void arrive_did_login(const struct nuncio_login *login, void *user);
/* What happens meanwhile, to those who are still on their way. */
void arrive_tell(struct group *g, const struct nuncio_event *event, const struct news_event *news);
nuncio_free_fn arrive_free;

/* Looks a user up, and joins and leaves what differs. */
void arrive_check(struct group *g, struct nuncio_str user);
void arrive_fini(struct group *g);

/* ---- check.c: what other nodes did may not have been heard here ---- */

/* An event of one of our conversations, of any type. */
void check_event(struct group *g, const struct nuncio_event *event);
void check_all(struct group *g);                 /* after a loss */
void check_done(struct group *g);                /* one that arrive_check began is over */
void check_group_ends(struct here_group *group); /* not live any more */
void check_fini(struct group *g);

/* ---- everybody.c: who may call all members ---- */

enum nuncio_verdict everybody_may_send(
	struct nuncio_ask *ask, const struct nuncio_send *what, void *user);

/* ---- enter.c: the kind, and who may enter ---- */

extern const struct nuncio_kind enter_kind;

/*
 * What a user is there, and what decides about writing (only with needs_mode): at once for those
 * who are online here, else from the store. Texts are copied. Negative: done is not called.
 */
struct enter_answer {
	int status; /* negative: could not be read */
	struct standing standing;
	struct rules_mode mode;
};
typedef void enter_fn(const struct enter_answer *answer, void *user);
int enter_look(struct group *g, struct nuncio_str conversation, struct nuncio_str user,
	int needs_mode, enter_fn *done, void *data);

/* What decides about writing there has changed: it is asked for again. */
void enter_forget_mode(struct group *g, struct nuncio_str conversation);

void enter_group_ends(struct here_group *group); /* it is not live here any more */

struct standing standing_of(const struct nuncio_member *row);
struct rules_mode mode_of(const struct record *record);

/* ---- tables.c: ops and routes; service.c ---- */

int tables_add(struct group *g);
int service_offer(struct group *g);

#endif

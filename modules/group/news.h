/* SPDX-License-Identifier: MIT */
#ifndef MODULES_GROUP_NEWS_H
#define MODULES_GROUP_NEWS_H

#include <nuncio/conversation.h>
#include <nuncio/json.h>

#include "group_id.h"

/*
 * What happens to a group, as events of its log: type "group", kind one of these words, body an
 * object with what changed. "users" are those whom it is about. Other nodes and this one learn from
 * the body alone how the members stand, so it must say all of it. Pure functions.
 */
enum news {
	NEWS_CREATED = 1, /* users (members from the start), name, channel */
	NEWS_UPDATED,     /* name, avatar, announcement, join, history: what is new */
	NEWS_JOINED,      /* users, how, history */
	NEWS_LEFT,        /* users */
	NEWS_REMOVED,     /* users, reason */
	NEWS_ROLE,        /* users, role */
	NEWS_MUTED,       /* users, until */
	NEWS_UNMUTED,     /* users */
	NEWS_ALL_MUTED,
	NEWS_ALL_UNMUTED,
	NEWS_TRANSFERRED, /* users (the new owner) */
	NEWS_DISSOLVED
};

#define NEWS_TYPE "group"

const char *news_word(enum news news);

/* An event that was read. */
struct news_event {
	enum news what;
	struct nuncio_str body;
	uint32_t role;
	int64_t until_ms;
	int has_history;
};

/* 0; NUNCIO_E_INVAL: the event is none of ours, or of a kind that this version does not know. */
int news_read(const struct nuncio_event *event, struct news_event *news_r);

/* The users of a body one after the other: start with *at = 0; 1, or 0 at the end. */
int news_next_user(const struct news_event *news, size_t *at, char user_r[GROUP_USER_BYTES + 1]);

/* "admin", ...; and back, NUNCIO_E_INVAL for other words. */
const char *news_role_word(uint32_t role);
int news_role_of(struct nuncio_str word, uint32_t *role_r);

/* Milliseconds since 1970 of "2026-11-23T08:42:00.123Z", as events have it; 0 if it is not that. */
int64_t news_time_of(struct nuncio_str text);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef MODULES_GROUP_TASK_H
#define MODULES_GROUP_TASK_H

#include <nuncio/request.h>

#include "group.h"

/*
 * A request on its way: what it is about is loaded, `decide` looks at it and refuses, answers, or
 * appends an event with all that changes in one transaction; when somebody else was faster it is
 * loaded and decided again. Then `done` answers. Input is copied, because the core may answer
 * `timeout` in the meantime. Logic thread only.
 */
struct task;
typedef void task_fn(struct task *t);

/* What a task loads besides the group's record and the standing of who asks. */
enum task_load {
	LOAD_THEM = 1,    /* the standing of t->them */
	LOAD_OWNER = 2,   /* the number of members, also for who is none */
	LOAD_REQUEST = 4, /* a request to join, of t->them, or of who asks */
	LOAD_INVITE = 8   /* an invitation of who asks */
};

/* Users that a request names, and what became of each. */
enum task_result {
	RESULT_OPEN = 0,
	RESULT_ADDED,
	RESULT_INVITED,
	RESULT_ALREADY, /* a member, or invited already */
	RESULT_LIMIT,   /* is in as many groups, or has as many invitations, as allowed */
	RESULT_REFUSED  /* a module does not want it (may_join) */
};
struct task_user {
	char name[GROUP_USER_BYTES + 1];
	uint32_t result;
};
enum { TASK_USERS_MAX = 100 };

/* What create and update may set. */
struct task_settings {
	int has_name, has_avatar, has_announcement, has_join, has_history;
	char name[RECORD_NAME_BYTES + 1], avatar[RECORD_AVATAR_BYTES + 1];
	char announcement[RECORD_ANNOUNCEMENT_BYTES + 1];
	uint32_t join;
	int has_channel, is_channel, history;
};

struct task {
	struct group *g;
	struct nuncio_request *rq; /* NULL once answered */
	task_fn *decide, *done;
	uint32_t loads; /* enum task_load */
	int tries, waiting, status;
	char conversation[GROUP_CONVERSATION_BYTES + 1]; /* the id stands behind "g:" */
	char actor[GROUP_USER_BYTES + 1], them[GROUP_USER_BYTES + 1];
	/* loaded */
	struct record record;
	struct standing me, other;
	uint32_t member_count;
	int is_asked, is_invited; /* there is a request, an invitation */
	char inviter[GROUP_USER_BYTES + 1];
	uint64_t asked_version;
	/* input */
	struct task_settings *settings;
	struct task_user *users;
	size_t user_count;
	uint32_t role;
	int64_t seconds;
	int on;
	char text[RECORD_NAME_BYTES + 1]; /* a reason, or words to the admins */
	/* output */
	struct nuncio_json *body;
	uint64_t seq; /* of the event */
	/* of crowd.c */
	size_t at;
	int active, invites;
	task_fn *next;
};

/* Takes the request, and reads the group from it: NULL, and it was refused. */
struct task *task_new(struct group *g, struct nuncio_request *rq);
void task_free(struct task **t);

/*
 * Input that may be left out: 1 copied, 0 not given, negative refused with invalid_field, and the
 * task is gone. Control characters are refused (in `is_long` ones not line ends and tabs).
 */
int task_text(struct task *t, const char *field, char *out, size_t size, int is_long);
/* t->them, of the path or the member "user": 0, or negative, refused, gone. */
int task_them(struct task *t);
/* t->users, of the member: 0, or negative, refused, gone. Without doubles and without who asks. */
int task_users(struct task *t, const char *field);
/* t->settings: 0, or negative, refused, gone. */
int task_settings(struct task *t);

/* Loads what `loads` says, then decides. A group that is not there is refused. */
void task_run(struct task *t, uint32_t loads, task_fn *decide, task_fn *done);

/* ---- for decide and done; each of these ends the task, but task_append, which goes on ---- */

void task_refuse(struct task *t, int code, const char *text);
void task_fail(struct task *t, int status); /* the store could not */
void task_reply(struct task *t, int http_status, struct nuncio_json **json); /* takes json */
void task_reply_empty(struct task *t);                                       /* {} or 204 */

/* Begins the body of the event: an open object. */
struct nuncio_json *task_body(struct task *t);
void task_put_users(struct nuncio_json *json, const char *const *users, size_t n);

struct task_change {
	enum news what;
	const struct nuncio_member_change *members;
	size_t member_count;
	uint64_t members_max;
	/* the record must be as it was read, and is written as t->record is now; 0: not written */
	int writes_record, is_new;
	int drops_request; /* that was loaded */
};
void task_append(struct task *t, const struct task_change *change);

/* Writes one object about the group, or about a member. */
struct nuncio_str task_id(const struct task *t);
void task_write_group(struct nuncio_json *json, struct nuncio_str id, const struct record *record,
	const struct standing *me, uint32_t member_count);
void task_write_results(struct nuncio_json *json, const struct task *t);
void task_put(struct nuncio_json *json, const char *key, struct nuncio_str text);
void task_put_time(struct nuncio_json *json, const char *key, int64_t ms); /* 0: null */

/* ---- crowd.c ---- */

/*
 * Looks at each of t->users: who is a member already, who is in too many groups (or, with
 * `invites`, has too many invitations), and what may_join says. Then `next`.
 */
void crowd_screen(struct task *t, int invites, task_fn *next);
/* Writes and tells the invitations of those who are left. Then `next`. */
void crowd_invite(struct task *t, task_fn *next);
/*
 * Whether who asks may be in one group more, with this role, let in by `by`; then `next`, or they
 * are refused.
 */
void crowd_own(struct task *t, uint32_t role, const char *by, task_fn *next);

#endif

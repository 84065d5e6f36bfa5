/* SPDX-License-Identifier: MIT */
/*
 * The kind "group": what its ids look like, who may read and write, who gets the events.
 *
 * For a member who is online here the answer is in memory (here.c) but for the first message of a
 * group, when the store is asked once for its mode; all who write meanwhile wait for that one
 * answer. For others, who come through REST, the store is asked each time. The log of a group ends
 * for who leaves: they may go on reading up to that event. Thread: logic.
 */
#include <stdlib.h>
#include <string.h>

#include <nuncio/hooks.h>
#include <nuncio/timer.h>

#include "group.h"

enum { ENTER_TIMEOUT_MS = 5000 };

struct standing standing_of(const struct nuncio_member *row)
{
	return (struct standing){ .is_member = row->until == 0,
		.role = row->role,
		.muted_until_ms = row->muted_until_ms,
		.since = row->since,
		.until = row->until,
		.joined_at_ms = row->joined_at_ms };
}

struct rules_mode mode_of(const struct record *record)
{
	return (struct rules_mode){ .is_channel = record->is_channel,
		.is_muted = record->is_muted,
		.is_dissolved = record->is_dissolved };
}

/* ---- looking somebody up ---- */

struct look {
	struct group *g;
	enter_fn *done;
	void *data;
	struct look *next; /* of those who wait for the same mode */
	struct enter_answer answer;
	int needs_mode;
	char conversation[GROUP_CONVERSATION_BYTES + 1], user[GROUP_USER_BYTES + 1];
};

/* The mode of one live group is being read, for all who wait. */
struct asking {
	struct group *g;
	struct here_group *group; /* NULL: not live any more */
	struct look *waiting;
	int is_stale; /* it has changed since the store was asked */
	char conversation[GROUP_CONVERSATION_BYTES + 1];
};

static void look_end(struct look *look, int status)
{
	look->answer.status = status;
	look->done(&look->answer, look->data);
	free(look);
}

/* Reads the mode from a record; a group without one is none. */
static int read_mode(
	int status, const struct nuncio_record *rows, size_t n, struct rules_mode *mode_r)
{
	struct record *record = nuncio_alloc(sizeof *record);
	*mode_r = (struct rules_mode){ .is_dissolved = 1 };
	if (status == 0 && n == 1)
		status = record_read(rows->value, record) < 0 ? NUNCIO_E_FAIL : 0;
	else if (status == NUNCIO_E_NOTFOUND)
		status = 0;
	if (status == 0 && n == 1)
		*mode_r = mode_of(record);
	free(record);
	return status;
}

static int ask_record(
	struct group *g, const char *conversation, nuncio_records_fn *done, void *user)
{
	return nuncio_store_get(g->self, nuncio_text(SPACE_GROUP), nuncio_text(conversation),
		(struct nuncio_str){ "", 0 }, done, user);
}

static void asking_end(struct asking *asking, int status, const struct rules_mode *mode)
{
	struct look *look = asking->waiting;
	if (asking->group) {
		asking->group->asking = NULL;
		asking->group->is_mode_known = status == 0;
		asking->group->mode = *mode;
	}
	free(asking);
	while (look) {
		struct look *next = look->next;
		look->answer.mode = *mode;
		/* they may have left, or been muted, while the store was asked */
		struct here_member *member = here_find(
			look->g, nuncio_text(look->conversation), nuncio_text(look->user));
		if (member)
			look->answer.standing = member->standing;
		else
			look->answer.standing.is_member = 0;
		look_end(look, status);
		look = next;
	}
}

static void on_mode(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct asking *asking = user;
	struct rules_mode mode;
	(void)more;
	status = read_mode(status, rows, n, &mode);
	if (status == 0 && asking->is_stale) {
		asking->is_stale = 0;
		status = ask_record(asking->g, asking->conversation, on_mode, asking);
		if (status == 0)
			return;
	}
	asking_end(asking, status, &mode);
}

static int wait_for_mode(struct look *look, struct here_group *group)
{
	if (!group->asking) {
		struct asking *asking = nuncio_alloc(sizeof *asking);
		asking->g = look->g;
		asking->group = group;
		memcpy(asking->conversation, group->conversation, sizeof asking->conversation);
		int rc = ask_record(look->g, asking->conversation, on_mode, asking);
		if (rc < 0) {
			free(asking);
			return rc;
		}
		group->asking = asking;
	}
	look->next = group->asking->waiting;
	group->asking->waiting = look;
	return 0;
}

void enter_forget_mode(struct group *g, struct nuncio_str conversation)
{
	struct here_group *group = nuncio_live_get(conversation, g->of_conversation);
	if (!group)
		return;
	group->is_mode_known = 0;
	if (group->asking)
		group->asking->is_stale = 1;
}

void enter_group_ends(struct here_group *group)
{
	if (group->asking)
		group->asking->group = NULL;
}

static void on_look_record(
	int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct look *look = user;
	(void)more;
	look_end(look, read_mode(status, rows, n, &look->answer.mode));
}

static void on_look_member(
	int status, const struct nuncio_member *rows, size_t n, int more, void *user)
{
	struct look *look = user;
	(void)more;
	if (status == 0 && n == 1)
		look->answer.standing = standing_of(rows);
	if (status == NUNCIO_E_NOTFOUND)
		status = 0;
	if (status == 0 && look->needs_mode && look->answer.standing.is_member)
		status = ask_record(look->g, look->conversation, on_look_record, look);
	else {
		look_end(look, status);
		return;
	}
	if (status < 0)
		look_end(look, status);
}

static struct look *look_new(struct group *g, struct nuncio_str conversation,
	struct nuncio_str user, int needs_mode, enter_fn *done, void *data)
{
	struct look *look = nuncio_alloc(sizeof *look);
	look->g = g;
	look->needs_mode = needs_mode;
	look->done = done;
	look->data = data;
	memcpy(look->conversation, conversation.p, conversation.n);
	memcpy(look->user, user.p, user.n);
	return look;
}

int enter_look(struct group *g, struct nuncio_str conversation, struct nuncio_str user,
	int needs_mode, enter_fn *done, void *data)
{
	struct here_member *member = here_find(g, conversation, user);
	struct nuncio_str id;
	if (group_id_read(conversation, &id) < 0 || !group_user_is_valid(user))
		return NUNCIO_E_INVAL;
	if (member && (!needs_mode || member->group->is_mode_known)) {
		const struct enter_answer answer = { .standing = member->standing,
			.mode = member->group->mode };
		done(&answer, data);
		return 0;
	}
	struct look *look = look_new(g, conversation, user, needs_mode, done, data);
	int rc = member ? wait_for_mode(look, member->group)
			: nuncio_store_member(g->self, conversation, user, on_look_member, look);
	if (rc < 0)
		free(look);
	return rc;
}

/* ---- may they enter ---- */

struct entering {
	struct nuncio_ask *ask; /* as long as the question is being asked */
	struct nuncio_ticket *ticket;
	int is_write, is_answered;
	enum nuncio_verdict verdict;
	int code;
	const char *text;
	struct standing standing;
};

static int decide(struct entering *entering, const struct enter_answer *answer)
{
	const char *text = "";
	int code = NUNCIO_CODE_busy;
	if (answer->status == 0 && entering->is_write)
		code = rules_write(&answer->standing, &answer->mode, nuncio_wall_ms(), &text);
	else if (answer->status == 0)
		code = rules_see(&answer->standing, &text);
	else if (answer->status != NUNCIO_E_BUSY) {
		code = NUNCIO_CODE_store_failed;
		text = "the store could not read";
	}
	entering->text = text;
	return code;
}

static void on_looked(const struct enter_answer *answer, void *user)
{
	struct entering *entering = user;
	entering->is_answered = 1;
	entering->code = decide(entering, answer);
	entering->standing = answer->standing;
	if (!entering->ticket)
		return; /* before enter_look has returned: the one below answers */
	nuncio_ticket_set_window(entering->ticket, answer->standing.since, answer->standing.until);
	nuncio_resume(&entering->ticket, entering->code == 0 ? NUNCIO_PASS : NUNCIO_REJECT,
		entering->code, entering->text, (struct nuncio_str){ NULL, 0 });
	free(entering);
}

static int32_t on_may_enter(struct nuncio_ask *ask, const struct nuncio_access *what, void *user)
{
	struct group *g = user;
	struct entering *entering = nuncio_alloc(sizeof *entering);
	entering->ticket = NULL; /* not yet: an answer at once is taken below */
	entering->is_write = what->access == NUNCIO_ACCESS_WRITE;
	int rc = enter_look(
		g, what->conversation, what->user, entering->is_write, on_looked, entering);
	if (rc == 0 && !entering->is_answered) {
		entering->ticket = nuncio_defer(ask, ENTER_TIMEOUT_MS, NULL, NULL);
		return NUNCIO_LATER;
	}
	int code = rc < 0 ? NUNCIO_CODE_busy : entering->code;
	const char *text = rc < 0 ? "the store is busy" : entering->text;
	nuncio_ask_set_window(ask, entering->standing.since, entering->standing.until);
	free(entering);
	return code == 0 ? NUNCIO_PASS : nuncio_reject(ask, code, text);
}

/* ---- the kind ---- */

static int on_resolve(struct nuncio_str sender, struct nuncio_str value, char *out, size_t out_size,
	void *user, struct nuncio_error *err)
{
	(void)sender, (void)user;
	int n = group_id_write(value, out, out_size);
	if (n < 0)
		nuncio_error_set(
			err, "to.group: must be 1 to %d of A-Z a-z 0-9 . _ -", GROUP_ID_BYTES);
	return n;
}

static int on_is_valid(struct nuncio_str conversation, void *user)
{
	struct nuncio_str id;
	(void)user;
	return group_id_read(conversation, &id) == 0;
}

static void on_audience(
	struct nuncio_str conversation, struct nuncio_audience *audience, void *user)
{
	(void)user;
	nuncio_audience_add_live(audience, conversation);
}

/* Who has just become a member is not live yet. */
static void on_audience_of(
	const struct nuncio_event *event, struct nuncio_audience *audience, void *user)
{
	struct news_event news;
	char name[GROUP_USER_BYTES + 1];
	size_t at = 0;
	(void)user;
	nuncio_audience_add_live(audience, event->conversation);
	if (news_read(event, &news) < 0 || (news.what != NEWS_CREATED && news.what != NEWS_JOINED))
		return;
	while (news_next_user(&news, &at, name))
		nuncio_audience_add_user(audience, nuncio_text(name));
	if (news.what == NEWS_CREATED)
		nuncio_audience_add_user(audience, event->from);
}

const struct nuncio_kind enter_kind = {
	.size = sizeof enter_kind,
	.name = "group",
	.prefix = "g",
	.target = "group",
	.resolve = on_resolve,
	.may_enter = on_may_enter,
	.is_valid = on_is_valid,
	.audience = on_audience,
	.flags = NUNCIO_KIND_MEMBERS_ONLY | NUNCIO_KIND_UNMUTED_ONLY,
	.audience_of = on_audience_of,
};

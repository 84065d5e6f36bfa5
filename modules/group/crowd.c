/* SPDX-License-Identifier: MIT */
#include "task.h"

/*
 * Many users at once: each costs the store a question or two, of which a few are under way at a
 * time. The limits that are looked at here are of one user over many groups, which no transaction
 * spans: two at the same moment may pass one more than the limit.
 */

#include <stdlib.h>
#include <string.h>

#include <nuncio/timer.h>

enum { ACTIVE_MAX = 8 };

struct one {
	struct task *t;
	struct task_user *user;
};
typedef int one_fn(struct one *one); /* asks something for this one: 0, or negative */

static void advance(struct task *t, one_fn *ask)
{
	while (t->active < ACTIVE_MAX && t->at < t->user_count && t->status == 0) {
		struct task_user *user = &t->users[t->at++];
		if (user->result != RESULT_OPEN)
			continue;
		struct one *one = nuncio_alloc(sizeof *one);
		*one = (struct one){ t, user };
		int rc = ask(one);
		if (rc == 0) {
			t->active++;
			continue;
		}
		t->status = rc;
		free(one);
	}
	if (t->active > 0)
		return;
	if (t->status < 0)
		task_fail(t, t->status);
	else
		t->next(t);
}

static void begin(struct task *t, one_fn *ask, task_fn *next)
{
	t->at = 0;
	t->active = 0;
	t->status = 0;
	t->next = next;
	advance(t, ask);
}

static void end_one(struct one *one, int status, one_fn *ask)
{
	struct task *t = one->t;
	free(one);
	if (status < 0 && t->status == 0)
		t->status = status;
	t->active--;
	advance(t, ask);
}

/* ---- who can be added or invited ---- */

static int screen_one(struct one *one);

/* What modules say to it comes last. */
static void on_may_join(int status, const struct nuncio_entry *entry, void *user)
{
	struct one *one = user;
	(void)entry;
	if (status == NUNCIO_E_DENIED || status == NUNCIO_E_NOTFOUND) {
		one->user->result = RESULT_REFUSED;
		status = 0;
	}
	end_one(one, status, screen_one);
}

static void ask_modules(struct one *one, int status)
{
	const struct nuncio_join join = { .size = sizeof join,
		.role = NUNCIO_GROUP_MEMBER,
		.session = nuncio_request_session(one->t->rq),
		.user = nuncio_text(one->user->name),
		.by = nuncio_text(one->t->actor),
		.conversation = nuncio_text(one->t->conversation) };
	if (status < 0 || one->user->result != RESULT_OPEN)
		end_one(one, status, screen_one);
	else
		nuncio_conversation_join_ask(one->t->g->self, &join, on_may_join, one);
}

static void on_groups(int status, uint64_t count, void *user)
{
	struct one *one = user;
	if (status == 0 && count >= one->t->g->options.max_groups_per_user)
		one->user->result = RESULT_LIMIT;
	ask_modules(one, status);
}

static void on_invites(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct one *one = user;
	(void)more;
	if (status == 0 && n >= one->t->g->options.max_invites)
		one->user->result = RESULT_LIMIT;
	for (size_t i = 0; status == 0 && i < n; i++)
		if (nuncio_text_same(rows[i].key, nuncio_text(one->t->conversation)))
			one->user->result = RESULT_ALREADY;
	ask_modules(one, status);
}

static int count_groups(const struct task *t, const char *name, nuncio_count_fn *done, void *user)
{
	return nuncio_store_membership_count(t->g->self, nuncio_text(name), nuncio_text(PREFIX),
		t->g->options.max_groups_per_user, done, user);
}

static void on_member(int status, const struct nuncio_member *rows, size_t n, int more, void *user)
{
	struct one *one = user;
	const struct task *t = one->t;
	(void)more;
	if (status == NUNCIO_E_NOTFOUND)
		status = 0;
	else if (status == 0 && n == 1 && rows->until == 0)
		one->user->result = RESULT_ALREADY;
	if (status < 0 || one->user->result != RESULT_OPEN) {
		end_one(one, status, screen_one);
		return;
	}
	const struct nuncio_records_query query = { .size = sizeof query,
		.space = nuncio_text(SPACE_INVITE),
		.owner = nuncio_text(one->user->name),
		.limit = t->g->options.max_invites };
	int rc = t->invites ? nuncio_store_list(t->g->self, &query, on_invites, one)
			    : count_groups(t, one->user->name, on_groups, one);
	if (rc < 0)
		end_one(one, rc, screen_one);
}

static int screen_one(struct one *one)
{
	return nuncio_store_member(one->t->g->self, nuncio_text(one->t->conversation),
		nuncio_text(one->user->name), on_member, one);
}

void crowd_screen(struct task *t, int invites, task_fn *next)
{
	t->invites = invites;
	begin(t, screen_one, next);
}

/* ---- inviting ---- */

static struct nuncio_json *write_invite(const struct task *t)
{
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	task_put(json, "group", task_id(t));
	task_put(json, "conversation", nuncio_text(t->conversation));
	task_put(json, "kind", nuncio_text(t->record.is_channel ? "channel" : "group"));
	task_put(json, "name", nuncio_text(t->record.name));
	task_put(json, "avatar", nuncio_text(t->record.avatar));
	task_put(json, "by", nuncio_text(t->actor));
	task_put_time(json, "at", nuncio_wall_ms());
	nuncio_json_object_end(json);
	return json;
}

static int invite_one(struct one *one);

static void on_invited(int status, void *user)
{
	struct one *one = user;
	const struct task *t = one->t;
	if (status == 0) {
		struct nuncio_json *json = write_invite(t);
		one->user->result = RESULT_INVITED;
		nuncio_user_notify(
			nuncio_text(one->user->name), "group.invited", nuncio_json_str(json), 0);
		nuncio_json_free(&json);
	}
	end_one(one, status, invite_one);
}

static int invite_one(struct one *one)
{
	const struct task *t = one->t;
	struct nuncio_json *json = write_invite(t);
	const struct nuncio_record_write write = { .size = sizeof write,
		.flags = NUNCIO_WRITE_SYNCED,
		.space = nuncio_text(SPACE_INVITE),
		.owner = nuncio_text(one->user->name),
		.key = nuncio_text(t->conversation),
		.value = nuncio_json_str(json),
		.expires_at_ms = nuncio_wall_ms() + t->g->options.invite_ttl_ms };
	int rc = nuncio_store_write(t->g->self, &write, 1, on_invited, one);
	nuncio_json_free(&json);
	return rc;
}

void crowd_invite(struct task *t, task_fn *next)
{
	begin(t, invite_one, next);
}

/* ---- who asks ---- */

struct own {
	struct task *t;
	uint32_t role;
	char by[GROUP_USER_BYTES + 1];
};

static void on_own_may_join(int status, const struct nuncio_entry *entry, void *user)
{
	struct task *t = user;
	if (status < 0)
		task_refuse(t, entry->code, entry->text);
	else
		t->next(t);
}

static void on_own(int status, uint64_t count, void *user)
{
	struct own *own = user;
	struct task *t = own->t;
	const struct nuncio_join join = { .size = sizeof join,
		.role = own->role,
		.session = nuncio_request_session(t->rq),
		.user = nuncio_text(t->actor),
		.by = nuncio_text(own->by),
		.conversation = nuncio_text(t->conversation) };
	if (status < 0)
		task_fail(t, status);
	else if (count >= t->g->options.max_groups_per_user)
		task_refuse(
			t, NUNCIO_CODE_group_limit, "you are in as many groups as a user may be");
	else
		nuncio_conversation_join_ask(t->g->self, &join, on_own_may_join, t);
	free(own);
}

void crowd_own(struct task *t, uint32_t role, const char *by, task_fn *next)
{
	struct own *own = nuncio_alloc(sizeof *own);
	own->t = t;
	own->role = role;
	memcpy(own->by, by, strlen(by));
	t->next = next;
	int rc = count_groups(t, t->actor, on_own, own);
	if (rc == 0)
		return;
	free(own);
	task_fail(t, rc);
}

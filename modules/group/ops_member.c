/* SPDX-License-Identifier: MIT */
#include "ops.h"

/* What is done by or to one member. */

#include <string.h>

#include <nuncio/timer.h>

#include "task.h"

/* ---- leave ---- */

static void leave_decide(struct task *t)
{
	const char *text, *name = t->actor;
	const struct nuncio_member_change gone = { .size = sizeof gone,
		.op = NUNCIO_MEMBER_REMOVE,
		.user = nuncio_text(t->actor),
		.expect_role = (int32_t)t->me.role };
	const struct task_change change = {
		.what = NEWS_LEFT, .members = &gone, .member_count = 1
	};
	int code = rules_leave(&t->me, &text);
	if (code != 0) {
		task_refuse(t, code, text);
		return;
	}
	task_put_users(task_body(t), &name, 1);
	task_append(t, &change);
}

void ops_leave(struct nuncio_request *rq, void *user)
{
	struct task *t = task_new(user, rq);
	if (t)
		task_run(t, 0, leave_decide, task_reply_empty);
}

/* ---- remove ---- */

static void on_withdrawn(int status, void *user)
{
	struct task *t = user;
	if (status < 0)
		task_fail(t, status);
	else
		task_reply_empty(t);
}

static void on_their_invite(
	int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct task *t = user;
	const struct nuncio_record_write write = { .size = sizeof write,
		.flags = NUNCIO_WRITE_SYNCED,
		.space = nuncio_text(SPACE_INVITE),
		.owner = nuncio_text(t->them),
		.key = nuncio_text(t->conversation) };
	(void)rows, (void)n, (void)more;
	if (status == NUNCIO_E_NOTFOUND) {
		task_refuse(t, NUNCIO_CODE_not_found, "user: is no member of the group");
		return;
	}
	if (status == 0)
		status = nuncio_store_write(t->g->self, &write, 1, on_withdrawn, t);
	if (status < 0)
		task_fail(t, status);
}

/* Who is only invited loses the invitation. */
static void withdraw(struct task *t)
{
	int rc = nuncio_store_get(t->g->self, nuncio_text(SPACE_INVITE), nuncio_text(t->them),
		nuncio_text(t->conversation), on_their_invite, t);
	if (rc < 0)
		task_fail(t, rc);
}

static void remove_decide(struct task *t)
{
	const char *text, *name = t->them;
	const struct nuncio_member_change gone = { .size = sizeof gone,
		.op = NUNCIO_MEMBER_REMOVE,
		.user = nuncio_text(t->them),
		.expect_role = (int32_t)t->other.role };
	const struct task_change change = {
		.what = NEWS_REMOVED, .members = &gone, .member_count = 1, .writes_record = 1
	};
	int code = rules_admin(&t->me, &text);
	if (code == 0 && !t->other.is_member) {
		withdraw(t);
		return;
	}
	if (code == 0)
		code = rules_above(&t->me, &t->other, &text);
	if (code != 0) {
		task_refuse(t, code, text);
		return;
	}
	struct nuncio_json *json = task_body(t);
	task_put_users(json, &name, 1);
	if (t->text[0])
		task_put(json, "reason", nuncio_text(t->text));
	task_append(t, &change);
}

/* Removing oneself is leaving. */
void ops_remove(struct nuncio_request *rq, void *user)
{
	struct task *t = task_new(user, rq);
	if (!t || task_them(t) < 0 || task_text(t, "reason", t->text, sizeof t->text, 0) < 0)
		return;
	if (strcmp(t->them, t->actor) == 0)
		task_run(t, 0, leave_decide, task_reply_empty);
	else
		task_run(t, LOAD_THEM, remove_decide, task_reply_empty);
}

/* ---- role ---- */

static void role_append(struct task *t)
{
	const char *name = t->them;
	const struct nuncio_member_change set = { .size = sizeof set,
		.op = NUNCIO_MEMBER_SET,
		.user = nuncio_text(t->them),
		.fields = NUNCIO_MEMBER_ROLE,
		.role = t->role,
		.expect_role = (int32_t)t->other.role };
	const struct task_change change = {
		.what = NEWS_ROLE, .members = &set, .member_count = 1, .writes_record = 1
	};
	struct nuncio_json *json = task_body(t);
	task_put_users(json, &name, 1);
	task_put(json, "role", nuncio_text(news_role_word(t->role)));
	task_append(t, &change);
}

/* The owner is among those who are counted. */
static void on_admins(int status, const struct nuncio_member *rows, size_t n, int more, void *user)
{
	struct task *t = user;
	(void)rows, (void)more;
	if (status < 0)
		task_fail(t, status);
	else if (n > t->g->options.max_admins)
		task_refuse(t, NUNCIO_CODE_group_full, "the group has as many admins as it may");
	else
		role_append(t);
}

static void role_decide(struct task *t)
{
	const char *text;
	int code = rules_set_role(&t->me, &t->other, &text), rc;
	if (code != 0) {
		task_refuse(t, code, text);
	} else if (t->role == t->other.role) {
		task_reply_empty(t);
	} else if (t->role == NUNCIO_GROUP_ADMIN) {
		rc = nuncio_store_members_by_role(t->g->self, nuncio_text(t->conversation),
			NUNCIO_GROUP_ADMIN, (struct nuncio_str){ "", 0 },
			t->g->options.max_admins + 1, on_admins, t);
		if (rc < 0)
			task_fail(t, rc);
	} else {
		role_append(t);
	}
}

void ops_role(struct nuncio_request *rq, void *user)
{
	struct task *t = task_new(user, rq);
	struct nuncio_str word = { "", 0 };
	if (!t || task_them(t) < 0)
		return;
	if (!nuncio_request_text(rq, "role", &word) || news_role_of(word, &t->role) < 0 ||
		t->role == NUNCIO_GROUP_OWNER)
		task_refuse(t, NUNCIO_CODE_invalid_field, "role: must be admin or member");
	else
		task_run(t, LOAD_THEM, role_decide, task_reply_empty);
}

/* ---- mute ---- */

static void mute_decide(struct task *t)
{
	const char *text, *name = t->them;
	int64_t until_ms = t->seconds > 0 ? nuncio_wall_ms() + t->seconds * 1000 : 0;
	const struct nuncio_member_change set = { .size = sizeof set,
		.op = NUNCIO_MEMBER_SET,
		.user = nuncio_text(t->them),
		.fields = NUNCIO_MEMBER_MUTED,
		.expect_role = (int32_t)t->other.role,
		.muted_until_ms = until_ms };
	const struct task_change change = { .what = until_ms ? NEWS_MUTED : NEWS_UNMUTED,
		.members = &set,
		.member_count = 1,
		.writes_record = 1 };
	int code = rules_above(&t->me, &t->other, &text);
	if (code != 0) {
		task_refuse(t, code, text);
		return;
	}
	if (!until_ms && t->other.muted_until_ms <= nuncio_wall_ms()) {
		task_reply_empty(t);
		return;
	}
	struct nuncio_json *json = task_body(t);
	task_put_users(json, &name, 1);
	if (until_ms)
		task_put_time(json, "until", until_ms);
	task_append(t, &change);
}

void ops_mute(struct nuncio_request *rq, void *user)
{
	struct task *t = task_new(user, rq);
	if (!t || task_them(t) < 0)
		return;
	nuncio_request_int(rq, "seconds", &t->seconds);
	task_run(t, LOAD_THEM, mute_decide, task_reply_empty);
}

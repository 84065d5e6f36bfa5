/* SPDX-License-Identifier: MIT */
#include "ops.h"

/* Making a group, changing it as a whole, ending it. */

#include <string.h>

#include <nuncio/conf.h>
#include <nuncio/timer.h>

#include "task.h"

static void reply_group(struct task *t, int http_status)
{
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	task_write_group(json, task_id(t), &t->record, &t->me, t->member_count);
	if (t->users)
		task_write_results(json, t);
	nuncio_json_object_end(json);
	task_reply(t, http_status, &json);
}

static void put_yes(struct nuncio_json *json, const char *key, int yes)
{
	nuncio_json_key(json, key);
	nuncio_json_put_bool(json, yes);
}

/* ---- create ---- */

static void create_reply(struct task *t)
{
	reply_group(t, 201);
}

static void create_invite(struct task *t)
{
	crowd_invite(t, create_reply);
}

static void create_done(struct task *t)
{
	uint32_t added = 0;
	t->me = (struct standing){
		.is_member = 1, .role = NUNCIO_GROUP_OWNER, .joined_at_ms = t->record.created_at_ms
	};
	for (size_t i = 0; t->g->options.adds_at_once && i < t->user_count; i++)
		if (t->users[i].result == RESULT_OPEN) {
			t->users[i].result = RESULT_ADDED;
			added++;
		}
	t->member_count = added + 1;
	if (t->user_count > 0 && !t->g->options.adds_at_once)
		crowd_screen(t, 1, create_invite);
	else
		create_reply(t);
}

static void write_created(struct task *t)
{
	const char *names[TASK_USERS_MAX];
	size_t n = 0;
	struct nuncio_json *json = task_body(t);
	for (size_t i = 0; t->g->options.adds_at_once && i < t->user_count; i++)
		if (t->users[i].result == RESULT_OPEN)
			names[n++] = t->users[i].name;
	task_put(json, "name", nuncio_text(t->record.name));
	put_yes(json, "channel", t->record.is_channel);
	put_yes(json, "history", 1); /* there is nothing before */
	task_put_users(json, names, n);
}

/* An id at random; negative after a failure. */
static int make_id(struct task *t)
{
	char id[GROUP_ID_BYTES + 1];
	if (group_id_make(id) < 0) {
		task_fail(t, NUNCIO_E_FAIL);
		return -1;
	}
	group_id_write(nuncio_text(id), t->conversation, sizeof t->conversation);
	return 0;
}

static void create_append(struct task *t)
{
	struct nuncio_member_change members[TASK_USERS_MAX + 1];
	struct task_change change = { .what = NEWS_CREATED,
		.members = members,
		.members_max = t->g->options.max_members,
		.writes_record = 1,
		.is_new = 1 };
	if (t->tries > 0 && !t->on) {
		task_refuse(t, NUNCIO_CODE_exists, "group: this id is taken");
		return;
	}
	if (t->tries > 0 && make_id(t) < 0)
		return;
	write_created(t);
	members[change.member_count++] = (struct nuncio_member_change){ .size = sizeof members[0],
		.op = NUNCIO_MEMBER_ADD,
		.user = nuncio_text(t->actor),
		.fields = NUNCIO_MEMBER_ALL_HISTORY,
		.role = NUNCIO_GROUP_OWNER,
		.expect_role = -1 };
	for (size_t i = 0; t->g->options.adds_at_once && i < t->user_count; i++)
		if (t->users[i].result == RESULT_OPEN)
			members[change.member_count++] =
				(struct nuncio_member_change){ .size = sizeof members[0],
					.op = NUNCIO_MEMBER_ADD,
					.user = nuncio_text(t->users[i].name),
					.fields = NUNCIO_MEMBER_ALL_HISTORY,
					.expect_role = -1 };
	task_append(t, &change);
}

static void create_counted(struct task *t)
{
	if (t->user_count > 0 && t->g->options.adds_at_once)
		crowd_screen(t, 0, create_append);
	else
		create_append(t);
}

static int is_creator(const struct task *t)
{
	size_t n = nuncio_conf_count(t->g->self, "creators");
	for (size_t i = 0; i < n; i++)
		if (strcmp(nuncio_conf_item(t->g->self, "creators", i), t->actor) == 0)
			return 1;
	return n == 0;
}

void ops_create(struct nuncio_request *rq, void *user)
{
	struct task *t = task_new(user, rq);
	if (!t || task_settings(t) < 0 || task_users(t, "members") < 0)
		return;
	if (!is_creator(t)) {
		task_refuse(t, NUNCIO_CODE_denied, "you may not make groups on this server");
		return;
	}
	const struct task_settings *s = t->settings;
	t->on = t->conversation[0] == '\0';
	if (t->on && make_id(t) < 0) /* now: the members are looked at by the conversation */
		return;
	memcpy(t->record.name, s->name, sizeof t->record.name);
	memcpy(t->record.avatar, s->avatar, sizeof t->record.avatar);
	memcpy(t->record.announcement, s->announcement, sizeof t->record.announcement);
	memcpy(t->record.owner, t->actor, sizeof t->record.owner);
	t->record.join = s->has_join ? s->join : RECORD_JOIN_INVITE;
	t->record.is_channel = s->is_channel;
	t->record.has_history = s->has_history ? s->history : s->is_channel;
	t->record.created_at_ms = nuncio_wall_ms();
	t->decide = create_append;
	t->done = create_done;
	crowd_own(t, NUNCIO_GROUP_OWNER, t->actor, create_counted);
}

/* ---- info ---- */

/*
 * Who is no member sees what one wants to know before joining, and nothing of a group into which
 * only an invitation leads.
 */
static void info_show(struct task *t)
{
	if (!t->me.is_member && !t->is_invited && t->record.join == RECORD_JOIN_INVITE) {
		task_refuse(t, NUNCIO_CODE_not_found, "there is no such group");
		return;
	}
	if (!t->me.is_member)
		t->record.announcement[0] = '\0';
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	task_write_group(json, task_id(t), &t->record, &t->me, t->member_count);
	put_yes(json, "invited", t->is_invited && !t->me.is_member);
	put_yes(json, "requested", t->is_asked && !t->me.is_member);
	nuncio_json_object_end(json);
	task_reply(t, 200, &json);
}

void ops_info(struct nuncio_request *rq, void *user)
{
	struct task *t = task_new(user, rq);
	if (t)
		task_run(t, LOAD_OWNER | LOAD_REQUEST | LOAD_INVITE, info_show, NULL);
}

/* ---- update ---- */

static void replied_group(struct task *t)
{
	reply_group(t, 200);
}

/* Takes what is new into the record, and into the body of the event; how many there were. */
static int apply_text(struct nuncio_json *json, const char *key, int is_given, const char *new,
	char *old, size_t size)
{
	if (!is_given || strcmp(new, old) == 0)
		return 0;
	memcpy(old, new, size);
	task_put(json, key, nuncio_text(old));
	return 1;
}

static int apply_settings(struct task *t, struct nuncio_json *json)
{
	const struct task_settings *s = t->settings;
	struct record *r = &t->record;
	int changed = apply_text(json, "name", s->has_name, s->name, r->name, sizeof r->name);
	changed +=
		apply_text(json, "avatar", s->has_avatar, s->avatar, r->avatar, sizeof r->avatar);
	changed += apply_text(json, "announcement", s->has_announcement, s->announcement,
		r->announcement, sizeof r->announcement);
	if (s->has_join && s->join != r->join) {
		r->join = s->join;
		task_put(json, "join", nuncio_text(record_join_word(r->join)));
		changed++;
	}
	if (s->has_history && s->history != r->has_history) {
		r->has_history = s->history;
		put_yes(json, "history", r->has_history);
		changed++;
	}
	return changed;
}

static void update_decide(struct task *t)
{
	const char *text;
	const struct task_change change = { .what = NEWS_UPDATED, .writes_record = 1 };
	int code = rules_admin(&t->me, &text);
	if (code != 0)
		task_refuse(t, code, text);
	else if (t->settings->has_channel && t->settings->is_channel != t->record.is_channel)
		task_refuse(t, NUNCIO_CODE_invalid_field, "kind: cannot be changed");
	else if (apply_settings(t, task_body(t)) == 0)
		reply_group(t, 200);
	else
		task_append(t, &change);
}

void ops_update(struct nuncio_request *rq, void *user)
{
	struct task *t = task_new(user, rq);
	if (t && task_settings(t) == 0)
		task_run(t, 0, update_decide, replied_group);
}

/* ---- the whole group muted ---- */

static void mute_all_decide(struct task *t)
{
	const char *text;
	const struct task_change change = { .what = t->on ? NEWS_ALL_MUTED : NEWS_ALL_UNMUTED,
		.writes_record = 1 };
	int code = rules_admin(&t->me, &text);
	if (code != 0) {
		task_refuse(t, code, text);
	} else if (t->record.is_muted == t->on) {
		task_reply_empty(t);
	} else {
		t->record.is_muted = t->on;
		task_body(t);
		task_append(t, &change);
	}
}

void ops_mute_all(struct nuncio_request *rq, void *user)
{
	struct task *t = task_new(user, rq);
	if (!t)
		return;
	nuncio_request_bool(rq, "on", &t->on);
	task_run(t, 0, mute_all_decide, task_reply_empty);
}

/* ---- transfer ---- */

static void transfer_decide(struct task *t)
{
	const char *text;
	const char *name = t->them;
	const struct nuncio_member_change members[2] = {
		{ .size = sizeof members[0],
			.op = NUNCIO_MEMBER_SET,
			.user = nuncio_text(t->actor),
			.fields = NUNCIO_MEMBER_ROLE,
			.role = NUNCIO_GROUP_ADMIN,
			.expect_role = NUNCIO_GROUP_OWNER },
		{ .size = sizeof members[0],
			.op = NUNCIO_MEMBER_SET,
			.user = nuncio_text(t->them),
			.fields = NUNCIO_MEMBER_ROLE | NUNCIO_MEMBER_MUTED,
			.role = NUNCIO_GROUP_OWNER,
			.expect_role = (int32_t)t->other.role },
	};
	const struct task_change change = {
		.what = NEWS_TRANSFERRED, .members = members, .member_count = 2, .writes_record = 1
	};
	int code = rules_transfer(&t->me, &t->other, &text);
	if (code != 0) {
		task_refuse(t, code, text);
		return;
	}
	memcpy(t->record.owner, t->them, sizeof t->record.owner);
	task_put_users(task_body(t), &name, 1);
	task_append(t, &change);
}

void ops_transfer(struct nuncio_request *rq, void *user)
{
	struct task *t = task_new(user, rq);
	if (t && task_them(t) == 0)
		task_run(t, LOAD_THEM, transfer_decide, task_reply_empty);
}

/* ---- the end ---- */

static void dissolve_decide(struct task *t)
{
	const char *text;
	const struct nuncio_member_change everybody = { .size = sizeof everybody,
		.op = NUNCIO_MEMBER_REMOVE,
		.user = { "", 0 },
		.expect_role = -1 };
	const struct task_change change = {
		.what = NEWS_DISSOLVED, .members = &everybody, .member_count = 1, .writes_record = 1
	};
	int code = rules_owner(&t->me, &text);
	if (code != 0) {
		task_refuse(t, code, text);
		return;
	}
	t->record.is_dissolved = 1;
	task_body(t);
	task_append(t, &change);
}

void ops_dissolve(struct nuncio_request *rq, void *user)
{
	struct task *t = task_new(user, rq);
	if (t)
		task_run(t, 0, dissolve_decide, task_reply_empty);
}

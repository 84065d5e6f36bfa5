/* SPDX-License-Identifier: MIT */
#include "task.h"

/*
 * The record is read first and the members after it, so what was decided belongs to that version of
 * the record or to a later state; the append expects that version, and every change by an admin
 * makes a new one. So two of them never decide on the same state: the second is told E_CONFLICT,
 * and its task looks again.
 */

#include <stdlib.h>
#include <string.h>

#include <nuncio/hooks.h>
#include <nuncio/session.h>
#include <nuncio/timer.h>

enum { TRIES_MAX = 8 };

static const struct nuncio_str nothing = { "", 0 };

struct task *task_new(struct group *g, struct nuncio_request *rq)
{
	struct task *t = nuncio_alloc(sizeof *t);
	struct nuncio_str id = nothing, actor = nuncio_request_user(rq);
	t->g = g;
	t->rq = rq;
	memcpy(t->actor, actor.p, actor.n);
	int is_in_path = nuncio_request_is_http(rq) && nuncio_request_param(rq, "id", &id);
	if ((!is_in_path && !nuncio_request_text(rq, "group", &id)) ||
		group_id_write(id, t->conversation, sizeof t->conversation) >= 0)
		return t;
	if (is_in_path)
		task_refuse(t, NUNCIO_CODE_not_found, "there is no such group");
	else
		task_refuse(t, NUNCIO_CODE_invalid_field,
			"group: must be 1 to 64 of A-Z a-z 0-9 . _ -");
	return NULL;
}

void task_free(struct task **t)
{
	if (!*t)
		return;
	nuncio_json_free(&(*t)->body);
	free((*t)->settings);
	free((*t)->users);
	free(*t);
	*t = NULL;
}

struct nuncio_str task_id(const struct task *t)
{
	return nuncio_text(t->conversation + sizeof PREFIX - 1);
}

/* ---- answers ---- */

void task_refuse(struct task *t, int code, const char *text)
{
	nuncio_reply_error(&t->rq, code, "%s", text);
	task_free(&t);
}

void task_fail(struct task *t, int status)
{
	nuncio_reply_store_status(&t->rq, status);
	task_free(&t);
}

void task_reply(struct task *t, int http_status, struct nuncio_json **json)
{
	nuncio_reply(&t->rq, http_status, nuncio_json_str(*json));
	nuncio_json_free(json);
	task_free(&t);
}

void task_reply_empty(struct task *t)
{
	int is_delete = nuncio_text_same(nuncio_request_method(t->rq), nuncio_text("DELETE"));
	nuncio_reply(&t->rq, is_delete ? 204 : 200, is_delete ? nothing : nuncio_text("{}"));
	task_free(&t);
}

/* ---- input ---- */

static int refuse_field(struct task *t, const char *field, const char *text)
{
	nuncio_reply_error(&t->rq, NUNCIO_CODE_invalid_field, "%s: %s", field, text);
	task_free(&t);
	return NUNCIO_E_INVAL;
}

static int is_clean(struct nuncio_str text, int is_long)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		if (c == 0x7f || (c < 0x20 && !(is_long && (c == '\n' || c == '\t'))))
			return 0;
	}
	return 1;
}

int task_text(struct task *t, const char *field, char *out, size_t size, int is_long)
{
	struct nuncio_str text;
	if (!nuncio_request_text(t->rq, field, &text))
		return 0;
	if (text.n >= size)
		return refuse_field(t, field, "is too long");
	if (!is_clean(text, is_long))
		return refuse_field(t, field, "has control characters");
	memcpy(out, text.p, text.n);
	out[text.n] = '\0';
	return 1;
}

int task_them(struct task *t)
{
	struct nuncio_str user = nothing;
	if (nuncio_request_is_http(t->rq) && nuncio_request_param(t->rq, "user", &user)) {
		if (!group_user_is_valid(user)) {
			task_refuse(t, NUNCIO_CODE_not_found, "there is no such member");
			return NUNCIO_E_NOTFOUND;
		}
	} else if (!nuncio_request_text(t->rq, "user", &user) || !group_user_is_valid(user)) {
		return refuse_field(t, "user", "must be 1 to 64 bytes without control characters");
	}
	memcpy(t->them, user.p, user.n);
	t->them[user.n] = '\0';
	return 0;
}

static int is_among(const struct task *t, const char *name)
{
	for (size_t i = 0; i < t->user_count; i++)
		if (strcmp(t->users[i].name, name) == 0)
			return 1;
	return 0;
}

int task_users(struct task *t, const char *field)
{
	struct nuncio_str list, item;
	size_t at = 0;
	if (!nuncio_request_raw(t->rq, field, &list))
		return 0;
	t->users = nuncio_alloc(TASK_USERS_MAX * sizeof *t->users);
	while (t->user_count < TASK_USERS_MAX && nuncio_json_next(list, &at, NULL, &item)) {
		char name[GROUP_USER_BYTES + 1];
		int n = nuncio_json_text(item, name, sizeof name);
		if (n < 0 || !group_user_is_valid((struct nuncio_str){ name, (size_t)n }))
			return refuse_field(
				t, field, "each must be 1 to 64 bytes without control characters");
		if (strcmp(name, t->actor) != 0 && !is_among(t, name))
			memcpy(t->users[t->user_count++].name, name, (size_t)n + 1);
	}
	return 0;
}

static int read_join(struct task *t, struct task_settings *s)
{
	struct nuncio_str word;
	if (!nuncio_request_text(t->rq, "join", &word))
		return 0;
	if (record_join_of(word, &s->join) < 0)
		return refuse_field(t, "join", "must be open, approval or invite");
	s->has_join = 1;
	return 0;
}

static int read_kind(struct task *t, struct task_settings *s)
{
	struct nuncio_str word;
	s->has_channel = nuncio_request_text(t->rq, "kind", &word);
	if (!s->has_channel)
		return 0;
	s->is_channel = nuncio_text_same(word, nuncio_text("channel"));
	if (!s->is_channel && !nuncio_text_same(word, nuncio_text("group")))
		return refuse_field(t, "kind", "must be group or channel");
	return 0;
}

/* What is refused takes the task with it, so nothing is written into it before that is known. */
static int read_texts(struct task *t, struct task_settings *s)
{
	const struct group_options *limits = &t->g->options;
	int rc = task_text(t, "name", s->name, limits->name_bytes + 1, 0);
	if (rc < 0)
		return rc;
	s->has_name = rc;
	if (s->has_name && !s->name[0])
		return refuse_field(t, "name", "must not be empty");
	rc = task_text(t, "avatar", s->avatar, sizeof s->avatar, 0);
	if (rc < 0)
		return rc;
	s->has_avatar = rc;
	rc = task_text(
		t, "announcement", s->announcement, (size_t)limits->announcement_bytes + 1, 1);
	if (rc < 0)
		return rc;
	s->has_announcement = rc;
	return 0;
}

int task_settings(struct task *t)
{
	struct task_settings *s = t->settings = nuncio_alloc(sizeof *s);
	if (read_texts(t, s) < 0 || read_join(t, s) < 0 || read_kind(t, s) < 0)
		return NUNCIO_E_INVAL;
	s->has_history = nuncio_request_bool(t->rq, "history", &s->history);
	return 0;
}

/* ---- loading ---- */

static void load(struct task *t);

static void arrived(struct task *t, int status)
{
	if (status < 0 && t->status == 0)
		t->status = status;
	if (--t->waiting > 0)
		return;
	if (t->status < 0)
		task_fail(t, t->status);
	else
		t->decide(t);
}

static void take_standing(struct task *t, struct standing *standing_r, int status,
	const struct nuncio_member *rows, size_t n)
{
	if (status == 0 && n == 1) {
		*standing_r = standing_of(rows);
		t->member_count = rows->member_count;
	}
	arrived(t, status == NUNCIO_E_NOTFOUND ? 0 : status);
}

static void on_me(int status, const struct nuncio_member *rows, size_t n, int more, void *user)
{
	struct task *t = user;
	(void)more;
	take_standing(t, &t->me, status, rows, n);
}

static void on_other(int status, const struct nuncio_member *rows, size_t n, int more, void *user)
{
	struct task *t = user;
	(void)more;
	take_standing(t, &t->other, status, rows, n);
}

static void on_owner(int status, const struct nuncio_member *rows, size_t n, int more, void *user)
{
	struct standing ignored;
	(void)more;
	take_standing(user, &ignored, status, rows, n);
}

static void on_asked(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct task *t = user;
	(void)more;
	t->is_asked = status == 0 && n == 1;
	t->asked_version = t->is_asked ? rows->version : 0;
	arrived(t, status == NUNCIO_E_NOTFOUND ? 0 : status);
}

static void on_invite(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct task *t = user;
	struct nuncio_str by;
	(void)more;
	t->is_invited = status == 0 && n == 1;
	t->inviter[0] = '\0';
	if (t->is_invited && nuncio_json_get(rows->value, "by", &by) &&
		nuncio_json_text(by, t->inviter, sizeof t->inviter) < 0)
		t->inviter[0] = '\0';
	arrived(t, status == NUNCIO_E_NOTFOUND ? 0 : status);
}

/* One more question is under way, or could not be asked. */
static void asked(struct task *t, int status)
{
	if (status == 0)
		t->waiting++;
	else if (t->status == 0)
		t->status = status;
}

static void load_rest(struct task *t)
{
	struct nuncio_module *self = t->g->self;
	struct nuncio_str conversation = nuncio_text(t->conversation),
			  actor = nuncio_text(t->actor);
	t->me = t->other = (struct standing){ 0 };
	t->status = 0;
	t->waiting = 1; /* this one, so that nothing is decided before all is asked */
	asked(t, nuncio_store_member(self, conversation, actor, on_me, t));
	if (t->loads & LOAD_THEM)
		asked(t,
			nuncio_store_member(self, conversation, nuncio_text(t->them), on_other, t));
	if (t->loads & LOAD_OWNER)
		asked(t, nuncio_store_member(
				 self, conversation, nuncio_text(t->record.owner), on_owner, t));
	if (t->loads & LOAD_REQUEST)
		asked(t, nuncio_store_get(self, nuncio_text(SPACE_REQUEST), conversation,
				 t->loads & LOAD_THEM ? nuncio_text(t->them) : actor, on_asked, t));
	if (t->loads & LOAD_INVITE)
		asked(t, nuncio_store_get(self, nuncio_text(SPACE_INVITE), actor, conversation,
				 on_invite, t));
	arrived(t, 0);
}

static void on_record(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct task *t = user;
	(void)more;
	if (status == 0 && n == 1)
		status = record_read(rows->value, &t->record) < 0 ? NUNCIO_E_FAIL : 0;
	if (status == NUNCIO_E_NOTFOUND || (status == 0 && t->record.is_dissolved)) {
		task_refuse(t, NUNCIO_CODE_not_found, "there is no such group");
	} else if (status < 0) {
		task_fail(t, status);
	} else {
		t->record.version = rows->version;
		load_rest(t);
	}
}

static void load(struct task *t)
{
	int rc = nuncio_store_get(t->g->self, nuncio_text(SPACE_GROUP),
		nuncio_text(t->conversation), nothing, on_record, t);
	if (rc < 0)
		task_fail(t, rc);
}

void task_run(struct task *t, uint32_t loads, task_fn *decide, task_fn *done)
{
	t->loads = loads;
	t->decide = decide;
	t->done = done;
	load(t);
}

/* ---- the event ---- */

struct nuncio_json *task_body(struct task *t)
{
	nuncio_json_free(&t->body);
	t->body = nuncio_json_new();
	nuncio_json_object_begin(t->body);
	return t->body;
}

void task_put_users(struct nuncio_json *json, const char *const *users, size_t n)
{
	nuncio_json_key(json, "users");
	nuncio_json_array_begin(json);
	for (size_t i = 0; i < n; i++)
		nuncio_json_put_text(json, nuncio_text(users[i]));
	nuncio_json_array_end(json);
}

static int is_worth_another_try(int status)
{
	return status == NUNCIO_E_CONFLICT || status == NUNCIO_E_NOTFOUND ||
	       status == NUNCIO_E_EXISTS || status == NUNCIO_E_DENIED;
}

static void on_appended(int status, const struct nuncio_event *event, int duplicate, void *user)
{
	struct task *t = user;
	(void)duplicate;
	if (status == 0) {
		t->seq = event->seq;
		nuncio_counter_add(t->g->changes, 1);
		t->done(t);
	} else if (is_worth_another_try(status) && ++t->tries < TRIES_MAX) {
		nuncio_counter_add(t->g->conflicts, 1);
		if (t->record.version == 0) /* it was to be made */
			t->decide(t);
		else
			load(t);
	} else if (status == NUNCIO_E_TOOBIG) {
		task_refuse(t, NUNCIO_CODE_group_full, "the group has as many members as it may");
	} else if (is_worth_another_try(status)) {
		task_refuse(t, NUNCIO_CODE_conflict, "the group changes too fast, try again");
	} else {
		task_fail(t, status);
	}
}

void task_append(struct task *t, const struct task_change *change)
{
	struct nuncio_json *value = nuncio_json_new();
	struct nuncio_record_write writes[2] = { { .size = sizeof writes[0],
		.flags = change->writes_record ? 0 : NUNCIO_WRITE_CHECK,
		.space = nuncio_text(SPACE_GROUP),
		.owner = nuncio_text(t->conversation),
		.key = nothing,
		.expect = change->is_new ? NUNCIO_EXPECT_ABSENT : (int64_t)t->record.version } };
	struct nuncio_append append = { .size = sizeof append,
		.conversation = nuncio_text(t->conversation),
		.type = nuncio_text(NEWS_TYPE),
		.from = nuncio_text(t->actor),
		.kind = nuncio_text(news_word(change->what)),
		.writes = writes,
		.writes_count = 1,
		.members = change->members,
		.members_count = change->member_count,
		.members_max = change->members_max };
	record_write(value, &t->record);
	writes[0].value = nuncio_json_str(value);
	if (change->drops_request) {
		writes[1] = (struct nuncio_record_write){ .size = sizeof writes[1],
			.space = nuncio_text(SPACE_REQUEST),
			.owner = nuncio_text(t->conversation),
			.key = nuncio_text(t->them),
			.expect = (int64_t)t->asked_version };
		append.writes_count = 2;
	}
	nuncio_json_object_end(t->body);
	append.body = nuncio_json_str(t->body);
	int rc = nuncio_append(t->g->self, &append, on_appended, t);
	nuncio_json_free(&value);
	if (rc < 0)
		task_fail(t, rc);
}

/* ---- writing ---- */

void task_put(struct nuncio_json *json, const char *key, struct nuncio_str text)
{
	nuncio_json_key(json, key);
	nuncio_json_put_text(json, text);
}

void task_put_time(struct nuncio_json *json, const char *key, int64_t ms)
{
	nuncio_json_key(json, key);
	if (ms > 0)
		nuncio_json_put_time(json, ms);
	else
		nuncio_json_put_null(json);
}

static void put_yes(struct nuncio_json *json, const char *key, int yes)
{
	nuncio_json_key(json, key);
	nuncio_json_put_bool(json, yes);
}

static void write_me(struct nuncio_json *json, const struct standing *me)
{
	nuncio_json_key(json, "you");
	if (!me->is_member) {
		nuncio_json_put_null(json);
		return;
	}
	nuncio_json_object_begin(json);
	task_put(json, "role", nuncio_text(news_role_word(me->role)));
	task_put_time(json, "joined_at", me->joined_at_ms);
	task_put_time(json, "muted_until",
		me->muted_until_ms > nuncio_wall_ms() ? me->muted_until_ms : 0);
	nuncio_json_object_end(json);
}

void task_write_group(struct nuncio_json *json, struct nuncio_str id, const struct record *record,
	const struct standing *me, uint32_t member_count)
{
	char conversation[GROUP_CONVERSATION_BYTES + 1];
	int n = group_id_write(id, conversation, sizeof conversation);
	task_put(json, "group", id);
	task_put(json, "conversation", (struct nuncio_str){ conversation, n > 0 ? (size_t)n : 0 });
	task_put(json, "kind", nuncio_text(record->is_channel ? "channel" : "group"));
	task_put(json, "name", nuncio_text(record->name));
	task_put(json, "avatar", nuncio_text(record->avatar));
	task_put(json, "announcement", nuncio_text(record->announcement));
	task_put(json, "join", nuncio_text(record_join_word(record->join)));
	put_yes(json, "history", record->has_history);
	put_yes(json, "muted", record->is_muted);
	task_put(json, "owner", nuncio_text(record->owner));
	nuncio_json_key(json, "members");
	nuncio_json_put_int(json, member_count);
	task_put_time(json, "created_at", record->created_at_ms);
	write_me(json, me);
}

void task_write_results(struct nuncio_json *json, const struct task *t)
{
	static const char *const words[] = { "open", "added", "invited", "already", "limit",
		"refused" };
	nuncio_json_key(json, "users");
	nuncio_json_array_begin(json);
	for (size_t i = 0; i < t->user_count; i++) {
		nuncio_json_object_begin(json);
		task_put(json, "user", nuncio_text(t->users[i].name));
		task_put(json, "result", nuncio_text(words[t->users[i].result]));
		nuncio_json_object_end(json);
	}
	nuncio_json_array_end(json);
}

/* SPDX-License-Identifier: MIT */
#include "ops.h"

/* How people come in: by themselves, by asking the admins, by invitation, or added by others. */

#include <string.h>

#include <nuncio/log.h>
#include <nuncio/timer.h>

#include "task.h"

static void reply_status(struct task *t, const char *status)
{
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	task_put(json, "status", nuncio_text(status));
	nuncio_json_object_end(json);
	task_reply(t, 200, &json);
}

static void reply_results(struct task *t)
{
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	task_write_results(json, t);
	nuncio_json_object_end(json);
	task_reply(t, 200, &json);
}

static struct nuncio_member_change added(const struct task *t, const char *user)
{
	return (struct nuncio_member_change){ .size = sizeof(struct nuncio_member_change),
		.op = NUNCIO_MEMBER_ADD,
		.user = nuncio_text(user),
		.fields = t->record.has_history ? NUNCIO_MEMBER_ALL_HISTORY : 0,
		.expect_role = -1 };
}

static void write_joined(struct task *t, const char *const *users, size_t n, const char *how)
{
	struct nuncio_json *json = task_body(t);
	task_put_users(json, users, n);
	task_put(json, "how", nuncio_text(how));
	nuncio_json_key(json, "history");
	nuncio_json_put_bool(json, t->record.has_history);
}

static int drop_invite(struct task *t, nuncio_written_fn *done, void *user)
{
	const struct nuncio_record_write write = { .size = sizeof write,
		.flags = NUNCIO_WRITE_SYNCED,
		.space = nuncio_text(SPACE_INVITE),
		.owner = nuncio_text(t->actor),
		.key = nuncio_text(t->conversation) };
	return nuncio_store_write(t->g->self, &write, 1, done, user);
}

/* ---- asking the admins ---- */

static struct nuncio_json *write_request(const struct task *t)
{
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	task_put(json, "group", task_id(t));
	task_put(json, "conversation", nuncio_text(t->conversation));
	task_put(json, "user", nuncio_text(t->actor));
	task_put(json, "text", nuncio_text(t->text));
	task_put_time(json, "at", nuncio_wall_ms());
	nuncio_json_object_end(json);
	return json;
}

static void on_admins_to_tell(
	int status, const struct nuncio_member *rows, size_t n, int more, void *user)
{
	struct task *t = user;
	struct nuncio_json *json = write_request(t);
	(void)more;
	for (size_t i = 0; status == 0 && i < n; i++)
		nuncio_user_notify(rows[i].user, "group.requested", nuncio_json_str(json), 0);
	nuncio_json_free(&json);
	reply_status(t, "requested");
}

static void on_requested(int status, void *user)
{
	struct task *t = user;
	if (status == 0)
		status = nuncio_store_members_by_role(t->g->self, nuncio_text(t->conversation),
			NUNCIO_GROUP_ADMIN, (struct nuncio_str){ "", 0 },
			t->g->options.max_admins + 1, on_admins_to_tell, t);
	if (status < 0)
		task_fail(t, status);
}

static void on_requests_counted(
	int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct task *t = user;
	(void)rows, (void)more;
	if (status == 0 && n >= t->g->options.max_requests) {
		task_refuse(t, NUNCIO_CODE_busy,
			"too many requests to join this group wait for an answer");
		return;
	}
	struct nuncio_json *json = write_request(t);
	const struct nuncio_record_write write = { .size = sizeof write,
		.space = nuncio_text(SPACE_REQUEST),
		.owner = nuncio_text(t->conversation),
		.key = nuncio_text(t->actor),
		.value = nuncio_json_str(json),
		.expires_at_ms = nuncio_wall_ms() + t->g->options.invite_ttl_ms };
	if (status == 0)
		status = nuncio_store_write(t->g->self, &write, 1, on_requested, t);
	nuncio_json_free(&json);
	if (status < 0)
		task_fail(t, status);
}

static void request(struct task *t)
{
	const struct nuncio_records_query query = { .size = sizeof query,
		.space = nuncio_text(SPACE_REQUEST),
		.owner = nuncio_text(t->conversation),
		.limit = t->g->options.max_requests };
	int rc = nuncio_store_list(t->g->self, &query, on_requests_counted, t);
	if (rc < 0)
		task_fail(t, rc);
}

/* ---- join, accept ---- */

/* Left over, it does no harm: who accepts it again is a member already, and it expires. */
static void on_invite_used(int status, void *user)
{
	struct task *t = user;
	if (status < 0)
		nuncio_log(t->g->self, NUNCIO_WARN, "an invitation that was used is left: %s",
			nuncio_status_name(status));
	reply_status(t, "joined");
}

static void join_done(struct task *t)
{
	if (!t->is_invited)
		reply_status(t, "joined");
	else if (drop_invite(t, on_invite_used, t) < 0)
		on_invite_used(NUNCIO_E_BUSY, t);
}

static void join_append(struct task *t)
{
	const char *name = t->actor;
	const struct nuncio_member_change member = added(t, t->actor);
	const struct task_change change = { .what = NEWS_JOINED,
		.members = &member,
		.member_count = 1,
		.members_max = t->g->options.max_members,
		.drops_request = t->is_asked };
	memcpy(t->them, t->actor, sizeof t->them); /* whose request it is */
	write_joined(t, &name, 1, t->is_invited ? "accept" : "join");
	task_append(t, &change);
}

static void join_decide(struct task *t)
{
	const char *text;
	int code = rules_join(&t->record, &t->me, t->is_invited, &text);
	if (code > 0)
		task_refuse(t, code, text);
	else if (code == 0)
		crowd_own(
			t, NUNCIO_GROUP_MEMBER, t->is_invited ? t->inviter : t->actor, join_append);
	else if (t->is_asked)
		reply_status(t, "requested");
	else
		request(t);
}

void ops_join(struct nuncio_request *rq, void *user)
{
	struct task *t = task_new(user, rq);
	if (t && task_text(t, "text", t->text, sizeof t->text, 0) >= 0)
		task_run(t, LOAD_REQUEST | LOAD_INVITE, join_decide, join_done);
}

static void accept_decide(struct task *t)
{
	if (!t->is_invited)
		task_refuse(t, NUNCIO_CODE_not_found, "there is no invitation to this group");
	else
		join_decide(t);
}

void ops_accept(struct nuncio_request *rq, void *user)
{
	struct task *t = task_new(user, rq);
	if (t)
		task_run(t, LOAD_REQUEST | LOAD_INVITE, accept_decide, join_done);
}

/* ---- decline ---- */

static void on_declined(int status, void *user)
{
	struct task *t = user;
	if (status < 0)
		task_fail(t, status);
	else
		task_reply_empty(t);
}

/* The group need not be there any more. */
void ops_decline(struct nuncio_request *rq, void *user)
{
	struct task *t = task_new(user, rq);
	if (!t)
		return;
	int rc = drop_invite(t, on_declined, t);
	if (rc < 0)
		task_fail(t, rc);
}

/* ---- add ---- */

static void add_done(struct task *t)
{
	for (size_t i = 0; i < t->user_count; i++)
		if (t->users[i].result == RESULT_OPEN)
			t->users[i].result = RESULT_ADDED;
	reply_results(t);
}

static void add_append(struct task *t)
{
	const char *names[TASK_USERS_MAX];
	struct nuncio_member_change members[TASK_USERS_MAX];
	size_t n = 0;
	for (size_t i = 0; i < t->user_count; i++)
		if (t->users[i].result == RESULT_OPEN) {
			names[n] = t->users[i].name;
			members[n++] = added(t, t->users[i].name);
		}
	const struct task_change change = { .what = NEWS_JOINED,
		.members = members,
		.member_count = n,
		.members_max = t->g->options.max_members };
	if (n == 0) {
		reply_results(t);
		return;
	}
	write_joined(t, names, n, "add");
	task_append(t, &change);
}

static void invite_rest(struct task *t)
{
	crowd_invite(t, reply_results);
}

static void add_decide(struct task *t)
{
	const char *text;
	int code = rules_invite(&t->record, &t->me, &text);
	if (code != 0)
		task_refuse(t, code, text);
	else if (t->on)
		crowd_screen(t, 0, add_append);
	else
		crowd_screen(t, 1, invite_rest);
}

static void add_or_invite(struct nuncio_request *rq, struct group *g, int adds)
{
	struct task *t = task_new(g, rq);
	if (!t || task_users(t, "users") < 0)
		return;
	t->on = adds && g->options.adds_at_once;
	task_run(t, 0, add_decide, add_done);
}

void ops_add(struct nuncio_request *rq, void *user)
{
	add_or_invite(rq, user, 1);
}

void ops_invite(struct nuncio_request *rq, void *user)
{
	add_or_invite(rq, user, 0);
}

/* ---- what the admins say to a request ---- */

static void approve_append(struct task *t)
{
	const char *name = t->them;
	const struct nuncio_member_change member = added(t, t->them);
	const struct task_change change = { .what = NEWS_JOINED,
		.members = &member,
		.member_count = 1,
		.members_max = t->g->options.max_members,
		.drops_request = 1 };
	if (t->users[0].result == RESULT_LIMIT) {
		task_refuse(t, NUNCIO_CODE_group_limit, "user: is in as many groups as allowed");
		return;
	}
	if (t->users[0].result == RESULT_REFUSED) {
		task_refuse(t, NUNCIO_CODE_denied, "user: may not be let into this group");
		return;
	}
	write_joined(t, &name, 1, "approve");
	task_append(t, &change);
}

#define WORDS_ANSWERED "user: has not asked to join this group, or was answered"

/* Whether there is a request that this one may answer; else it was refused. */
static int may_answer(struct task *t)
{
	const char *text;
	int code = rules_admin(&t->me, &text);
	if (code == 0 && !t->is_asked) {
		code = NUNCIO_CODE_not_found;
		text = WORDS_ANSWERED;
	}
	if (code != 0)
		task_refuse(t, code, text);
	return code == 0;
}

/* The request goes if nobody has answered it meanwhile; who has won over another is done's. */
static void drop_request(struct task *t, nuncio_written_fn *done)
{
	const struct nuncio_record_write write = { .size = sizeof write,
		.space = nuncio_text(SPACE_REQUEST),
		.owner = nuncio_text(t->conversation),
		.key = nuncio_text(t->them),
		.expect = (int64_t)t->asked_version };
	int rc = nuncio_store_write(t->g->self, &write, 1, done, t);
	if (rc < 0)
		task_fail(t, rc);
}

/* They are a member, so it does not matter who has answered. */
static void on_request_dropped(int status, void *user)
{
	struct task *t = user;
	if (status < 0 && status != NUNCIO_E_CONFLICT)
		task_fail(t, status);
	else
		task_reply_empty(t);
}

static void approve_decide(struct task *t)
{
	if (!may_answer(t))
		return;
	if (t->other.is_member) {
		drop_request(t, on_request_dropped);
		return;
	}
	if (!t->users)
		t->users = nuncio_alloc(sizeof *t->users);
	t->user_count = 1;
	t->users[0] = (struct task_user){ .result = RESULT_OPEN };
	memcpy(t->users[0].name, t->them, sizeof t->users[0].name);
	crowd_screen(t, 0, approve_append);
}

static void tell_rejected(const struct task *t)
{
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	task_put(json, "group", task_id(t));
	task_put(json, "conversation", nuncio_text(t->conversation));
	nuncio_json_object_end(json);
	nuncio_user_notify(nuncio_text(t->them), "group.rejected", nuncio_json_str(json), 0);
	nuncio_json_free(&json);
}

/* Another admin may have let them in meanwhile. */
static void on_rejected(int status, void *user)
{
	struct task *t = user;
	if (status == NUNCIO_E_CONFLICT) {
		task_refuse(t, NUNCIO_CODE_not_found, WORDS_ANSWERED);
	} else if (status < 0) {
		task_fail(t, status);
	} else {
		tell_rejected(t);
		task_reply_empty(t);
	}
}

static void reject_decide(struct task *t)
{
	if (may_answer(t))
		drop_request(t, on_rejected);
}

void ops_approve(struct nuncio_request *rq, void *user)
{
	struct task *t = task_new(user, rq);
	if (t && task_them(t) == 0)
		task_run(t, LOAD_THEM | LOAD_REQUEST, approve_decide, task_reply_empty);
}

void ops_reject(struct nuncio_request *rq, void *user)
{
	struct task *t = task_new(user, rq);
	if (t && task_them(t) == 0)
		task_run(t, LOAD_THEM | LOAD_REQUEST, reject_decide, NULL);
}

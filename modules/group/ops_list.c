/* SPDX-License-Identifier: MIT */
#include "ops.h"

/*
 * Pages: one's groups, a group's members, invitations, requests to join. Rows come in the order of
 * their key; `next` is the last one shown, and goes on behind it. A page ends early when it would
 * not fit into a packet.
 */

#include <stdlib.h>
#include <string.h>

#include <nuncio/timer.h>

#include "task.h"

enum { PAGE_DEFAULT = 50, PAGE_MAX = 100, ANSWER_BYTES = 60000 };

static uint32_t limit_of(struct nuncio_request *rq)
{
	int64_t limit = PAGE_DEFAULT;
	nuncio_request_int(rq, "limit", &limit);
	return limit < 1 || limit > PAGE_MAX ? PAGE_DEFAULT : (uint32_t)limit;
}

static void put_next(struct nuncio_json *json, struct nuncio_str next)
{
	nuncio_json_key(json, "next");
	if (next.n > 0)
		nuncio_json_put_text(json, next);
	else
		nuncio_json_put_null(json);
}

static int is_full(const struct nuncio_json *json)
{
	return nuncio_json_str(json).n > ANSWER_BYTES / 2;
}

/* ---- members ---- */

static void write_member(struct nuncio_json *json, const struct nuncio_member *row)
{
	nuncio_json_object_begin(json);
	task_put(json, "user", row->user);
	task_put(json, "role", nuncio_text(news_role_word(row->role)));
	task_put_time(json, "joined_at", row->joined_at_ms);
	task_put_time(json, "muted_until",
		row->muted_until_ms > nuncio_wall_ms() ? row->muted_until_ms : 0);
	nuncio_json_object_end(json);
}

static void on_members(int status, const struct nuncio_member *rows, size_t n, int more, void *user)
{
	struct task *t = user;
	struct nuncio_str next = { "", 0 };
	size_t i = 0;
	if (status < 0) {
		task_fail(t, status);
		return;
	}
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "members");
	nuncio_json_array_begin(json);
	for (; i < n && !is_full(json); i++)
		write_member(json, &rows[i]);
	nuncio_json_array_end(json);
	if (i > 0 && (more || i < n))
		next = rows[i - 1].user;
	put_next(json, next);
	nuncio_json_object_end(json);
	task_reply(t, 200, &json);
}

static void members_decide(struct task *t)
{
	const char *text;
	int rc, code = rules_list(&t->record, &t->me, t->role, &text);
	struct nuncio_str conversation = nuncio_text(t->conversation), after = nuncio_text(t->them);
	if (code != 0) {
		task_refuse(t, code, text);
		return;
	}
	if (t->role > NUNCIO_GROUP_MEMBER)
		rc = nuncio_store_members_by_role(t->g->self, conversation, t->role, after,
			(uint32_t)t->seconds, on_members, t);
	else
		rc = nuncio_store_members(
			t->g->self, conversation, after, (uint32_t)t->seconds, on_members, t);
	if (rc < 0)
		task_fail(t, rc);
}

/* t->them is where to go on, t->seconds the limit. */
void ops_members(struct nuncio_request *rq, void *user)
{
	struct task *t = task_new(user, rq);
	struct nuncio_str word;
	if (!t || task_text(t, "after", t->them, sizeof t->them, 0) < 0)
		return;
	if (nuncio_request_text(rq, "role", &word) && news_role_of(word, &t->role) < 0) {
		task_refuse(t, NUNCIO_CODE_invalid_field,
			"role: must be member, admin or owner; members with at least that role");
		return;
	}
	t->seconds = limit_of(rq);
	task_run(t, 0, members_decide, NULL);
}

/* ---- invitations, requests: records as they are ---- */

static void write_records(
	struct task *t, const char *name, const struct nuncio_record *rows, size_t n, int more)
{
	struct nuncio_str next = { "", 0 };
	struct nuncio_json *json = nuncio_json_new();
	size_t i = 0;
	nuncio_json_object_begin(json);
	nuncio_json_key(json, name);
	nuncio_json_array_begin(json);
	for (; i < n && !is_full(json); i++)
		nuncio_json_put_raw(json, rows[i].value);
	nuncio_json_array_end(json);
	if (i > 0 && (more || i < n))
		next = rows[i - 1].key;
	put_next(json, next);
	nuncio_json_object_end(json);
	task_reply(t, 200, &json);
}

static void on_invites(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	if (status < 0)
		task_fail(user, status);
	else
		write_records(user, "invites", rows, n, more);
}

static void on_requests(
	int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	if (status < 0)
		task_fail(user, status);
	else
		write_records(user, "requests", rows, n, more);
}

static void ask_records(
	struct task *t, const char *space, const char *owner, nuncio_records_fn *done)
{
	const struct nuncio_records_query query = { .size = sizeof query,
		.space = nuncio_text(space),
		.owner = nuncio_text(owner),
		.after_owner = nuncio_text(t->text[0] ? owner : ""),
		.after_key = nuncio_text(t->text),
		.limit = (uint32_t)t->seconds };
	int rc = nuncio_store_list(t->g->self, &query, done, t);
	if (rc < 0)
		task_fail(t, rc);
}

void ops_invites(struct nuncio_request *rq, void *user)
{
	struct task *t = task_new(user, rq);
	if (!t || task_text(t, "after", t->text, sizeof t->text, 0) < 0)
		return;
	t->seconds = limit_of(rq);
	ask_records(t, SPACE_INVITE, t->actor, on_invites);
}

static void requests_decide(struct task *t)
{
	const char *text;
	int code = rules_admin(&t->me, &text);
	if (code != 0)
		task_refuse(t, code, text);
	else
		ask_records(t, SPACE_REQUEST, t->conversation, on_requests);
}

void ops_requests(struct nuncio_request *rq, void *user)
{
	struct task *t = task_new(user, rq);
	if (!t || task_text(t, "after", t->text, sizeof t->text, 0) < 0)
		return;
	t->seconds = limit_of(rq);
	task_run(t, 0, requests_decide, NULL);
}

/* ---- one's groups ---- */

struct listed {
	struct standing standing;
	uint32_t member_count;
	int is_read;
	struct record record;
	char conversation[GROUP_CONVERSATION_BYTES + 1];
};

struct listing {
	struct task *task;
	size_t count, waiting;
	int status, more;
	struct listed *rows;
};

/* A record of one of them. */
struct listing_one {
	struct listing *listing;
	struct listed *row;
};

static void listing_reply(struct listing *listing)
{
	struct nuncio_json *json = nuncio_json_new();
	struct nuncio_str next = { "", 0 };
	size_t i = 0;
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "groups");
	nuncio_json_array_begin(json);
	for (; i < listing->count && !is_full(json); i++) {
		struct listed *row = &listing->rows[i];
		if (!row->is_read)
			continue; /* dissolved this moment */
		nuncio_json_object_begin(json);
		task_write_group(json, nuncio_text(row->conversation + sizeof PREFIX - 1),
			&row->record, &row->standing, row->member_count);
		nuncio_json_object_end(json);
	}
	nuncio_json_array_end(json);
	if (i > 0 && (listing->more || i < listing->count))
		next = nuncio_text(listing->rows[i - 1].conversation + sizeof PREFIX - 1);
	put_next(json, next);
	nuncio_json_object_end(json);
	task_reply(listing->task, 200, &json);
}

static void listing_arrived(struct listing *listing, int status)
{
	if (status < 0 && listing->status == 0)
		listing->status = status;
	if (--listing->waiting > 0)
		return;
	if (listing->status < 0)
		task_fail(listing->task, listing->status);
	else
		listing_reply(listing);
	free(listing->rows);
	free(listing);
}

static void on_listed(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct listing_one *one = user;
	struct listing *listing = one->listing;
	(void)more;
	if (status == 0 && n == 1)
		one->row->is_read = record_read(rows->value, &one->row->record) == 0 &&
				    !one->row->record.is_dissolved;
	free(one);
	listing_arrived(listing, status == NUNCIO_E_NOTFOUND ? 0 : status);
}

static void listing_ask(struct listing *listing, struct listed *row)
{
	struct listing_one *one = nuncio_alloc(sizeof *one);
	*one = (struct listing_one){ listing, row };
	int rc = nuncio_store_get(listing->task->g->self, nuncio_text(SPACE_GROUP),
		nuncio_text(row->conversation), (struct nuncio_str){ "", 0 }, on_listed, one);
	if (rc == 0) {
		listing->waiting++;
		return;
	}
	listing->status = rc;
	free(one);
}

static void on_memberships(
	int status, const struct nuncio_member *rows, size_t n, int more, void *user)
{
	struct task *t = user;
	if (status < 0) {
		task_fail(t, status);
		return;
	}
	struct listing *listing = nuncio_alloc(sizeof *listing);
	listing->task = t;
	listing->count = n;
	listing->more = more;
	listing->waiting = 1;
	listing->rows = nuncio_alloc((n + 1) * sizeof *listing->rows);
	for (size_t i = 0; i < n; i++) {
		struct listed *row = &listing->rows[i];
		row->standing = standing_of(&rows[i]);
		row->member_count = rows[i].member_count;
		memcpy(row->conversation, rows[i].conversation.p, rows[i].conversation.n);
		listing_ask(listing, row);
	}
	listing_arrived(listing, 0);
}

void ops_list(struct nuncio_request *rq, void *user)
{
	struct task *t = task_new(user, rq);
	if (!t || task_text(t, "after", t->them, sizeof t->them, 0) < 0)
		return;
	char after[GROUP_CONVERSATION_BYTES + 1] = "";
	if (t->them[0] && group_id_write(nuncio_text(t->them), after, sizeof after) < 0) {
		task_refuse(t, NUNCIO_CODE_invalid_field,
			"after: is not what an answer gave as `next`");
		return;
	}
	int rc = nuncio_store_memberships(t->g->self, nuncio_text(t->actor), nuncio_text(PREFIX),
		nuncio_text(after), limit_of(rq), on_memberships, t);
	if (rc < 0)
		task_fail(t, rc);
}

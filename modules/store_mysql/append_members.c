/* SPDX-License-Identifier: MIT */
/*
 * Members as an append changes them: the first ones of a new conversation, who may write, who
 * comes, goes and changes. The lock of the conversation's head covers all of it.
 */
#include "store_mysql.h"

static bool is_present(const struct member_row *row)
{
	return row->is_there && !row->member.until;
}

static void add(struct work *w, struct head *head, struct member_row *row, uint64_t since,
	const struct nuncio_member_change *change, int64_t joined_at_ms)
{
	struct nuncio_member *m = &row->member;
	WORK_KEEP_ROW(w, row);
	/* One who comes back does not un-read. */
	uint64_t delivered = row->is_there && m->delivered > since ? m->delivered : since;
	uint64_t read = row->is_there && m->read > since ? m->read : since;
	row->is_there = row->is_changed = true;
	m->role = change ? change->role : 0;
	m->delivered = delivered;
	m->read = read;
	m->since = since;
	m->until = 0;
	m->joined_at_ms = joined_at_ms;
	m->muted_until_ms = change ? change->muted_until_ms : 0;
	m->extra = change ? change->extra : (struct nuncio_str){ "", 0 };
	head->member_count++;
}

static void add_founders(struct work *w, struct head *head, const struct nuncio_job_append *in)
{
	for (size_t i = 0; i < in->founders_count; i++) {
		struct member_row *row = work_member(w, head, in->founders[i]);
		if (!is_present(row))
			add(w, head, row, 0, NULL, in->event.sent_at_ms);
	}
}

static int check_sender(struct work *w, struct head *head, const struct nuncio_job_append *in)
{
	if (!(in->flags & NUNCIO_APPEND_MEMBERS_ONLY) || !in->event.from.n)
		return 0;
	const struct member_row *row = work_member(w, head, in->event.from);
	if (is_present(row)) {
		bool is_muted = in->flags & NUNCIO_APPEND_UNMUTED &&
				row->member.muted_until_ms > in->event.sent_at_ms;
		return is_muted ? NUNCIO_E_EXPIRED : 0;
	}
	for (size_t i = 0; i < in->members_count; i++)
		if (in->members[i].op == NUNCIO_MEMBER_ADD &&
			nuncio_text_same(in->members[i].user, in->event.from))
			return 0;
	return NUNCIO_E_DENIED;
}

static void set(struct work *w, struct member_row *row, const struct nuncio_member_change *change)
{
	WORK_KEEP_ROW(w, row);
	row->is_changed = true;
	if (change->fields & NUNCIO_MEMBER_ROLE)
		row->member.role = change->role;
	if (change->fields & NUNCIO_MEMBER_MUTED)
		row->member.muted_until_ms = change->muted_until_ms;
	if (change->fields & NUNCIO_MEMBER_EXTRA)
		row->member.extra = change->extra;
}

static void leave(struct work *w, struct head *head, struct member_row *row)
{
	WORK_KEEP_ROW(w, row);
	row->is_changed = true;
	row->member.until = head->last_seq + 1;
	head->member_count--;
}

/* Those that this transaction does not know leave in one statement: write_rows.c. */
static void all_leave(struct work *w, struct head *head)
{
	for (struct thing *t = w->first[THING_MEMBER][head->thing.key.shard]; t; t = t->next) {
		struct member_row *row = (struct member_row *)t;
		if (t->key.head == head && is_present(row))
			leave(w, head, row);
	}
	head->member_count = 0;
	if (!head->all_left)
		head->all_left = head->last_seq + 1;
}

static int change_one(struct work *w, struct head *head, const struct nuncio_member_change *change,
	int64_t sent_at_ms)
{
	if (change->op == NUNCIO_MEMBER_REMOVE && !change->user.n) {
		all_leave(w, head);
		return 0;
	}
	struct member_row *row = work_member(w, head, change->user);
	bool is_tolerant = change->fields & NUNCIO_MEMBER_TOLERANT;
	if (change->op == NUNCIO_MEMBER_ADD) {
		if (is_present(row))
			return is_tolerant ? 0 : NUNCIO_E_EXISTS;
		bool sees_all = change->fields & NUNCIO_MEMBER_ALL_HISTORY;
		add(w, head, row, sees_all ? 0 : head->last_seq, change, sent_at_ms);
		return 0;
	}
	if (!is_present(row))
		return is_tolerant ? 0 : NUNCIO_E_NOTFOUND;
	if (change->expect_role >= 0 && row->member.role != (uint32_t)change->expect_role)
		return NUNCIO_E_CONFLICT;
	if (change->op == NUNCIO_MEMBER_SET)
		set(w, row, change);
	else
		leave(w, head, row);
	return 0;
}

/* head->last_seq is still that of the event before. */
int append_members(struct work *w, struct head *head, const struct nuncio_job_append *in)
{
	if (head->last_seq == 0)
		add_founders(w, head, in);
	int status = check_sender(w, head, in);
	for (size_t i = 0; i < in->members_count && status == 0; i++)
		status = change_one(w, head, &in->members[i], in->event.sent_at_ms);
	if (status == 0 && in->members_max && head->member_count > in->members_max)
		status = NUNCIO_E_TOOBIG;
	return status;
}

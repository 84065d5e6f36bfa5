/* SPDX-License-Identifier: MIT */
/*
 * Members: those who are there and those who have left, in order of user. Changed on a copy, which
 * takes the place of the old ones when everything else of the append is good.
 */
#include "store_memory.h"

#include <stdlib.h>
#include <string.h>

/* Where the user is, or would have to be. */
static size_t place_of(const struct log_members *members, struct nuncio_str user)
{
	size_t low = 0, high = members->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (nuncio_text_compare(members->all[middle].m.user, user) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct log_member *member_find(const struct log_members *members, struct nuncio_str user)
{
	size_t at = place_of(members, user);
	return at < members->count && nuncio_text_same(members->all[at].m.user, user)
		       ? &members->all[at]
		       : NULL;
}

struct log_member *member_present(const struct log_members *members, struct nuncio_str user)
{
	struct log_member *member = member_find(members, user);
	return member && !member->m.until ? member : NULL;
}

struct log_members member_copy(const struct log_members *members)
{
	struct log_members copy = members ? *members : (struct log_members){ 0 };
	copy.all = nuncio_resize(NULL, copy.count * sizeof(*copy.all));
	if (copy.count)
		memcpy(copy.all, members->all, copy.count * sizeof(*copy.all));
	return copy;
}

static struct log_member *put_in(
	struct log_members *members, struct pool *texts, struct nuncio_str user)
{
	size_t at = place_of(members, user);
	members->all = nuncio_resize(members->all, (members->count + 1) * sizeof(*members->all));
	memmove(members->all + at + 1, members->all + at,
		(members->count++ - at) * sizeof(*members->all));
	members->all[at] = (struct log_member){ .m = { .size = sizeof(struct nuncio_member),
							.user = pool_copy(texts, user) } };
	return &members->all[at];
}

void member_found(
	struct log_members *members, struct pool *texts, struct nuncio_str user, int64_t now_ms)
{
	if (member_find(members, user))
		return;
	put_in(members, texts, user)->m.joined_at_ms = now_ms;
	members->present++;
}

static uint64_t at_least(uint64_t cursor, uint64_t since)
{
	return cursor < since ? since : cursor;
}

static int add(struct log_members *members, struct pool *texts,
	const struct nuncio_member_change *change, uint64_t seq, int64_t now_ms)
{
	struct log_member *member = member_find(members, change->user);
	if (member && !member->m.until)
		return change->fields & NUNCIO_MEMBER_TOLERANT ? 0 : NUNCIO_E_EXISTS;
	if (!member)
		member = put_in(members, texts, change->user);
	struct nuncio_member *m = &member->m;
	m->since = change->fields & NUNCIO_MEMBER_ALL_HISTORY ? 0 : seq - 1;
	m->until = 0;
	m->delivered = at_least(m->delivered, m->since);
	m->read = at_least(m->read, m->since);
	m->joined_at_ms = now_ms;
	m->role = change->role;
	m->muted_until_ms = change->muted_until_ms;
	m->extra = pool_copy(texts, change->extra);
	members->present++;
	return 0;
}

static void set(
	struct nuncio_member *m, struct pool *texts, const struct nuncio_member_change *change)
{
	if (change->fields & NUNCIO_MEMBER_ROLE)
		m->role = change->role;
	if (change->fields & NUNCIO_MEMBER_MUTED)
		m->muted_until_ms = change->muted_until_ms;
	if (change->fields & NUNCIO_MEMBER_EXTRA)
		m->extra = pool_copy(texts, change->extra);
}

static void remove_all(struct log_members *members, uint64_t seq)
{
	for (size_t i = 0; i < members->count; i++)
		if (!members->all[i].m.until)
			members->all[i].m.until = seq;
	members->present = 0;
}

static int change_one(struct log_members *members, struct pool *texts,
	const struct nuncio_member_change *change, uint64_t seq, int64_t now_ms)
{
	if (change->op == NUNCIO_MEMBER_ADD)
		return add(members, texts, change, seq, now_ms);
	if (change->op == NUNCIO_MEMBER_REMOVE && !change->user.n) {
		remove_all(members, seq);
		return 0;
	}
	struct log_member *member = member_present(members, change->user);
	if (!member)
		return change->fields & NUNCIO_MEMBER_TOLERANT ? 0 : NUNCIO_E_NOTFOUND;
	if (change->expect_role >= 0 && member->m.role != (uint32_t)change->expect_role)
		return NUNCIO_E_CONFLICT;
	if (change->op == NUNCIO_MEMBER_SET) {
		set(&member->m, texts, change);
	} else {
		member->m.until = seq;
		members->present--;
	}
	return 0;
}

int member_change(struct log_members *members, struct pool *texts,
	const struct nuncio_job_append *in, uint64_t seq)
{
	int status = 0;
	for (size_t i = 0; i < in->members_count && status == 0; i++)
		status = change_one(members, texts, &in->members[i], seq, in->event.sent_at_ms);
	return status;
}

/* ---- Reading ---- */

struct nuncio_member member_row(const struct log *log, const struct log_member *member)
{
	struct nuncio_member row = member->m;
	row.conversation = log->id;
	row.last_seq = log->count;
	row.member_count = (uint32_t)log->members.present;
	return row;
}

int log_members(struct logs *l, const struct nuncio_job_members *q, struct nuncio_job *job)
{
	const struct log *log = table_find(&l->by_id, q->conversation);
	uint32_t count = 0;
	for (size_t i = 0; log && i < log->members.count; i++) {
		struct nuncio_member row = member_row(log, &log->members.all[i]);
		if (row.until || row.role < q->min_role ||
			nuncio_text_compare(row.user, q->after) <= 0)
			continue;
		if (count++ == q->limit) {
			nuncio_job_set_more(job, 1);
			break;
		}
		nuncio_job_add_member(job, &row);
	}
	return 0;
}

int log_member(struct logs *l, const struct nuncio_job_member *q, struct nuncio_job *job)
{
	const struct log *log = table_find(&l->by_id, q->conversation);
	const struct log_member *member = log ? member_find(&log->members, q->user) : NULL;
	if (!member)
		return NUNCIO_E_NOTFOUND;
	struct nuncio_member row = member_row(log, member);
	nuncio_job_add_member(job, &row);
	return 0;
}

static int by_id(const void *a, const void *b)
{
	return nuncio_text_compare(
		(*(const struct log *const *)a)->id, (*(const struct log *const *)b)->id);
}

int log_memberships(struct logs *l, const struct nuncio_job_memberships *q, struct nuncio_job *job)
{
	struct log **mine = nuncio_resize(NULL, l->count * sizeof(struct log *));
	size_t count = 0;
	for (size_t i = 0; i < l->count; i++)
		if (nuncio_text_starts(l->all[i]->id, q->prefix) &&
			nuncio_text_compare(l->all[i]->id, q->after) > 0 &&
			member_present(&l->all[i]->members, q->user))
			mine[count++] = l->all[i];
	qsort(mine, count, sizeof(struct log *), by_id);
	for (size_t i = 0; i < count && i < q->limit; i++) {
		struct nuncio_member row =
			member_row(mine[i], member_find(&mine[i]->members, q->user));
		nuncio_job_add_member(job, &row);
	}
	nuncio_job_set_more(job, count > q->limit);
	free(mine);
	return 0;
}

int log_membership_count(
	struct logs *l, const struct nuncio_job_memberships *q, struct nuncio_job *job)
{
	uint64_t count = 0;
	for (size_t i = 0; i < l->count && count < q->limit; i++)
		count += nuncio_text_starts(l->all[i]->id, q->prefix) &&
			 member_present(&l->all[i]->members, q->user);
	nuncio_job_set_membership_count(job, count);
	return 0;
}

int log_reached(struct logs *l, const struct nuncio_job_reached *q, struct nuncio_job *job)
{
	const struct log *log = table_find(&l->by_id, q->conversation);
	uint64_t delivered = 0, read = 0;
	for (size_t i = 0; log && i < log->members.count; i++) {
		const struct nuncio_member *m = &log->members.all[i].m;
		delivered += !m->until && m->delivered >= q->seq;
		read += !m->until && m->read >= q->seq;
	}
	nuncio_job_set_reached(job, delivered, read);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * One event into its log, on the rows that the transaction holds: the order of what can refuse it
 * is that of store_provider.h. Everything that changes is kept for undoing first.
 */
#include "store_mysql.h"

#include <stdlib.h>
#include <string.h>

/* extra holds members without braces; give it its braces back to compare it as JSON. */
static bool same_members(struct nuncio_str a, struct nuncio_str b)
{
	if (nuncio_text_same(a, b))
		return true;
	if (!a.n || !b.n)
		return false;
	char *text = nuncio_resize(NULL, a.n + b.n + 4);
	char *second = text + a.n + 2;
	text[0] = second[0] = '{';
	memcpy(text + 1, a.p, a.n);
	memcpy(second + 1, b.p, b.n);
	text[a.n + 1] = second[b.n + 1] = '}';
	bool equal = nuncio_json_equal((struct nuncio_str){ text, a.n + 2 },
			     (struct nuncio_str){ second, b.n + 2 }) != 0;
	free(text);
	return equal;
}

bool append_same(const struct nuncio_event *first, const struct nuncio_event *again)
{
	return nuncio_text_same(first->type, again->type) &&
	       nuncio_text_same(first->kind, again->kind) && first->target == again->target &&
	       same_members(first->extra, again->extra) &&
	       (first->changed || nuncio_json_equal(first->body, again->body));
}

void append_wants(struct work *w, const struct nuncio_job_append *in)
{
	struct head *head = work_head(w, in->event.conversation);
	if (!head->number)
		return;
	head->is_locked = true;
	if (w->is_careful && in->event.client_id.n)
		work_once(w, head, &in->event);
	if ((in->flags & NUNCIO_APPEND_MEMBERS_ONLY) && in->event.from.n)
		work_member(w, head, in->event.from);
	for (size_t i = 0; i < in->members_count; i++)
		if (in->members[i].user.n)
			work_member(w, head, in->members[i].user);
	if (in->event.target)
		work_target(w, head, in->event.target);
	record_wants(w, in->writes, in->writes_count);
}

/* The event itself, when this transaction adds it, or what was read; NULL: none. */
static struct nuncio_event *find_target(
	struct work *w, struct head *head, uint64_t seq, struct target_row **row_r)
{
	*row_r = NULL;
	if (seq <= head->first_seq) {
		*row_r = work_target(w, head, seq);
		return (*row_r)->is_there ? &(*row_r)->event : NULL;
	}
	for (size_t i = 0; i < w->event_count; i++)
		if (w->events[i].head == head && w->events[i].event.seq == seq)
			return &w->events[i].event;
	return NULL;
}

static void show_target(
	struct work *w, struct head *head, const struct nuncio_job_append *in, struct outcome *out)
{
	struct target_row *row;
	const struct nuncio_event *target =
		in->event.target ? find_target(w, head, in->event.target, &row) : NULL;
	out->has_now = target != NULL;
	if (target)
		out->now = *target;
}

/* 1: it was, and *out says how the job ends; 0: it is new. */
static int find_repeated(
	struct work *w, struct head *head, const struct nuncio_job_append *in, struct outcome *out)
{
	const struct nuncio_event *event = &in->event;
	if (!event->client_id.n)
		return 0;
	const struct once_row *once = work_find(w, &(struct thing_key){ .kind = THING_ONCE,
							   .shard = head->thing.key.shard,
							   .head = head,
							   .a = event->from,
							   .b = event->client_id });
	if (!once || !once->is_there)
		return 0;
	if (!append_same(&once->event, event)) {
		out->status = NUNCIO_E_CONFLICT;
		return 1;
	}
	out->has_appended = out->duplicate = true;
	out->seq = once->event.seq;
	out->id = once->event.id;
	out->sent_at_ms = once->event.sent_at_ms;
	show_target(w, head, in, out);
	return 1;
}

static int change_target(struct work *w, struct head *head, const struct nuncio_job_append *in)
{
	struct target_row *row;
	if (!in->event.target)
		return 0;
	struct nuncio_event *target = find_target(w, head, in->event.target, &row);
	if (!target)
		return NUNCIO_E_NOTFOUND;
	if (target->changed != in->expect_changed)
		return NUNCIO_E_CONFLICT;
	struct nuncio_str body = in->target_body.p ? in->target_body : target->body;
	struct nuncio_str state = in->target_state.p ? in->target_state : target->state;
	if (body.n + state.n + target->extra.n > NUNCIO_EVENT_BYTES)
		return NUNCIO_E_TOOBIG;
	if (row)
		WORK_KEEP_ROW(w, row);
	else
		work_keep(w, target, sizeof(*target));
	if (row)
		row->is_changed = true;
	target->body = body;
	target->state = state;
	target->flags |= in->target_flags;
	target->changed = head->last_seq + 1;
	return 0;
}

static void add_event(struct work *w, struct head *head, const struct nuncio_job_append *in)
{
	struct fresh_event *fresh = &w->events[w->event_count++];
	*fresh = (struct fresh_event){ .head = head, .event = in->event, .in = in };
	fresh->event.seq = ++head->last_seq;
	fresh->event.changed = 0;
	fresh->event.state = (struct nuncio_str){ "", 0 };
	head->last_id = in->event.id;
	head->has_news = true;
	if (in->event.id > w->highest)
		w->highest = in->event.id;
	if (!in->event.client_id.n)
		return;
	struct once_row *once = work_once(w, head, &in->event);
	WORK_KEEP_ROW(w, once);
	once->is_there = true;
	once->event = fresh->event;
}

int append_apply(struct work *w, const struct nuncio_job_append *in, struct outcome *out)
{
	struct head *head = work_head(w, in->event.conversation);
	/* None was made for it, because nobody may write there: see first_rows.c. */
	if (!head->number)
		return NUNCIO_E_DENIED;
	if (find_repeated(w, head, in, out))
		return out->status;
	WORK_KEEP_ROW(w, head);
	int status = append_members(w, head, in);
	if (status == 0)
		status = change_target(w, head, in);
	if (status == 0)
		status = record_apply(w, in->writes, in->writes_count, head->last_seq + 1);
	if (status < 0)
		return status;
	add_event(w, head, in);
	out->has_appended = true;
	out->seq = head->last_seq;
	out->id = in->event.id;
	out->sent_at_ms = in->event.sent_at_ms;
	show_target(w, head, in, out);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Conversations in memory: appending and cursors. An append is checked whole, on a copy of the
 * members, before anything of it is there; the writes of records come last, since they undo
 * themselves.
 */
#include "store_memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void logs_init(struct logs *l)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char random[16];
	*l = (struct logs){ 0 };
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		abort();
	for (size_t i = 0; i < 32; i++)
		l->uuid[i] = digits[random[i / 2] >> (i % 2 * 4) & 15];
}

void logs_fini(struct logs *l)
{
	for (size_t i = 0; i < l->count; i++) {
		free(l->all[i]->members.all);
		free(l->all[i]->events);
		free(l->all[i]);
	}
	for (size_t i = 0; i < l->event_count; i++)
		free(l->timeline[i]);
	free(l->all);
	free(l->timeline);
	table_fini(&l->by_id);
	table_fini(&l->by_once);
	pool_fini(&l->texts);
}

static struct log *add_log(struct logs *l, struct nuncio_str id)
{
	struct log *log = nuncio_resize(NULL, sizeof(*log));
	*log = (struct log){ .id = pool_copy(&l->texts, id) };
	if (l->count == l->size) {
		l->size = l->size ? l->size * 2 : 64;
		l->all = nuncio_resize(l->all, l->size * sizeof(struct log *));
	}
	l->all[l->count++] = log;
	*table_place(&l->by_id, id) = log;
	return log;
}

/* ---- Sending again ---- */

/* (conversation, sender, client_id) as one text: lengths first, so that no two can be confused. */
static struct nuncio_str once_key(const struct nuncio_event *event)
{
	size_t lengths[2] = { event->conversation.n, event->from.n };
	struct nuncio_str parts[] = { { (const char *)lengths, sizeof(lengths) },
		event->conversation, event->from, event->client_id };
	char *key = nuncio_resize(
		NULL, sizeof(lengths) + event->conversation.n + event->from.n + event->client_id.n);
	char *room = key;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		text_move(&parts[i], &room);
	return (struct nuncio_str){ key, (size_t)(room - key) };
}

/* extra holds members without braces; give it its braces back to compare it as JSON. */
static bool same_members(struct nuncio_str a, struct nuncio_str b)
{
	if (nuncio_text_same(a, b))
		return true;
	char *text = nuncio_resize(NULL, a.n + b.n + 4), *room = text;
	struct nuncio_str parts[] = { { "{", 1 }, a, { "}{", 2 }, b, { "}", 1 } };
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		text_move(&parts[i], &room);
	bool equal = nuncio_json_equal((struct nuncio_str){ text, a.n + 2 },
			     (struct nuncio_str){ text + a.n + 2, b.n + 2 }) != 0;
	free(text);
	return equal;
}

/* What the body of a changed event was nobody knows any more. */
static bool same_content(const struct nuncio_event *first, const struct nuncio_event *again)
{
	return nuncio_text_same(first->type, again->type) &&
	       nuncio_text_same(first->kind, again->kind) && first->target == again->target &&
	       same_members(first->extra, again->extra) &&
	       (first->changed || nuncio_json_equal(first->body, again->body));
}

static int answer_again(const struct log *log, const struct log_event *first,
	const struct nuncio_event *again, struct nuncio_job *job)
{
	const struct nuncio_event *e = &first->e;
	if (!same_content(e, again))
		return NUNCIO_E_CONFLICT;
	nuncio_job_set_appended(job, e->seq, e->id, e->sent_at_ms, 1);
	if (e->target)
		nuncio_job_add_event(job, &log->events[e->target - 1]->e);
	return 0;
}

/* ---- Checking ---- */

/* What an append will do, when it does. */
struct draft {
	struct log *log; /* NULL: it is new */
	uint64_t seq;
	struct log_members members; /* a copy if they change, else all is NULL */
	struct log_event *target;
};

static bool adds(const struct nuncio_job_append *in, struct nuncio_str user)
{
	for (size_t i = 0; i < in->members_count; i++)
		if (in->members[i].op == NUNCIO_MEMBER_ADD &&
			nuncio_text_same(in->members[i].user, user))
			return true;
	return false;
}

static int check_sender(const struct log_members *members, const struct nuncio_job_append *in)
{
	struct nuncio_str from = in->event.from;
	if (!(in->flags & NUNCIO_APPEND_MEMBERS_ONLY) || !from.n)
		return 0;
	const struct log_member *member = member_present(members, from);
	if (!member)
		return adds(in, from) ? 0 : NUNCIO_E_DENIED;
	if (in->flags & NUNCIO_APPEND_UNMUTED && member->m.muted_until_ms > in->event.sent_at_ms)
		return NUNCIO_E_EXPIRED;
	return 0;
}

static int draft_members(
	struct draft *draft, struct pool *texts, const struct nuncio_job_append *in)
{
	bool is_same = draft->log && !in->members_count;
	const struct log_members *members = is_same ? &draft->log->members : &draft->members;
	if (!is_same)
		draft->members = member_copy(draft->log ? &draft->log->members : NULL);
	for (size_t i = 0; i < in->founders_count && !draft->log; i++)
		member_found(&draft->members, texts, in->founders[i], in->event.sent_at_ms);
	int status = check_sender(members, in);
	if (status < 0)
		return status;
	status = is_same ? 0 : member_change(&draft->members, texts, in, draft->seq);
	if (status == 0 && in->members_max && members->present > in->members_max)
		return NUNCIO_E_TOOBIG;
	return status;
}

static int draft_target(struct draft *draft, const struct nuncio_job_append *in)
{
	uint64_t seq = in->event.target;
	if (!seq)
		return 0;
	if (!draft->log || seq > draft->log->count)
		return NUNCIO_E_NOTFOUND;
	draft->target = draft->log->events[seq - 1];
	const struct nuncio_event *e = &draft->target->e;
	if (e->changed != in->expect_changed)
		return NUNCIO_E_CONFLICT;
	size_t body = in->target_body.p ? in->target_body.n : e->body.n;
	size_t state = in->target_state.p ? in->target_state.n : e->state.n;
	return body + e->extra.n + state > NUNCIO_EVENT_BYTES ? NUNCIO_E_TOOBIG : 0;
}

/* ---- Doing ---- */

/* One allocation: the struct, mentions, then texts. The conversation's id is the log's. */
static struct log_event *make_event(const struct nuncio_job_append *in, const struct log *log)
{
	const struct nuncio_event *event = &in->event;
	size_t mentions = in->mentions_count * sizeof(struct nuncio_str), bytes = 0;
	for (size_t i = 0; i < in->mentions_count; i++)
		bytes += in->mentions[i].n;
	struct log_event *e = nuncio_resize(
		NULL, sizeof(*e) + mentions + bytes + event->type.n + event->from.n +
			      event->client_id.n + event->kind.n + event->body.n + event->extra.n);
	struct nuncio_str *users = (struct nuncio_str *)(e + 1);
	char *room = (char *)(e + 1) + mentions;
	*e = (struct log_event){
		.e = *event, .mentions = users, .mentions_count = in->mentions_count
	};
	e->e.size = sizeof(e->e);
	e->e.conversation = log->id;
	e->e.state = (struct nuncio_str){ "", 0 };
	text_move(&e->e.type, &room);
	text_move(&e->e.from, &room);
	text_move(&e->e.client_id, &room);
	text_move(&e->e.kind, &room);
	text_move(&e->e.body, &room);
	text_move(&e->e.extra, &room);
	for (size_t i = 0; i < in->mentions_count; i++) {
		users[i] = in->mentions[i];
		text_move(&users[i], &room);
	}
	return e;
}

static void add_event(struct logs *l, struct log *log, struct log_event *e)
{
	if (log->count == log->size) {
		log->size = log->size ? log->size * 2 : 16;
		log->events = nuncio_resize(log->events, log->size * sizeof(struct log_event *));
	}
	if (l->event_count == l->event_size) {
		l->event_size = l->event_size ? l->event_size * 2 : 256;
		l->timeline =
			nuncio_resize(l->timeline, l->event_size * sizeof(struct log_event *));
	}
	log->events[log->count++] = e;
	e->e.seq = log->count;
	e->change = ++l->change;
	l->timeline[l->event_count++] = e;
}

static void change_target(struct pool *texts, struct nuncio_event *target,
	const struct nuncio_job_append *in, uint64_t seq)
{
	if (in->target_body.p)
		target->body = pool_copy(texts, in->target_body);
	if (in->target_state.p)
		target->state = pool_copy(texts, in->target_state);
	target->flags |= in->target_flags;
	target->changed = seq;
}

static struct log_event *carry_out(
	struct logs *l, struct draft *draft, const struct nuncio_job_append *in)
{
	struct log *log = draft->log ? draft->log : add_log(l, in->event.conversation);
	if (draft->members.all) {
		free(log->members.all);
		log->members = draft->members;
		draft->members.all = NULL;
	}
	if (draft->target)
		change_target(&l->texts, &draft->target->e, in, draft->seq);
	struct log_event *e = make_event(in, log);
	add_event(l, log, e);
	return e;
}

int log_append(struct logs *l, struct records *r, const struct nuncio_job_append *in,
	struct nuncio_job *job)
{
	const struct nuncio_event *event = &in->event;
	struct nuncio_str key =
		event->client_id.n ? once_key(event) : (struct nuncio_str){ NULL, 0 };
	nuncio_id highest = l->event_count ? l->timeline[l->event_count - 1]->e.id : 0;
	struct draft draft = { .log = table_find(&l->by_id, event->conversation) };
	const struct log_event *first = key.p && draft.log ? table_find(&l->by_once, key) : NULL;
	draft.seq = draft.log ? draft.log->count + 1 : 1;
	int status = 0;
	if (first)
		status = answer_again(draft.log, first, event, job);
	else if (event->id <= highest || event->id > INT64_MAX)
		status = NUNCIO_E_INVAL; /* the timeline is in order of id */
	else if ((status = draft_members(&draft, &l->texts, in)) == 0 &&
		 (status = draft_target(&draft, in)) == 0)
		status = records_write(r, l, in->writes, in->writes_count, draft.seq);
	if (!first && status == 0) {
		struct log_event *e = carry_out(l, &draft, in);
		if (key.p)
			*table_place(&l->by_once, key) = e;
		nuncio_job_set_appended(job, e->e.seq, event->id, event->sent_at_ms, 0);
		if (draft.target)
			nuncio_job_add_event(job, &draft.target->e);
	}
	free(draft.members.all);
	free((char *)key.p);
	return status;
}

/* ---- Cursors ---- */

/* 1 if it rose. */
static int raise_to(uint64_t *cursor, uint64_t seq, uint64_t last)
{
	if (seq > last)
		seq = last;
	if (*cursor >= seq)
		return 0;
	*cursor = seq;
	return 1;
}

int log_mark(struct logs *l, const struct nuncio_job_mark *in, struct nuncio_job *job)
{
	const struct log *log = table_find(&l->by_id, in->conversation);
	struct log_member *member = log ? member_present(&log->members, in->user) : NULL;
	if (!member)
		return NUNCIO_E_NOTFOUND;
	int rose = raise_to(&member->m.read, in->read, log->count);
	rose |= raise_to(&member->m.delivered, in->delivered, log->count);
	rose |= raise_to(&member->m.delivered, in->read, log->count);
	if (rose) {
		struct nuncio_member row = member_row(log, member);
		member->change = ++l->change;
		nuncio_job_add_member(job, &row);
	}
	return 0;
}

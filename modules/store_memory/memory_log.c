/* SPDX-License-Identifier: MIT */
/* Conversations in memory: appending, founders, cursors. Reading them is in memory_read.c. */
#include "store_memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static struct nuncio_str view(const struct text *text)
{
	return (struct nuncio_str){ text->p, text->n };
}

static struct text *copy(struct nuncio_str s)
{
	struct text *text = memory_resize(NULL, sizeof(*text) + s.n);
	text->n = s.n;
	if (s.n)
		memcpy(text->p, s.p, s.n);
	return text;
}

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
		struct log *log = l->all[i];
		for (size_t k = 0; k < log->member_count; k++)
			free(log->members[k].user);
		free(log->members);
		free(log->events);
		free(log->id);
		free(log);
	}
	for (size_t i = 0; i < l->event_count; i++)
		free(l->timeline[i]);
	free(l->all);
	free(l->timeline);
	table_fini(&l->by_id);
	table_fini(&l->by_once);
}

static struct log *add_log(struct logs *l, struct nuncio_str id)
{
	struct log *log = memory_resize(NULL, sizeof(*log));
	*log = (struct log){ .id = copy(id) };
	if (l->count == l->size) {
		l->size = l->size ? l->size * 2 : 64;
		l->all = memory_resize(l->all, l->size * sizeof(struct log *));
	}
	l->all[l->count++] = log;
	*table_place(&l->by_id, id) = log;
	return log;
}

/* Where the user is, or would have to be. */
static size_t member_place(const struct log *log, struct nuncio_str user)
{
	size_t at = 0;
	while (at < log->member_count && text_compare(view(log->members[at].user), user) < 0)
		at++;
	return at;
}

struct log_member *log_member(const struct log *log, struct nuncio_str user)
{
	size_t at = member_place(log, user);
	return at < log->member_count && text_same(view(log->members[at].user), user)
		       ? &log->members[at]
		       : NULL;
}

static void add_member(struct log *log, struct nuncio_str user)
{
	if (log_member(log, user))
		return;
	size_t at = member_place(log, user);
	log->members = memory_resize(log->members, (log->member_count + 1) * sizeof(*log->members));
	memmove(log->members + at + 1, log->members + at,
		(log->member_count++ - at) * sizeof(*log->members));
	log->members[at] = (struct log_member){ .user = copy(user) };
}

/* One allocation: the struct, then its texts. The conversation's id is the log's. */
static struct nuncio_event *copy_event(const struct nuncio_event *event, const struct log *log)
{
	struct nuncio_event *e = memory_resize(NULL, sizeof(*e) + event->type.n + event->from.n +
							     event->client_id.n + event->kind.n +
							     event->body.n + event->extra.n);
	char *room = (char *)(e + 1);
	*e = *event;
	e->size = sizeof(*e);
	e->conversation = view(log->id);
	text_move(&e->type, &room);
	text_move(&e->from, &room);
	text_move(&e->client_id, &room);
	text_move(&e->kind, &room);
	text_move(&e->body, &room);
	text_move(&e->extra, &room);
	return e;
}

/* (conversation, sender, client_id) as one text: lengths first, so that no two can be confused. */
static struct text *once_key(const struct nuncio_event *event)
{
	size_t lengths[2] = { event->conversation.n, event->from.n };
	struct nuncio_str parts[] = { { (const char *)lengths, sizeof(lengths) },
		event->conversation, event->from, event->client_id };
	struct text *key =
		memory_resize(NULL, sizeof(*key) + sizeof(lengths) + event->conversation.n +
					    event->from.n + event->client_id.n);
	char *room = key->p;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		text_move(&parts[i], &room);
	key->n = (size_t)(room - key->p);
	return key;
}

/* extra holds members without braces; give it its braces back to compare it as JSON. */
static bool same_members(struct nuncio_str a, struct nuncio_str b)
{
	if (text_same(a, b))
		return true;
	char *text = memory_resize(NULL, a.n + b.n + 4), *room = text;
	struct nuncio_str parts[] = { { "{", 1 }, a, { "}{", 2 }, b, { "}", 1 } };
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		text_move(&parts[i], &room);
	bool equal = nuncio_json_equal((struct nuncio_str){ text, a.n + 2 },
			     (struct nuncio_str){ text + a.n + 2, b.n + 2 }) != 0;
	free(text);
	return equal;
}

static bool same_content(const struct nuncio_event *a, const struct nuncio_event *b)
{
	return text_same(a->kind, b->kind) && same_members(a->extra, b->extra) &&
	       nuncio_json_equal(a->body, b->body);
}

static void add_event(
	struct logs *l, struct log *log, const struct nuncio_event *event, void **once)
{
	struct nuncio_event *e = copy_event(event, log);
	if (log->count == log->size) {
		log->size = log->size ? log->size * 2 : 16;
		log->events = memory_resize(log->events, log->size * sizeof(struct nuncio_event *));
	}
	if (l->event_count == l->event_size) {
		l->event_size = l->event_size ? l->event_size * 2 : 256;
		l->timeline =
			memory_resize(l->timeline, l->event_size * sizeof(struct nuncio_event *));
	}
	log->events[log->count++] = e;
	e->seq = log->count;
	l->timeline[l->event_count++] = e;
	if (once)
		*once = e;
}

int log_append(struct logs *l, struct records *r, const struct nuncio_job_append *in,
	struct nuncio_job *job)
{
	const struct nuncio_event *event = &in->event;
	struct text *key = event->client_id.n ? once_key(event) : NULL;
	const struct nuncio_event *first = key ? table_find(&l->by_once, view(key)) : NULL;
	nuncio_id highest = l->event_count ? l->timeline[l->event_count - 1]->id : 0;
	int status = 0;
	if (first && !same_content(first, event))
		status = NUNCIO_E_CONFLICT;
	else if (first)
		nuncio_job_set_appended(job, first->seq, first->id, first->sent_at_ms, 1);
	else if (event->id <= highest || event->id > INT64_MAX)
		status = NUNCIO_E_INVAL; /* the timeline is in order of id */
	else
		status = records_write(r, in->writes, in->writes_count);
	if (first || status < 0) {
		free(key);
		return status;
	}
	struct log *log = table_find(&l->by_id, event->conversation);
	if (!log) {
		log = add_log(l, event->conversation);
		for (size_t i = 0; i < in->founders_count; i++)
			add_member(log, in->founders[i]);
	}
	add_event(l, log, event, key ? table_place(&l->by_once, view(key)) : NULL);
	free(key);
	nuncio_job_set_appended(job, log->count, event->id, event->sent_at_ms, 0);
	return 0;
}

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
	struct log_member *member = log ? log_member(log, in->user) : NULL;
	if (!member)
		return NUNCIO_E_NOTFOUND;
	int rose = raise_to(&member->read, in->read, log->count);
	rose |= raise_to(&member->delivered, in->delivered, log->count);
	rose |= raise_to(&member->delivered, in->read, log->count);
	if (rose)
		nuncio_job_add_member(
			job, &(struct nuncio_member){ .size = sizeof(struct nuncio_member),
				     .user = in->user,
				     .delivered = member->delivered,
				     .read = member->read });
	return 0;
}

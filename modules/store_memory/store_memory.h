/* SPDX-License-Identifier: MIT */
#ifndef STORE_MEMORY_H
#define STORE_MEMORY_H

/*
 * What the files of this module share. Everything belongs to the one lane, so there are no locks.
 */

#include <nuncio/json.h>
#include <nuncio/search.h>
#include <nuncio/store_provider.h>
#include <nuncio/text.h>
#include <nuncio/timer.h>

#include <stdbool.h>

/* --- memory_text.c: copies of texts, and a table from text to pointer --- */
/* Makes *to a copy of itself at *room, and moves *room behind it. */
void text_move(struct nuncio_str *to, char **room);
/* Decimal, at most 19 digits; the empty text is `empty`. */
bool text_number(struct nuncio_str text, uint64_t empty, uint64_t *number_r);

/* Texts that stay until everything goes. */
struct pool {
	struct pool_text *newest;
};
struct nuncio_str pool_copy(struct pool *pool, struct nuncio_str s);
void pool_fini(struct pool *pool);

struct table_entry;
struct table {
	struct table_entry *entries;
	size_t count, size;
};
void **table_place(struct table *t, struct nuncio_str key); /* made with NULL in it if missing */
void *table_find(const struct table *t, struct nuncio_str key);
void table_fini(struct table *t);

/* --- memory_log.c: conversations and their events --- */
struct log_event {
	struct nuncio_event e;
	uint64_t change; /* number of the change that wrote it */
	const struct nuncio_str *mentions;
	size_t mentions_count;
};

struct log_member {
	struct nuncio_member m; /* until: has left */
	uint64_t change;        /* number of the last mark */
};

struct log_members {
	struct log_member *all; /* in order of user, also those who have left */
	size_t count, present;
};

struct log {
	struct nuncio_str id;
	struct log_event **events; /* events[seq - 1] */
	size_t count, size;
	struct log_members members;
};

/*
 * Changes are numbered as they are committed, which here is as they come: the number of the last
 * one that somebody has seen is all there is in a cursor.
 */
struct logs {
	struct log **all;
	size_t count, size;
	struct log_event **timeline; /* events of all logs in order of id and change */
	size_t event_count, event_size;
	struct table by_id;   /* conversation id to struct log */
	struct table by_once; /* conversation, sender and client_id to struct log_event */
	struct pool texts;
	uint64_t change;    /* number of the last one */
	uint64_t forgotten; /* highest change that sync can no longer tell: a deleted record */
	char uuid[33];
};
struct records;
void logs_init(struct logs *l);
void logs_fini(struct logs *l);
int log_append(struct logs *l, struct records *r, const struct nuncio_job_append *in,
	struct nuncio_job *job);
int log_mark(struct logs *l, const struct nuncio_job_mark *in, struct nuncio_job *job);

/* --- memory_member.c: who is in a conversation --- */
struct log_member *member_find(const struct log_members *members, struct nuncio_str user);
struct log_member *member_present(const struct log_members *members, struct nuncio_str user);
struct log_members member_copy(const struct log_members *members); /* texts are shared */
void member_found(
	struct log_members *members, struct pool *texts, struct nuncio_str user, int64_t now_ms);
/* The changes of an append whose event is `event`: 0, or the first that fails. */
int member_change(struct log_members *members, struct pool *texts,
	const struct nuncio_job_append *in, uint64_t seq);
/* As it is answered. */
struct nuncio_member member_row(const struct log *log, const struct log_member *member);
int log_members(struct logs *l, const struct nuncio_job_members *q, struct nuncio_job *job);
int log_member(struct logs *l, const struct nuncio_job_member *q, struct nuncio_job *job);
int log_memberships(struct logs *l, const struct nuncio_job_memberships *q, struct nuncio_job *job);
int log_membership_count(
	struct logs *l, const struct nuncio_job_memberships *q, struct nuncio_job *job);
int log_reached(struct logs *l, const struct nuncio_job_reached *q, struct nuncio_job *job);

/* --- memory_read.c: pages and lists --- */
/* A page being filled: says no when another row would be beyond a limit; the first always fits. */
struct page {
	uint32_t limit, max_bytes, count;
	size_t bytes;
};
bool page_takes(struct page *page, size_t bytes);
/* Of its texts, with those of `now`. */
size_t event_bytes(const struct nuncio_event *e);
/* An event as it is shown; the target of one that changes another if it is above `since`. */
struct nuncio_event event_shown(const struct log *log, const struct log_event *e, uint64_t since);
bool event_is_message(const struct nuncio_event *e); /* and not taken back */
bool member_sees(const struct log_member *member, uint64_t seq);
int log_events(struct logs *l, const struct nuncio_events_query *q, struct nuncio_job *job);
int log_conversations(
	struct logs *l, const struct nuncio_job_conversations *q, struct nuncio_job *job);

/* --- memory_sync.c, memory_search.c --- */
int log_sync(struct logs *l, struct records *r, const struct nuncio_sync_query *q,
	struct nuncio_job *job);
int log_search(struct logs *l, const struct nuncio_search_query *q, struct nuncio_job *job);

/* --- memory_record.c: records, an array in order of (space, owner, key) --- */
struct record {
	struct nuncio_record r; /* value.p NULL: was deleted, which sync still tells */
	uint64_t change;        /* number of the last write that sync tells; 0: none */
	int64_t deleted_at_ms;
};
struct records {
	struct record **all;
	size_t count, size;
};
void records_fini(struct records *r);
/* seq: of the event that these are one with; 0: they are alone. */
int records_write(struct records *r, struct logs *l, const struct nuncio_record_write *writes,
	size_t n, uint64_t seq);
int records_get(struct records *r, const struct nuncio_record *q, struct nuncio_job *job);
int records_list(struct records *r, const struct nuncio_records_query *q, struct nuncio_job *job);
bool record_is_live(const struct record *record, int64_t now_ms);
void records_expire(struct records *r, struct logs *l);

#endif

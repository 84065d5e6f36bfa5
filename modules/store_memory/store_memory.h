/* SPDX-License-Identifier: MIT */
#ifndef STORE_MEMORY_H
#define STORE_MEMORY_H

/*
 * What the files of this module share. Everything belongs to the one lane, so there are no locks.
 */

#include <nuncio/json.h>
#include <nuncio/store_provider.h>
#include <nuncio/timer.h>

#include <stdbool.h>

/* --- memory_text.c: copies of texts, and a table from text to pointer --- */
struct text {
	size_t n;
	char p[];
};
void *memory_resize(void *p, size_t bytes); /* aborts instead of returning NULL */
bool text_same(struct nuncio_str a, struct nuncio_str b);
int text_compare(struct nuncio_str a, struct nuncio_str b);
bool text_has_prefix(struct nuncio_str text, struct nuncio_str prefix);
/* Makes *to a copy of itself at *room, and moves *room behind it. */
void text_move(struct nuncio_str *to, char **room);

struct table_entry;
struct table {
	struct table_entry *entries;
	size_t count, size;
};
void **table_place(struct table *t, struct nuncio_str key); /* made with NULL in it if missing */
void *table_find(const struct table *t, struct nuncio_str key);
void table_fini(struct table *t);

/* --- memory_log.c: conversations and their events --- */
struct log_member {
	struct text *user;
	uint64_t delivered, read;
};
struct log {
	struct text *id;
	struct nuncio_event **events; /* events[seq - 1] */
	size_t count, size;
	struct log_member *members; /* in order of user */
	size_t member_count;
};
struct logs {
	struct log **all;
	size_t count, size;
	struct nuncio_event **timeline; /* events of all logs in order of id */
	size_t event_count, event_size;
	struct table by_id;   /* conversation id to struct log */
	struct table by_once; /* conversation, sender and client_id to struct nuncio_event */
	char uuid[33];
};
struct records;
void logs_init(struct logs *l);
void logs_fini(struct logs *l);
int log_append(struct logs *l, struct records *r, const struct nuncio_job_append *in,
	struct nuncio_job *job);
int log_mark(struct logs *l, const struct nuncio_job_mark *in, struct nuncio_job *job);
struct log_member *log_member(const struct log *log, struct nuncio_str user);

/* --- memory_read.c --- */
int log_events(struct logs *l, const struct nuncio_events_query *q, struct nuncio_job *job);
int log_sync(struct logs *l, const struct nuncio_sync_query *q, struct nuncio_job *job);
int log_conversations(
	struct logs *l, const struct nuncio_job_conversations *q, struct nuncio_job *job);
int log_members(struct logs *l, const struct nuncio_job_members *q, struct nuncio_job *job);

/* --- memory_record.c: records, an array in order of (space, owner, key) --- */
struct records {
	struct nuncio_record **all;
	size_t count, size;
};
void records_fini(struct records *r);
int records_write(struct records *r, const struct nuncio_record_write *writes, size_t n);
int records_get(struct records *r, const struct nuncio_record *q, struct nuncio_job *job);
int records_list(struct records *r, const struct nuncio_records_query *q, struct nuncio_job *job);
void records_expire(struct records *r);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A job: one question to the store with its input, its place in a queue and its answer. The logic
 * thread makes it, a lane hands it to the store, the store adds rows and ends it once, from any
 * thread; then it is the logic thread's again. Touching a job that is done, or ending it twice,
 * ends the process: the store would be writing into somebody else's memory.
 */
#include "provide/job.h"

#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "provide/lane.h"
#include "provide/sized.h"

enum { JOB_LIVE = 0x10b0a110, JOB_DONE = 0x10b0d0e1 };

struct nuncio_job *job_new(
	uint32_t kind, size_t block_bytes, void (*fn)(struct call *call), void *owner)
{
	struct nuncio_job *job = alloc_get(sizeof(*job) + block_bytes);
	memset(job, 0, sizeof(*job));
	atomic_init(&job->magic, JOB_LIVE);
	job->kind = kind;
	job->call.fn = fn;
	job->owner = owner;
	job->input = job->block;
	arena_init(&job->arena, 0);
	return job;
}

void job_free(struct nuncio_job **job)
{
	if (!*job)
		return;
	arena_fini(&(*job)->arena);
	for (size_t i = 0; i < JOB_ROWS; i++)
		alloc_free((*job)->rows[i].all);
	alloc_free(*job);
	*job = NULL;
}

void job_drop_rows(struct nuncio_job *job)
{
	for (size_t i = 0; i < JOB_ROWS; i++)
		job->rows[i].count = 0;
	job->cursor = (struct nuncio_str){ NULL, 0 };
	job->delivered = job->read = 0;
	job->more = false;
}

static void check_live(const struct nuncio_job *job, const char *what)
{
	if (!job || atomic_load(&job->magic) != JOB_LIVE)
		check_failed(__FILE__, __LINE__, "%s: no job, or one that is done", what);
}

uint32_t nuncio_job_kind(const struct nuncio_job *job)
{
	check_live(job, "nuncio_job_kind");
	return job->kind;
}

const void *nuncio_job_input(const struct nuncio_job *job)
{
	check_live(job, "nuncio_job_input");
	return job->input;
}

void nuncio_job_set_appended(
	struct nuncio_job *job, uint64_t seq, nuncio_id id, int64_t sent_at_ms, int duplicate)
{
	check_live(job, "nuncio_job_set_appended");
	job->has_appended = true;
	job->seq = seq;
	job->id = id;
	job->sent_at_ms = sent_at_ms;
	job->duplicate = duplicate != 0;
}

/* Room for one more row of `size` bytes, filled from the store's struct. */
static void *add_row(struct nuncio_job *job, enum job_row kind, size_t size, const void *from,
	uint32_t from_size)
{
	struct job_rows *rows = &job->rows[kind];
	check_live(job, "nuncio_job_add");
	if (from_size < 2 * sizeof(uint32_t))
		check_failed(__FILE__, __LINE__, "nuncio_job_add: a row without its size");
	if (rows->count == rows->room) {
		rows->room = rows->room ? rows->room * 2 : 8;
		rows->all = alloc_grow(rows->all, rows->room * size);
	}
	void *row = (char *)rows->all + rows->count++ * size;
	sized_take(row, size, from, from_size);
	return row;
}

/* p NULL says something in a record: it was deleted. */
static void keep(struct nuncio_job *job, struct nuncio_str *s)
{
	if (s->p)
		*s = arena_str(&job->arena, *s);
}

static void keep_event(struct nuncio_job *job, struct nuncio_event *event)
{
	event->size = sizeof(*event);
	keep(job, &event->conversation);
	keep(job, &event->type);
	keep(job, &event->from);
	keep(job, &event->client_id);
	keep(job, &event->kind);
	keep(job, &event->body);
	keep(job, &event->extra);
	keep(job, &event->state);
}

/* The event that `event` changes has none itself that would be shown. */
static void keep_now(struct nuncio_job *job, struct nuncio_event *event)
{
	if (!event->now)
		return;
	struct nuncio_event *now = arena_get(&job->arena, sizeof(*now));
	sized_take(now, sizeof(*now), event->now, event->now->size);
	keep_event(job, now);
	now->now = NULL;
	event->now = now;
}

void nuncio_job_add_event(struct nuncio_job *job, const struct nuncio_event *event)
{
	struct nuncio_event *kept = add_row(job, JOB_ROW_EVENT, sizeof(*kept), event, event->size);
	keep_event(job, kept);
	keep_now(job, kept);
}

void nuncio_job_add_conversation(struct nuncio_job *job, const struct nuncio_conversation_row *row)
{
	struct nuncio_conversation_row *kept =
		add_row(job, JOB_ROW_CONVERSATION, sizeof(*kept), row, row->size);
	kept->size = sizeof(*kept);
	keep(job, &kept->conversation);
	keep(job, &kept->peer);
	keep_event(job, &kept->last);
	keep_now(job, &kept->last);
}

void nuncio_job_add_member(struct nuncio_job *job, const struct nuncio_member *member)
{
	struct nuncio_member *kept =
		add_row(job, JOB_ROW_MEMBER, sizeof(*kept), member, member->size);
	kept->size = sizeof(*kept);
	keep(job, &kept->user);
	keep(job, &kept->conversation);
	keep(job, &kept->extra);
}

void nuncio_job_add_record(struct nuncio_job *job, const struct nuncio_record *record)
{
	struct nuncio_record *kept =
		add_row(job, JOB_ROW_RECORD, sizeof(*kept), record, record->size);
	kept->size = sizeof(*kept);
	keep(job, &kept->space);
	keep(job, &kept->owner);
	keep(job, &kept->key);
	keep(job, &kept->value);
}

void nuncio_job_set_cursor(struct nuncio_job *job, struct nuncio_str cursor)
{
	check_live(job, "nuncio_job_set_cursor");
	job->cursor = arena_str(&job->arena, cursor);
}

void nuncio_job_set_reached(struct nuncio_job *job, uint64_t delivered, uint64_t read)
{
	check_live(job, "nuncio_job_set_reached");
	job->delivered = delivered;
	job->read = read;
}

void nuncio_job_set_membership_count(struct nuncio_job *job, uint64_t count)
{
	check_live(job, "nuncio_job_set_membership_count");
	job->membership_count = count;
}

void nuncio_job_set_more(struct nuncio_job *job, int more)
{
	check_live(job, "nuncio_job_set_more");
	job->more = more != 0;
}

void nuncio_job_set_counts(struct nuncio_job *job, const struct nuncio_store_counts *counts)
{
	check_live(job, "nuncio_job_set_counts");
	sized_take(&job->counts, sizeof(job->counts), counts, counts->size);
}

void nuncio_job_set_gap(struct nuncio_job *job, int gap)
{
	check_live(job, "nuncio_job_set_gap");
	job->gap = gap != 0;
}

void nuncio_job_done(struct nuncio_job **job_ptr, int status)
{
	struct nuncio_job *job = *job_ptr;
	uint32_t live = JOB_LIVE;
	if (!job || !atomic_compare_exchange_strong(&job->magic, &live, JOB_DONE))
		check_failed(__FILE__, __LINE__, "nuncio_job_done: no job, or done twice");
	*job_ptr = NULL;
	job->status = status > 0 ? 0 : status;
	lane_answer(job->lane, job);
}

/* SPDX-License-Identifier: MIT */
#ifndef PROVIDE_JOB_H
#define PROVIDE_JOB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nuncio/store_provider.h>

#include "base/arena.h"
#include "loop/caller.h"

/*
 * Jobs for the store. A job belongs to the logic thread, then to its queue, then to the store until
 * nuncio_job_done, and then comes back to the logic thread as a call.
 */
struct lane;

/* Rows of one kind, in our size. */
enum job_row { JOB_ROW_EVENT, JOB_ROW_CONVERSATION, JOB_ROW_MEMBER, JOB_ROW_RECORD, JOB_ROWS };
struct job_rows {
	void *all;
	size_t count, room;
};

struct nuncio_job {
	struct call call; /* first: links the queue, and is the way back */
	_Atomic uint32_t magic;
	uint32_t kind;
	struct lane *lane;
	const void *input; /* the struct of its kind, in the block below */
	int64_t asked_ns;

	/* Whose answer it is: for the logic thread */
	void *owner;
	void (*done)(void);
	void *user;

	/* The answer: written by the store */
	int status;
	bool has_appended, duplicate, more, gap;
	uint64_t seq;
	nuncio_id id;
	int64_t sent_at_ms;
	uint64_t delivered, read; /* how many have reached a seq */
	struct nuncio_store_counts counts;
	uint64_t membership_count;
	struct nuncio_str cursor;
	struct job_rows rows[JOB_ROWS];
	struct arena arena; /* texts of rows and cursor */

	_Alignas(16) unsigned char block[];
};

/* The block has block_bytes. call.fn gets the job back and frees it. */
struct nuncio_job *job_new(
	uint32_t kind, size_t block_bytes, void (*fn)(struct call *call), void *owner);
void job_free(struct nuncio_job **job);
/* Makes the answer one without rows. */
void job_drop_rows(struct nuncio_job *job);

#endif

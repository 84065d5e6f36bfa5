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
 * Jobs for the store and the lanes that run them. A job belongs to the logic thread, then to its queue, then to the store until
 * nuncio_job_done, and then comes back to the logic thread as a call.
 */
struct lane;
struct lane_set;

struct nuncio_job {
	struct call call; /* first: links the queue, and is the way back */
	_Atomic uint32_t magic;
	uint32_t kind;
	struct lane *lane;
	const void *input; /* the struct of its kind, in the block below */
	int64_t asked_us;

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
	struct nuncio_str cursor;
	void *rows;
	size_t row_count, row_room;
	struct arena arena; /* texts of rows and cursor */

	_Alignas(16) unsigned char block[];
};

/* The block has block_bytes. call.fn gets the job back and frees it. */
struct nuncio_job *job_new(
	uint32_t kind, size_t block_bytes, void (*fn)(struct call *call), void *owner);
void job_free(struct nuncio_job **job);

struct lane_settings {
	struct caller *caller; /* for the answers */
	uint32_t writers, readers;
	size_t limit;     /* waiting jobs per lane */
	uint32_t idle_ms; /* without a job for so long: idle */
	void *user;
	void (*run)(void *user, uint32_t lane, struct nuncio_job **jobs, size_t n);
	void (*idle)(void *user, uint32_t lane); /* may be NULL */
};

enum { LANES_MAX = 64, LANE_BATCH_MAX = 1024 };

/*
 * Every write lane has a queue of its own; all read lanes take from one. lane_set_add keeps jobs until lane_set_flush, so that what one turn of
 * the loop asks is one batch. Thread: logic.
 */
int lane_set_new(
	const struct lane_settings *settings, struct lane_set **set_r, struct nuncio_error *err);
void lane_set_free(struct lane_set **set); /* runs what waits, joins */
int lane_set_write(struct lane_set *set, uint64_t shard, struct nuncio_job *job); /* 0 or BUSY */
int lane_set_read(struct lane_set *set, uint64_t shard, struct nuncio_job *job);
bool lane_set_flush(struct lane_set *set);           /* true if there was something */
size_t lane_set_waiting(const struct lane_set *set); /* any thread: not yet taken by a lane */

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PROVIDE_STORE_PRIVATE_H
#define PROVIDE_STORE_PRIVATE_H

#include "provide/store.h"

#include "base/id.h"
#include "provide/job.h"

/* What store.c, store_append.c and store_ask.c share. */
enum {
	STORE_ROWS_MAX = 1000,
	STORE_WRITES_MAX = 1000,
	STORE_NAME_BYTES = 255, /* conversation, user, space, owner, key, type, kind, client_id */
	STORE_VALUE_BYTES = 65536
};

struct store {
	struct store_settings settings;
	const struct provider *provider; /* NULL: not open */
	struct nuncio_store_ops ops;
	void *impl;
	struct lane_set *lanes;
	struct id_maker ids;
	int64_t last_sent_ms;
	size_t open;        /* asked, not answered */
	size_t writes_open; /* those of them that write */
	bool is_opening, is_finishing;
	struct store_health *health; /* NULL: nobody wants to know */
	uint32_t writers;            /* of the lanes */
	struct store_count *count;
	struct store *target;        /* what may be copied into; NULL */
	struct store_copy *copy;     /* under way; NULL */
	struct store_copy *old_copy; /* over, perhaps with answers to come; NULL */
	bool is_held;                /* takes no writes: a copy is the store now */
};

/*
 * What a copy asks. The job's rows are borrowed until `done` returns. Texts and rows are copied;
 * elements of arrays are of our size.
 */
typedef void store_moved_fn(int status, const struct nuncio_job *job, void *user);
int store_export(struct store *store, const struct nuncio_job_export *what, store_moved_fn *done,
	void *user);
int store_import(
	struct store *store, const struct nuncio_job_import *in, store_moved_fn *done, void *user);

/* 0, or why nothing may be asked now. */
int store_check(const struct store *store);
/* A job whose answer goes to done; the block has `bytes`. */
struct nuncio_job *store_job(
	struct store *store, uint32_t kind, size_t bytes, void (*done)(void), void *user);
/* Into the lane of `shard`: 0, or BUSY and the job is gone. */
int store_post(struct store *store, struct nuncio_job *job, struct nuncio_str shard);
/* The next id, and the time that belongs to it. */
nuncio_id store_make_id(struct store *store, int64_t *now_ms_r);

/* Fills the block of a job from its beginning: structs first, then texts. */
struct store_packer {
	char *at;
};
/* Copies; p NULL has a meaning of its own in some places, and stays. */
struct nuncio_str store_pack(struct store_packer *packer, struct nuncio_str s);

bool store_is_name(struct nuncio_str s, bool may_be_empty);

#endif

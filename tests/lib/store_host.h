/* SPDX-License-Identifier: MIT */
#ifndef STORE_HOST_H
#define STORE_HOST_H

/*
 * Plays the core for one store module: loads its .so, gives it options, runs jobs on it and keeps
 * what they answer. The program that links this must export its symbols (-rdynamic), since modules
 * look for nuncio_* in it. One module at a time; jobs may be run from several threads.
 */

#include <nuncio/store_provider.h>

#include <stdbool.h>

struct store_host;

/*
 * Options as "key=value" texts, NULL-ended; what is not given has its default from the module's
 * table.
 */
struct store_host *store_host_open(
	const char *so, const char *data_dir, const char *const *options, struct nuncio_error *err);
void store_host_close(struct store_host **host);

uint32_t store_host_readers(const struct store_host *host);
nuncio_id store_host_highest(const struct store_host *host); /* as told when it opened */
void store_host_idle(struct store_host *host);
void store_host_set_wall_ms(int64_t ms); /* 0: the real clock */
/* How many lines the module logged at WARN and above, and the last of them. */
unsigned store_host_complaints(char *last, size_t size);
bool store_host_is_ready(void); /* as the module said last */

/*
 * A job and its answer. Input is borrowed until the job was run; rows are copies, owned by the job.
 */
struct nuncio_job {
	uint32_t kind;
	const void *input;
	int status;
	unsigned done; /* how often it was finished; must become 1 */
	uint64_t seq;
	nuncio_id id;
	int64_t sent_at_ms;
	struct nuncio_store_counts counts;
	int duplicate, more, gap;
	struct nuncio_event *events;
	struct nuncio_conversation_row *conversations;
	struct nuncio_member *members;
	struct nuncio_record *records;
	size_t event_count, conversation_count, member_count, record_count;
	uint64_t delivered, read;  /* set by nuncio_job_set_reached */
	uint64_t membership_count; /* set by nuncio_job_set_membership_count */
	struct nuncio_str cursor;
	struct store_host_text *texts;
};
void store_host_job_fini(struct nuncio_job *job);

/* Runs jobs[0..n) in one call on the lane for their kind: the write lane, or the given reader. */
void store_host_run(struct store_host *host, struct nuncio_job *jobs, size_t n);
void store_host_run_lane(struct store_host *host, uint32_t lane, struct nuncio_job *jobs, size_t n);

#endif

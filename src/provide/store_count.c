/* SPDX-License-Identifier: MIT */
/*
 * The numbers of the store's jobs, in Prometheus' form: one table says which kinds there are. A
 * status like NOTFOUND or CONFLICT is an answer; an error is what the store should have done and
 * could not.
 */
#include "provide/store_count.h"

#include <nuncio/store_provider.h>

#include "base/alloc.h"
#include "base/metric.h"

static const struct {
	uint32_t kind;
	const char *name;
} kinds[] = {
	{ NUNCIO_JOB_APPEND, "append" },
	{ NUNCIO_JOB_MARK, "mark" },
	{ NUNCIO_JOB_WRITE, "write" },
	{ NUNCIO_JOB_EVENTS, "events" },
	{ NUNCIO_JOB_SYNC, "sync" },
	{ NUNCIO_JOB_CONVERSATIONS, "conversations" },
	{ NUNCIO_JOB_MEMBERS, "members" },
	{ NUNCIO_JOB_GET, "get" },
	{ NUNCIO_JOB_LIST, "list" },
	{ NUNCIO_JOB_MEMBER, "member" },
	{ NUNCIO_JOB_MEMBERSHIPS, "memberships" },
	{ NUNCIO_JOB_MEMBERSHIP_COUNT, "membership_count" },
	{ NUNCIO_JOB_REACHED, "reached" },
	{ NUNCIO_JOB_SEARCH, "search" },
	{ NUNCIO_JOB_EXPORT, "export" },
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

struct store_count {
	struct {
		struct metric *seconds, *errors;
	} job[KINDS];
	struct {
		struct metric *jobs, *seconds;
	} batch[2]; /* read, write */
};

static void make_jobs(struct store_count *count, struct metric_set *set)
{
	for (size_t i = 0; i < KINDS; i++) {
		const struct metric_label labels[] = { { "kind", kinds[i].name }, { NULL, NULL } };
		count->job[i].seconds = metric_new_times(set, "nuncio_store_job_seconds",
			"Time from asking the store to its answer.", labels);
		count->job[i].errors = metric_new_counter(set, "nuncio_store_job_errors_total",
			"Jobs that the store could not do.", labels);
	}
}

static void make_batches(struct store_count *count, struct metric_set *set)
{
	static const int64_t sizes[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024 };
	for (int i = 0; i < 2; i++) {
		const struct metric_label labels[] = { { "access", i ? "write" : "read" },
			{ NULL, NULL } };
		count->batch[i].jobs = metric_new_histogram(set, "nuncio_store_batch_jobs",
			"Jobs handed to the store in one call.", labels, sizes,
			sizeof sizes / sizeof sizes[0], 1);
		count->batch[i].seconds = metric_new_times(set, "nuncio_store_batch_seconds",
			"Time that the store took for one call; of writes that is one commit.",
			labels);
	}
}

struct store_count *store_count_new(struct metric_set *set)
{
	struct store_count *count = ALLOC_NEW(struct store_count);
	if (set) {
		make_jobs(count, set);
		make_batches(count, set);
	}
	return count;
}

void store_count_free(struct store_count **count)
{
	alloc_free(*count);
	*count = NULL;
}

void store_count_answered(struct store_count *count, uint32_t kind, int status, int64_t took_ns)
{
	for (size_t i = 0; i < KINDS; i++) {
		if (kinds[i].kind != kind)
			continue;
		metric_observe_alone(count->job[i].seconds, took_ns);
		if (status == NUNCIO_E_FAIL || status == NUNCIO_E_NOSPACE)
			metric_add_alone(count->job[i].errors, 1);
		return;
	}
}

void store_count_ran(struct store_count *count, bool is_write, size_t n, int64_t took_ns)
{
	metric_observe(count->batch[is_write].jobs, (int64_t)n);
	metric_observe(count->batch[is_write].seconds, took_ns);
}

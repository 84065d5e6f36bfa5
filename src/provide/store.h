/* SPDX-License-Identifier: MIT */
#ifndef PROVIDE_STORE_H
#define PROVIDE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nuncio/store_provider.h>

#include "provide/provider.h"

struct caller;
struct loop;
struct metric_set;

/*
 * Asking the store: one queue per lane, one worker thread per lane, answers on the logic thread.
 * Everything that the logic thread asks in one turn is handed to the lanes at its end. The object
 * exists without a provider too; then everything is refused with NUNCIO_E_UNSUPPORTED. Everything
 * here: logic thread, and `done` too, never before the call returns.
 */
struct store;

struct store_settings {
	struct loop *loop;
	struct caller *caller;
	struct metric_set *metrics; /* may be NULL */
	unsigned node;              /* for event ids, 0-1023 */
	size_t limit;               /* waiting jobs per lane; 0: 10,000 */
};

struct store *store_new(const struct store_settings *settings);
void store_free(struct store **store); /* closed */

/* Opens the provider and starts its lanes. p must stay until store_close. */
int store_open(struct store *store, const struct provider *p, struct nuncio_error *err);
bool store_is_open(const struct store *store);

/* From now on `who`, who outlives the store, is told whether writing works (store_health.c). */
struct ready;
void store_watch(struct store *store, struct ready *who);

/*
 * Refuses new jobs (NUNCIO_E_GONE) and blocks until all accepted ones are answered, `done`
 * included.
 */
void store_finish(struct store *store);
void store_close(struct store *store); /* store_finish, then ends the lanes and the provider */

/*
 * A second store beside this one, to copy into (store_copy.h): made when it is asked for, and with
 * this one finished, closed and freed. To be opened like any. It has no health and no metrics.
 */
struct store *store_target(struct store *store);
/* Takes writes again after a copy that was to be the last word; false: it does already. */
bool store_release(struct store *store);

size_t store_job_count(const struct store *store); /* asked, not answered */

/* Its queues, those of writes first, and its threads ("store0" ...); none when it is not open. */
struct queue_stats;
uint32_t store_queues(const struct store *store);
/* The write lane of what belongs to a conversation or a records owner; below LANES_MAX. */
uint32_t store_lane(const struct store *store, struct nuncio_str owner);
void store_queue_stats(
	const struct store *store, uint32_t queue, bool *is_write_r, struct queue_stats *stats_r);
uint32_t store_threads(const struct store *store);
int64_t store_cpu_ns(const struct store *store, uint32_t thread);

/*
 * An event to append with what is one transaction with it, as in struct nuncio_job_append: texts
 * are copied. id and sent_at are made here. Arrays are a module's: their elements are as long as
 * the first one's size says.
 */
struct store_append {
	struct nuncio_str conversation, type, from, client_id, kind, body, extra;
	const struct nuncio_str *founders;
	size_t founders_count;
	const struct nuncio_record_write *writes;
	size_t writes_count;
	uint64_t target, expect_changed;
	struct nuncio_str target_body, target_state; /* p NULL: leave it */
	uint32_t target_flags, event_flags;
	uint32_t flags; /* NUNCIO_APPEND_* */
	const struct nuncio_member_change *members;
	size_t members_count;
	uint64_t members_max;
	const struct nuncio_str *mentions;
	size_t mentions_count;
};

/*
 * All return 0, then done comes once; or UNSUPPORTED, BUSY, GONE, INVAL, TOOBIG, and it does not.
 */
int store_append(
	struct store *store, const struct store_append *what, nuncio_appended_fn *done, void *user);
/* One row if something rose. */
int store_mark(struct store *store, struct nuncio_str conversation, struct nuncio_str user_id,
	uint64_t delivered, uint64_t read, nuncio_members_fn *done, void *user);

int store_events(struct store *store, const struct nuncio_events_query *query,
	nuncio_events_fn *done, void *user);
int store_sync(struct store *store, const struct nuncio_sync_query *query, nuncio_sync_fn *done,
	void *user);
int store_conversations(struct store *store, struct nuncio_str who, struct nuncio_str after,
	uint32_t limit, nuncio_conversations_fn *done, void *user);
int store_members(struct store *store, struct nuncio_str conversation, uint32_t min_role,
	struct nuncio_str after, uint32_t limit, nuncio_members_fn *done, void *user);
int store_member(struct store *store, struct nuncio_str conversation, struct nuncio_str who,
	nuncio_members_fn *done, void *user);
int store_memberships(struct store *store, struct nuncio_str who, struct nuncio_str prefix,
	struct nuncio_str after, uint32_t limit, nuncio_members_fn *done, void *user);
int store_membership_count(struct store *store, struct nuncio_str who, struct nuncio_str prefix,
	uint32_t limit, nuncio_count_fn *done, void *user);
int store_reached(struct store *store, struct nuncio_str conversation, uint64_t seq,
	nuncio_reached_fn *done, void *user);
int store_search(struct store *store, const struct nuncio_search_query *query,
	nuncio_found_fn *done, void *user);
int store_get(struct store *store, struct nuncio_str space, struct nuncio_str owner,
	struct nuncio_str key, nuncio_records_fn *done, void *user);
int store_list(struct store *store, const struct nuncio_records_query *query,
	nuncio_records_fn *done, void *user);
int store_write(struct store *store, const struct nuncio_record_write *writes, size_t n,
	nuncio_written_fn *done, void *user);

/* Within the provider's open; of the target when that is opening. */
void store_set_highest(struct store *store, nuncio_id highest);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The store's life, and the way of every question: store_append.c and store_ask.c copy the input
 * into one allocation, the job; here it is put into its lane (hash of the conversation for events
 * and members, of the owner for records, of the user for their lists), and all jobs of a turn are
 * handed over at its end. The answer comes back as a call on the logic thread and is given to
 * `done`; the job is freed after it, so rows are borrowed until then.
 *
 * The core makes ids and times here, on one thread, for events, marks and writes alike: they grow,
 * also over a restart with a clock that went back, because the provider tells the highest id when
 * it opens. seq is the store's. Logic thread only; the lanes' threads see jobs, nothing else of
 * these files.
 */
#include "provide/store_private.h"

#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/slice.h"
#include "loop/caller.h"
#include "loop/loop.h"
#include "provide/lane.h"
#include "provide/sized.h"
#include "provide/store_copy.h"
#include "provide/store_count.h"
#include "provide/store_health.h"

enum {
	STORE_LIMIT = 10000,
	IDLE_MS = 10000,
	TELL_MS = 10000,
	PROBE_BYTES = 60 * 1024,
	PROBE_KEPT_MS = 60 * 60 * 1000,
	WAIT_NS = 200000,
	ID_SHIFT = 22 /* milliseconds of an event id begin here: see base/id.h */
};

static bool on_turn(struct loop *l, void *user)
{
	struct store *store = user;
	(void)l;
	return store->lanes && lane_set_flush(store->lanes);
}

static int64_t read_waiting(void *user)
{
	return (int64_t)((struct store *)user)->open;
}

static void add_metrics(struct store *store)
{
	if (store->settings.metrics)
		metric_new_gauge_fn(store->settings.metrics, "nuncio_store_jobs_open",
			"Store jobs asked and not answered.", NULL, read_waiting, store);
	store->count = store_count_new(store->settings.metrics);
}

struct store *store_new(const struct store_settings *settings)
{
	struct store *store = ALLOC_NEW(struct store);
	store->settings = *settings;
	if (!store->settings.limit)
		store->settings.limit = STORE_LIMIT;
	id_maker_init(&store->ids, settings->node);
	loop_on_turn(settings->loop, on_turn, store);
	add_metrics(store);
	return store;
}

struct store *store_target(struct store *store)
{
	struct store_settings settings = store->settings;
	settings.metrics = NULL;
	if (!store->target)
		store->target = store_new(&settings);
	return store->target;
}

bool store_release(struct store *store)
{
	bool was_held = store->is_held;
	store->is_held = false;
	if (was_held && store->health)
		store_health_say(store->health, true, NULL);
	return was_held;
}

void store_free(struct store **store)
{
	if (!*store)
		return;
	CHECK(!(*store)->provider);
	store_copy_free(&(*store)->old_copy);
	store_free(&(*store)->target);
	store_health_free(&(*store)->health);
	store_count_free(&(*store)->count);
	alloc_free(*store);
	*store = NULL;
}

void store_set_highest(struct store *store, nuncio_id highest)
{
	int64_t ms = (int64_t)(highest >> ID_SHIFT);
	if (!store->is_opening && store->target)
		store = store->target;
	CHECK(store->is_opening);
	if (!highest || ms < store->ids.last_ms)
		return;
	store->ids.last_ms = ms + 1; /* whatever node made it */
	store->ids.counter = 0;
	store->last_sent_ms = id_wall_ms(highest);
}

/* ---- Lanes: these two run on their threads */

static void on_run(void *user, uint32_t lane, struct nuncio_job **jobs, size_t n)
{
	struct store *store = user;
	int64_t begun_ns = clock_mono_ns();
	store->ops.run(store->impl, lane, jobs, n);
	store_count_ran(store->count, lane < store->writers, n, clock_mono_ns() - begun_ns);
}

static void on_idle(void *user, uint32_t lane)
{
	struct store *store = user;
	store->ops.idle(store->impl, lane);
}

static int start_lanes(struct store *store, struct nuncio_error *err)
{
	uint32_t writers = 0, readers = 0;
	store->ops.lanes(store->impl, &writers, &readers);
	if (writers < 1 || writers > LANES_MAX || readers > LANES_MAX) {
		nuncio_error_set(err, "asks for %u write and %u read lanes; allowed: 1-%d and 0-%d",
			writers, readers, LANES_MAX, LANES_MAX);
		return NUNCIO_E_INVAL;
	}
	store->writers = writers;
	struct lane_settings settings = { .caller = store->settings.caller,
		.writers = writers,
		.readers = readers,
		.limit = store->settings.limit,
		.idle_ms = IDLE_MS,
		.user = store,
		.run = on_run,
		.idle = store->ops.idle ? on_idle : NULL };
	return lane_set_new(&settings, &store->lanes, err);
}

int store_open(struct store *store, const struct provider *p, struct nuncio_error *err)
{
	const struct nuncio_store_ops *ops = p->ops;
	CHECK(!store->provider);
	sized_take(&store->ops, sizeof(store->ops), ops, ops->size);
	store->is_opening = true;
	int rc = store->ops.open(p->module, &store->impl, err);
	store->is_opening = false;
	if (rc < 0)
		return rc;
	rc = start_lanes(store, err);
	if (rc < 0) {
		store->ops.close(&store->impl);
		return rc;
	}
	store->provider = p;
	store->is_finishing = false;
	return 0;
}

bool store_is_open(const struct store *store)
{
	return store->provider && !store->is_finishing;
}

/* One record for all nodes of a store, as long as the longest message: what works for it works. */
static int write_probe(nuncio_written_fn *done, void *done_user, void *user)
{
	char *text = alloc_get(PROBE_BYTES);
	memset(text, 'x', PROBE_BYTES);
	struct nuncio_record_write write = {
		.size = sizeof(write),
		.space = STR("core.ready"),
		.owner = STR("probe"),
		.key = STR(""),
		.value = { text, PROBE_BYTES },
		.expect = NUNCIO_EXPECT_ANY,
		.expires_at_ms = clock_wall_ms() + PROBE_KEPT_MS,
	};
	int rc = store_write(user, &write, 1, done, done_user);
	alloc_free(text);
	return rc;
}

void store_watch(struct store *store, struct ready *who)
{
	CHECK(!store->health);
	struct store_health_settings settings = {
		.loop = store->settings.loop, .who = who, .probe = write_probe, .user = store
	};
	store->health = store_health_new(&settings);
}

size_t store_job_count(const struct store *store)
{
	return store->open;
}

uint32_t store_queues(const struct store *store)
{
	return store->lanes ? lane_set_queues(store->lanes) : 0;
}

void store_queue_stats(
	const struct store *store, uint32_t queue, bool *is_write_r, struct queue_stats *stats_r)
{
	*is_write_r = queue < store->writers;
	*stats_r = (struct queue_stats){ 0 };
	if (store->lanes)
		lane_set_queue_stats(store->lanes, queue, stats_r);
}

uint32_t store_threads(const struct store *store)
{
	return store->lanes ? lane_set_lanes(store->lanes) : 0;
}

int64_t store_cpu_ns(const struct store *store, uint32_t thread)
{
	return store->lanes ? lane_set_cpu_ns(store->lanes, thread) : 0;
}

void store_finish(struct store *store)
{
	const struct timespec pause = { 0, WAIT_NS };
	int64_t tell_at_ms = clock_mono_ms() + TELL_MS;
	store_copy_stop(store);
	if (store->target)
		store_finish(store->target);
	store->is_finishing = true;
	if (store->lanes)
		lane_set_flush(store->lanes);
	while (store->open) {
		if (!caller_run(store->settings.caller))
			nanosleep(&pause, NULL);
		if (clock_mono_ms() < tell_at_ms)
			continue;
		log_write(LOG_LEVEL_WARN, store->provider->name, NULL,
			"still waiting for %zu answers of the store", store->open);
		tell_at_ms += TELL_MS;
	}
}

void store_close(struct store *store)
{
	if (store->target)
		store_close(store->target);
	if (!store->provider)
		return;
	store_finish(store);
	lane_set_free(&store->lanes);
	store->ops.close(&store->impl);
	store->provider = NULL;
}

/* ---- Answers */

static void give_appended(struct nuncio_job *job)
{
	struct nuncio_job_append *input = (struct nuncio_job_append *)(void *)job->block;
	nuncio_appended_fn *done = (nuncio_appended_fn *)job->done;
	const struct job_rows *rows = &job->rows[JOB_ROW_EVENT];
	if (job->status == 0 && (!job->has_appended || (input->event.target && !rows->count))) {
		log_write(LOG_LEVEL_ERROR, "store", NULL,
			"an append was done without nuncio_job_set_appended, or without its target");
		job->status = NUNCIO_E_FAIL;
	}
	input->event.seq = job->seq;
	input->event.id = job->id;
	input->event.sent_at_ms = job->sent_at_ms;
	if (input->event.target)
		input->event.now = rows->all;
	if (job->status == 0)
		done(0, &input->event, job->duplicate, job->user);
	else
		done(job->status, NULL, 0, job->user);
}

static void give_sync(struct nuncio_job *job)
{
	struct nuncio_sync_answer answer = { .size = sizeof(answer),
		.more = job->more,
		.gap = job->gap,
		.cursor = job->cursor,
		.rows = job->rows[JOB_ROW_EVENT].all,
		.count = job->rows[JOB_ROW_EVENT].count,
		.members = job->rows[JOB_ROW_MEMBER].all,
		.members_count = job->rows[JOB_ROW_MEMBER].count,
		.records = job->rows[JOB_ROW_RECORD].all,
		.records_count = job->rows[JOB_ROW_RECORD].count };
	((nuncio_sync_fn *)job->done)(job->status, job->status ? NULL : &answer, job->user);
}

static void give(struct nuncio_job *job)
{
	int status = job->status, more = job->more;
	const struct job_rows *rows = job->rows;
	void *user = job->user;
	switch (job->kind) {
	case NUNCIO_JOB_APPEND:
		give_appended(job);
		break;
	case NUNCIO_JOB_WRITE:
		((nuncio_written_fn *)job->done)(status, user);
		break;
	case NUNCIO_JOB_EVENTS:
		rows += JOB_ROW_EVENT;
		((nuncio_events_fn *)job->done)(status, rows->all, rows->count, more, user);
		break;
	case NUNCIO_JOB_SYNC:
		give_sync(job);
		break;
	case NUNCIO_JOB_CONVERSATIONS:
		rows += JOB_ROW_CONVERSATION;
		((nuncio_conversations_fn *)job->done)(
			status, rows->all, rows->count, job->cursor, user);
		break;
	case NUNCIO_JOB_MARK:
	case NUNCIO_JOB_MEMBERS:
	case NUNCIO_JOB_MEMBER:
	case NUNCIO_JOB_MEMBERSHIPS:
		rows += JOB_ROW_MEMBER;
		((nuncio_members_fn *)job->done)(status, rows->all, rows->count, more, user);
		break;
	case NUNCIO_JOB_REACHED:
		((nuncio_reached_fn *)job->done)(status, job->delivered, job->read, user);
		break;
	case NUNCIO_JOB_MEMBERSHIP_COUNT:
		((nuncio_count_fn *)job->done)(status, job->membership_count, user);
		break;
	case NUNCIO_JOB_SEARCH:
		rows += JOB_ROW_EVENT;
		((nuncio_found_fn *)job->done)(status, rows->all, rows->count, job->cursor, user);
		break;
	case NUNCIO_JOB_EXPORT:
	case NUNCIO_JOB_IMPORT:
		((store_moved_fn *)job->done)(status, job, user);
		break;
	case NUNCIO_JOB_GET:
	case NUNCIO_JOB_LIST:
		rows += JOB_ROW_RECORD;
		((nuncio_records_fn *)job->done)(status, rows->all, rows->count, more, user);
		break;
	}
}

/* A failure says nothing of whether it was written. */
static void on_written(struct store *store, const struct nuncio_job *job)
{
	bool may_have_changed = job->status == 0 || job->status == NUNCIO_E_FAIL;
	store->writes_open--;
	if (store->health)
		store_health_answered(store->health, job->status);
	if (store->copy && may_have_changed)
		store_copy_touched(store->copy, job);
	if (store->copy && store->is_held && store->writes_open == 0)
		store_copy_quiet(store->copy);
}

static void on_answer(struct call *call)
{
	struct nuncio_job *job = CONTAINER_OF(call, struct nuncio_job, call);
	struct store *store = job->owner;
	store_count_answered(store->count, job->kind, job->status, clock_mono_ns() - job->asked_ns);
	if (job->status < 0)
		job_drop_rows(job);
	if (job->kind < NUNCIO_JOB_EVENTS)
		on_written(store, job);
	if (job->done)
		give(job);
	job_free(&job);
	store->open--;
}

/* ---- Questions */

int store_check(const struct store *store)
{
	if (store->is_finishing)
		return NUNCIO_E_GONE;
	return store->provider ? 0 : NUNCIO_E_UNSUPPORTED;
}

struct nuncio_job *store_job(
	struct store *store, uint32_t kind, size_t bytes, void (*done)(void), void *user)
{
	struct nuncio_job *job = job_new(kind, bytes, on_answer, store);
	job->done = done;
	job->user = user;
	return job;
}

static uint64_t lane_of(const struct store *store, struct nuncio_str shard)
{
	return store->ops.lane ? store->ops.lane(store->impl, shard) : hash_str(shard);
}

uint32_t store_lane(const struct store *store, struct nuncio_str owner)
{
	return store->provider ? (uint32_t)(lane_of(store, owner) % store->writers) : 0;
}

int store_post(struct store *store, struct nuncio_job *job, struct nuncio_str shard)
{
	bool writes = job->kind < NUNCIO_JOB_EVENTS;
	uint64_t lane = lane_of(store, shard);
	/* Cursors that are to be raised would be kept and offered again until they are taken. */
	int rc = job->kind == NUNCIO_JOB_MARK ? NUNCIO_E_GONE : NUNCIO_E_BUSY;
	if (!writes)
		rc = lane_set_read(store->lanes, lane, job);
	else if (!store->is_held)
		rc = lane_set_write(store->lanes, lane, job);
	if (rc < 0) {
		job_free(&job);
		return rc;
	}
	store->open++;
	store->writes_open += writes;
	if (store->health && writes)
		store_health_asked(store->health);
	loop_again(store->settings.loop);
	return 0;
}

nuncio_id store_make_id(struct store *store, int64_t *now_ms_r)
{
	int64_t now_ms = clock_wall_ms();
	if (now_ms < store->last_sent_ms)
		now_ms = store->last_sent_ms;
	store->last_sent_ms = now_ms;
	*now_ms_r = now_ms;
	return id_next(&store->ids, now_ms);
}

struct nuncio_str store_pack(struct store_packer *packer, struct nuncio_str s)
{
	char *to = packer->at;
	if (!s.p)
		return s;
	if (s.n)
		memcpy(to, s.p, s.n);
	packer->at += s.n;
	return (struct nuncio_str){ to, s.n };
}

bool store_is_name(struct nuncio_str s, bool may_be_empty)
{
	return s.n <= STORE_NAME_BYTES && (may_be_empty || s.n);
}

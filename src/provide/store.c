/* SPDX-License-Identifier: MIT */
/*
 * Asking the store. Each call copies its input into one allocation, the job, chooses the lane (hash
 * of the conversation for events and members, of the owner for records), and hands all jobs of a
 * turn over at its end. The answer comes back as a call on the logic thread and is given to `done`;
 * the job is freed after it, so rows are borrowed until then.
 *
 * The core makes event ids and times here, on one thread: they grow, also over a restart with a
 * clock that went back, because the provider tells the highest id when it opens. seq is the
 * store's. Logic thread only; the lanes' threads see jobs, nothing else of this file.
 */
#include "provide/store.h"

#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/id.h"
#include "base/list.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/slice.h"
#include "loop/caller.h"
#include "loop/loop.h"
#include "provide/job.h"
#include "provide/lane.h"
#include "provide/sized.h"

enum {
	STORE_LIMIT = 10000,
	IDLE_MS = 10000,
	TELL_MS = 10000,
	WAIT_NS = 200000,
	ROWS_MAX = 1000,
	WRITES_MAX = 1000,
	FOUNDERS_MAX = 1000,
	NAME_BYTES = 255, /* conversation, user, space, owner, key, type, kind, client_id */
	VALUE_BYTES = 65536,
	ID_SHIFT = 22 /* milliseconds of an event id begin here: see base/id.h */
};

struct store {
	struct store_settings settings;
	const struct provider *provider; /* NULL: not open */
	struct nuncio_store_ops ops;
	void *impl;
	struct lane_set *lanes;
	struct id_maker ids;
	int64_t last_sent_ms;
	size_t open; /* asked, not answered */
	bool is_opening, is_finishing;
	struct metric *refused, *failed, *batch, *write_time, *read_time;
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
	static const int64_t batches[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024 };
	static const int64_t times_us[] = { 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000,
		100000, 200000, 500000, 1000000, 5000000 };
	static const struct metric_label write[] = { { "op", "write" }, { NULL, NULL } };
	static const struct metric_label read[] = { { "op", "read" }, { NULL, NULL } };
	struct metric_set *set = store->settings.metrics;
	size_t n = sizeof(times_us) / sizeof(times_us[0]);
	if (!set)
		return;
	metric_new_gauge_fn(set, "nuncio_store_jobs_open", "Store jobs asked and not answered.",
		NULL, read_waiting, store);
	store->refused = metric_new_counter(set, "nuncio_store_refused_total",
		"Store jobs refused because a queue was full.", NULL);
	store->failed = metric_new_counter(
		set, "nuncio_store_failed_total", "Store jobs that the store could not do.", NULL);
	store->batch = metric_new_histogram(set, "nuncio_store_batch_jobs",
		"Jobs handed to the store in one call.", NULL, batches,
		sizeof(batches) / sizeof(batches[0]), 1);
	store->write_time = metric_new_histogram(set, "nuncio_store_job_seconds",
		"Time from asking the store to its answer.", write, times_us, n, 1e6);
	store->read_time = metric_new_histogram(set, "nuncio_store_job_seconds",
		"Time from asking the store to its answer.", read, times_us, n, 1e6);
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

void store_free(struct store **store)
{
	if (!*store)
		return;
	CHECK(!(*store)->provider);
	alloc_free(*store);
	*store = NULL;
}

void store_set_highest(struct store *store, nuncio_id highest)
{
	int64_t ms = (int64_t)(highest >> ID_SHIFT);
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
	metric_observe(store->batch, (int64_t)n);
	store->ops.run(store->impl, lane, jobs, n);
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

size_t store_job_count(const struct store *store)
{
	return store->open;
}

void store_finish(struct store *store)
{
	const struct timespec pause = { 0, WAIT_NS };
	int64_t tell_at_ms = clock_mono_ms() + TELL_MS;
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
	if (job->status == 0 && !job->has_appended) {
		log_write(LOG_LEVEL_ERROR, "store", NULL,
			"an append was done without nuncio_job_set_appended");
		job->status = NUNCIO_E_FAIL;
	}
	input->event.seq = job->seq;
	input->event.id = job->id;
	input->event.sent_at_ms = job->sent_at_ms;
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
		.rows = job->rows,
		.count = job->row_count };
	((nuncio_sync_fn *)job->done)(job->status, job->status ? NULL : &answer, job->user);
}

static void give(struct nuncio_job *job)
{
	int status = job->status, more = job->more;
	void *rows = job->rows, *user = job->user;
	size_t n = job->row_count;
	switch (job->kind) {
	case NUNCIO_JOB_APPEND:
		give_appended(job);
		break;
	case NUNCIO_JOB_WRITE:
		((nuncio_written_fn *)job->done)(status, user);
		break;
	case NUNCIO_JOB_EVENTS:
		((nuncio_events_fn *)job->done)(status, rows, n, more, user);
		break;
	case NUNCIO_JOB_SYNC:
		give_sync(job);
		break;
	case NUNCIO_JOB_CONVERSATIONS:
		((nuncio_conversations_fn *)job->done)(status, rows, n, job->cursor, user);
		break;
	case NUNCIO_JOB_MARK:
	case NUNCIO_JOB_MEMBERS:
		((nuncio_members_fn *)job->done)(status, rows, n, more, user);
		break;
	case NUNCIO_JOB_GET:
	case NUNCIO_JOB_LIST:
		((nuncio_records_fn *)job->done)(status, rows, n, more, user);
		break;
	}
}

static void on_answer(struct call *call)
{
	struct nuncio_job *job = CONTAINER_OF(call, struct nuncio_job, call);
	struct store *store = job->owner;
	int64_t took_us = clock_mono_us() - job->asked_us;
	metric_observe(
		job->kind < NUNCIO_JOB_EVENTS ? store->write_time : store->read_time, took_us);
	if (job->status == NUNCIO_E_FAIL || job->status == NUNCIO_E_NOSPACE)
		metric_add(store->failed, 1);
	if (job->status < 0) {
		job->row_count = 0;
		job->cursor = (struct nuncio_str){ NULL, 0 };
		job->more = false;
	}
	if (job->done)
		give(job);
	job_free(&job);
	store->open--;
}

/* ---- Questions */

/* Fills the block of a job from its beginning: structs first, then texts. */
struct packer {
	char *at;
};

static void *pack(struct packer *p, const void *from, size_t n)
{
	void *to = p->at;
	if (n)
		memcpy(to, from, n);
	p->at += n;
	return to;
}

/* p NULL has a meaning of its own in some places, and stays. */
static struct nuncio_str pack_str(struct packer *p, struct nuncio_str s)
{
	return s.p ? (struct nuncio_str){ pack(p, s.p, s.n), s.n } : s;
}

static bool is_name(struct nuncio_str s, bool may_be_empty)
{
	return s.n <= NAME_BYTES && (may_be_empty || s.n);
}

static int check_open(const struct store *store)
{
	if (store->is_finishing)
		return NUNCIO_E_GONE;
	return store->provider ? 0 : NUNCIO_E_UNSUPPORTED;
}

static struct nuncio_job *ask(
	struct store *store, uint32_t kind, size_t bytes, void (*done)(void), void *user)
{
	struct nuncio_job *job = job_new(kind, bytes, on_answer, store);
	job->done = done;
	job->user = user;
	return job;
}

static int post(struct store *store, struct nuncio_job *job, struct nuncio_str shard)
{
	uint64_t hash = hash_str(shard);
	int rc = job->kind < NUNCIO_JOB_EVENTS ? lane_set_write(store->lanes, hash, job)
					       : lane_set_read(store->lanes, hash, job);
	if (rc < 0) {
		job_free(&job);
		metric_add(store->refused, 1);
		return rc;
	}
	store->open++;
	loop_again(store->settings.loop);
	return 0;
}

static uint32_t limit_of(uint32_t limit)
{
	return limit < 1 ? 1 : limit > ROWS_MAX ? ROWS_MAX : limit;
}

/* The writes of a module, in our size; checks them and sums their texts. */
static int check_writes(const struct nuncio_record_write *writes, size_t n, size_t *bytes)
{
	for (size_t i = 0; i < n; i++) {
		struct nuncio_record_write w;
		const struct nuncio_record_write *from = sized_at(writes, writes->size, i);
		sized_take(&w, sizeof(w), from, writes->size);
		if (!is_name(w.space, false) || !is_name(w.owner, true) || !is_name(w.key, true))
			return NUNCIO_E_INVAL;
		if (w.value.n > VALUE_BYTES)
			return NUNCIO_E_TOOBIG;
		*bytes += w.space.n + w.owner.n + w.key.n + w.value.n;
	}
	return 0;
}

static void pack_writes(struct packer *text, struct nuncio_record_write *to,
	const struct nuncio_record_write *writes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct nuncio_record_write *from = sized_at(writes, writes->size, i);
		sized_take(&to[i], sizeof(to[i]), from, writes->size);
		to[i].size = sizeof(to[i]);
		to[i].space = pack_str(text, to[i].space);
		to[i].owner = pack_str(text, to[i].owner);
		to[i].key = pack_str(text, to[i].key);
		to[i].value = pack_str(text, to[i].value);
	}
}

static int check_append(const struct store_append *what, size_t *bytes)
{
	if (!is_name(what->conversation, false) || !is_name(what->type, false) ||
		!is_name(what->from, true) || !is_name(what->client_id, true) ||
		!is_name(what->kind, true) || !what->body.n)
		return NUNCIO_E_INVAL;
	if (what->writes_count > WRITES_MAX || what->founders_count > FOUNDERS_MAX)
		return NUNCIO_E_TOOBIG;
	for (size_t i = 0; i < what->founders_count; i++)
		*bytes += what->founders[i].n;
	*bytes += what->conversation.n + what->type.n + what->from.n + what->client_id.n +
		  what->kind.n + what->body.n + what->extra.n;
	return check_writes(what->writes, what->writes_count, bytes);
}

static void make_identity(struct store *store, struct nuncio_event *event)
{
	int64_t now_ms = clock_wall_ms();
	if (now_ms < store->last_sent_ms)
		now_ms = store->last_sent_ms;
	store->last_sent_ms = now_ms;
	event->id = id_next(&store->ids, now_ms);
	event->sent_at_ms = now_ms;
}

static void pack_event(
	struct packer *text, struct nuncio_event *event, const struct store_append *what)
{
	event->size = sizeof(*event);
	event->conversation = pack_str(text, what->conversation);
	event->type = pack_str(text, what->type);
	event->from = pack_str(text, what->from);
	event->client_id = pack_str(text, what->client_id);
	event->kind = pack_str(text, what->kind);
	event->body = pack_str(text, what->body);
	event->extra = pack_str(text, what->extra);
}

int store_append(
	struct store *store, const struct store_append *what, nuncio_appended_fn *done, void *user)
{
	struct nuncio_job_append head = { .size = sizeof(head) };
	size_t founders = what->founders_count * sizeof(struct nuncio_str);
	size_t writes = what->writes_count * sizeof(struct nuncio_record_write);
	size_t bytes = sizeof(head) + founders + writes;
	int rc = check_open(store);
	if (rc < 0 || (rc = check_append(what, &bytes)) < 0)
		return rc;
	struct nuncio_job *job = ask(store, NUNCIO_JOB_APPEND, bytes, (void (*)(void))done, user);
	char *at = (char *)job->block;
	struct nuncio_record_write *to_writes = (void *)(at + sizeof(head));
	struct nuncio_str *to_founders = (void *)(at + sizeof(head) + writes);
	struct packer text = { at + sizeof(head) + writes + founders };
	pack_event(&text, &head.event, what);
	for (size_t i = 0; i < what->founders_count; i++)
		to_founders[i] = pack_str(&text, what->founders[i]);
	pack_writes(&text, to_writes, what->writes, what->writes_count);
	make_identity(store, &head.event);
	head.founders = to_founders;
	head.founders_count = what->founders_count;
	head.writes = to_writes;
	head.writes_count = what->writes_count;
	memcpy(at, &head, sizeof(head));
	return post(store, job, what->conversation);
}

int store_mark(struct store *store, struct nuncio_str conversation, struct nuncio_str user_id,
	uint64_t delivered, uint64_t read, nuncio_members_fn *done, void *user)
{
	struct nuncio_job_mark head = {
		.size = sizeof(head), .delivered = delivered, .read = read
	};
	int rc = check_open(store);
	if (rc < 0)
		return rc;
	if (!is_name(conversation, false) || !is_name(user_id, false))
		return NUNCIO_E_INVAL;
	struct nuncio_job *job = ask(store, NUNCIO_JOB_MARK,
		sizeof(head) + conversation.n + user_id.n, (void (*)(void))done, user);
	struct packer text = { (char *)job->block + sizeof(head) };
	head.conversation = pack_str(&text, conversation);
	head.user = pack_str(&text, user_id);
	memcpy(job->block, &head, sizeof(head));
	return post(store, job, conversation);
}

int store_write(struct store *store, const struct nuncio_record_write *writes, size_t n,
	nuncio_written_fn *done, void *user)
{
	struct nuncio_job_write head = { .size = sizeof(head), .writes_count = n };
	size_t bytes = sizeof(head) + n * sizeof(*writes);
	int rc = check_open(store);
	if (rc < 0)
		return rc;
	if (!n || n > WRITES_MAX)
		return NUNCIO_E_INVAL;
	rc = check_writes(writes, n, &bytes);
	for (size_t i = 1; rc == 0 && i < n; i++) {
		const struct nuncio_record_write *w = sized_at(writes, writes->size, i);
		rc = str_eq(w->owner, writes->owner) ? 0 : NUNCIO_E_INVAL;
	}
	if (rc < 0)
		return rc;
	struct nuncio_job *job = ask(store, NUNCIO_JOB_WRITE, bytes, (void (*)(void))done, user);
	struct nuncio_record_write *to = (void *)((char *)job->block + sizeof(head));
	struct packer text = { (char *)(to + n) };
	pack_writes(&text, to, writes, n);
	head.writes = to;
	memcpy(job->block, &head, sizeof(head));
	return post(store, job, writes->owner);
}

int store_events(struct store *store, const struct nuncio_events_query *query,
	nuncio_events_fn *done, void *user)
{
	struct nuncio_events_query head;
	int rc = check_open(store);
	sized_take(&head, sizeof(head), query, query->size);
	if (rc < 0)
		return rc;
	if (!is_name(head.conversation, false))
		return NUNCIO_E_INVAL;
	struct nuncio_str shard = head.conversation;
	struct nuncio_job *job =
		ask(store, NUNCIO_JOB_EVENTS, sizeof(head) + shard.n, (void (*)(void))done, user);
	struct packer text = { (char *)job->block + sizeof(head) };
	head.size = sizeof(head);
	head.conversation = pack_str(&text, shard);
	head.limit = limit_of(head.limit);
	memcpy(job->block, &head, sizeof(head));
	return post(store, job, shard);
}

int store_sync(struct store *store, const struct nuncio_sync_query *query, nuncio_sync_fn *done,
	void *user)
{
	struct nuncio_sync_query head;
	int rc = check_open(store);
	sized_take(&head, sizeof(head), query, query->size);
	if (rc < 0)
		return rc;
	if (!is_name(head.user, false) || !is_name(head.cursor, true))
		return NUNCIO_E_INVAL;
	struct nuncio_str shard = head.user;
	struct nuncio_job *job = ask(store, NUNCIO_JOB_SYNC, sizeof(head) + shard.n + head.cursor.n,
		(void (*)(void))done, user);
	struct packer text = { (char *)job->block + sizeof(head) };
	head.size = sizeof(head);
	head.user = pack_str(&text, shard);
	head.cursor = pack_str(&text, head.cursor);
	head.limit = limit_of(head.limit);
	memcpy(job->block, &head, sizeof(head));
	return post(store, job, shard);
}

int store_conversations(struct store *store, struct nuncio_str who, struct nuncio_str after,
	uint32_t limit, nuncio_conversations_fn *done, void *user)
{
	struct nuncio_job_conversations head = { .size = sizeof(head), .limit = limit_of(limit) };
	int rc = check_open(store);
	if (rc < 0)
		return rc;
	if (!is_name(who, false) || !is_name(after, true))
		return NUNCIO_E_INVAL;
	struct nuncio_job *job = ask(store, NUNCIO_JOB_CONVERSATIONS,
		sizeof(head) + who.n + after.n, (void (*)(void))done, user);
	struct packer text = { (char *)job->block + sizeof(head) };
	head.user = pack_str(&text, who);
	head.after = pack_str(&text, after);
	memcpy(job->block, &head, sizeof(head));
	return post(store, job, who);
}

int store_members(struct store *store, struct nuncio_str conversation, struct nuncio_str after,
	uint32_t limit, nuncio_members_fn *done, void *user)
{
	struct nuncio_job_members head = { .size = sizeof(head), .limit = limit_of(limit) };
	int rc = check_open(store);
	if (rc < 0)
		return rc;
	if (!is_name(conversation, false) || !is_name(after, true))
		return NUNCIO_E_INVAL;
	struct nuncio_job *job = ask(store, NUNCIO_JOB_MEMBERS,
		sizeof(head) + conversation.n + after.n, (void (*)(void))done, user);
	struct packer text = { (char *)job->block + sizeof(head) };
	head.conversation = pack_str(&text, conversation);
	head.after = pack_str(&text, after);
	memcpy(job->block, &head, sizeof(head));
	return post(store, job, conversation);
}

int store_get(struct store *store, struct nuncio_str space, struct nuncio_str owner,
	struct nuncio_str key, nuncio_records_fn *done, void *user)
{
	struct nuncio_record head = { .size = sizeof(head) };
	int rc = check_open(store);
	if (rc < 0)
		return rc;
	if (!is_name(space, false) || !is_name(owner, true) || !is_name(key, true))
		return NUNCIO_E_INVAL;
	struct nuncio_job *job = ask(store, NUNCIO_JOB_GET,
		sizeof(head) + space.n + owner.n + key.n, (void (*)(void))done, user);
	struct packer text = { (char *)job->block + sizeof(head) };
	head.space = pack_str(&text, space);
	head.owner = pack_str(&text, owner);
	head.key = pack_str(&text, key);
	memcpy(job->block, &head, sizeof(head));
	return post(store, job, owner);
}

int store_list(struct store *store, const struct nuncio_records_query *query,
	nuncio_records_fn *done, void *user)
{
	struct nuncio_records_query head;
	int rc = check_open(store);
	sized_take(&head, sizeof(head), query, query->size);
	if (rc < 0)
		return rc;
	if (!is_name(head.space, false) || !is_name(head.owner, true) ||
		!is_name(head.owner_prefix, true) || !is_name(head.key_prefix, true) ||
		!is_name(head.after_owner, true) || !is_name(head.after_key, true))
		return NUNCIO_E_INVAL;
	struct nuncio_str shard = head.owner;
	struct nuncio_job *job = ask(store, NUNCIO_JOB_LIST,
		sizeof(head) + head.space.n + head.owner.n + head.owner_prefix.n +
			head.key_prefix.n + head.after_owner.n + head.after_key.n,
		(void (*)(void))done, user);
	struct packer text = { (char *)job->block + sizeof(head) };
	head.size = sizeof(head);
	head.space = pack_str(&text, head.space);
	head.owner = pack_str(&text, head.owner);
	head.owner_prefix = pack_str(&text, head.owner_prefix);
	head.key_prefix = pack_str(&text, head.key_prefix);
	head.after_owner = pack_str(&text, head.after_owner);
	head.after_key = pack_str(&text, head.after_key);
	head.limit = limit_of(head.limit);
	memcpy(job->block, &head, sizeof(head));
	return post(store, job, shard);
}

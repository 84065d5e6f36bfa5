/* SPDX-License-Identifier: MIT */
/*
 * Copying a store into another while people write. Everything is asked of both stores as jobs, a
 * few at a time, so the logic thread never waits; it only carries pages from one to the other.
 *
 *  1. BEGIN empties the target. Then all conversations are walked in the order of their ids, and
 *     all records; some carriers take one conversation each: its members, its events, its mentions.
 *  2. Every write that is answered meanwhile notes what it changed (store_dirty.c). What was noted
 *     is carried again, and what changed during that, until little is left.
 *  3. A final copy then lets no write in any more, waits for those that are open, and carries the
 *     rest. Both sides are counted; END makes the target a store.
 *
 * Order does not matter: what is read is the state at that moment or a later one, and whatever
 * changes after the reading is noted. No two carriers have the same conversation. When anything
 * fails, so does the copy; the next one begins from nothing.
 */
#include "provide/store_copy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/slice.h"
#include "provide/store_dirty.h"
#include "provide/store_health.h"
#include "provide/store_private.h"

enum { CARRIERS = 8, PAGE_ROWS = 500, PAGE_BYTES = 512 * 1024, ROUNDS_MAX = 20, FEW = 32 };

enum phase { PHASE_BEGIN, PHASE_ALL, PHASE_AGAIN, PHASE_LAST, PHASE_COUNT, PHASE_END, PHASE_OVER };
static const char *const phase_names[] = { "begin", "all", "changes", "last changes", "count",
	"end", "over" };

struct name {
	char text[STORE_NAME_BYTES];
	size_t n;
};

struct carrier {
	struct store_copy *copy;
	struct dirty_item *item; /* NULL: idle */
	struct name user;        /* members up to this one are there */
	uint64_t from, upto;     /* events of the page in hand */
	unsigned target;         /* of the item */
	bool has_more;
};

struct store_copy {
	struct store *from, *to;
	bool is_final, is_quiet; /* is_quiet: no write can come any more */
	enum phase phase;
	store_copied_fn *done;
	void *user;
	size_t open; /* asked and not answered, on either side */
	struct dirty queue, changed;
	struct carrier carriers[CARRIERS];
	struct name list;              /* conversations up to this one are in the queue */
	struct name space, owner, key; /* records up to this one are there */
	size_t records_open;           /* of the page in hand */
	bool is_listing, is_listed, is_reading_records, has_all_records, has_more_records;
	int64_t now_ms;                    /* of the counts */
	struct nuncio_store_counts counts; /* of `from` */
	struct store_copy_progress progress;
};

static void pump(struct store_copy *copy);

/* ---- its life ---- */

/*
 * When it is over it still waits for what it has asked, so it stays with the store until the next
 * one begins, or the end.
 */
static void end(struct store_copy *copy, int status, const char *why)
{
	if (copy->phase == PHASE_OVER)
		return;
	copy->phase = PHASE_OVER;
	copy->from->copy = NULL;
	copy->from->old_copy = copy;
	if (status < 0)
		store_release(copy->from);
	copy->done(status, why, &copy->progress, &copy->counts, copy->user);
}

static void fail(struct store_copy *copy, int status, const char *doing)
{
	char why[128];
	snprintf(why, sizeof(why), "%s: %s", doing, nuncio_status_name(status));
	end(copy, status, why);
}

/* Every answer comes through here first. False: the copy is over. */
static bool is_going_on(struct store_copy *copy, int status, const char *doing)
{
	copy->open--;
	if (status < 0 && copy->phase != PHASE_OVER)
		fail(copy, status, doing);
	return copy->phase != PHASE_OVER;
}

void store_copy_free(struct store_copy **copy_ptr)
{
	struct store_copy *copy = *copy_ptr;
	if (!copy)
		return;
	CHECK(copy->phase == PHASE_OVER && copy->open == 0);
	for (size_t i = 0; i < CARRIERS; i++)
		alloc_free(copy->carriers[i].item);
	store_dirty_fini(&copy->queue);
	store_dirty_fini(&copy->changed);
	alloc_free(copy);
	*copy_ptr = NULL;
}

/* What was asked was taken, or the copy has failed. */
static bool was_asked(struct store_copy *copy, int rc, const char *doing)
{
	if (rc == 0)
		copy->open++;
	else
		fail(copy, rc, doing);
	return rc == 0;
}

static struct nuncio_str name_str(const struct name *name)
{
	return (struct nuncio_str){ name->text, name->n };
}

static void name_set(struct name *name, struct nuncio_str text)
{
	name->n = text.n < sizeof(name->text) ? text.n : sizeof(name->text);
	if (name->n)
		memcpy(name->text, text.p, name->n);
}

/* ---- one conversation ---- */

static void carry_members(struct carrier *c);
static void carry_events(struct carrier *c);
static void carry_mentions(struct carrier *c);

static void carry_next(struct carrier *c)
{
	alloc_free(c->item);
	c->item = NULL;
	pump(c->copy);
}

static bool import(struct carrier *c, const struct nuncio_job_import *in, store_moved_fn *done)
{
	return was_asked(c->copy, store_import(c->copy->to, in, done, c), "writing");
}

static struct nuncio_job_import rows_of(const struct carrier *c)
{
	return (struct nuncio_job_import){ .step = NUNCIO_IMPORT_ROWS,
		.conversation = c->item->conversation };
}

static void on_members_written(int status, const struct nuncio_job *job, void *user)
{
	struct carrier *c = user;
	(void)job;
	if (!is_going_on(c->copy, status, "writing members"))
		return;
	if (c->has_more)
		carry_members(c);
	else
		carry_events(c);
}

static void on_members(int status, const struct nuncio_job *job, void *user)
{
	struct carrier *c = user;
	if (!is_going_on(c->copy, status, "reading members"))
		return;
	const struct job_rows *rows = &job->rows[JOB_ROW_MEMBER];
	const struct nuncio_member *members = rows->all;
	struct nuncio_job_import in = rows_of(c);
	in.members = members;
	in.members_count = rows->count;
	c->has_more = job->more && rows->count;
	if (rows->count)
		name_set(&c->user, members[rows->count - 1].user);
	c->copy->progress.members += rows->count;
	import(c, &in, on_members_written);
}

static void carry_members(struct carrier *c)
{
	struct nuncio_job_export ask = { .what = NUNCIO_EXPORT_MEMBERS,
		.limit = PAGE_ROWS,
		.conversation = c->item->conversation,
		.user = name_str(&c->user) };
	was_asked(c->copy, store_export(c->copy->from, &ask, on_members, c), "reading members");
}

/* Behind the events from `low` on come the single ones before them. */
static void carry_target(struct carrier *c)
{
	if (c->target == c->item->target_count) {
		c->copy->progress.conversations++;
		carry_next(c);
		return;
	}
	c->upto = c->item->targets[c->target++] - 1;
	carry_events(c);
}

static void on_mentions_written(int status, const struct nuncio_job *job, void *user)
{
	struct carrier *c = user;
	(void)job;
	if (!is_going_on(c->copy, status, "writing mentions"))
		return;
	if (c->has_more)
		carry_events(c);
	else
		carry_target(c);
}

static void on_mentions(int status, const struct nuncio_job *job, void *user)
{
	struct carrier *c = user;
	if (!is_going_on(c->copy, status, "reading mentions"))
		return;
	struct nuncio_job_import in = rows_of(c);
	in.mentions = job->rows[JOB_ROW_MEMBER].all;
	in.mentions_count = job->rows[JOB_ROW_MEMBER].count;
	in.from = c->from;
	in.upto = c->upto;
	import(c, &in, on_mentions_written);
}

static void carry_mentions(struct carrier *c)
{
	struct nuncio_job_export ask = { .what = NUNCIO_EXPORT_MENTIONS,
		.conversation = c->item->conversation,
		.from = c->from,
		.upto = c->upto };
	was_asked(c->copy, store_export(c->copy->from, &ask, on_mentions, c), "reading mentions");
}

static void on_events_written(int status, const struct nuncio_job *job, void *user)
{
	struct carrier *c = user;
	(void)job;
	if (is_going_on(c->copy, status, "writing events"))
		carry_mentions(c);
}

static void on_events(int status, const struct nuncio_event *rows, size_t n, int more, void *user)
{
	struct carrier *c = user;
	if (!is_going_on(c->copy, status, "reading events"))
		return;
	bool is_single = c->target > 0;
	if (n == 0) {
		carry_target(c);
		return;
	}
	c->has_more = more && !is_single;
	c->from = rows[0].seq;
	c->upto = rows[n - 1].seq;
	c->copy->progress.events += n;
	struct nuncio_job_import in = rows_of(c);
	in.events = rows;
	in.events_count = n;
	import(c, &in, on_events_written);
}

/* Those above c->upto. */
static void carry_events(struct carrier *c)
{
	struct nuncio_events_query ask = { .size = sizeof(ask),
		.flags = NUNCIO_EVENTS_FORWARD,
		.conversation = c->item->conversation,
		.after = c->upto,
		.limit = c->target ? 1 : PAGE_ROWS,
		.max_bytes = PAGE_BYTES };
	if (c->target == 0 && c->item->low == UINT64_MAX)
		carry_target(c);
	else
		was_asked(
			c->copy, store_events(c->copy->from, &ask, on_events, c), "reading events");
}

/* ---- one record ---- */

static void on_record_written(int status, const struct nuncio_job *job, void *user)
{
	struct carrier *c = user;
	(void)job;
	if (!is_going_on(c->copy, status, "writing a record"))
		return;
	c->copy->progress.records++;
	carry_next(c);
}

static void on_record(int status, const struct nuncio_job *job, void *user)
{
	struct carrier *c = user;
	if (!is_going_on(c->copy, status, "reading a record"))
		return;
	struct nuncio_record gone = { .size = sizeof(gone),
		.space = c->item->space,
		.owner = c->item->owner,
		.key = c->item->key };
	bool is_there = job->rows[JOB_ROW_RECORD].count;
	struct nuncio_job_import in = { .step = NUNCIO_IMPORT_ROWS,
		.records = is_there ? job->rows[JOB_ROW_RECORD].all : &gone,
		.records_count = 1 };
	import(c, &in, on_record_written);
}

static void carry_record(struct carrier *c)
{
	struct nuncio_job_export ask = { .what = NUNCIO_EXPORT_RECORD,
		.space = c->item->space,
		.owner = c->item->owner,
		.key = c->item->key };
	was_asked(c->copy, store_export(c->copy->from, &ask, on_record, c), "reading a record");
}

static void carry(struct carrier *c, struct dirty_item *item)
{
	c->item = item;
	c->user.n = 0;
	c->target = 0;
	c->has_more = false;
	c->upto = item->low - 1;
	if (item->is_record)
		carry_record(c);
	else
		carry_members(c);
}

/* ---- all conversations and records ---- */

static void on_listed(int status, const struct nuncio_job *job, void *user)
{
	struct store_copy *copy = user;
	if (!is_going_on(copy, status, "listing conversations"))
		return;
	const struct job_rows *rows = &job->rows[JOB_ROW_CONVERSATION];
	const struct nuncio_conversation_row *list = rows->all;
	copy->is_listing = false;
	copy->is_listed = !job->more || !rows->count;
	for (size_t i = 0; i < rows->count; i++)
		store_dirty_conversation(&copy->queue, list[i].conversation, 1, 0);
	if (rows->count)
		name_set(&copy->list, list[rows->count - 1].conversation);
	pump(copy);
}

static void ask_list(struct store_copy *copy)
{
	struct nuncio_job_export ask = { .what = NUNCIO_EXPORT_CONVERSATIONS,
		.limit = PAGE_ROWS,
		.conversation = name_str(&copy->list) };
	copy->is_listing = was_asked(
		copy, store_export(copy->from, &ask, on_listed, copy), "listing conversations");
}

static void end_records_page(struct store_copy *copy)
{
	copy->is_reading_records = false;
	copy->has_all_records = !copy->has_more_records;
	pump(copy);
}

static void on_records_written(int status, const struct nuncio_job *job, void *user)
{
	struct store_copy *copy = user;
	(void)job;
	if (is_going_on(copy, status, "writing records") && --copy->records_open == 0)
		end_records_page(copy);
}

/* Of one owner from `at` on; returns how many. */
static size_t same_owner(const struct nuncio_record *records, size_t n, size_t at)
{
	size_t end = at + 1;
	while (end < n && str_eq(records[end].owner, records[at].owner))
		end++;
	return end - at;
}

static void on_records(int status, const struct nuncio_job *job, void *user)
{
	struct store_copy *copy = user;
	if (!is_going_on(copy, status, "reading records"))
		return;
	const struct nuncio_record *records = job->rows[JOB_ROW_RECORD].all;
	size_t n = job->rows[JOB_ROW_RECORD].count;
	copy->has_more_records = job->more && n;
	copy->progress.records += n;
	for (size_t at = 0, count; at < n; at += count) {
		count = same_owner(records, n, at);
		struct nuncio_job_import in = {
			.step = NUNCIO_IMPORT_ROWS, .records = records + at, .records_count = count
		};
		if (!was_asked(copy, store_import(copy->to, &in, on_records_written, copy),
			    "writing records"))
			return;
		copy->records_open++;
	}
	if (n == 0) {
		end_records_page(copy);
		return;
	}
	name_set(&copy->space, records[n - 1].space);
	name_set(&copy->owner, records[n - 1].owner);
	name_set(&copy->key, records[n - 1].key);
}

static void ask_records(struct store_copy *copy)
{
	struct nuncio_job_export ask = { .what = NUNCIO_EXPORT_RECORDS,
		.limit = PAGE_ROWS,
		.space = name_str(&copy->space),
		.owner = name_str(&copy->owner),
		.key = name_str(&copy->key) };
	copy->is_reading_records = was_asked(
		copy, store_export(copy->from, &ask, on_records, copy), "reading records");
}

/* ---- the end ---- */

static void on_ended(int status, const struct nuncio_job *job, void *user)
{
	struct store_copy *copy = user;
	(void)job;
	if (is_going_on(copy, status, "ending"))
		end(copy, 0, NULL);
}

static void ask_end(struct store_copy *copy)
{
	int64_t now_ms;
	if (!copy->is_final) {
		/* Without its END the target stays what the next copy may empty. */
		end(copy, 0, NULL);
		return;
	}
	struct nuncio_job_import in = { .step = NUNCIO_IMPORT_END,
		.highest = store_make_id(copy->from, &now_ms) };
	copy->phase = PHASE_END;
	was_asked(copy, store_import(copy->to, &in, on_ended, copy), "ending");
}

static bool is_equal(const struct nuncio_store_counts *a, const struct nuncio_store_counts *b)
{
	return a->conversations == b->conversations && a->events == b->events &&
	       a->members == b->members && a->records == b->records;
}

static void on_target_counted(int status, const struct nuncio_job *job, void *user)
{
	struct store_copy *copy = user;
	char why[256];
	if (!is_going_on(copy, status, "counting"))
		return;
	const struct nuncio_store_counts *a = &copy->counts, *b = &job->counts;
	if (!b->faults && (!copy->is_final || is_equal(a, b))) {
		ask_end(copy);
		return;
	}
	snprintf(why, sizeof(why),
		"the copy is not the same: of %" PRIu64 " conversations, %" PRIu64
		" events, %" PRIu64 " members, %" PRIu64 " records it has %" PRIu64 ", %" PRIu64
		", %" PRIu64 ", %" PRIu64 "; faults %" PRIu64,
		a->conversations, a->events, a->members, a->records, b->conversations, b->events,
		b->members, b->records, b->faults);
	end(copy, NUNCIO_E_FAIL, why);
}

static void ask_counts(struct store_copy *copy, struct store *of, store_moved_fn *done)
{
	struct nuncio_job_export ask = { .what = NUNCIO_EXPORT_COUNTS, .now_ms = copy->now_ms };
	was_asked(copy, store_export(of, &ask, done, copy), "counting");
}

static void on_counted(int status, const struct nuncio_job *job, void *user)
{
	struct store_copy *copy = user;
	if (!is_going_on(copy, status, "counting"))
		return;
	copy->counts = job->counts;
	ask_counts(copy, copy->to, on_target_counted);
}

/* ---- the phases ---- */

static bool is_idle(const struct store_copy *copy)
{
	if (store_dirty_count(&copy->queue) || copy->is_listing || copy->is_reading_records)
		return false;
	for (size_t i = 0; i < CARRIERS; i++)
		if (copy->carriers[i].item)
			return false;
	return copy->is_listed && copy->has_all_records;
}

static void take_changes(struct store_copy *copy)
{
	for (struct dirty_item *item; (item = store_dirty_take(&copy->changed)) != NULL;) {
		if (item->is_record)
			store_dirty_record(&copy->queue, item->space, item->owner, item->key);
		else {
			store_dirty_conversation(&copy->queue, item->conversation, item->low, 0);
			for (unsigned i = 0; i < item->target_count; i++)
				store_dirty_conversation(&copy->queue, item->conversation,
					item->low, item->targets[i]);
		}
		alloc_free(item);
	}
}

static void next_phase(struct store_copy *copy)
{
	size_t waiting = store_dirty_count(&copy->changed);
	bool is_last = copy->phase == PHASE_LAST;
	if (waiting && (waiting > FEW || is_last || !copy->is_final) &&
		(is_last || copy->progress.round < ROUNDS_MAX)) {
		copy->phase = is_last ? PHASE_LAST : PHASE_AGAIN;
		copy->progress.round++;
		take_changes(copy);
		pump(copy);
	} else if (copy->is_final && !is_last) {
		copy->phase = PHASE_LAST;
		copy->from->is_held = true;
		if (copy->from->health)
			store_health_say(copy->from->health, false,
				"writes are refused: a copy takes over, restart with it");
		if (copy->from->writes_open == 0)
			store_copy_quiet(copy);
	} else if (!is_last || copy->is_quiet) {
		copy->phase = PHASE_COUNT;
		copy->now_ms = clock_wall_ms();
		ask_counts(copy, copy->from, on_counted);
	}
}

static void pump(struct store_copy *copy)
{
	for (size_t i = 0; i < CARRIERS && copy->phase < PHASE_COUNT; i++) {
		struct carrier *c = &copy->carriers[i];
		struct dirty_item *item = c->item ? NULL : store_dirty_take(&copy->queue);
		if (item)
			carry(c, item);
	}
	if (copy->phase == PHASE_ALL && !store_dirty_count(&copy->queue) && !copy->is_listed &&
		!copy->is_listing)
		ask_list(copy);
	if (copy->phase == PHASE_ALL && !copy->has_all_records && !copy->is_reading_records)
		ask_records(copy);
	if (copy->phase > PHASE_BEGIN && copy->phase < PHASE_COUNT && is_idle(copy))
		next_phase(copy);
}

static void on_begun(int status, const struct nuncio_job *job, void *user)
{
	struct store_copy *copy = user;
	(void)job;
	if (!is_going_on(copy, status,
		    status == NUNCIO_E_EXISTS ? "the target has something already" : "beginning"))
		return;
	copy->phase = PHASE_ALL;
	pump(copy);
}

int store_copy_start(struct store *from, bool is_final, store_copied_fn *done, void *user)
{
	struct nuncio_job_import in = { .step = NUNCIO_IMPORT_BEGIN };
	if (!from->target || !store_is_open(from->target))
		return NUNCIO_E_UNSUPPORTED;
	if (from->copy || from->is_held || (from->old_copy && from->old_copy->open))
		return NUNCIO_E_EXISTS;
	store_copy_free(&from->old_copy);
	struct store_copy *copy = ALLOC_NEW(struct store_copy);
	copy->from = from;
	copy->to = from->target;
	copy->is_final = is_final;
	copy->done = done;
	copy->user = user;
	store_dirty_init(&copy->queue);
	store_dirty_init(&copy->changed);
	for (size_t i = 0; i < CARRIERS; i++)
		copy->carriers[i].copy = copy;
	int rc = store_import(copy->to, &in, on_begun, copy);
	if (rc == 0) {
		copy->open = 1;
		from->copy = copy;
		return 0;
	}
	copy->phase = PHASE_OVER;
	store_copy_free(&copy);
	return rc;
}

bool store_copy_look(const struct store *from, struct store_copy_progress *progress_r)
{
	const struct store_copy *copy = from->copy;
	if (!copy)
		return false;
	*progress_r = copy->progress;
	progress_r->phase = phase_names[copy->phase];
	progress_r->waiting = store_dirty_count(&copy->queue) + store_dirty_count(&copy->changed);
	return true;
}

void store_copy_stop(struct store *from)
{
	if (from->copy)
		end(from->copy, NUNCIO_E_GONE, "stopped");
}

/* ---- what changes meanwhile ---- */

static bool touch_records(
	struct store_copy *copy, const struct nuncio_record_write *writes, size_t n, uint64_t seq)
{
	char key[STORE_NAME_BYTES + 1];
	bool has_room = true;
	for (size_t i = 0; i < n && has_room; i++) {
		const struct nuncio_record_write *w = &writes[i];
		struct nuncio_str name = w->key;
		if (w->flags & NUNCIO_WRITE_KEY_SEQ) {
			snprintf(key, sizeof(key), STR_FMT "%020" PRIu64, STR_ARG(w->key), seq);
			name = (struct nuncio_str){ key, w->key.n + 20 };
		}
		if (!(w->flags & NUNCIO_WRITE_CHECK))
			has_room = store_dirty_record(&copy->changed, w->space, w->owner, name);
	}
	return has_room;
}

static bool touch_append(struct store_copy *copy, const struct nuncio_job *job)
{
	const struct nuncio_job_append *in = job->input;
	/* Without an answer nobody knows its seq: everything is read again. */
	uint64_t seq = job->status == 0 ? job->seq : 1;
	if (job->duplicate)
		return true;
	return store_dirty_conversation(
		       &copy->changed, in->event.conversation, seq, in->event.target) &&
	       touch_records(copy, in->writes, in->writes_count, seq);
}

void store_copy_touched(struct store_copy *copy, const struct nuncio_job *job)
{
	bool has_room = true;
	if (job->kind == NUNCIO_JOB_APPEND) {
		has_room = touch_append(copy, job);
	} else if (job->kind == NUNCIO_JOB_MARK) {
		const struct nuncio_job_mark *in = job->input;
		has_room =
			store_dirty_conversation(&copy->changed, in->conversation, UINT64_MAX, 0);
	} else if (job->kind == NUNCIO_JOB_WRITE) {
		const struct nuncio_job_write *in = job->input;
		has_room = touch_records(copy, in->writes, in->writes_count, 0);
	}
	if (!has_room)
		end(copy, NUNCIO_E_TOOBIG,
			"more changes than can be remembered; try at a quiet time");
}

void store_copy_quiet(struct store_copy *copy)
{
	if (copy->phase != PHASE_LAST || copy->is_quiet)
		return;
	copy->is_quiet = true;
	pump(copy);
}

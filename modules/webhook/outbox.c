/* SPDX-License-Identifier: MIT */
/*
 * What is to be delivered. Each event has a record that was written in its own transaction, so
 * none can be lost; in memory stands, per conversation, which seqs are due (a *lane*). A lane is
 * worked in order: read a run of events, post them, go on; their records are removed a moment later
 * with those of others (clear.c). A lane waits for its own failures only. What fails too often is
 * moved aside (SPACE_DEAD), and the lane goes on.
 *
 * Memory is bounded: above max_pending new seqs are not kept, only that there are such; from then
 * on none is kept until the outbox has emptied and the records have been read (scan.c), because one
 * that came later must not overtake.
 *
 * With several nodes on one store only the one with the lease delivers (lease.c); it asks the store
 * what is due in a conversation before each post (look.c), since others write there too.
 *
 * A seq may be delivered again after a crash between the endpoint's answer and the removal of its
 * record: at least once, in order per conversation.
 */
#include "outbox.h"

#include <nuncio/log.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LANES_AT_ONCE = 64 };

void outbox_set_pending(struct outbox *o, size_t pending)
{
	o->pending = pending;
	nuncio_gauge_set(o->w->count.pending, (int64_t)pending);
}

void outbox_take_in(struct outbox *o, struct nuncio_str conversation, uint64_t seq)
{
	if (conversation.n > CONVERSATION_BYTES)
		return;
	struct lane *lane = lane_get(o, conversation);
	if (lane_add(lane, seq))
		outbox_set_pending(o, o->pending + 1);
	lane_queue(lane);
}

void outbox_add(struct outbox *o, struct nuncio_str conversation, uint64_t seq)
{
	if (!outbox_may_deliver(o)) {
		hints_add(o->w->hints, conversation, seq);
		return;
	}
	if (o->pending + o->late_count >= o->w->max_pending)
		o->has_more = true;
	if (o->has_more)
		return;
	if (o->is_scanning) {
		scan_note_late(o, conversation, seq);
		return;
	}
	outbox_take_in(o, conversation, seq);
	outbox_go_on(o);
}

bool outbox_may_deliver(const struct outbox *o)
{
	return !o->w->lease || lease_is_held(o->w->lease);
}

size_t outbox_count(const struct outbox *o)
{
	return o->pending;
}

/* ---- the end of a turn of a lane ---- */

static void forget_due(struct lane *lane)
{
	size_t n = lane_due(lane);
	lane_drop(lane, lane->posted, n);
	outbox_set_pending(lane->outbox, lane->outbox->pending - n);
}

static void on_retry(void *user)
{
	struct lane *lane = user;
	nuncio_timer_stop(&lane->timer);
	lane_queue(lane);
	outbox_go_on(lane->outbox);
}

void outbox_rest(struct lane *lane, int64_t wait_ms)
{
	struct outbox *o = lane->outbox;
	lane->is_working = false;
	lane->in_post = 0;
	o->working--;
	if (!outbox_may_deliver(o))
		forget_due(lane);
	if (lane->count == 0)
		lane_free(lane);
	else if (wait_ms && lane_due(lane) && !o->w->is_stopping)
		lane->timer = nuncio_timer_start(o->w->self, (uint32_t)wait_ms, 0, on_retry, lane);
	else
		lane_queue(lane);
	outbox_go_on(o);
}

static void lane_failed(struct lane *lane)
{
	struct webhook *w = lane->outbox->w;
	lane->failures++;
	nuncio_counter_add(w->count.failed, 1);
	outbox_rest(lane, backoff_ms(lane->failures, w->backoff_least_ms, w->backoff_most_ms,
				  webhook_random()));
}

/* ---- what fails too often ---- */

static void on_buried(int status, void *user)
{
	struct lane *lane = user;
	if (status < 0) {
		/* It will be posted again: that is allowed, losing it is not. */
		outbox_rest(lane, RETRY_MS);
		return;
	}
	outbox_set_pending(lane->outbox, lane->outbox->pending - lane->in_post);
	lane_drop(lane, lane->posted, lane->in_post);
	lane->failures = 0;
	outbox_rest(lane, 0);
}

/* Puts what is under way aside as dead, with `why` (JSON). */
static void put_aside(struct lane *lane, struct nuncio_str why)
{
	struct nuncio_record_write writes[2 * BATCH_EVENTS];
	struct clear_key keys[BATCH_EVENTS];
	size_t n = 0;
	for (size_t i = 0; i < lane->in_post; i++) {
		clear_write_key(lane_next(lane)[i], &keys[i]);
		struct nuncio_record_write write = { .size = sizeof write,
			.space = nuncio_text(SPACE_OUT),
			.owner = nuncio_text(lane->conversation),
			.key = nuncio_text(keys[i].text) };
		writes[n++] = write;
		write.space = nuncio_text(SPACE_DEAD);
		write.value = why;
		writes[n++] = write;
	}
	if (nuncio_store_write(lane->outbox->w->self, writes, n, on_buried, lane) < 0)
		outbox_rest(lane, RETRY_MS);
}

static void bury(struct lane *lane, const struct post *post)
{
	struct webhook *w = lane->outbox->w;
	struct nuncio_json *json = nuncio_json_new();
	nuncio_log(w->self, NUNCIO_ERROR,
		"given up after %u attempts: %zu events of %s from seq %" PRIu64
		" on (status %ld %s); they are kept for a replay",
		lane->failures + 1, lane->in_post, lane->conversation, lane_next(lane)[0],
		post->status, post->error);
	nuncio_counter_add(w->count.dead, (int64_t)lane->in_post);
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "at");
	nuncio_json_put_time(json, nuncio_wall_ms());
	nuncio_json_key(json, "status");
	nuncio_json_put_int(json, post->status);
	nuncio_json_key(json, "error");
	nuncio_json_put_text(json, nuncio_text(post->error));
	nuncio_json_object_end(json);
	put_aside(lane, nuncio_json_str(json));
	nuncio_json_free(&json);
}

/* ---- posting ---- */

static void lane_posted(struct lane *lane)
{
	size_t n = lane->in_post;
	lane->in_post = 0;
	lane->failures = 0;
	clear_later(lane, n);
	outbox_rest(lane, 0);
}

static void on_posted(struct post *post)
{
	struct lane *lane = post->user;
	struct webhook *w = lane->outbox->w;
	bool is_good = post->status >= 200 && post->status < 300;
	if (is_good) {
		nuncio_counter_add(w->count.delivered, (int64_t)lane->in_post);
		lane_posted(lane);
	} else if (!w->is_stopping && lane->failures + 1 >= w->attempts) {
		bury(lane, post);
	} else {
		lane_failed(lane);
	}
	post_free(&post);
}

static void post_body(struct lane *lane, struct nuncio_str body)
{
	struct webhook *w = lane->outbox->w;
	struct post *post = post_new();
	post->url = w->url;
	post->body = nuncio_alloc(body.n + 1);
	memcpy(post->body, body.p, body.n);
	post->body_bytes = body.n;
	post->timeout_ms = (long)w->timeout_ms;
	post->done = on_posted;
	post->user = lane;
	sign_write(w->keys, nuncio_wall_ms() / 1000, body, post->signature);
	snprintf(post->delivery, sizeof post->delivery, "%" PRIx32 "-%" PRIu64 "-%zu",
		lane_number(lane->conversation), lane_next(lane)[0], lane->in_post);
	if (w->is_stopping || !outbox_may_deliver(lane->outbox) ||
		sender_post(w->sender, post) < 0) {
		post_free(&post);
		outbox_rest(lane, RETRY_MS);
	}
}

/*
 * Rows are a run of the log from the first due seq on; those that are not due are left out, and one
 * that is due but not there any more has nothing to be delivered.
 */
static void on_events(int status, const struct nuncio_event *rows, size_t n, int more, void *user)
{
	struct lane *lane = user;
	(void)more;
	if (status < 0) {
		outbox_rest(lane, RETRY_MS);
		return;
	}
	const uint64_t *due = lane_next(lane);
	/* A replay may have made one due that is below what was read: it is there all the same. */
	if (due[0] != lane->read_from) {
		outbox_rest(lane, 0);
		return;
	}
	struct nuncio_json *json = nuncio_json_new();
	size_t at = 0, taken = 0, written = 0,
	       most = lane_due(lane) < BATCH_EVENTS ? lane_due(lane) : BATCH_EVENTS;
	uint64_t upto =
		n && rows[n - 1].seq < lane->known_upto ? rows[n - 1].seq : lane->known_upto;
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "events");
	nuncio_json_array_begin(json);
	for (; taken < most && due[taken] <= upto; taken++) {
		while (at < n && rows[at].seq < due[taken])
			at++;
		if (at < n && rows[at].seq == due[taken]) {
			nuncio_event_write(json, &rows[at]);
			written++;
		}
	}
	nuncio_json_array_end(json);
	nuncio_json_object_end(json);
	lane->in_post = taken;
	if (written)
		post_body(lane, nuncio_json_str(json));
	else
		lane_posted(lane);
	nuncio_json_free(&json);
}

void outbox_read(struct lane *lane)
{
	lane->read_from = lane_next(lane)[0];
	const struct nuncio_events_query query = {
		.size = sizeof query,
		.flags = NUNCIO_EVENTS_FORWARD,
		.conversation = nuncio_text(lane->conversation),
		.after = lane->read_from - 1,
		.limit = BATCH_EVENTS,
		.max_bytes = BATCH_BYTES,
	};
	if (nuncio_store_events(lane->outbox->w->self, &query, on_events, lane) < 0)
		outbox_rest(lane, RETRY_MS);
}

static void work(struct lane *lane)
{
	lane->is_working = true;
	lane->outbox->working++;
	if (lane->outbox->w->lease) {
		look_first(lane);
	} else {
		lane->known_upto = UINT64_MAX;
		outbox_read(lane);
	}
}

void outbox_go_on(struct outbox *o)
{
	struct lane *lane;
	if (o->is_scanning || o->w->is_stopping || !outbox_may_deliver(o))
		return;
	while (o->working < LANES_AT_ONCE && (lane = lane_unqueue(o)))
		work(lane);
	if (o->has_more && o->pending == 0 && !o->scan_later)
		outbox_scan(o);
}

/* Another node delivers: what is due is its business. What is under way comes to its end. */
void outbox_pause(struct outbox *o)
{
	while (lane_unqueue(o))
		continue;
	for (size_t i = 0; i < LANE_BUCKETS; i++)
		for (struct lane *lane = o->bucket[i], *next; lane; lane = next) {
			next = lane->chain;
			if (lane->is_working)
				continue;
			nuncio_timer_stop(&lane->timer);
			lane->failures = 0;
			forget_due(lane);
			if (!lane->count)
				lane_free(lane);
		}
}

/* ---- life ---- */

struct outbox *outbox_new(struct webhook *w)
{
	struct outbox *o = nuncio_alloc(sizeof *o);
	o->w = w;
	return o;
}

void outbox_finish(struct outbox *o)
{
	nuncio_timer_stop(&o->clear_later);
	clear_now(o);
}

void outbox_free(struct outbox **outbox)
{
	struct outbox *o = *outbox;
	*outbox = NULL;
	if (!o)
		return;
	for (size_t i = 0; i < LANE_BUCKETS; i++)
		for (struct lane *lane = o->bucket[i], *next; lane; lane = next) {
			next = lane->chain;
			lane_free(lane);
		}
	nuncio_timer_stop(&o->clear_later);
	scan_fini(o);
	free(o);
}

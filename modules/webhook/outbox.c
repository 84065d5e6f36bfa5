/* SPDX-License-Identifier: MIT */
/*
 * What is to be delivered. Each event has a record that was written in its own transaction, so
 * none can be lost; this file keeps in memory, per conversation, which seqs are due (a *lane*),
 * and works each lane in order: read a run of events, post them, then remove their records. A lane
 * waits for its own failures only. What fails too often is moved aside (SPACE_DEAD), and the lane
 * goes on.
 *
 * Memory is bounded: above max_pending new seqs are not kept, only that there are such; from then
 * on none is kept until the outbox has emptied and the records have been read, because one that
 * came later must not overtake. At the start the records are read too. What comes while they are
 * read waits until that is done.
 *
 * A seq may be delivered again after a crash between the endpoint's answer and the removal of its
 * record: at least once, in order per conversation.
 */
#include "webhook.h"

#include <nuncio/log.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 4096, SCAN_ROWS = 500, RETRY_MS = 1000, LANES_AT_ONCE = 64 };

struct lane {
	struct lane *chain;           /* same bucket */
	struct lane *next, *previous; /* in the queue of those that may go on */
	struct outbox *outbox;
	struct nuncio_timer *timer; /* waiting after a failure */
	bool is_queued, is_working;
	unsigned failures;
	uint64_t *seqs; /* due, rising */
	size_t first, count, room;
	size_t in_post; /* the first so many are under way */
	char conversation[CONVERSATION_BYTES + 1];
};

/* An event that came while the records were read. */
struct late {
	uint64_t seq;
	char *conversation;
};

struct outbox {
	struct webhook *w;
	struct lane *bucket[BUCKETS];
	struct lane *first, *last; /* ready to go on */
	size_t pending, working;
	bool is_scanning, has_more; /* has_more: there are records that memory does not know */
	replayed_fn *replayed;      /* a replay is under way, and who waits for it */
	void *replayed_user;
	int64_t moved;
	struct late *late;
	size_t late_count, late_room;
	struct nuncio_timer *scan_later;
	char after_owner[CONVERSATION_BYTES + 1], after_key[SEQ_DIGITS + 1];
};

static void go_on(struct outbox *o);

/* ---- lanes ---- */

static size_t bucket_of(struct nuncio_str conversation)
{
	uint64_t hash = 1469598103934665603u;
	for (size_t i = 0; i < conversation.n; i++)
		hash = (hash ^ (unsigned char)conversation.p[i]) * 1099511628211u;
	return (size_t)(hash % BUCKETS);
}

static struct lane *lane_find(const struct outbox *o, struct nuncio_str conversation)
{
	for (struct lane *lane = o->bucket[bucket_of(conversation)]; lane; lane = lane->chain)
		if (strlen(lane->conversation) == conversation.n &&
			memcmp(lane->conversation, conversation.p, conversation.n) == 0)
			return lane;
	return NULL;
}

static struct lane *lane_new(struct outbox *o, struct nuncio_str conversation)
{
	struct lane *lane = nuncio_alloc(sizeof *lane);
	size_t at = bucket_of(conversation);
	lane->outbox = o;
	memcpy(lane->conversation, conversation.p, conversation.n);
	lane->chain = o->bucket[at];
	o->bucket[at] = lane;
	return lane;
}

static void lane_free(struct lane *lane)
{
	struct lane **at = &lane->outbox->bucket[bucket_of(nuncio_text(lane->conversation))];
	while (*at != lane)
		at = &(*at)->chain;
	*at = lane->chain;
	nuncio_timer_stop(&lane->timer);
	free(lane->seqs);
	free(lane);
}

static void queue(struct lane *lane)
{
	struct outbox *o = lane->outbox;
	if (lane->is_queued || lane->is_working || lane->timer)
		return;
	lane->is_queued = true;
	lane->next = NULL;
	lane->previous = o->last;
	*(o->last ? &o->last->next : &o->first) = lane;
	o->last = lane;
}

static struct lane *unqueue(struct outbox *o)
{
	struct lane *lane = o->first;
	if (!lane)
		return NULL;
	o->first = lane->next;
	*(o->first ? &o->first->previous : &o->last) = NULL;
	lane->is_queued = false;
	return lane;
}

/* Rising and once each: a scan may bring what was added live. Nearly always it is the highest. */
static bool lane_add(struct lane *lane, uint64_t seq)
{
	size_t at = lane->first + lane->count;
	while (at > lane->first + lane->in_post && lane->seqs[at - 1] > seq)
		at--;
	if (at > lane->first && lane->seqs[at - 1] >= seq)
		return false;
	if (lane->first + lane->count == lane->room) {
		if (lane->first > lane->room / 2) {
			memmove(lane->seqs, lane->seqs + lane->first,
				lane->count * sizeof *lane->seqs);
			at -= lane->first;
			lane->first = 0;
		} else {
			lane->room = lane->room ? lane->room * 2 : 4;
			lane->seqs = nuncio_resize(lane->seqs, lane->room * sizeof *lane->seqs);
		}
	}
	size_t end = lane->first + lane->count;
	memmove(lane->seqs + at + 1, lane->seqs + at, (end - at) * sizeof *lane->seqs);
	lane->seqs[at] = seq;
	lane->count++;
	return true;
}

static void set_pending(struct outbox *o, size_t pending)
{
	o->pending = pending;
	nuncio_gauge_set(o->w->count.pending, (int64_t)pending);
}

static void take_in(struct outbox *o, struct nuncio_str conversation, uint64_t seq)
{
	if (conversation.n > CONVERSATION_BYTES)
		return;
	struct lane *lane = lane_find(o, conversation);
	if (!lane)
		lane = lane_new(o, conversation);
	if (lane_add(lane, seq))
		set_pending(o, o->pending + 1);
	queue(lane);
}

static void late_add(struct outbox *o, struct nuncio_str conversation, uint64_t seq)
{
	if (o->late_count == o->late_room) {
		o->late_room = o->late_room ? o->late_room * 2 : 64;
		o->late = nuncio_resize(o->late, o->late_room * sizeof *o->late);
	}
	struct late *late = &o->late[o->late_count++];
	late->seq = seq;
	late->conversation = nuncio_alloc(conversation.n + 1);
	memcpy(late->conversation, conversation.p, conversation.n);
}

/* All records are known, so these are in order too; else a later scan finds these. */
static void late_end(struct outbox *o)
{
	for (size_t i = 0; i < o->late_count; i++) {
		if (!o->has_more)
			take_in(o, nuncio_text(o->late[i].conversation), o->late[i].seq);
		free(o->late[i].conversation);
	}
	o->late_count = 0;
}

void outbox_add(struct outbox *o, struct nuncio_str conversation, uint64_t seq)
{
	if (o->pending + o->late_count >= o->w->max_pending)
		o->has_more = true;
	if (o->has_more)
		return;
	if (o->is_scanning) {
		late_add(o, conversation, seq);
		return;
	}
	take_in(o, conversation, seq);
	go_on(o);
}

size_t outbox_count(const struct outbox *o)
{
	return o->pending;
}

/* ---- the end of a turn of a lane ---- */

static void on_retry(void *user)
{
	struct lane *lane = user;
	nuncio_timer_stop(&lane->timer);
	queue(lane);
	go_on(lane->outbox);
}

/* wait_ms 0: at once. */
static void lane_rest(struct lane *lane, int64_t wait_ms)
{
	struct outbox *o = lane->outbox;
	lane->is_working = false;
	lane->in_post = 0;
	o->working--;
	if (lane->count == 0)
		lane_free(lane);
	else if (wait_ms && !o->w->is_stopping)
		lane->timer = nuncio_timer_start(o->w->self, (uint32_t)wait_ms, 0, on_retry, lane);
	else
		queue(lane);
	go_on(o);
}

static void lane_failed(struct lane *lane)
{
	struct webhook *w = lane->outbox->w;
	lane->failures++;
	nuncio_counter_add(w->count.failed, 1);
	lane_rest(lane, backoff_ms(lane->failures, w->backoff_least_ms, w->backoff_most_ms,
				webhook_random()));
}

/* ---- records ---- */

static void write_key(uint64_t seq, char key[SEQ_DIGITS + 1])
{
	snprintf(key, SEQ_DIGITS + 1, "%020" PRIu64, seq);
}

static void on_removed(int status, void *user)
{
	struct lane *lane = user;
	struct outbox *o = lane->outbox;
	if (status < 0) {
		/* They will be posted again: that is allowed, losing them is not. */
		lane_rest(lane, RETRY_MS);
		return;
	}
	lane->first += lane->in_post;
	lane->count -= lane->in_post;
	set_pending(o, o->pending - lane->in_post);
	lane->failures = 0;
	lane_rest(lane, 0);
}

/* Removes the records of what is under way; with `why` (JSON) they are put aside as dead. */
static void settle(struct lane *lane, const char *why)
{
	struct nuncio_record_write writes[2 * BATCH_EVENTS];
	char keys[BATCH_EVENTS][SEQ_DIGITS + 1];
	size_t n = 0;
	for (size_t i = 0; i < lane->in_post; i++) {
		write_key(lane->seqs[lane->first + i], keys[i]);
		writes[n++] = (struct nuncio_record_write){ .size = sizeof writes[0],
			.space = nuncio_text(SPACE_OUT),
			.owner = nuncio_text(lane->conversation),
			.key = nuncio_text(keys[i]) };
		if (why)
			writes[n++] = (struct nuncio_record_write){ .size = sizeof writes[0],
				.space = nuncio_text(SPACE_DEAD),
				.owner = nuncio_text(lane->conversation),
				.key = nuncio_text(keys[i]),
				.value = nuncio_text(why) };
	}
	if (nuncio_store_write(lane->outbox->w->self, writes, n, on_removed, lane) < 0)
		lane_rest(lane, RETRY_MS);
}

static void bury(struct lane *lane, const struct post *post)
{
	struct webhook *w = lane->outbox->w;
	struct nuncio_json *json = nuncio_json_new();
	nuncio_log(w->self, NUNCIO_ERROR,
		"given up after %u attempts: %zu events of %s from seq %" PRIu64
		" on (status %ld %s); they are kept for a replay",
		lane->failures + 1, lane->in_post, lane->conversation, lane->seqs[lane->first],
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
	struct nuncio_str text = nuncio_json_str(json);
	char why[512];
	snprintf(why, sizeof why, "%.*s", (int)text.n, text.p);
	nuncio_json_free(&json);
	settle(lane, why);
}

/* ---- posting ---- */

static void on_posted(struct post *post)
{
	struct lane *lane = post->user;
	struct webhook *w = lane->outbox->w;
	bool is_good = post->status >= 200 && post->status < 300;
	if (is_good) {
		nuncio_counter_add(w->count.delivered, (int64_t)lane->in_post);
		settle(lane, NULL);
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
	snprintf(post->delivery, sizeof post->delivery, "%zx-%" PRIu64 "-%zu",
		bucket_of(nuncio_text(lane->conversation)), lane->seqs[lane->first], lane->in_post);
	if (w->is_stopping || sender_post(w->sender, post) < 0) {
		post_free(&post);
		lane_rest(lane, RETRY_MS);
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
		lane_rest(lane, RETRY_MS);
		return;
	}
	struct nuncio_json *json = nuncio_json_new();
	size_t at = 0, taken = 0, written = 0,
	       most = lane->count < BATCH_EVENTS ? lane->count : BATCH_EVENTS;
	uint64_t upto = n ? rows[n - 1].seq : UINT64_MAX;
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "events");
	nuncio_json_array_begin(json);
	for (; taken < most && lane->seqs[lane->first + taken] <= upto; taken++) {
		while (at < n && rows[at].seq < lane->seqs[lane->first + taken])
			at++;
		if (at < n && rows[at].seq == lane->seqs[lane->first + taken]) {
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
		settle(lane, NULL);
	nuncio_json_free(&json);
}

static void work(struct lane *lane)
{
	struct outbox *o = lane->outbox;
	lane->is_working = true;
	o->working++;
	const struct nuncio_events_query query = {
		.size = sizeof query,
		.flags = NUNCIO_EVENTS_FORWARD,
		.conversation = nuncio_text(lane->conversation),
		.after = lane->seqs[lane->first] - 1,
		.limit = BATCH_EVENTS,
		.max_bytes = BATCH_BYTES,
	};
	if (nuncio_store_events(o->w->self, &query, on_events, lane) < 0)
		lane_rest(lane, RETRY_MS);
}

static void go_on(struct outbox *o)
{
	struct lane *lane;
	if (o->is_scanning || o->w->is_stopping)
		return;
	while (o->working < LANES_AT_ONCE && (lane = unqueue(o)))
		work(lane);
	if (o->has_more && o->pending == 0 && !o->scan_later)
		outbox_scan(o);
}

/* ---- scanning ---- */

static void on_scan_later(void *user)
{
	struct outbox *o = user;
	nuncio_timer_stop(&o->scan_later);
	outbox_scan(o);
}

static void scan_later(struct outbox *o)
{
	o->is_scanning = false;
	o->has_more = true;
	late_end(o);
	if (!o->scan_later && !o->w->is_stopping)
		o->scan_later = nuncio_timer_start(o->w->self, RETRY_MS, 0, on_scan_later, o);
}

static void scan_page(struct outbox *o);

static void on_scanned(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct outbox *o = user;
	char key[SEQ_DIGITS + 1];
	if (status < 0) {
		scan_later(o);
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (nuncio_text_copy(rows[i].key, key, sizeof key) == 0)
			take_in(o, rows[i].owner, strtoull(key, NULL, 10));
	if (more && n && o->pending < o->w->max_pending &&
		nuncio_text_copy(rows[n - 1].owner, o->after_owner, sizeof o->after_owner) == 0 &&
		nuncio_text_copy(rows[n - 1].key, o->after_key, sizeof o->after_key) == 0) {
		scan_page(o);
		return;
	}
	o->is_scanning = false;
	o->has_more = o->has_more || more;
	late_end(o);
	go_on(o);
}

static void scan_page(struct outbox *o)
{
	const struct nuncio_records_query query = {
		.size = sizeof query,
		.space = nuncio_text(SPACE_OUT),
		.owner = { NULL, 0 },
		.after_owner = nuncio_text(o->after_owner),
		.after_key = nuncio_text(o->after_key),
		.limit = SCAN_ROWS,
	};
	if (nuncio_store_list(o->w->self, &query, on_scanned, o) < 0)
		scan_later(o);
}

void outbox_scan(struct outbox *o)
{
	if (o->is_scanning)
		return;
	o->is_scanning = true;
	o->has_more = false;
	o->after_owner[0] = o->after_key[0] = '\0';
	scan_page(o);
}

/* ---- replay: from dead to due, owner by owner ---- */

static void replay_next(struct outbox *o);

static void replay_end(struct outbox *o, int status)
{
	replayed_fn *done = o->replayed;
	int64_t moved = o->moved;
	o->replayed = NULL;
	o->moved = 0;
	/* Their seqs are below what memory knows, so they are read in order. */
	o->has_more = o->has_more || moved > 0;
	done(status < 0 ? status : moved, o->replayed_user);
	go_on(o);
}

struct moving {
	struct outbox *o;
	size_t count;
};

static void on_moved(int status, void *user)
{
	struct moving moving = *(struct moving *)user;
	free(user);
	if (status < 0) {
		replay_end(moving.o, status);
		return;
	}
	moving.o->moved += (int64_t)moving.count;
	replay_next(moving.o); /* until none is left */
}

/* One owner's at a time: a write has one owner. */
static void on_dead(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct outbox *o = user;
	struct nuncio_record_write writes[2 * BATCH_EVENTS];
	size_t count = 0;
	(void)more;
	for (size_t i = 0; status == 0 && i < n && i < BATCH_EVENTS; i++) {
		if (!nuncio_text_same(rows[i].owner, rows[0].owner))
			break;
		writes[count++] = (struct nuncio_record_write){ .size = sizeof writes[0],
			.space = nuncio_text(SPACE_DEAD),
			.owner = rows[i].owner,
			.key = rows[i].key };
		writes[count++] = (struct nuncio_record_write){ .size = sizeof writes[0],
			.space = nuncio_text(SPACE_OUT),
			.owner = rows[i].owner,
			.key = rows[i].key,
			.value = nuncio_text("{}") };
	}
	if (!count) {
		replay_end(o, status);
		return;
	}
	struct moving *moving = nuncio_alloc(sizeof *moving);
	*moving = (struct moving){ o, count / 2 };
	int rc = nuncio_store_write(o->w->self, writes, count, on_moved, moving);
	if (rc < 0) {
		free(moving);
		replay_end(o, rc);
	}
}

static int list_dead(struct outbox *o)
{
	const struct nuncio_records_query query = {
		.size = sizeof query,
		.space = nuncio_text(SPACE_DEAD),
		.owner = { NULL, 0 },
		.limit = BATCH_EVENTS,
	};
	return nuncio_store_list(o->w->self, &query, on_dead, o);
}

static void replay_next(struct outbox *o)
{
	int rc = list_dead(o);
	if (rc < 0)
		replay_end(o, rc);
}

int outbox_replay(struct outbox *o, replayed_fn *done, void *user)
{
	if (o->replayed)
		return NUNCIO_E_BUSY;
	int rc = list_dead(o);
	if (rc < 0)
		return rc;
	o->replayed = done;
	o->replayed_user = user;
	return 0;
}

/* ---- life ---- */

struct outbox *outbox_new(struct webhook *w)
{
	struct outbox *o = nuncio_alloc(sizeof *o);
	o->w = w;
	return o;
}

void outbox_free(struct outbox **outbox)
{
	struct outbox *o = *outbox;
	*outbox = NULL;
	if (!o)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct lane *lane = o->bucket[i], *next; lane; lane = next) {
			next = lane->chain;
			lane_free(lane);
		}
	nuncio_timer_stop(&o->scan_later);
	o->has_more = true;
	late_end(o);
	free(o->late);
	free(o);
}

/* SPDX-License-Identifier: MIT */
/*
 * A place in Redis, common to all nodes, for the newest events of conversations that are being
 * read: what history keeps in its own memory, one value for each conversation, which Redis forgets
 * after a while or when it needs room. Nothing depends on it. An answer that does not come within
 * `patience` is none, and one that comes later is dropped; while Redis is away nobody waits at all.
 * So Redis may be slow, empty, or gone: it only costs speed.
 *
 * Thread: logic. State: the connection, and the questions under way, oldest first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include <nuncio/conf.h>
#include <nuncio/log.h>
#include <nuncio/metric.h>
#include <nuncio/module.h>
#include <nuncio/service.h>
#include <nuncio/services/recent.h>
#include <nuncio/text.h>
#include <nuncio/timer.h>

#include "redis/redis.h"

enum { KEY_BYTES = 512, ASKING_MAX = 10000, PUMP_MS = 5 };

struct place;

/* Lives until Redis has answered, though nobody may wait for it any more. */
struct question {
	struct question *next, *previous; /* while somebody waits */
	struct place *place;
	int64_t due_ms;
	nuncio_recent_fn *done; /* NULL: it was answered */
	void *user;
};

struct place {
	struct nuncio_module *self;
	struct redis_conf conf;
	struct redis *redis;
	struct question *oldest, *newest;
	size_t waiting;
	struct nuncio_timer *timer;
	bool is_stopping;
	int64_t patience_ms, value_bytes;
	char ttl[24];
	struct nuncio_counter *found, *not_found, *late, *kept, *refused;
};

/* ---- questions ---- */

static void answer(struct question *question, struct nuncio_str bytes)
{
	struct place *place = question->place;
	nuncio_recent_fn *done = question->done;
	*(question->previous ? &question->previous->next : &place->oldest) = question->next;
	*(question->next ? &question->next->previous : &place->newest) = question->previous;
	question->next = question->previous = NULL;
	question->done = NULL;
	place->waiting--;
	/* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): what is in the list has a done */
	done(bytes, question->user);
}

static void on_reply(const struct redisReply *reply, void *user)
{
	struct question *question = user;
	struct place *place = question->place;
	bool is_there = reply && reply->type == REDIS_REPLY_STRING;
	struct nuncio_str bytes = { NULL, 0 };
	if (is_there)
		bytes = (struct nuncio_str){ reply->str, reply->len };
	if (question->done) {
		nuncio_counter_add(is_there ? place->found : place->not_found, 1);
		answer(question, bytes);
	}
	free(question);
}

/* The timer of the oldest one. Those behind it are due later. */
static void on_timer(void *user);

static void watch(struct place *place)
{
	if (place->timer || !place->oldest || place->is_stopping)
		return;
	int64_t left_ms = place->oldest->due_ms - nuncio_mono_ms();
	place->timer = nuncio_timer_start(
		place->self, left_ms > 1 ? (uint32_t)left_ms : 1, 0, on_timer, place);
}

static void on_timer(void *user)
{
	struct place *place = user;
	int64_t now_ms = nuncio_mono_ms();
	place->timer = NULL;
	while (place->oldest && place->oldest->due_ms <= now_ms) {
		nuncio_counter_add(place->late, 1);
		answer(place->oldest, (struct nuncio_str){ NULL, 0 });
	}
	watch(place);
}

/* Empty when the id is too long: then nothing is kept of it. */
static struct nuncio_str key_of(
	const struct place *place, struct nuncio_str conversation, char out[KEY_BYTES])
{
	int n = snprintf(out, KEY_BYTES, "%srecent:%.*s", place->conf.prefix, (int)conversation.n,
		conversation.p);
	return (struct nuncio_str){ out, n > 0 && n < KEY_BYTES ? (size_t)n : 0 };
}

static int get(void *impl, struct nuncio_str conversation, nuncio_recent_fn *done, void *user)
{
	struct place *place = impl;
	char text[KEY_BYTES];
	struct nuncio_str key = key_of(place, conversation, text);
	if (place->is_stopping || !key.n || !redis_is_up(place->redis))
		return NUNCIO_E_GONE;
	if (place->waiting >= ASKING_MAX)
		return NUNCIO_E_BUSY;
	struct question *question = nuncio_alloc(sizeof *question);
	*question = (struct question){ .place = place,
		.due_ms = nuncio_mono_ms() + place->patience_ms,
		.done = done,
		.user = user };
	int rc = REDIS_ASK(place->redis, key, on_reply, question, nuncio_text("GET"), key);
	if (rc < 0) {
		free(question);
		return rc;
	}
	question->previous = place->newest;
	*(place->newest ? &place->newest->next : &place->oldest) = question;
	place->newest = question;
	place->waiting++;
	watch(place);
	return 0;
}

static void put(void *impl, struct nuncio_str conversation, struct nuncio_str bytes)
{
	struct place *place = impl;
	char text[KEY_BYTES];
	struct nuncio_str key = key_of(place, conversation, text);
	int rc = NUNCIO_E_GONE;
	if (key.n && !place->is_stopping && redis_is_up(place->redis) &&
		(int64_t)bytes.n <= place->value_bytes)
		rc = REDIS_ASK(place->redis, key, NULL, NULL, nuncio_text("SET"), key, bytes,
			nuncio_text("EX"), nuncio_text(place->ttl));
	nuncio_counter_add(rc == 0 ? place->kept : place->refused, 1);
}

static const struct nuncio_recent_v1 service = { .size = sizeof service, .get = get, .put = put };

/* ---- the connection ---- */

static void on_up(void *user)
{
	const struct place *place = user;
	nuncio_log(place->self, NUNCIO_INFO, "Redis is there");
}

static void on_down(const char *why, void *user)
{
	const struct place *place = user;
	nuncio_log(place->self, NUNCIO_WARN,
		"Redis is away, pages come from the store meanwhile: %s", why);
}

/* ---- the module ---- */

static void add_counts(struct place *place)
{
	struct nuncio_module *self = place->self;
	place->found =
		nuncio_counter_new(self, "found_total", NULL, "Conversations that were in Redis.");
	place->not_found = nuncio_counter_new(
		self, "not_found_total", NULL, "Conversations that were not in Redis.");
	place->late = nuncio_counter_new(
		self, "late_total", NULL, "Questions that Redis did not answer in time.");
	place->kept =
		nuncio_counter_new(self, "kept_total", NULL, "Conversations written to Redis.");
	place->refused = nuncio_counter_new(self, "refused_total", NULL,
		"Conversations not written: too large, or Redis was away or too slow.");
}

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	static const struct redis_events events = { on_up, on_down, NULL, NULL };
	struct place *place = nuncio_alloc(sizeof *place);
	place->self = self;
	int rc = redis_conf_read(&place->conf, self, err);
	if (rc == 0)
		rc = nuncio_service_offer(self, NUNCIO_RECENT_V1, &service, place);
	if (rc < 0) {
		redis_conf_free(&place->conf);
		free(place);
		return rc;
	}
	add_counts(place);
	snprintf(place->ttl, sizeof place->ttl, "%lld",
		(long long)(nuncio_conf_int(self, "ttl") / 1000));
	place->redis = redis_new(&place->conf, REDIS_ASKS, &events, place);
	nuncio_module_set_data(self, place);
	return 0;
}

static int reload(struct nuncio_module *self, struct nuncio_error *err)
{
	struct place *place = nuncio_module_data(self);
	(void)err;
	place->patience_ms = nuncio_conf_int(self, "patience");
	place->value_bytes = nuncio_conf_int(self, "value_bytes");
	return 0;
}

/* The loop does not run yet: what it would do is done here. */
static int wait_at_start(struct place *place, struct nuncio_error *err)
{
	int64_t end_ms = nuncio_mono_ms() + 2 * (int64_t)place->conf.timeout_ms;
	int rc = 0;
	while (rc == 0 && !redis_is_up(place->redis) && nuncio_mono_ms() < end_ms)
		rc = redis_pump(place->redis, PUMP_MS);
	if (redis_is_up(place->redis))
		return 0;
	nuncio_error_set(err, "Redis: %s (start_without = wait would go on trying)",
		redis_why(place->redis)[0] ? redis_why(place->redis) : "no answer in time");
	redis_free(&place->redis);
	return NUNCIO_E_FAIL;
}

/* With start_without = wait nobody waits: until it is there everything comes from the store. */
static int start(struct nuncio_module *self, struct nuncio_error *err)
{
	struct place *place = nuncio_module_data(self);
	reload(self, err);
	redis_start(place->redis);
	return place->conf.waits_at_start ? 0 : wait_at_start(place, err);
}

static void stop(struct nuncio_module *self)
{
	struct place *place = nuncio_module_data(self);
	place->is_stopping = true;
	nuncio_timer_stop(&place->timer);
	redis_free(&place->redis); /* open questions are answered with nothing */
}

static void fini(struct nuncio_module *self)
{
	struct place *place = nuncio_module_data(self);
	if (!place)
		return;
	redis_free(&place->redis);
	redis_conf_free(&place->conf);
	free(place);
	nuncio_module_set_data(self, NULL);
}

static const struct nuncio_option options[] = {
	REDIS_OPTIONS,
	{ "ttl", NUNCIO_OPT_MSEC, 0, "1h", 1000, INT64_C(30) * 86400000, NULL,
		"What is not written anew is forgotten after this time. Whole seconds." },
	{ "patience", NUNCIO_OPT_MSEC, NUNCIO_OPT_LIVE, "50ms", 1, 10000, NULL,
		"An answer of Redis that takes longer is not waited for." },
	{ "value_bytes", NUNCIO_OPT_BYTES, NUNCIO_OPT_LIVE, "256K", 1024, 64 << 20, NULL,
		"Conversations whose newest events are larger are not written." },
	{ 0 },
};

NUNCIO_MODULE("history_redis", .version = "1.0",
	.summary = "The newest events of conversations in Redis, for all nodes.",
	.options = options, .init = init, .start = start, .reload = reload, .stop = stop,
	.fini = fini)

/* SPDX-License-Identifier: MIT */
/*
 * See redis.h. The way up: one address after the other; by Sentinels, the master that one of them
 * names, if it says itself that it is; of a cluster, the map of its slots and all masters. Whatever
 * goes wrong on the way or later ends in redis_fail: everything is closed, and the next try begins
 * after a pause.
 */
#include "redis/redis_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <hiredis/hiredis.h>

#include <nuncio/log.h>

#include "redis/redis_backoff.h"
#include "redis/redis_buffer.h"

enum { FATAL_WORDS = 6, SAY_AGAIN_MS = 10000 };

static void begin(struct redis *redis);

/* ---- loss ---- */

static void on_retry(void *user)
{
	struct redis *redis = user;
	redis->retry = NULL;
	begin(redis);
}

static void plan_retry(struct redis *redis)
{
	uint32_t chance = 0;
	if (getrandom(&chance, sizeof chance, 0) != (ssize_t)sizeof chance)
		chance = (uint32_t)nuncio_mono_ms() * 2654435761u;
	uint32_t wait_ms = redis_backoff_ms(
		redis->tries++, redis->conf->retry_ms, redis->conf->retry_most_ms, chance);
	nuncio_timer_stop(&redis->retry);
	redis->retry = nuncio_timer_start(redis->conf->self, wait_ms, 0, on_retry, redis);
}

static void close_all(struct redis *redis, const char *why)
{
	redis_link_close(redis->main, why);
	redis_link_close(redis->sentinel, why);
	redis_cluster_close(redis, why);
}

/* Closing a link calls back into here: the first reason counts. */
void redis_fail(struct redis *redis, const char *why)
{
	if (redis->is_failing || !redis->is_started)
		return;
	bool was_up = redis->is_up;
	redis->is_failing = true;
	redis->is_up = false;
	snprintf(redis->why, sizeof redis->why, "%s", why);
	close_all(redis, redis->why);
	redis->is_failing = false;
	redis->next_address++;
	plan_retry(redis);
	if (was_up)
		redis->events.down(redis->why, redis->user);
}

bool redis_is_fatal(struct redis *redis, const struct redisReply *reply)
{
	static const char *const words[FATAL_WORDS] = { "READONLY ", "LOADING ", "MASTERDOWN ",
		"CLUSTERDOWN ", "NOAUTH ", "NOREPLICAS " };
	if (!reply || reply->type != REDIS_REPLY_ERROR)
		return false;
	if (redis->conf->form != REDIS_CLUSTER && strncmp(reply->str, "MOVED ", 6) == 0) {
		redis_fail(redis, "it is one of a Redis Cluster (cluster = on is missing)");
		return true;
	}
	for (size_t i = 0; i < FATAL_WORDS; i++)
		if (strncmp(reply->str, words[i], strlen(words[i])) == 0) {
			redis_fail(redis, reply->str);
			return true;
		}
	return false;
}

void redis_say_refused(struct redis *redis, const char *what, const struct redisReply *reply)
{
	int64_t now_ms = nuncio_mono_ms();
	if (!reply)
		return;
	if (redis->refused_ms && now_ms - redis->refused_ms < SAY_AGAIN_MS) {
		redis->refused++;
		return;
	}
	bool is_error = reply->type == REDIS_REPLY_ERROR;
	bool is_foreign = !is_error || strncmp(reply->str, "WRONGTYPE", 9) == 0 ||
			  strstr(reply->str, " WRONGTYPE ");
	nuncio_log(redis->conf->self, NUNCIO_ERROR,
		"Redis refuses %s: %.200s; %u more since the last line%s%s", what,
		is_error ? reply->str : "an answer of another kind", redis->refused,
		is_foreign ? "; something else has written keys that begin with " : "",
		is_foreign ? redis->conf->prefix : "");
	redis->refused = 0;
	redis->refused_ms = now_ms;
}

/* ---- the way up ---- */

void redis_came_up(struct redis *redis)
{
	if (redis->is_up)
		return;
	redis->is_up = true;
	redis->tries = 0;
	redis->connects++;
	redis->why[0] = '\0';
	redis->events.up(redis->user);
}

/* One that was demoted may still think that it is the master; then the Sentinels close us. */
static void on_role(const redisReply *reply, void *user)
{
	struct redis *redis = user;
	if (!reply)
		return;
	if (reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 &&
		reply->element[0]->type == REDIS_REPLY_STRING &&
		strcmp(reply->element[0]->str, "master") == 0) {
		redis_came_up(redis);
		return;
	}
	char at[300], why[400];
	snprintf(why, sizeof why, "%s: is not the master",
		redis_address_text(redis_link_address(redis->main), at, sizeof at));
	redis_fail(redis, why);
}

static void on_main_up(struct redis_link *link, void *user)
{
	struct redis *redis = user;
	const struct nuncio_str role[] = { nuncio_text("ROLE") };
	if (redis->conf->form == REDIS_SENTINEL)
		redis_link_send(link, role, 1, on_role, redis);
	else if (redis->conf->form == REDIS_CLUSTER && redis->role == REDIS_ASKS)
		redis_cluster_learn(redis);
	else
		redis_came_up(redis);
}

static void on_link_down(struct redis_link *link, const char *why, void *user)
{
	(void)link;
	redis_fail(user, why);
}

static void on_message(struct redis_link *link, const redisReply *reply, void *user)
{
	struct redis *redis = user;
	(void)link;
	const redisReply *kind = reply->element[0], *channel = reply->element[1],
			 *text = reply->element[2];
	if (channel->type != REDIS_REPLY_STRING)
		return;
	struct nuncio_str name = { channel->str, channel->len };
	if (strcmp(kind->str, "subscribe") == 0)
		redis->events.subscribed(name, redis->user);
	else if (strcmp(kind->str, "message") == 0 && text->type == REDIS_REPLY_STRING)
		redis->events.message(
			name, (struct nuncio_str){ text->str, text->len }, redis->user);
}

/* ["host", "port"], or nil when the Sentinel does not know the name. */
static void on_master_found(const redisReply *reply, void *user)
{
	struct redis *redis = user;
	struct redis_address address;
	char text[400], why[600];
	if (!reply)
		return;
	if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
		reply->element[0]->type == REDIS_REPLY_STRING &&
		reply->element[1]->type == REDIS_REPLY_STRING) {
		const char *host = reply->element[0]->str;
		snprintf(text, sizeof text, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host,
			reply->element[1]->str);
		if (redis_address_parse(nuncio_text(text), 0, &address) == 0) {
			redis_link_open(redis->main, &address, false);
			redis_link_close(redis->sentinel, "");
			return;
		}
	}
	snprintf(why, sizeof why, "the Sentinel %s knows no master %s",
		redis_address_text(redis_link_address(redis->sentinel), text, sizeof text),
		redis->conf->master);
	redis_fail(redis, why);
}

static void on_sentinel_up(struct redis_link *link, void *user)
{
	struct redis *redis = user;
	const struct nuncio_str args[] = { nuncio_text("SENTINEL"),
		nuncio_text("get-master-addr-by-name"), nuncio_text(redis->conf->master) };
	redis_link_send(link, args, 3, on_master_found, redis);
}

/* It has done its work when the master is being connected. */
static void on_sentinel_down(struct redis_link *link, const char *why, void *user)
{
	struct redis *redis = user;
	(void)link;
	if (!redis_link_is_open(redis->main))
		redis_fail(redis, why);
}

static void begin(struct redis *redis)
{
	const struct redis_conf *conf = redis->conf;
	const struct redis_address *address =
		&conf->addresses[redis->next_address % conf->address_count];
	if (conf->form == REDIS_SENTINEL)
		redis_link_open(redis->sentinel, address, true);
	else
		redis_link_open(redis->main, address, false);
}

/* ---- life ---- */

struct redis *redis_new(const struct redis_conf *conf, enum redis_role role,
	const struct redis_events *events, void *user)
{
	const struct redis_link_events main_events = { on_main_up, on_link_down,
		role == REDIS_SUBSCRIBES ? on_message : NULL };
	const struct redis_link_events sentinel_events = { on_sentinel_up, on_sentinel_down, NULL };
	struct redis *redis = nuncio_alloc(sizeof *redis);
	redis->conf = conf;
	redis->role = role;
	redis->events = *events;
	redis->user = user;
	redis->main = redis_link_new(conf, &main_events, redis);
	redis->sentinel = redis_link_new(conf, &sentinel_events, redis);
	snprintf(redis->why, sizeof redis->why, "not connected yet");
	return redis;
}

void redis_free(struct redis **redis)
{
	if (!*redis)
		return;
	(*redis)->is_started = false;
	(*redis)->is_up = false;
	nuncio_timer_stop(&(*redis)->retry);
	redis_cluster_free(*redis);
	redis_link_free(&(*redis)->sentinel);
	redis_link_free(&(*redis)->main);
	free(*redis);
	*redis = NULL;
}

void redis_start(struct redis *redis)
{
	redis->is_started = true;
	begin(redis);
}

bool redis_is_up(const struct redis *redis)
{
	return redis->is_up;
}

const char *redis_why(const struct redis *redis)
{
	return redis->why;
}

bool redis_is_cluster(const struct redis *redis)
{
	return redis->conf->form == REDIS_CLUSTER;
}

uint64_t redis_connects(const struct redis *redis)
{
	return redis->connects;
}

/* ---- asking ---- */

struct ask {
	struct redis *redis;
	redis_reply_fn *fn;
	void *user;
};

/* Whoever asked hears of a demoted server as of a lost one. */
static void on_answer(const redisReply *reply, void *user)
{
	struct ask ask = *(struct ask *)user;
	free(user);
	if (redis_is_fatal(ask.redis, reply))
		reply = NULL;
	if (ask.fn)
		ask.fn(reply, ask.user);
}

typedef int send_fn(struct redis_link *link, const struct nuncio_str *args, size_t count,
	redis_reply_fn *fn, void *user);

static int ask_by(struct redis *redis, send_fn *send, const struct nuncio_str *args, size_t count,
	redis_reply_fn *fn, void *user)
{
	struct ask *ask = nuncio_alloc(sizeof *ask);
	*ask = (struct ask){ redis, fn, user };
	int rc = send(redis->main, args, count, on_answer, ask);
	if (rc < 0)
		free(ask);
	return rc;
}

int redis_ask(struct redis *redis, struct nuncio_str key, const struct nuncio_str *args,
	size_t count, redis_reply_fn *fn, void *user)
{
	if (!redis->is_up)
		return NUNCIO_E_GONE;
	if (redis->conf->form == REDIS_CLUSTER)
		return redis_cluster_ask(redis, key, args, count, fn, user);
	return ask_by(redis, redis_link_send, args, count, fn, user);
}

int redis_publish(struct redis *redis, struct nuncio_str channel, struct nuncio_str text,
	redis_reply_fn *fn, void *user)
{
	const struct nuncio_str args[] = { nuncio_text("PUBLISH"), channel, text };
	const size_t count = sizeof args / sizeof args[0];
	if (!redis->is_up)
		return NUNCIO_E_GONE;
	if (redis->conf->form == REDIS_CLUSTER)
		return redis_cluster_ask(redis, channel, args, count, fn, user);
	return ask_by(redis, redis_link_send_patiently, args, count, fn, user);
}

void redis_flush(struct redis *redis)
{
	if (!redis->is_up)
		return;
	if (redis->conf->form == REDIS_CLUSTER)
		redis_cluster_flush(redis);
	else
		redis_link_flush(redis->main);
}

size_t redis_room(const struct redis *redis)
{
	size_t waiting = redis->conf->form == REDIS_CLUSTER ? redis_cluster_waiting(redis)
							    : redis_link_waiting(redis->main);
	return waiting < redis->conf->queue ? redis->conf->queue - waiting : 0;
}

int redis_subscribe(struct redis *redis, const struct nuncio_str *channels, size_t count)
{
	if (!redis->is_up)
		return NUNCIO_E_GONE;
	struct nuncio_str *args = nuncio_alloc((count + 1) * sizeof *args);
	args[0] = nuncio_text("SUBSCRIBE");
	memcpy(args + 1, channels, count * sizeof *args);
	int rc = redis_link_tell(redis->main, args, count + 1);
	free(args);
	return rc;
}

int redis_unsubscribe(struct redis *redis, struct nuncio_str channel)
{
	const struct nuncio_str args[] = { nuncio_text("UNSUBSCRIBE"), channel };
	return redis->is_up ? redis_link_tell(redis->main, args, 2) : NUNCIO_E_GONE;
}

int redis_pump(struct redis *redis, int wait_ms)
{
	if (redis->retry && redis->tries >= redis->conf->address_count)
		return NUNCIO_E_FAIL;
	if (redis->retry) {
		nuncio_timer_stop(&redis->retry);
		begin(redis);
	}
	if (redis_link_is_open(redis->sentinel))
		redis_link_pump(redis->sentinel, wait_ms);
	if (redis_link_is_open(redis->main))
		redis_link_pump(redis->main, wait_ms);
	for (size_t i = 0; i < redis->master_count; i++)
		if (redis_link_is_open(redis->masters[i]))
			redis_link_pump(redis->masters[i], wait_ms);
	return 0;
}

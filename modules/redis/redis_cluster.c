/* SPDX-License-Identifier: MIT */
/*
 * The Redis Cluster half of redis.h. The map of the slots is learned whole when a connection is
 * made, and again when a node says MOVED; the question that got MOVED or ASK is asked again where
 * it says. So a question keeps its words until it is answered.
 */
#include "redis/redis_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "redis/redis_buffer.h"

enum { REDIRECTS_MAX = 5 };

struct routed {
	struct redis *redis;
	redis_reply_fn *fn;
	void *user;
	struct redis_link *link; /* who was asked */
	unsigned redirects;
	size_t count;
	struct nuncio_str args[];
};

static void on_routed(const redisReply *reply, void *user);

/* ---- masters ---- */

static void on_master_up(struct redis_link *link, void *user)
{
	struct redis *redis = user;
	(void)link;
	for (size_t i = 0; i < redis->master_count; i++)
		if (redis_link_is_open(redis->masters[i]) && !redis_link_is_up(redis->masters[i]))
			return;
	if (redis->slots)
		redis_came_up(redis);
}

static void on_master_down(struct redis_link *link, const char *why, void *user)
{
	(void)link;
	redis_fail(user, why);
}

/* The link to this address, made and opened if it must be; REDIS_NO_MASTER: there are too many. */
static uint16_t master_at(struct redis *redis, const struct redis_address *address)
{
	static const struct redis_link_events events = { on_master_up, on_master_down, NULL };
	size_t i = 0;
	while (i < redis->master_count && redis_link_is_open(redis->masters[i]) &&
		!redis_address_equal(redis_link_address(redis->masters[i]), address))
		i++;
	if (i == REDIS_MASTERS_MAX)
		return REDIS_NO_MASTER;
	if (i == redis->master_count)
		redis->masters[redis->master_count++] = redis_link_new(redis->conf, &events, redis);
	if (!redis_link_is_open(redis->masters[i]))
		redis_link_open(redis->masters[i], address, false);
	return (uint16_t)i;
}

/* ---- the map ---- */

/* [first, last, [host, port, ...], replicas ...] */
static int read_range(const redisReply *row, const struct redis_address *from, int64_t *first_r,
	int64_t *last_r, struct redis_address *address_r)
{
	if (row->type != REDIS_REPLY_ARRAY || row->elements < 3 ||
		row->element[0]->type != REDIS_REPLY_INTEGER ||
		row->element[1]->type != REDIS_REPLY_INTEGER ||
		row->element[2]->type != REDIS_REPLY_ARRAY || row->element[2]->elements < 2)
		return NUNCIO_E_INVAL;
	const redisReply *host = row->element[2]->element[0], *port = row->element[2]->element[1];
	*first_r = row->element[0]->integer;
	*last_r = row->element[1]->integer;
	if (port->type != REDIS_REPLY_INTEGER || port->integer < 1 || port->integer > 65535 ||
		*first_r < 0 || *last_r >= REDIS_SLOTS)
		return NUNCIO_E_INVAL;
	*address_r = *from; /* a node that does not know its own name says nothing */
	address_r->port = (uint16_t)port->integer;
	if (host->type == REDIS_REPLY_STRING && host->len)
		snprintf(address_r->host, sizeof address_r->host, "%s", host->str);
	return 0;
}

static bool take_map(struct redis *redis, const redisReply *reply)
{
	size_t known = 0;
	struct redis_address from = *redis_link_address(redis->main), address;
	int64_t first, last;
	if (!redis->slots)
		redis->slots = nuncio_alloc(REDIS_SLOTS * sizeof *redis->slots);
	memset(redis->slots, 0xff, REDIS_SLOTS * sizeof *redis->slots);
	for (size_t i = 0; i < reply->elements; i++) {
		if (read_range(reply->element[i], &from, &first, &last, &address) < 0)
			return false;
		uint16_t master = master_at(redis, &address);
		for (int64_t slot = first; slot <= last; slot++, known++)
			redis->slots[slot] = master;
	}
	return known == REDIS_SLOTS;
}

static void on_map(const redisReply *reply, void *user)
{
	struct redis *redis = user;
	redis->is_learning = false;
	if (!reply)
		return;
	if (reply->type == REDIS_REPLY_ERROR)
		redis_fail(redis, reply->str);
	else if (reply->type != REDIS_REPLY_ARRAY || !take_map(redis, reply))
		redis_fail(redis, "the Redis Cluster does not serve every slot");
	else if (redis->master_count)
		on_master_up(redis->masters[0], redis);
}

void redis_cluster_learn(struct redis *redis)
{
	const struct nuncio_str args[] = { nuncio_text("CLUSTER"), nuncio_text("SLOTS") };
	if (!redis->is_learning && redis_link_send(redis->main, args, 2, on_map, redis) == 0)
		redis->is_learning = true;
}

/* ---- asking ---- */

static struct routed *routed_new(const struct nuncio_str *args, size_t count)
{
	size_t bytes = 0;
	for (size_t i = 0; i < count; i++)
		bytes += args[i].n;
	struct routed *routed = nuncio_alloc(sizeof *routed + count * sizeof args[0] + bytes);
	char *at = (char *)&routed->args[count];
	routed->count = count;
	for (size_t i = 0; i < count; i++) {
		routed->args[i] = (struct nuncio_str){ at, args[i].n };
		if (args[i].n)
			memcpy(at, args[i].p, args[i].n);
		at += args[i].n;
	}
	return routed;
}

static int send_routed(struct routed *routed, struct redis_link *link)
{
	routed->link = link;
	return redis_link_send(link, routed->args, routed->count, on_routed, routed);
}

/* True: it was asked again somewhere else. */
static bool redirect(struct routed *routed, const redisReply *reply)
{
	struct redis *redis = routed->redis;
	struct redis_address address;
	bool is_ask;
	const struct nuncio_str asking[] = { nuncio_text("ASKING") };
	if (!reply || reply->type != REDIS_REPLY_ERROR || routed->redirects++ >= REDIRECTS_MAX ||
		redis_address_redirected((struct nuncio_str){ reply->str, reply->len },
			redis_link_address(routed->link), &address, &is_ask) < 0)
		return false;
	uint16_t master = master_at(redis, &address);
	if (master == REDIS_NO_MASTER)
		return false;
	if (is_ask)
		redis_link_send(redis->masters[master], asking, 1, NULL, NULL);
	else
		redis_cluster_learn(redis);
	return send_routed(routed, redis->masters[master]) == 0;
}

static void on_routed(const redisReply *reply, void *user)
{
	struct routed *routed = user;
	if (redis_is_fatal(routed->redis, reply))
		reply = NULL;
	else if (redirect(routed, reply))
		return;
	if (routed->fn)
		routed->fn(reply, routed->user);
	free(routed);
}

int redis_cluster_ask(struct redis *redis, struct nuncio_str key, const struct nuncio_str *args,
	size_t count, redis_reply_fn *fn, void *user)
{
	uint16_t master = key.n ? redis->slots[redis_slot(key)] : 0;
	if (master >= redis->master_count)
		return NUNCIO_E_GONE;
	struct routed *routed = routed_new(args, count);
	routed->redis = redis;
	routed->fn = fn;
	routed->user = user;
	int rc = send_routed(routed, redis->masters[master]);
	if (rc < 0)
		free(routed);
	return rc;
}

/* One that fails takes all of them down. */
void redis_cluster_flush(struct redis *redis)
{
	for (size_t i = 0; i < redis->master_count; i++)
		redis_link_flush(redis->masters[i]);
}

size_t redis_cluster_waiting(const struct redis *redis)
{
	size_t most = 0;
	for (size_t i = 0; i < redis->master_count; i++) {
		size_t waiting = redis_link_waiting(redis->masters[i]);
		most = waiting > most ? waiting : most;
	}
	return most;
}

void redis_cluster_close(struct redis *redis, const char *why)
{
	for (size_t i = 0; i < redis->master_count; i++)
		redis_link_close(redis->masters[i], why);
	free(redis->slots);
	redis->slots = NULL;
	redis->is_learning = false;
}

void redis_cluster_free(struct redis *redis)
{
	for (size_t i = 0; i < redis->master_count; i++)
		redis_link_free(&redis->masters[i]);
	free(redis->slots);
	redis->slots = NULL;
}

/* SPDX-License-Identifier: MIT */
/*
 * See redis_lease.h. Taking: first what is one node's only, the name, and the number that is a part
 * of events' ids. Who finds one taken looks if its holder still listens on its channel; if not, it
 * was killed, and the claim changes hands at once. A Redis Cluster cannot be asked that: there it
 * is waited for. Then the lease, then the list of nodes.
 *
 * Refreshing, four times in a lease: claims and lease in one turn, a look at all others. A lease
 * that is not there any more (Redis was emptied, or we were cut off for too long) is lost.
 */
#include "redis/redis_lease_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <hiredis/hiredis.h>

#include <nuncio/conf.h>
#include <nuncio/log.h>
enum { REFRESHES = 4, TRY_AGAIN_MS = 1000 };

static void plan(struct redis_lease *lease, uint32_t in_ms);

/* ---- texts ---- */

struct nuncio_str redis_lease_key(const struct redis_lease *lease, struct redis_buffer *b,
	const char *kind, struct nuncio_str what)
{
	b->used = 0;
	redis_buffer_add_str(b, nuncio_text(lease->conf->prefix));
	redis_buffer_add_str(b, nuncio_text(lease->role));
	redis_buffer_add_str(b, nuncio_text(":"));
	redis_buffer_add_str(b, nuncio_text(kind));
	redis_buffer_add_str(b, what);
	return (struct nuncio_str){ b->p, b->used };
}

struct nuncio_str redis_lease_own_key(struct redis_lease *lease, const char *kind, const char *what)
{
	return redis_lease_key(lease, &lease->key, kind, nuncio_text(what));
}

const char *redis_lease_id(const struct redis_lease *lease)
{
	return lease->id;
}

struct nuncio_str redis_lease_channel(const struct redis_lease *lease)
{
	return nuncio_text(lease->channel);
}

bool redis_lease_is_id(struct nuncio_str id)
{
	if (id.n != REDIS_ID_BYTES)
		return false;
	for (size_t i = 0; i < id.n; i++)
		if (!((id.p[i] >= '0' && id.p[i] <= '9') || (id.p[i] >= 'a' && id.p[i] <= 'f')))
			return false;
	return true;
}

/* ---- asking ---- */

struct wait *redis_lease_wait(struct redis_lease *lease)
{
	struct wait *wait = nuncio_alloc(sizeof *wait);
	wait->lease = lease;
	wait->epoch = lease->epoch;
	return wait;
}

struct redis_lease *redis_lease_answer(const struct wait *wait, const struct redisReply *reply)
{
	struct redis_lease *lease = wait->lease;
	if (!reply || wait->epoch != lease->epoch || !lease->is_wanted)
		return NULL;
	if (reply->type != REDIS_REPLY_ERROR)
		return lease;
	redis_say_refused(lease->asks, "the lease", reply);
	plan(lease, TRY_AGAIN_MS);
	return NULL;
}

static void asked(struct redis_lease *lease, struct wait *wait, int rc)
{
	if (rc == 0)
		return;
	free(wait);
	plan(lease, TRY_AGAIN_MS);
}

bool redis_is_text(const struct redisReply *reply)
{
	return reply->type == REDIS_REPLY_STRING;
}

/* ---- held and lost ---- */

static void lose(struct redis_lease *lease, const char *why)
{
	bool was_held = lease->is_held;
	lease->is_held = false;
	lease->epoch++; /* of what is under way nothing counts any more */
	if (was_held)
		lease->events.lost(why, lease->user);
}

static void on_listed(const redisReply *reply, void *user)
{
	struct redis_lease *lease = redis_lease_answer(user, reply);
	free(user);
	if (!lease)
		return;
	lease->is_held = true;
	lease->refused[0] = '\0';
	plan(lease, lease->refresh_ms);
	lease->events.held(lease->user);
}

/* The lease is there before the id is in the list: who is listed without one is dead. */
static void take_lease(struct redis_lease *lease)
{
	struct nuncio_str key;
	if (lease->former[0]) { /* so that what is left of it is swept soon */
		key = redis_lease_own_key(lease, "node:", lease->former);
		REDIS_ASK(lease->asks, key, NULL, NULL, nuncio_text("DEL"), key);
	}
	key = redis_lease_own_key(lease, "node:", lease->id);
	REDIS_ASK(lease->asks, key, NULL, NULL, nuncio_text("SET"), key,
		nuncio_text(nuncio_conf_node()), nuncio_text("EX"), nuncio_text(lease->seconds));
	struct wait *wait = redis_lease_wait(lease);
	key = redis_lease_own_key(lease, "nodes", "");
	asked(lease, wait,
		REDIS_ASK(lease->asks, key, on_listed, wait, nuncio_text("SADD"), key,
			nuncio_text(lease->id)));
}

/* ---- claims: the name, then the number ---- */

static struct nuncio_str claim_key(struct redis_lease *lease, enum claim claim)
{
	return claim == CLAIM_NAME ? redis_lease_own_key(lease, "name:", nuncio_conf_node())
				   : redis_lease_own_key(lease, "number:", lease->number);
}

static void take_claim(struct redis_lease *lease);

static void on_claimed(struct redis_lease *lease)
{
	if (++lease->claim == CLAIMS)
		take_lease(lease);
	else
		take_claim(lease);
}

/* holder NULL: what is there is not an id. */
static void refuse(struct redis_lease *lease, const char *holder)
{
	struct nuncio_module *self = lease->conf->self;
	bool is_new = !lease->refused[0], is_name = lease->claim == CLAIM_NAME;
	if (!holder) {
		snprintf(lease->refused, sizeof lease->refused,
			"the key of the node's %s in Redis has what no node writes: something else has written keys that begin with %s",
			is_name ? "name" : "number", lease->conf->prefix);
	} else {
		snprintf(lease->refused, sizeof lease->refused,
			"another node %s %.100s, too ([core] %s; its id is %s)%s",
			is_name ? "is called" : "has the number",
			is_name ? nuncio_conf_node() : lease->number,
			is_name ? "node" : "node_number", holder,
			redis_is_cluster(lease->asks) ? ", or was until a moment ago" : "");
	}
	if (is_new)
		nuncio_log(self, NUNCIO_ERROR, "%s", lease->refused);
	lose(lease, lease->refused);
	plan(lease, TRY_AGAIN_MS);
}

/* Only if it is still whom we found. */
static const char take_over_script[] =
	"if redis.call('GET',KEYS[1])==ARGV[1] then"
	" redis.call('SET',KEYS[1],ARGV[2],'EX',ARGV[3]) return 1 end return 0";

static void on_taken_over(const redisReply *reply, void *user)
{
	struct redis_lease *lease = redis_lease_answer(user, reply);
	free(user);
	if (lease && reply->type == REDIS_REPLY_INTEGER && reply->integer == 1)
		on_claimed(lease);
	else if (lease)
		plan(lease, TRY_AGAIN_MS);
}

/* ["channel", listeners] */
static void on_listeners(const redisReply *reply, void *user)
{
	struct wait *old = user;
	struct redis_lease *lease = redis_lease_answer(old, reply);
	if (lease && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
		reply->element[1]->type == REDIS_REPLY_INTEGER && reply->element[1]->integer == 0) {
		struct wait *wait = redis_lease_wait(lease);
		struct nuncio_str key = claim_key(lease, lease->claim);
		nuncio_log(lease->conf->self, NUNCIO_WARN,
			"the node that had the %s %.100s does not listen any more: it is taken",
			lease->claim == CLAIM_NAME ? "name" : "number",
			lease->claim == CLAIM_NAME ? nuncio_conf_node() : lease->number);
		asked(lease, wait,
			REDIS_ASK(lease->asks, key, on_taken_over, wait, nuncio_text("EVAL"),
				nuncio_text(take_over_script), nuncio_text("1"), key,
				nuncio_text(old->id), nuncio_text(lease->id),
				nuncio_text(lease->seconds)));
	} else if (lease) {
		refuse(lease, old->id);
	}
	free(old);
}

static void ask_holder(struct redis_lease *lease, const char *holder)
{
	if (redis_is_cluster(lease->asks)) {
		refuse(lease, holder);
		return;
	}
	struct wait *wait = redis_lease_wait(lease);
	struct nuncio_str channel = redis_lease_own_key(lease, "to:", holder);
	snprintf(wait->id, sizeof wait->id, "%s", holder);
	asked(lease, wait,
		REDIS_ASK(lease->asks, channel, on_listeners, wait, nuncio_text("PUBSUB"),
			nuncio_text("NUMSUB"), channel));
}

/* Who had it: nil when nobody did, so that it is ours now. */
static void on_holder(const redisReply *reply, void *user)
{
	struct redis_lease *lease = redis_lease_answer(user, reply);
	free(user);
	if (!lease)
		return;
	struct nuncio_str holder = { reply->str, redis_is_text(reply) ? (size_t)reply->len : 0 };
	if (reply->type == REDIS_REPLY_NIL ||
		(redis_lease_is_id(holder) &&
			(memcmp(holder.p, lease->id, holder.n) == 0 ||
				memcmp(holder.p, lease->former, holder.n) == 0)))
		on_claimed(lease);
	else if (redis_lease_is_id(holder))
		ask_holder(lease, reply->str);
	else
		refuse(lease, NULL);
}

/* Older servers do not take NX and GET together. */
static const char claim_script[] = "local o=redis.call('GET',KEYS[1])"
				   " if not o or o==ARGV[1] or o==ARGV[3] then"
				   " redis.call('SET',KEYS[1],ARGV[1],'EX',ARGV[2]) end"
				   " return o";

static void take_claim(struct redis_lease *lease)
{
	struct wait *wait = redis_lease_wait(lease);
	struct nuncio_str key = claim_key(lease, lease->claim);
	asked(lease, wait,
		REDIS_ASK(lease->asks, key, on_holder, wait, nuncio_text("EVAL"),
			nuncio_text(claim_script), nuncio_text("1"), key, nuncio_text(lease->id),
			nuncio_text(lease->seconds), nuncio_text(lease->former)));
}

/* ---- refreshing ---- */

static const char keep_claim_script[] = "if redis.call('GET',KEYS[1])==ARGV[1] then"
					" return redis.call('EXPIRE',KEYS[1],ARGV[2]) end return 0";

/* 0 or nil: it has gone. */
static void on_kept(const redisReply *reply, void *user)
{
	struct redis_lease *lease = redis_lease_answer(user, reply);
	free(user);
	if (!lease || (reply->type == REDIS_REPLY_INTEGER && reply->integer == 1) ||
		reply->type == REDIS_REPLY_STATUS)
		return;
	lose(lease, "the lease in Redis has gone, because it was emptied or did not hear of us");
}

static void keep_claim(struct redis_lease *lease, enum claim claim)
{
	struct nuncio_str key = claim_key(lease, claim);
	struct wait *wait = redis_lease_wait(lease);
	asked(lease, wait,
		REDIS_ASK(lease->asks, key, on_kept, wait, nuncio_text("EVAL"),
			nuncio_text(keep_claim_script), nuncio_text("1"), key,
			nuncio_text(lease->id), nuncio_text(lease->seconds)));
}

static void refresh(struct redis_lease *lease)
{
	struct nuncio_str key;
	struct wait *wait;
	for (int claim = 0; claim < CLAIMS; claim++)
		keep_claim(lease, (enum claim)claim);
	key = redis_lease_own_key(lease, "node:", lease->id);
	wait = redis_lease_wait(lease);
	asked(lease, wait,
		REDIS_ASK(lease->asks, key, on_kept, wait, nuncio_text("SET"), key,
			nuncio_text(nuncio_conf_node()), nuncio_text("XX"), nuncio_text("EX"),
			nuncio_text(lease->seconds)));
	key = redis_lease_own_key(lease, "nodes", "");
	wait = redis_lease_wait(lease);
	asked(lease, wait,
		REDIS_ASK(lease->asks, key, redis_lease_on_nodes, wait, nuncio_text("SMEMBERS"),
			key));
}

static void on_timer(void *user)
{
	struct redis_lease *lease = user;
	lease->timer = NULL;
	if (!lease->is_wanted || !redis_is_up(lease->asks))
		return;
	if (!lease->is_held) {
		lease->claim = CLAIM_NAME;
		take_claim(lease);
		return;
	}
	plan(lease, lease->refresh_ms);
	refresh(lease);
}

static void plan(struct redis_lease *lease, uint32_t in_ms)
{
	nuncio_timer_stop(&lease->timer);
	lease->timer = nuncio_timer_start(lease->conf->self, in_ms, 0, on_timer, lease);
}

/* ---- life ---- */

struct redis_lease *redis_lease_new(struct redis *asks, const struct redis_conf *conf,
	const char *role, uint32_t lease_ms, const struct redis_lease_events *events, void *user)
{
	struct redis_lease *lease = nuncio_alloc(sizeof *lease);
	uint32_t seconds = (lease_ms + 999) / 1000;
	lease->asks = asks;
	lease->conf = conf;
	lease->events = *events;
	lease->user = user;
	lease->refresh_ms = seconds * 1000 / REFRESHES;
	snprintf(lease->role, sizeof lease->role, "%s", role);
	snprintf(lease->seconds, sizeof lease->seconds, "%u", seconds);
	snprintf(lease->number, sizeof lease->number, "%d", nuncio_conf_node_number());
	return lease;
}

void redis_lease_free(struct redis_lease **lease)
{
	if (!*lease)
		return;
	nuncio_timer_stop(&(*lease)->timer);
	redis_buffer_free(&(*lease)->key);
	free((*lease)->nodes);
	free(*lease);
	*lease = NULL;
}

void redis_lease_prepare(struct redis_lease *lease)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[REDIS_ID_BYTES / 2];
	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		abort();
	if (lease->was_taken)
		memcpy(lease->former, lease->id, sizeof lease->former);
	lease->was_taken = false;
	for (size_t i = 0; i < sizeof bytes; i++) {
		lease->id[2 * i] = digits[bytes[i] >> 4];
		lease->id[2 * i + 1] = digits[bytes[i] & 15];
	}
	snprintf(lease->channel, sizeof lease->channel, "%s%s:to:%s", lease->conf->prefix,
		lease->role, lease->id);
}

void redis_lease_take(struct redis_lease *lease)
{
	lease->is_wanted = lease->was_taken = true;
	lease->epoch++;
	lease->claim = CLAIM_NAME;
	take_claim(lease);
}

void redis_lease_drop(struct redis_lease *lease, const char *why)
{
	lease->is_wanted = false;
	nuncio_timer_stop(&lease->timer);
	lose(lease, why);
}

static const char give_script[] =
	"if redis.call('GET',KEYS[1])==ARGV[1] then redis.call('DEL',KEYS[1]) end return 0";

void redis_lease_give_back(struct redis_lease *lease)
{
	bool was_held = lease->is_held;
	lease->is_wanted = lease->is_held = false;
	lease->epoch++;
	nuncio_timer_stop(&lease->timer);
	if (!was_held)
		return;
	struct nuncio_str key;
	for (int claim = 0; claim < CLAIMS; claim++) {
		key = claim_key(lease, (enum claim)claim);
		REDIS_ASK(lease->asks, key, NULL, NULL, nuncio_text("EVAL"),
			nuncio_text(give_script), nuncio_text("1"), key, nuncio_text(lease->id));
	}
	key = redis_lease_own_key(lease, "node:", lease->id);
	REDIS_ASK(lease->asks, key, NULL, NULL, nuncio_text("DEL"), key);
}

bool redis_lease_is_held(const struct redis_lease *lease)
{
	return lease->is_held;
}

const char *redis_lease_refused(const struct redis_lease *lease)
{
	return lease->refused;
}

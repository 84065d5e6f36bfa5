/* SPDX-License-Identifier: MIT */
/*
 * Refuses what comes too fast: the second file to read before you write a module. What it shows:
 * options that SIGHUP may change, a hook that refuses, a slot (8 bytes with every session, managed
 * by the server), a metric, and state of the module's own.
 *
 * With other nodes: every share_every each tells the others, in one message, what was spent here
 * by whom (spent.c), and they take it from their own buckets; so nobody waits for anybody, and what
 * slips through is what several nodes gave in that time, which is then missing from the buckets. A
 * session is on one node, and needs none of that.
 *
 * Who is counted: a session by itself; a REST call by its user; whoever has not proved who they are
 * by their address. What the guard sees is every op and every route; WebSocket pings and the op
 * `ping` of open sessions are answered before it and cost nothing.
 *
 * Thread: logic. Memory: a table of fixed size, nothing per session but its slot.
 */
#include <nuncio/bus.h>
#include <nuncio/codes.h>
#include <nuncio/conf.h>
#include <nuncio/hooks.h>
#include <nuncio/metric.h>
#include <nuncio/session.h>
#include <nuncio/text.h>
#include <nuncio/timer.h>

#include <stdio.h>
#include <stdlib.h>

#include "bucket.h"
#include "peers.h"
#include "spent.h"

#define PEER_SPENT "spent"

/* A slot holds a pointer; a bucket is one number and needs no memory behind it. */
_Static_assert(sizeof(void *) >= sizeof(int64_t), "a bucket fits into a slot");

struct rate_limit {
	struct bucket_rule session, address;
	struct nuncio_slot *slot;
	struct peers *peers;
	struct nuncio_counter *refused, *told;
	struct nuncio_module *self;
	struct spent *spent; /* NULL: there is no bus */
	struct nuncio_timer *tell;
	uint32_t share_ms; /* 0: each node for itself */
};

/* ---- other nodes ---- */

static void tell(struct rate_limit *limit)
{
	nuncio_timer_stop(&limit->tell);
	nuncio_counter_add(limit->told, 1);
	nuncio_peer_send(limit->self, PEER_SPENT, nuncio_text(""), spent_take(limit->spent));
}

static void on_tell(void *user)
{
	struct rate_limit *limit = user;
	limit->tell = NULL;
	tell(limit);
}

static void share(struct rate_limit *limit, enum spent_kind kind, const char *key, size_t n)
{
	if (!limit->spent || !limit->share_ms)
		return;
	if (!spent_add(limit->spent, kind, key, n)) {
		tell(limit);
		spent_add(limit->spent, kind, key, n);
	}
	if (!limit->tell)
		limit->tell = nuncio_timer_start(limit->self, limit->share_ms, 0, on_tell, limit);
}

static void on_spent(struct nuncio_str data, void *user)
{
	struct rate_limit *limit = user;
	int64_t now_us = nuncio_mono_ms() * 1000;
	struct spent_one one;
	size_t at = 0;
	while (limit->share_ms && spent_next(data, &at, &one))
		bucket_spend(one.kind == SPENT_USER ? &limit->session : &limit->address, now_us,
			one.count, peers_bucket(limit->peers, one.key.p, one.key.n, now_us));
}

/* ---- who calls ---- */

static int64_t take_of_session(
	const struct rate_limit *limit, struct nuncio_session *session, int64_t now_us)
{
	int64_t full_at_us = (int64_t)(intptr_t)nuncio_slot_get(session, limit->slot);
	int64_t wait_us = bucket_take(&limit->session, now_us, &full_at_us);
	nuncio_slot_set(session, limit->slot, (void *)(intptr_t)full_at_us);
	return wait_us;
}

static int64_t take_of_user(struct rate_limit *limit, struct nuncio_str user, int64_t now_us)
{
	char key[PEERS_KEY_BYTES];
	int n = snprintf(key, sizeof key, "user %.*s", (int)user.n, user.p);
	size_t used = (size_t)n < sizeof key ? (size_t)n : sizeof key - 1;
	int64_t wait_us =
		bucket_take(&limit->session, now_us, peers_bucket(limit->peers, key, used, now_us));
	if (wait_us == 0)
		share(limit, SPENT_USER, key, used);
	return wait_us;
}

static int64_t take_of_address(struct rate_limit *limit, struct nuncio_str address, int64_t now_us)
{
	char key[PEERS_KEY_BYTES];
	size_t used = peers_address_key(address.p, address.n, key);
	int64_t wait_us =
		bucket_take(&limit->address, now_us, peers_bucket(limit->peers, key, used, now_us));
	if (wait_us == 0)
		share(limit, SPENT_ADDRESS, key, used);
	return wait_us;
}

static enum nuncio_verdict on_may_call(
	struct nuncio_ask *ask, const struct nuncio_call *call, void *user)
{
	struct rate_limit *limit = user;
	int64_t now_us = nuncio_mono_ms() * 1000, wait_us;
	char text[80];
	if (call->user.n == 0)
		wait_us = take_of_address(limit, call->address, now_us);
	else if (call->session)
		wait_us = take_of_session(limit, call->session, now_us);
	else
		wait_us = take_of_user(limit, call->user, now_us);
	if (wait_us == 0)
		return NUNCIO_PASS;
	nuncio_counter_add(limit->refused, 1);
	snprintf(text, sizeof text, "too many requests, try again in %lld ms",
		(long long)(wait_us + 999) / 1000);
	return nuncio_reject(ask, NUNCIO_CODE_rate_limited, text);
}

/* ---- the module's life ---- */

static void read_rules(struct nuncio_module *self, struct rate_limit *limit)
{
	limit->session =
		bucket_rule_of(nuncio_conf_int(self, "rate"), nuncio_conf_int(self, "burst"));
	limit->address = bucket_rule_of(
		nuncio_conf_int(self, "address_rate"), nuncio_conf_int(self, "address_burst"));
	limit->share_ms = (uint32_t)nuncio_conf_int(self, "share_every");
	if (limit->spent && limit->share_ms) {
		limit->session.debt_us = limit->session.depth_us;
		limit->address.debt_us = limit->address.depth_us;
	}
}

static int rate_limit_init(struct nuncio_module *self, struct nuncio_error *err)
{
	struct rate_limit *limit = nuncio_alloc(sizeof *limit);
	nuncio_module_set_data(self, limit);
	limit->self = self;
	limit->peers = peers_new((size_t)nuncio_conf_int(self, "table"));
	limit->refused =
		nuncio_counter_new(self, "refused_total", NULL, "Calls that came too fast.");
	limit->told = nuncio_counter_new(self, "told_total", NULL,
		"Times that other nodes were told what was spent on this one.");
	read_rules(self, limit);
	int rc = nuncio_slot_take(self, NUNCIO_PER_SESSION, NULL, &limit->slot);
	if (rc == 0)
		rc = nuncio_hook_may_call(self, NUNCIO_PRIO_GUARD, on_may_call, limit);
	if (rc == 0)
		rc = nuncio_peer_add(self, PEER_SPENT, on_spent, limit);
	if (rc < 0)
		nuncio_error_set(err, "the guard cannot be added: %s", nuncio_status_name(rc));
	return rc;
}

/* Only now is it known whether there is a bus. */
static int rate_limit_start(struct nuncio_module *self, struct nuncio_error *err)
{
	struct rate_limit *limit = nuncio_module_data(self);
	(void)err;
	if (nuncio_bus_is_there())
		limit->spent = spent_new();
	read_rules(self, limit);
	return 0;
}

static int rate_limit_reload(struct nuncio_module *self, struct nuncio_error *err)
{
	(void)err;
	read_rules(self, nuncio_module_data(self));
	return 0;
}

static void rate_limit_fini(struct nuncio_module *self)
{
	struct rate_limit *limit = nuncio_module_data(self);
	if (!limit)
		return;
	peers_free(&limit->peers);
	spent_free(&limit->spent);
	free(limit);
}

static const struct nuncio_option rate_limit_options[] = {
	{ "rate", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "20", 0, 1000000, NULL,
		"Calls per second of one session, or of one user over REST. 0: no limit." },
	{ "burst", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "60", 1, 1000000, NULL,
		"Calls that may come at once after a pause." },
	{ "address_rate", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "50", 0, 1000000, NULL,
		"Calls per second of one address without a token: login, registration, the web client's files. 0: no limit." },
	{ "address_burst", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "1000", 1, 1000000, NULL,
		"Calls of one address without a token that may come at once after a pause." },
	{ "table", NUNCIO_OPT_INT, 0, "16384", 16, 16777216, NULL,
		"Addresses and REST users that are remembered at the same time, 16 bytes each." },
	{ "share_every", NUNCIO_OPT_MSEC, NUNCIO_OPT_LIVE, "200ms", 0, 10000, NULL,
		"How often other nodes are told what addresses and REST users have spent here. 0: each node for itself." },
	{ 0 },
};

NUNCIO_MODULE("rate_limit", .version = "1.0",
	.summary = "Refuses sessions, users and addresses that call too fast.",
	.options = rate_limit_options, .init = rate_limit_init, .start = rate_limit_start,
	.reload = rate_limit_reload, .fini = rate_limit_fini)

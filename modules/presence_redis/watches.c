/* SPDX-License-Identifier: MIT */
/*
 * Whose sessions on other nodes are told of. Somebody who is watched has a channel in Redis: their
 * hash is read when the subscription is confirmed and after each change, many changes at once as
 * one. A node that dies changes nothing in the hash until it is swept, so who had a session there
 * is looked at then, too. While Redis is down, what was known last counts. After that each node
 * writes its sessions anew, so for the time of a lease "nobody" is not believed but when a node
 * says that somebody left; then all that was doubted is looked at again.
 *
 * Also answers questions about users who are not watched.
 */
#include "presence_redis.h"

#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include <nuncio/conf.h>
#include <nuncio/timer.h>

enum {
	FLYING_MOST = 2000,
	SUBSCRIBE_AT_ONCE = 256,
	ROWS_MOST = 1000 /* sessions of one user that are listed */
};

struct watched {
	struct redis_entry by_name;
	struct redis_ring dirty, unsubscribed;
	bool is_wanted, is_subscribed, is_asked, is_told, is_doubted;
	bool is_sure, is_asked_surely; /* a node said that it changed: before asking next, now */
	uint32_t state;
	uint16_t node_count;
	uint16_t *nodes; /* where there are sessions */
	char name[];
};

struct question {
	struct roster *roster;
	struct watched *watched;
};

static void on_soon(void *user);

void watches_init(struct watches *watches)
{
	redis_map_init(&watches->all);
	redis_ring_init(&watches->dirty);
	redis_ring_init(&watches->unsubscribed);
}

static void watched_free(struct watches *watches, struct watched *watched)
{
	redis_ring_remove(&watched->dirty);
	redis_ring_remove(&watched->unsubscribed);
	redis_map_remove(&watches->all, &watched->by_name);
	free(watched->nodes);
	free(watched);
}

void watches_fini(struct watches *watches)
{
	struct redis_entry *entry;
	while ((entry = redis_map_next(&watches->all, NULL)))
		watched_free(watches, REDIS_OF(entry, struct watched, by_name));
	redis_map_fini(&watches->all);
	nuncio_timer_stop(&watches->soon);
	nuncio_timer_stop(&watches->grace);
}

/* ---- what a hash comes to ---- */

/* False: not a session that lives. Of our own name our own id counts; the rest will be swept. */
static bool read_entry(struct roster *roster, const redisReply *field, const redisReply *value,
	struct entry *entry, uint16_t *node_r)
{
	struct redis_lease *lease = roster->member.lease;
	if (field->type != REDIS_REPLY_STRING || value->type != REDIS_REPLY_STRING ||
		entry_read((struct nuncio_str){ field->str, field->len },
			(struct nuncio_str){ value->str, value->len }, entry) < 0)
		return false;
	entry->row.is_here = nuncio_text_same(entry->node_id, nuncio_text(redis_lease_id(lease)));
	if (entry->row.is_here)
		return true;
	*node_r = redis_lease_number(lease, entry->node_id);
	return *node_r != REDIS_NOBODY && !redis_lease_is_dead(lease, *node_r) &&
	       !nuncio_text_same(entry->row.node, nuncio_text(nuncio_conf_node()));
}

static void add_node(struct watched *watched, uint16_t node)
{
	for (uint16_t i = 0; i < watched->node_count; i++)
		if (watched->nodes[i] == node)
			return;
	watched->nodes = nuncio_resize(
		watched->nodes, ((size_t)watched->node_count + 1) * sizeof watched->nodes[0]);
	watched->nodes[watched->node_count++] = node;
}

/* watched NULL: nobody remembers. */
static uint32_t state_of(struct roster *roster, const redisReply *hash, struct watched *watched)
{
	uint32_t state = NUNCIO_PRESENCE_OFFLINE;
	struct entry entry;
	uint16_t node;
	for (size_t i = 0; i + 1 < hash->elements; i += 2) {
		if (!read_entry(roster, hash->element[i], hash->element[i + 1], &entry, &node) ||
			entry.row.is_here)
			continue;
		state = entry_join_states(state, entry.row.state);
		if (watched)
			add_node(watched, node);
	}
	return state;
}

/* ---- asking ---- */

static void soon(struct roster *roster)
{
	if (!roster->watches.soon)
		roster->watches.soon = nuncio_timer_start(roster->self, 0, 0, on_soon, roster);
}

static void mark_dirty(struct roster *roster, struct watched *watched)
{
	if (redis_ring_is_alone(&watched->dirty))
		redis_ring_add(&roster->watches.dirty, &watched->dirty);
	soon(roster);
}

static void tell(struct roster *roster, struct watched *watched, uint32_t state)
{
	uint32_t is_first = !watched->is_told;
	if (watched->is_told && watched->state == state)
		return;
	watched->is_told = true;
	watched->state = state;
	nuncio_counter_add(roster->told, 1);
	if (roster->watches.changed)
		roster->watches.changed(
			watched->by_name.key, state, is_first, roster->watches.context);
}

static void take_hash(struct roster *roster, struct watched *watched, const redisReply *hash)
{
	watched->node_count = 0;
	uint32_t state = state_of(roster, hash, watched);
	watched->is_doubted = state == NUNCIO_PRESENCE_OFFLINE && roster->watches.grace &&
			      !watched->is_asked_surely;
	if (!watched->is_doubted)
		tell(roster, watched, state);
}

static void on_hash(const redisReply *reply, void *user)
{
	struct question question = *(struct question *)user;
	struct roster *roster = question.roster;
	struct watched *watched = question.watched;
	free(user);
	roster->watches.flying--;
	watched->is_asked = false;
	if (!watched->is_wanted) {
		watched_free(&roster->watches, watched);
		return;
	}
	if (reply && reply->type == REDIS_REPLY_ARRAY)
		take_hash(roster, watched, reply);
	else
		redis_say_refused(roster->member.asks, "who is online", reply);
	if (!redis_ring_is_alone(&roster->watches.dirty))
		soon(roster);
}

/* Negative: not now. */
static int ask_hash(struct roster *roster, struct watched *watched)
{
	struct nuncio_str key = roster_user_key(roster, watched->by_name.key);
	struct question *question = nuncio_alloc(sizeof *question);
	*question = (struct question){ roster, watched };
	int rc =
		REDIS_ASK(roster->member.asks, key, on_hash, question, nuncio_text("HGETALL"), key);
	if (rc < 0) {
		free(question);
		return rc;
	}
	watched->is_asked = true;
	watched->is_asked_surely = watched->is_sure;
	watched->is_sure = false;
	roster->watches.flying++;
	nuncio_counter_add(roster->asked, 1);
	return 0;
}

/* One that is being asked for and has changed meanwhile waits for its answer first. */
static void ask_dirty(struct roster *roster)
{
	struct watches *watches = &roster->watches;
	struct redis_ring *at = watches->dirty.next;
	while (at != &watches->dirty && watches->flying < FLYING_MOST &&
		redis_member_is_held(&roster->member)) {
		struct watched *watched = REDIS_OF(at, struct watched, dirty);
		at = at->next;
		if (watched->is_asked)
			continue;
		if (ask_hash(roster, watched) < 0)
			return;
		redis_ring_remove(&watched->dirty);
	}
}

static void subscribe_some(struct roster *roster)
{
	struct watches *watches = &roster->watches;
	struct nuncio_str channels[SUBSCRIBE_AT_ONCE];
	size_t n = 0;
	while (!redis_ring_is_alone(&watches->unsubscribed) && n < SUBSCRIBE_AT_ONCE) {
		struct watched *watched =
			REDIS_OF(watches->unsubscribed.next, struct watched, unsubscribed);
		redis_ring_remove(&watched->unsubscribed);
		watched->is_subscribed = true;
		char *channel = redis_copy(roster_user_channel(roster, watched->by_name.key));
		channels[n++] = nuncio_text(channel);
	}
	redis_subscribe(roster->member.hears, channels, n);
	for (size_t i = 0; i < n; i++)
		free((char *)channels[i].p);
}

static void on_soon(void *user)
{
	struct roster *roster = user;
	struct watches *watches = &roster->watches;
	watches->soon = NULL;
	while (redis_is_up(roster->member.hears) && !redis_ring_is_alone(&watches->unsubscribed))
		subscribe_some(roster);
	ask_dirty(roster);
}

/* ---- who is watched ---- */

static struct watched *watched_find(const struct watches *watches, struct nuncio_str user)
{
	struct redis_entry *entry = redis_map_find(&watches->all, user);
	return entry ? REDIS_OF(entry, struct watched, by_name) : NULL;
}

static void watch(struct roster *roster, struct nuncio_str user)
{
	struct watches *watches = &roster->watches;
	struct watched *watched = watched_find(watches, user);
	if (!watched) {
		watched = nuncio_alloc(sizeof *watched + user.n);
		memcpy(watched->name, user.p, user.n);
		watched->by_name.key = (struct nuncio_str){ watched->name, user.n };
		redis_ring_init(&watched->dirty);
		redis_ring_init(&watched->unsubscribed);
		redis_map_add(&watches->all, &watched->by_name);
	}
	watched->is_wanted = true;
	watched->is_told = watched->is_subscribed = false;
	redis_ring_remove(&watched->unsubscribed);
	redis_ring_add(&watches->unsubscribed, &watched->unsubscribed);
	soon(roster);
}

static void unwatch(struct roster *roster, struct watched *watched)
{
	if (watched->is_subscribed)
		redis_unsubscribe(
			roster->member.hears, roster_user_channel(roster, watched->by_name.key));
	watched->is_wanted = watched->is_subscribed = false;
	redis_ring_remove(&watched->dirty);
	redis_ring_remove(&watched->unsubscribed);
	if (!watched->is_asked)
		watched_free(&roster->watches, watched);
}

void watches_set(struct roster *roster, struct nuncio_str user, bool on)
{
	struct watched *watched = watched_find(&roster->watches, user);
	if (on)
		watch(roster, user);
	else if (watched && watched->is_wanted)
		unwatch(roster, watched);
	nuncio_gauge_set(roster->watched, (int64_t)roster->watches.all.count);
}

void watches_forget(struct roster *roster)
{
	struct watches *watches = &roster->watches;
	for (struct redis_entry *entry = redis_map_next(&watches->all, NULL); entry;
		entry = redis_map_next(&watches->all, entry)) {
		struct watched *watched = REDIS_OF(entry, struct watched, by_name);
		if (!watched->is_wanted)
			continue;
		watched->is_subscribed = false;
		redis_ring_remove(&watched->unsubscribed);
		redis_ring_add(&watches->unsubscribed, &watched->unsubscribed);
	}
}

static void on_grace(void *user)
{
	struct roster *roster = user;
	const struct redis_map *all = &roster->watches.all;
	roster->watches.grace = NULL;
	for (struct redis_entry *entry = redis_map_next(all, NULL); entry;
		entry = redis_map_next(all, entry)) {
		struct watched *watched = REDIS_OF(entry, struct watched, by_name);
		if (watched->is_doubted && watched->is_wanted)
			mark_dirty(roster, watched);
	}
}

/* The confirmations of the subscriptions ask. */
void watches_ask_all(struct roster *roster)
{
	uint32_t lease_ms = (uint32_t)nuncio_conf_int(roster->self, "lease");
	nuncio_timer_stop(&roster->watches.grace);
	roster->watches.grace = nuncio_timer_start(roster->self, lease_ms, 0, on_grace, roster);
	soon(roster);
}

/* The user in the name of a channel; NULL: it is nobody's whom we watch. */
static struct watched *watched_of(struct roster *roster, struct nuncio_str channel)
{
	struct nuncio_str head = roster_user_channel(roster, nuncio_text(""));
	if (channel.n <= head.n)
		return NULL;
	const struct nuncio_str user = { channel.p + head.n, channel.n - head.n };
	struct watched *watched = watched_find(&roster->watches, user);
	return watched && watched->is_wanted ? watched : NULL;
}

void watches_subscribed(struct roster *roster, struct nuncio_str channel)
{
	watches_changed(roster, channel, false);
}

void watches_changed(struct roster *roster, struct nuncio_str channel, bool is_sure)
{
	struct watched *watched = watched_of(roster, channel);
	if (!watched)
		return;
	watched->is_sure = watched->is_sure || is_sure;
	mark_dirty(roster, watched);
}

void watches_node_died(struct roster *roster, uint16_t node)
{
	struct watches *watches = &roster->watches;
	for (struct redis_entry *entry = redis_map_next(&watches->all, NULL); entry;
		entry = redis_map_next(&watches->all, entry)) {
		struct watched *watched = REDIS_OF(entry, struct watched, by_name);
		for (uint16_t i = 0; watched->is_wanted && i < watched->node_count; i++)
			if (watched->nodes[i] == node)
				mark_dirty(roster, watched);
	}
}

/* ---- questions ---- */

struct listing {
	struct roster *roster;
	nuncio_roster_rows_fn *done;
	void *context;
};

/* The same session under two ids of its node: the later one is true. */
static bool is_older_twin(const struct nuncio_roster_row *row, const struct nuncio_roster_row *of)
{
	return row != of && row->session == of->session && row->order < of->order &&
	       nuncio_text_same(row->node, of->node);
}

static size_t drop_twins(struct nuncio_roster_row *rows, size_t n)
{
	size_t kept = 0;
	for (size_t i = 0; i < n; i++) {
		bool is_old = false;
		for (size_t k = 0; k < n; k++)
			is_old = is_old || is_older_twin(&rows[i], &rows[k]);
		if (!is_old)
			rows[kept++] = rows[i];
	}
	return kept;
}

static void on_list(const redisReply *reply, void *user)
{
	struct listing listing = *(struct listing *)user;
	free(user);
	if (!reply || reply->type != REDIS_REPLY_ARRAY) {
		redis_say_refused(listing.roster->member.asks, "a list of sessions", reply);
		listing.done(NUNCIO_E_FAIL, NULL, 0, listing.context);
		return;
	}
	size_t most = reply->elements / 2, n = 0;
	size_t room = most < ROWS_MOST ? most : ROWS_MOST;
	struct entry *entries = nuncio_alloc(room * sizeof *entries);
	struct nuncio_roster_row *rows = nuncio_alloc(room * sizeof *rows);
	uint16_t node;
	for (size_t i = 0; i < most && n < ROWS_MOST; i++)
		if (read_entry(listing.roster, reply->element[2 * i], reply->element[2 * i + 1],
			    &entries[n], &node)) {
			rows[n] = entries[n].row;
			n++;
		}
	n = drop_twins(rows, n);
	listing.done(0, rows, n, listing.context);
	free(rows);
	free(entries);
}

void watches_list(
	struct roster *roster, struct nuncio_str user, nuncio_roster_rows_fn *done, void *context)
{
	struct nuncio_str key = roster_user_key(roster, user);
	struct listing *listing = nuncio_alloc(sizeof *listing);
	*listing = (struct listing){ roster, done, context };
	if (redis_member_is_held(&roster->member) &&
		REDIS_ASK(roster->member.asks, key, on_list, listing, nuncio_text("HGETALL"),
			key) == 0)
		return;
	free(listing);
	done(NUNCIO_E_FAIL, NULL, 0, context);
}

struct looking {
	struct roster *roster;
	nuncio_roster_states_fn *done;
	void *context;
	size_t waiting, count;
	bool is_failed;
	uint32_t states[];
};

struct look {
	struct looking *looking;
	size_t index;
};

static void looked(struct looking *looking)
{
	if (--looking->waiting > 0)
		return;
	if (looking->is_failed)
		looking->done(NUNCIO_E_FAIL, NULL, 0, looking->context);
	else
		looking->done(0, looking->states, looking->count, looking->context);
	free(looking);
}

static void on_look(const redisReply *reply, void *user)
{
	struct look look = *(struct look *)user;
	free(user);
	if (reply && reply->type == REDIS_REPLY_ARRAY)
		look.looking->states[look.index] = state_of(look.looking->roster, reply, NULL);
	else
		look.looking->is_failed = true;
	looked(look.looking);
}

void watches_elsewhere(struct roster *roster, const struct nuncio_str *users, size_t n,
	nuncio_roster_states_fn *done, void *context)
{
	struct looking *looking = nuncio_alloc(sizeof *looking + n * sizeof looking->states[0]);
	*looking = (struct looking){ roster, done, context, .waiting = 1, .count = n };
	for (size_t i = 0; i < n; i++) {
		struct nuncio_str key = roster_user_key(roster, users[i]);
		struct look *look = nuncio_alloc(sizeof *look);
		*look = (struct look){ looking, i };
		looking->waiting++;
		if (redis_member_is_held(&roster->member) &&
			REDIS_ASK(roster->member.asks, key, on_look, look, nuncio_text("HGETALL"),
				key) == 0)
			continue;
		free(look);
		looking->is_failed = true;
		looking->waiting--;
	}
	looked(looking);
}

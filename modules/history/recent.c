/* SPDX-License-Identifier: MIT */
/*
 * The road of a reading question: from memory if cache.c has it, else from the store, whose answer
 * is kept. So a page of a conversation that people look at costs the logic thread some microseconds
 * and the store nothing.
 *
 * Alone, this node hears of every event (did_event), so what is kept is what the store has. Of
 * several nodes each hears only of events whose audience it has, and not of all of those: then the
 * store is asked which seq its last event has, a read of one row. If none is newer, what is kept is
 * used; if a few are, they are read and taken over like events that happen now, since each comes
 * with what its target has become. What readers have hidden is written on any node and has no
 * number to compare: it is kept in memory only by a node that is alone.
 *
 * Where nodes have a place in common (recent.v1, as history_redis offers it), what this node does
 * not have it looks for there, before it asks the store for a whole page, and brings it up to date
 * in the same way. What it had to read it puts there for the others. Old, damaged or lost: it costs
 * the page that it would have saved, nothing else.
 */
#include "recent.h"

#include <nuncio/bus.h>
#include <nuncio/conf.h>
#include <nuncio/hooks.h>
#include <nuncio/metric.h>
#include <nuncio/service.h>
#include <nuncio/services/recent.h>
#include <nuncio/text.h>

#include "cache.h"
#include "history.h"
#include "known.h"
#include "pack.h"

enum { CATCH_UP = 50 /* events: as many as are worth a page */ };

struct recent {
	struct nuncio_module *self;
	struct cache *cache;
	struct known *known;
	bool is_on;
	const struct nuncio_recent_v1 *place; /* NULL: nodes have none in common */
	void *place_impl;
	struct cache_state told; /* to the metrics */
	struct nuncio_counter *hits, *misses, *evicted, *outdated, *shared;
	struct nuncio_gauge *bytes, *conversations;
};

/* A question that is not answered at once. */
struct question {
	struct recent *recent;
	nuncio_events_fn *done;
	void *user;
	struct nuncio_events_query query;
	uint64_t number; /* of cache_expect */
	uint64_t head;   /* last seq in the store when it was asked; 0: it was not */
	char conversation[CONVERSATION_BYTES + 1];
};

static void update_metrics(struct recent *recent)
{
	struct cache_state now = cache_state(recent->cache);
	nuncio_gauge_set(recent->bytes, (int64_t)now.bytes);
	nuncio_gauge_set(recent->conversations, (int64_t)now.conversations);
	nuncio_counter_add(recent->evicted, (int64_t)(now.evicted - recent->told.evicted));
	nuncio_counter_add(recent->outdated, (int64_t)(now.outdated - recent->told.outdated));
	recent->told = now;
}

static void end(struct question *question, int status)
{
	question->done(status, NULL, 0, 0, question->user);
	free(question);
}

/* ---- the place of all nodes ---- */

static struct nuncio_events_query newest_of(const struct question *question, uint32_t limit)
{
	return (struct nuncio_events_query){ .size = sizeof(struct nuncio_events_query),
		.conversation = question->query.conversation,
		.limit = limit };
}

/* For the others: all that is kept here. */
static void share(struct question *question)
{
	struct recent *recent = question->recent;
	size_t n = cache_count(recent->cache, question->query.conversation);
	const struct nuncio_events_query query = newest_of(question, (uint32_t)n);
	struct nuncio_event rows[CACHE_EVENTS];
	int more;
	if (!recent->place || !nuncio_bus_is_there() ||
		!cache_find(recent->cache, &query, rows, &n, &more))
		return;
	struct nuncio_str bytes = pack_events(rows, n);
	recent->place->put(recent->place_impl, query.conversation, bytes);
	free((char *)bytes.p);
}

/* ---- from the store ---- */

static void on_rows(int status, const struct nuncio_event *rows, size_t n, int more, void *user)
{
	struct question *question = user;
	if (status == 0) {
		cache_fill(question->recent->cache, question->number, rows, n);
		update_metrics(question->recent);
		if (question->number && n)
			share(question);
	}
	question->done(status, rows, n, more, question->user);
	free(question);
}

static int ask_store(struct question *question)
{
	struct recent *recent = question->recent;
	nuncio_counter_add(recent->misses, 1);
	question->number = cache_expect(recent->cache, &question->query);
	update_metrics(recent);
	return nuncio_store_events(recent->self, &question->query, on_rows, question);
}

static void ask_store_or_end(struct question *question)
{
	int rc = ask_store(question);
	if (rc < 0)
		end(question, rc);
}

/* ---- from memory ---- */

static bool answer(struct question *question)
{
	struct recent *recent = question->recent;
	struct nuncio_event rows[CACHE_EVENTS];
	size_t n;
	int more;
	if (!cache_find(recent->cache, &question->query, rows, &n, &more))
		return false;
	nuncio_counter_add(recent->hits, 1);
	question->done(0, rows, n, more, question->user);
	return true;
}

static void answer_or_ask(struct question *question)
{
	if (answer(question))
		free(question);
	else
		ask_store_or_end(question);
}

/* What was missed: taken over as if it happened now. */
static void on_missed(int status, const struct nuncio_event *rows, size_t n, int more, void *user)
{
	struct question *question = user;
	struct cache *cache = question->recent->cache;
	(void)more;
	for (size_t i = 0; status == 0 && i < n; i++)
		cache_tell(cache, &rows[i]);
	if (cache_newest(cache, question->query.conversation) < question->head)
		cache_drop(cache, question->query.conversation);
	else if (question->number)
		share(question); /* what came from there was old */
	update_metrics(question->recent);
	answer_or_ask(question);
}

/* Something is kept; how far does it lag behind the store? */
static void compare(struct question *question)
{
	struct recent *recent = question->recent;
	uint64_t newest = cache_newest(recent->cache, question->query.conversation);
	struct nuncio_events_query missed = newest_of(question, CATCH_UP);
	if (newest >= question->head) {
		answer_or_ask(question);
		return;
	}
	missed.flags = NUNCIO_EVENTS_FORWARD;
	missed.after = newest;
	if (question->head - newest <= CATCH_UP &&
		nuncio_store_events(recent->self, &missed, on_missed, question) == 0)
		return;
	cache_drop(recent->cache, question->query.conversation);
	ask_store_or_end(question);
}

/* ---- from the place of all nodes ---- */

static void on_kept(struct nuncio_str bytes, void *user)
{
	struct question *question = user;
	struct recent *recent = question->recent;
	struct unpacked *found = nuncio_alloc(sizeof *found);
	if (bytes.p && unpack_events(bytes, question->query.conversation, found) == 0) {
		cache_fill(recent->cache, question->number, found->rows, found->count);
		nuncio_counter_add(recent->shared, 1);
		update_metrics(recent);
	}
	free(found);
	if (cache_newest(recent->cache, question->query.conversation))
		compare(question);
	else
		ask_store_or_end(question);
}

/* Nothing is kept here. The question may be for any page: the newest ones are what can be had. */
static void look_elsewhere(struct question *question)
{
	struct recent *recent = question->recent;
	const struct nuncio_events_query newest = newest_of(question, CACHE_EVENTS);
	if (recent->place) {
		question->number = cache_expect(recent->cache, &newest);
		update_metrics(recent);
		if (question->number &&
			recent->place->get(recent->place_impl, question->query.conversation,
				on_kept, question) == 0)
			return;
	}
	ask_store_or_end(question);
}

static void on_head(int status, const struct nuncio_member *rows, size_t n, int more, void *user)
{
	struct question *question = user;
	struct cache *cache = question->recent->cache;
	(void)more;
	if (status < 0 || n != 1 || !rows->last_seq) {
		ask_store_or_end(question); /* who is no member may read all the same */
		return;
	}
	question->head = rows->last_seq;
	if (cache_newest(cache, question->query.conversation))
		compare(question);
	else
		look_elsewhere(question);
}

/* Of several nodes: to ask for the last seq first, because the page itself may be had without. */
static bool is_worth_it(struct recent *recent, const struct nuncio_events_query *query)
{
	struct nuncio_event rows[CACHE_EVENTS];
	size_t n;
	int more;
	bool is_newest = !query->before && !query->after && !query->from_ms && !query->flags;
	return cache_find(recent->cache, query, rows, &n, &more) || (recent->place && is_newest);
}

int recent_events(struct recent *recent, struct nuncio_str who,
	const struct nuncio_events_query *query, nuncio_events_fn *done, void *user)
{
	struct question *question;
	if (!recent->is_on || query->conversation.n > CONVERSATION_BYTES)
		return nuncio_store_events(recent->self, query, done, user);
	question = nuncio_alloc(sizeof *question);
	*question = (struct question){ recent, done, user, *query, 0, 0, "" };
	nuncio_text_copy(
		query->conversation, question->conversation, sizeof question->conversation);
	question->query.conversation.p = question->conversation;
	int rc = 0;
	if (nuncio_bus_is_there() && is_worth_it(recent, query))
		rc = nuncio_store_member(
			recent->self, question->query.conversation, who, on_head, question);
	else if (!nuncio_bus_is_there() && answer(question))
		free(question);
	else
		rc = ask_store(question);
	if (rc < 0)
		free(question);
	return rc;
}

/* ---- what is hidden ---- */

struct hidden_question {
	struct recent *recent;
	recent_hidden_fn *done;
	void *user;
	uint64_t expected;
	char who[USER_BYTES + 1], conversation[CONVERSATION_BYTES + 1];
};

static void on_record(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct hidden_question *question = user;
	struct recent *recent = question->recent;
	struct nuncio_str value = { NULL, 0 };
	(void)more;
	if (status == 0 && n == 1)
		value = rows->value;
	if (status == NUNCIO_E_NOTFOUND)
		status = 0;
	if (status == 0 && recent->is_on && !nuncio_bus_is_there())
		known_put(recent->known, question->expected, nuncio_text(question->who),
			nuncio_text(question->conversation), value);
	question->done(status, value, question->user);
	free(question);
}

int recent_hidden(struct recent *recent, struct nuncio_str who, struct nuncio_str conversation,
	recent_hidden_fn *done, void *user)
{
	struct hidden_question *question;
	struct nuncio_str value;
	if (recent->is_on && !nuncio_bus_is_there() &&
		known_get(recent->known, who, conversation, &value)) {
		done(0, value, user);
		return 0;
	}
	question = nuncio_alloc(sizeof *question);
	*question =
		(struct hidden_question){ recent, done, user, known_expect(recent->known), "", "" };
	int rc = nuncio_text_copy(who, question->who, sizeof question->who);
	if (rc == 0)
		rc = nuncio_text_copy(
			conversation, question->conversation, sizeof question->conversation);
	if (rc == 0)
		rc = nuncio_store_get(recent->self, nuncio_text(SPACE_HIDDEN), who, conversation,
			on_record, question);
	if (rc < 0)
		free(question);
	return rc;
}

void recent_hiding_begins(
	struct recent *recent, struct nuncio_str who, struct nuncio_str conversation)
{
	known_write_begins(recent->known, who, conversation);
}

void recent_hiding_ends(struct recent *recent)
{
	known_write_ends(recent->known);
}

/* ---- what happens ---- */

static void on_did_event(const struct nuncio_told *what, void *user)
{
	struct recent *recent = user;
	if (!cache_state(recent->cache).conversations)
		return;
	cache_tell(recent->cache, what->event);
	update_metrics(recent);
}

static void on_did_fail(const struct nuncio_failure *what, void *user)
{
	struct recent *recent = user;
	cache_drop(recent->cache, what->conversation);
	update_metrics(recent);
}

static void on_did_recover(const struct nuncio_recovery *what, void *user)
{
	struct recent *recent = user;
	(void)what;
	cache_drop_all(recent->cache);
	known_drop_all(recent->known);
	update_metrics(recent);
}

/* ---- life ---- */

static int register_all(struct recent *recent)
{
	struct nuncio_module *self = recent->self;
	recent->hits = nuncio_counter_new(
		self, "cache_hits_total", NULL, "Pages of history that were answered from memory.");
	recent->misses = nuncio_counter_new(
		self, "cache_misses_total", NULL, "Pages of history that the store was asked for.");
	recent->evicted = nuncio_counter_new(self, "cache_evictions_total", NULL,
		"Conversations that left the memory for others.");
	recent->outdated = nuncio_counter_new(self, "cache_outdated_total", NULL,
		"Conversations that left the memory because an event may have been missed.");
	recent->shared = nuncio_counter_new(self, "cache_shared_total", NULL,
		"Conversations that came from the place that nodes have in common.");
	recent->bytes = nuncio_gauge_new(
		self, "cache_bytes", NULL, "Memory for the newest events of conversations.");
	recent->conversations = nuncio_gauge_new(self, "cache_conversations", NULL,
		"Conversations whose newest events are in memory.");
	int rc = nuncio_hook_did_event(self, NUNCIO_PRIO_FIRST, on_did_event, recent);
	if (rc == 0)
		rc = nuncio_hook_did_fail(self, NUNCIO_PRIO_FIRST, on_did_fail, recent);
	if (rc == 0)
		rc = nuncio_hook_did_recover(self, NUNCIO_PRIO_FIRST, on_did_recover, recent);
	return rc;
}

struct recent *recent_new(struct nuncio_module *self, struct nuncio_error *err)
{
	struct recent *recent = nuncio_alloc(sizeof *recent);
	recent->self = self;
	recent->cache = cache_new(0);
	recent->known = known_new();
	int rc = register_all(recent);
	if (rc == 0)
		return recent;
	nuncio_error_set(err, "its hooks cannot be added: %s", nuncio_status_name(rc));
	recent_free(&recent);
	return NULL;
}

void recent_free(struct recent **recent)
{
	if (!*recent)
		return;
	cache_free(&(*recent)->cache);
	known_free(&(*recent)->known);
	free(*recent);
	*recent = NULL;
}

void recent_find_place(struct recent *recent)
{
	recent->place = nuncio_service_find(recent->self, NUNCIO_RECENT_V1, &recent->place_impl);
}

void recent_configure(struct recent *recent)
{
	int64_t bytes = nuncio_conf_int(recent->self, "cache");
	recent->is_on = bytes > 0;
	cache_set_max(recent->cache, (size_t)bytes);
	if (!recent->is_on)
		known_drop_all(recent->known);
	update_metrics(recent);
}

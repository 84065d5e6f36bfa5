/* SPDX-License-Identifier: MIT */
/*
 * The road of a reading question: from memory if cache.c has it, else from the store, whose answer
 * is kept. So a page of a conversation that people look at costs the logic thread some microseconds
 * and the store nothing.
 *
 * Alone, this node hears of every event (did_event), so what is kept is what the store has. Of
 * several nodes each hears only of events whose audience it has, and not of all of those: then the
 * store is asked which seq its last event has, a read of one row, and only if none is newer than
 * what is kept it is used. What readers have hidden is written on any node and has no number to
 * compare: it is kept in memory only by a node that is alone.
 */
#include "recent.h"

#include <nuncio/bus.h>
#include <nuncio/conf.h>
#include <nuncio/hooks.h>
#include <nuncio/metric.h>
#include <nuncio/text.h>

#include "cache.h"
#include "history.h"
#include "known.h"

struct recent {
	struct nuncio_module *self;
	struct cache *cache;
	struct known *known;
	bool is_on;
	struct cache_state told; /* to the metrics */
	struct nuncio_counter *hits, *misses, *evicted, *outdated;
	struct nuncio_gauge *bytes, *conversations;
};

/* A question that is not answered at once. */
struct question {
	struct recent *recent;
	nuncio_events_fn *done;
	void *user;
	struct nuncio_events_query query;
	uint64_t number; /* of cache_expect */
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

/* ---- from the store ---- */

static void on_rows(int status, const struct nuncio_event *rows, size_t n, int more, void *user)
{
	struct question *question = user;
	if (status == 0) {
		cache_fill(question->recent->cache, question->number, rows, n);
		update_metrics(question->recent);
	}
	question->done(status, rows, n, more, question->user);
	free(question);
}

static int ask_store(struct question *question)
{
	struct recent *recent = question->recent;
	nuncio_counter_add(recent->misses, 1);
	question->number = cache_expect(recent->cache, &question->query);
	return nuncio_store_events(recent->self, &question->query, on_rows, question);
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

static void on_head(int status, const struct nuncio_member *rows, size_t n, int more, void *user)
{
	struct question *question = user;
	struct cache *cache = question->recent->cache;
	struct nuncio_str conversation = question->query.conversation;
	bool is_known = status == 0 && n == 1;
	(void)more;
	if (is_known && rows->last_seq > cache_newest(cache, conversation)) {
		cache_drop(cache, conversation);
		is_known = false;
	}
	if (is_known && answer(question)) {
		free(question);
		return;
	}
	status = ask_store(question);
	if (status == 0)
		return;
	question->done(status, NULL, 0, 0, question->user);
	free(question);
}

int recent_events(struct recent *recent, struct nuncio_str who,
	const struct nuncio_events_query *query, nuncio_events_fn *done, void *user)
{
	struct question *question;
	if (!recent->is_on || query->conversation.n > CONVERSATION_BYTES)
		return nuncio_store_events(recent->self, query, done, user);
	question = nuncio_alloc(sizeof *question);
	*question = (struct question){ recent, done, user, *query, 0, "" };
	nuncio_text_copy(
		query->conversation, question->conversation, sizeof question->conversation);
	question->query.conversation.p = question->conversation;
	bool is_kept = cache_newest(recent->cache, query->conversation) > 0;
	int rc = 0;
	if (is_kept && nuncio_bus_is_there())
		rc = nuncio_store_member(
			recent->self, question->query.conversation, who, on_head, question);
	else if (is_kept && answer(question))
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

void recent_configure(struct recent *recent)
{
	int64_t bytes = nuncio_conf_int(recent->self, "cache");
	recent->is_on = bytes > 0;
	cache_set_max(recent->cache, (size_t)bytes);
	if (!recent->is_on)
		known_drop_all(recent->known);
	update_metrics(recent);
}

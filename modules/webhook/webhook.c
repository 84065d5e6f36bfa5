/* SPDX-License-Identifier: MIT */
/*
 * Tells an HTTP endpoint of events, and asks one whether messages may be sent.
 *
 * Every event gets a record in its own transaction (the outbox), so none is lost whatever happens
 * to this process or to the endpoint; the record goes when the endpoint has said 2xx. See outbox.c
 * for the order, sender.c for the thread that speaks HTTP, ask.c for questions.
 *
 * Thread: logic, but sender.c's own.
 */
#include "webhook.h"

#include <nuncio/bus.h>
#include <nuncio/conf.h>
#include <nuncio/control.h>
#include <nuncio/hooks.h>
#include <nuncio/log.h>

#include <curl/curl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

uint32_t webhook_random(void)
{
	return randombytes_random();
}

bool webhook_wants(const struct webhook *w, const struct nuncio_event *event)
{
	size_t count = nuncio_conf_count(w->self, "events");
	for (size_t i = 0; i < count; i++) {
		const char *type = nuncio_conf_item(w->self, "events", i);
		if (strlen(type) == event->type.n &&
			memcmp(type, event->type.p, event->type.n) == 0)
			return true;
	}
	return count == 0;
}

/* ---- hooks ---- */

static enum nuncio_verdict on_store(const struct nuncio_storing *what, void *user)
{
	struct webhook *w = user;
	if (!webhook_wants(w, what->event))
		return NUNCIO_PASS;
	const struct nuncio_record_write write = {
		.size = sizeof write,
		.flags = NUNCIO_WRITE_KEY_SEQ,
		.space = nuncio_text(SPACE_OUT),
		.owner = what->event->conversation,
		.value = nuncio_text("{}"),
	};
	/* Refused rather than sent without a word to the endpoint. */
	return nuncio_storing_add(w->self, what, &write) == 0 ? NUNCIO_PASS : NUNCIO_REJECT;
}

static void on_event(const struct nuncio_told *what, void *user)
{
	struct webhook *w = user;
	if (!what->is_remote && webhook_wants(w, what->event))
		outbox_add(w->outbox, what->event->conversation, what->event->seq);
}

/* ---- options ---- */

static int read_keys(struct webhook *w, struct nuncio_error *err)
{
	struct sign_keys *keys = nuncio_alloc(sizeof *keys);
	size_t count = nuncio_conf_count(w->self, "keys");
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < count && i < KEYS_MAX; i++)
		rc = sign_add_file(keys, nuncio_conf_item(w->self, "keys", i), err);
	if (rc < 0) {
		free(keys);
		return rc;
	}
	free(w->keys);
	w->keys = keys;
	return 0;
}

/* Else the core would refuse messages before ask_failure and the breaker have their say. */
static int check_ask_timeout(struct webhook *w, struct nuncio_error *err)
{
	uint32_t limit_ms = nuncio_conf_answer_timeout_ms();
	char where[160];
	if (!*w->ask_url || !limit_ms || nuncio_conf_int(w->self, "ask_timeout") < limit_ms)
		return 0;
	nuncio_error_set(err,
		"%s: must be less than [core] answer_timeout, which is %" PRIu32 " ms",
		nuncio_conf_where(w->self, "ask_timeout", where, sizeof where), limit_ms);
	return NUNCIO_E_INVAL;
}

static int read_options(struct nuncio_module *self, struct nuncio_error *err)
{
	struct webhook *w = nuncio_module_data(self);
	int rc = check_ask_timeout(w, err);
	if (rc < 0)
		return rc;
	w->timeout_ms = nuncio_conf_int(self, "timeout");
	w->ask_timeout_ms = nuncio_conf_int(self, "ask_timeout");
	w->backoff_least_ms = nuncio_conf_int(self, "backoff_min");
	w->backoff_most_ms = nuncio_conf_int(self, "backoff_max");
	w->attempts = (uint32_t)nuncio_conf_int(self, "attempts");
	w->max_pending = (uint32_t)nuncio_conf_int(self, "max_pending");
	w->max_asks = (uint32_t)nuncio_conf_int(self, "max_asks");
	w->ask_fails_open = strcmp(nuncio_conf_text(self, "ask_failure"), "allow") == 0;
	w->breaker.limit = (uint32_t)nuncio_conf_int(self, "breaker_failures");
	w->breaker.open_ms = nuncio_conf_int(self, "breaker_pause");
	return read_keys(w, err);
}

static int check_url(struct webhook *w, const char *key, char **url_r, struct nuncio_error *err)
{
	const char *url = nuncio_conf_text(w->self, key);
	char where[160];
	*url_r = nuncio_alloc(strlen(url) + 1);
	memcpy(*url_r, url, strlen(url) + 1);
	if (!*url || strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0)
		return 0;
	nuncio_error_set(err, "%s: must begin with http:// or https://",
		nuncio_conf_where(w->self, key, where, sizeof where));
	return NUNCIO_E_INVAL;
}

/* ---- the module ---- */

static void add_metrics(struct webhook *w)
{
	struct nuncio_module *self = w->self;
	w->count.delivered = nuncio_counter_new(
		self, "delivered_total", NULL, "Events that the endpoint has accepted.");
	w->count.failed = nuncio_counter_new(
		self, "failures_total", NULL, "Posts of events that were not accepted.");
	w->count.dead = nuncio_counter_new(
		self, "dead_total", NULL, "Events that were put aside after too many attempts.");
	w->count.pending = nuncio_gauge_new(
		self, "pending", NULL, "Events in memory that are to be delivered.");
	w->count.delivering = nuncio_gauge_new(
		self, "delivering", NULL, "1 on the node that delivers events, 0 on the others.");
	w->count.asked = nuncio_counter_new(self, "asks_total", NULL, "Questions sent to ask_url.");
	w->count.ask_failed = nuncio_counter_new(
		self, "ask_failures_total", NULL, "Questions without a usable answer.");
	w->count.ask_skipped = nuncio_counter_new(self, "asks_skipped_total", NULL,
		"Questions not asked: too many under way, or too many failures.");
}

static int add_hooks(struct webhook *w)
{
	int rc = 0;
	if (*w->ask_url)
		rc = nuncio_hook_may_send(w->self, NUNCIO_PRIO_NORMAL, asking_on_send, w);
	if (rc == 0 && *w->ask_url)
		rc = nuncio_hook_may_edit(w->self, NUNCIO_PRIO_NORMAL, asking_on_edit, w);
	if (rc == 0 && *w->url)
		rc = nuncio_hook_may_store(w->self, NUNCIO_PRIO_LAST, on_store, w);
	if (rc == 0 && *w->url)
		rc = nuncio_hook_did_event(w->self, NUNCIO_PRIO_LAST, on_event, w);
	return rc;
}

/* ---- for the operator ---- */

static void on_replayed(int64_t count, void *user)
{
	struct nuncio_request *rq = user;
	struct nuncio_json *json;
	if (count < 0) {
		nuncio_reply_status(&rq, (int)count);
		return;
	}
	json = nuncio_json_new();
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "replayed");
	nuncio_json_put_int(json, count);
	nuncio_json_object_end(json);
	nuncio_reply(&rq, 200, nuncio_json_str(json));
	nuncio_json_free(&json);
}

static void on_replay(struct nuncio_request *rq, void *user)
{
	struct webhook *w = user;
	int rc = outbox_replay(w->outbox, on_replayed, rq);
	if (rc == NUNCIO_E_BUSY)
		nuncio_reply_error(&rq, NUNCIO_CODE_busy, "a replay is under way");
	else if (rc < 0)
		nuncio_reply_status(&rq, rc);
}

static const struct nuncio_command replay = {
	.size = sizeof replay,
	.flags = NUNCIO_CONTROL_SLOW | NUNCIO_CONTROL_CHANGES,
	.op = "webhook.replay",
	.help = "Delivers the events that were given up once more, and says how many.",
	.field_size = sizeof(struct nuncio_field),
	.fn = on_replay,
};

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	struct webhook *w = nuncio_alloc(sizeof *w);
	w->self = self;
	nuncio_module_set_data(self, w);
	int rc = check_url(w, "url", &w->url, err);
	if (rc == 0)
		rc = check_url(w, "ask_url", &w->ask_url, err);
	if (rc == 0)
		rc = check_ask_timeout(w, err); /* also here, for nunciod --check */
	if (rc < 0)
		return rc;
	if (sodium_init() < 0 || curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
		nuncio_error_set(err, "libsodium or libcurl cannot be used");
		return NUNCIO_E_FAIL;
	}
	add_metrics(w);
	w->outbox = outbox_new(w);
	w->asking = asking_new(w);
	rc = add_hooks(w);
	if (rc == 0 && *w->url)
		rc = hints_new(w);
	if (rc == 0 && *w->url)
		rc = nuncio_control_add(self, &replay, w);
	if (rc < 0)
		nuncio_error_set(err, "it cannot be set up: %s", nuncio_status_name(rc));
	return rc;
}

/* Alone, a node delivers what it finds; with others, when it has the lease. */
static void begin(struct webhook *w)
{
	if (nuncio_bus_is_there()) {
		w->lease = lease_start(w, nuncio_conf_int(w->self, "lease"));
		return;
	}
	nuncio_gauge_set(w->count.delivering, 1);
	outbox_scan(w->outbox);
}

static int start(struct nuncio_module *self, struct nuncio_error *err)
{
	struct webhook *w = nuncio_module_data(self);
	char where[160];
	int rc = read_options(self, err);
	if (rc < 0)
		return rc;
	if ((*w->url || *w->ask_url) && w->keys->count == 0) {
		nuncio_error_set(err, "%s: at least one file with a key is needed",
			nuncio_conf_where(self, "keys", where, sizeof where));
		return NUNCIO_E_INVAL;
	}
	w->sender = sender_start(self, (unsigned)nuncio_conf_int(self, "connections"), err);
	if (!w->sender)
		return NUNCIO_E_FAIL;
	if (*w->url)
		begin(w);
	return 0;
}

static void stop(struct nuncio_module *self)
{
	struct webhook *w = nuncio_module_data(self);
	w->is_stopping = true;
	if (w->sender)
		sender_stop(&w->sender);
	outbox_finish(w->outbox);
	if (w->lease)
		lease_stop(w->lease);
}

static void fini(struct nuncio_module *self)
{
	struct webhook *w = nuncio_module_data(self);
	if (!w)
		return;
	outbox_free(&w->outbox);
	lease_free(&w->lease);
	hints_free(&w->hints);
	asking_free(&w->asking);
	if (w->keys)
		sodium_memzero(w->keys, sizeof *w->keys);
	free(w->keys);
	free(w->url);
	free(w->ask_url);
	free(w);
	nuncio_module_set_data(self, NULL);
}

static const struct nuncio_option options[] = {
	{ "url", NUNCIO_OPT_TEXT, 0, "", 0, 2000, NULL,
		"Where events are posted to; empty: nowhere. Fixed while the server runs." },
	{ "events", NUNCIO_OPT_LIST, NUNCIO_OPT_LIVE, "", 0, 32, NULL,
		"Types of events to tell of: message, edit, recall, group ...; empty: all." },
	{ "keys", NUNCIO_OPT_LIST, NUNCIO_OPT_LIVE, "", 0, KEYS_MAX, NULL,
		"Files with keys for the signature, 16 bytes at least; every post is signed with "
		"each." },
	{ "timeout", NUNCIO_OPT_MSEC, NUNCIO_OPT_LIVE, "10s", 100, 300000, NULL,
		"How long one post may take." },
	{ "attempts", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "20", 1, 1000000, NULL,
		"After so many failures in a row events are put aside." },
	{ "backoff_min", NUNCIO_OPT_MSEC, NUNCIO_OPT_LIVE, "1s", 10, 3600000, NULL,
		"The pause after the first failure; it doubles with each." },
	{ "backoff_max", NUNCIO_OPT_MSEC, NUNCIO_OPT_LIVE, "10m", 10, 86400000, NULL,
		"The longest pause." },
	{ "max_pending", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "100000", 100, 10000000, NULL,
		"Events kept in memory; more wait in the store." },
	{ "connections", NUNCIO_OPT_INT, 0, "16", 1, 256, NULL, "Posts under way at once." },
	{ "lease", NUNCIO_OPT_MSEC, 0, "10s", 1000, 300000, NULL,
		"With several nodes: when the one that delivers has been silent for so long, "
		"another does. The same on all nodes." },
	{ "ask_url", NUNCIO_OPT_TEXT, 0, "", 0, 2000, NULL,
		"Who is asked whether a message may be sent; empty: nobody." },
	{ "ask_timeout", NUNCIO_OPT_MSEC, NUNCIO_OPT_LIVE, "2s", 50, 30000, NULL,
		"How long the answer may take; less than [core] answer_timeout." },
	{ "ask_failure", NUNCIO_OPT_CHOICE, NUNCIO_OPT_LIVE, "refuse", 0, 0, "refuse allow",
		"What becomes of a message when there is no usable answer." },
	{ "max_asks", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "1000", 1, 100000, NULL,
		"Questions under way at once." },
	{ "breaker_failures", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "10", 1, 100000, NULL,
		"After so many failures in a row nobody is asked for a while." },
	{ "breaker_pause", NUNCIO_OPT_MSEC, NUNCIO_OPT_LIVE, "10s", 10, 3600000, NULL,
		"How long that while is." },
	{ 0 },
};

static const char *const needs[] = { "store", NULL };
static const char *const wants[] = { "bus", NULL };

NUNCIO_MODULE("webhook", .version = "1.0",
	.summary = "Tells an HTTP endpoint of events, and asks one about messages.", .needs = needs,
	.wants = wants, .options = options, .init = init, .start = start, .reload = read_options,
	.stop = stop, .fini = fini)

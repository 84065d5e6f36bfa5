/* SPDX-License-Identifier: MIT */
/*
 * One example of each part of the API that hello.c does without; include/nuncio/README.md shows
 * them one by one. State lives in one struct behind nuncio_module_data, everything runs on the
 * logic thread but read_body.
 */
#include <stdlib.h>
#include <string.h>

#include <nuncio/nuncio.h>
#include <nuncio/services/presence.h>

#define TEXT(literal) ((struct nuncio_str){ literal, sizeof(literal) - 1 })

struct tour {
	struct nuncio_module *self;
	struct nuncio_slot *sent; /* int * of each session: messages sent */
	struct nuncio_counter *refused;
	struct nuncio_timer *tick;
	const struct nuncio_presence_v1 *presence; /* NULL without the module */
	void *presence_impl;
};

/* ---- A decision that is answered later */

struct reading {
	struct tour *tour;
	struct nuncio_ticket *ticket;
	int is_rude;
	char body[];
};

/* On a worker, where blocking is fine. Touches nothing but its own struct. */
static void read_body(void *user)
{
	struct reading *reading = user;
	reading->is_rude = strstr(reading->body, "grrr") != NULL;
}

static void on_read(void *user)
{
	struct reading *reading = user;
	struct nuncio_str unchanged = { NULL, 0 };
	if (reading->is_rude) {
		nuncio_counter_add(reading->tour->refused, 1);
		nuncio_resume(
			&reading->ticket, NUNCIO_REJECT, NUNCIO_CODE_denied, "be kind", unchanged);
	} else {
		nuncio_resume(&reading->ticket, NUNCIO_PASS, 0, NULL, unchanged);
	}
	free(reading);
}

static enum nuncio_verdict on_may_send(
	struct nuncio_ask *ask, const struct nuncio_send *what, void *user)
{
	struct tour *tour = user;
	struct nuncio_str body = what->event->body;
	uint64_t shard = what->session ? nuncio_session_id(what->session) : 0;
	struct reading *reading = calloc(1, sizeof *reading + body.n + 1);
	if (!reading)
		return nuncio_reject(ask, NUNCIO_CODE_busy, "out of memory");
	reading->tour = tour;
	memcpy(reading->body, body.p, body.n);
	if (nuncio_work(tour->self, shard, read_body, on_read, reading) < 0) {
		free(reading);
		return nuncio_reject(ask, NUNCIO_CODE_busy, "too many messages to read");
	}
	reading->ticket = nuncio_defer(ask, 2000, NULL, NULL);
	return NUNCIO_LATER;
}

/* ---- A slot: data that lives as long as a session */

static void on_did_store(const struct nuncio_send *what, void *user)
{
	struct tour *tour = user;
	if (!what->session)
		return;
	int *sent = nuncio_slot_get(what->session, tour->sent);
	if (!sent) {
		sent = calloc(1, sizeof *sent);
		if (!sent)
			return;
		nuncio_slot_set(what->session, tour->sent, sent); /* free() is called for it */
	}
	if (++*sent == 1)
		nuncio_session_notify(nuncio_session_id(what->session), "tour.first", TEXT("{}"));
}

/* ---- Records: a request that is answered when the store has answered */

static void on_noted(int status, void *user)
{
	struct nuncio_request *rq = user;
	nuncio_reply_store_status(&rq, status);
}

static void on_note(struct nuncio_request *rq, void *user)
{
	struct tour *tour = user;
	struct nuncio_record_write write = {
		.size = sizeof write,
		.space = TEXT("tour"), /* the module's name, or tour.something */
		.owner = nuncio_request_user(rq),
		.key = TEXT("note"),
		.expect = NUNCIO_EXPECT_ANY,
	};
	nuncio_request_raw(rq, "text", &write.value);
	int rc = nuncio_store_write(tour->self, &write, 1, on_noted, rq);
	if (rc < 0)
		nuncio_reply_store_status(&rq, rc);
}

static void on_recalled(
	int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct nuncio_request *rq = user;
	(void)more;
	if (status < 0)
		nuncio_reply_store_status(&rq, status);
	else
		nuncio_reply(&rq, 200, n ? rows[0].value : TEXT("null"));
}

static void on_recall(struct nuncio_request *rq, void *user)
{
	struct tour *tour = user;
	int rc = nuncio_store_get(
		tour->self, TEXT("tour"), nuncio_request_user(rq), TEXT("note"), on_recalled, rq);
	if (rc < 0)
		nuncio_reply_store_status(&rq, rc);
}

static const struct nuncio_field note_fields[] = {
	{ "text", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_REQUIRED, 1, 1000, "what to remember", NULL },
	{ 0 },
};

static const struct nuncio_command ops[] = {
	{ .size = sizeof ops[0],
		.op = "tour.note",
		.help = "Remembers a text.",
		.fields = note_fields,
		.field_size = sizeof note_fields[0],
		.fn = on_note },
	{ .size = sizeof ops[0], .op = "tour.recall", .help = "Tells it again.", .fn = on_recall },
};

/* ---- Timers, and a service of another module */

static void on_presence(int status, const struct nuncio_presence *rows, size_t n, void *user)
{
	struct tour *tour = user;
	if (status == 0 && n == 1)
		nuncio_log(tour->self, NUNCIO_INFO, "the guide is %s",
			rows[0].status == NUNCIO_PRESENCE_OFFLINE ? "out" : "in");
}

static void on_tick(void *user)
{
	struct tour *tour = user;
	struct nuncio_str who = TEXT("guide");
	if (tour->presence)
		tour->presence->query(tour->presence_impl, &who, 1, on_presence, tour);
}

/* ---- Life */

static int add_all(struct nuncio_module *self, struct tour *tour)
{
	int rc = nuncio_slot_take(self, NUNCIO_PER_SESSION, free, &tour->sent);
	if (rc == 0)
		rc = nuncio_hook_may_send(self, NUNCIO_PRIO_GUARD, on_may_send, tour);
	if (rc == 0)
		rc = nuncio_hook_did_store(self, NUNCIO_PRIO_NORMAL, on_did_store, tour);
	for (int i = 0; rc == 0 && i < 2; i++)
		rc = nuncio_command_add(self, &ops[i], tour);
	tour->refused = nuncio_counter_new(self, "refused_total", NULL, "Messages refused.");
	return rc == 0 && !tour->refused ? NUNCIO_E_EXISTS : rc;
}

/* When init fails there is no fini: what it allocated itself, it frees. */
static int tour_init(struct nuncio_module *self, struct nuncio_error *err)
{
	struct tour *tour = calloc(1, sizeof *tour);
	if (!tour) {
		nuncio_error_set(err, "out of memory");
		return NUNCIO_E_FAIL;
	}
	tour->self = self;
	nuncio_module_set_data(self, tour);
	int rc = add_all(self, tour);
	if (rc < 0)
		free(tour);
	return rc;
}

static int tour_start(struct nuncio_module *self, struct nuncio_error *err)
{
	struct tour *tour = nuncio_module_data(self);
	(void)err;
	tour->presence = nuncio_service_find(self, NUNCIO_PRESENCE_V1, &tour->presence_impl);
	tour->tick = nuncio_timer_start(
		self, 100, (uint32_t)nuncio_conf_int(self, "every"), on_tick, tour);
	return 0;
}

/* `every` has a new value. */
static int tour_reload(struct nuncio_module *self, struct nuncio_error *err)
{
	struct tour *tour = nuncio_module_data(self);
	nuncio_timer_stop(&tour->tick);
	return tour_start(self, err);
}

static void tour_fini(struct nuncio_module *self)
{
	free(nuncio_module_data(self));
}

static const struct nuncio_option options[] = {
	{ "every", NUNCIO_OPT_MSEC, NUNCIO_OPT_LIVE, "10s", 100, 3600000, NULL,
		"How often the log says whether the guide is in." },
	{ 0 },
};

static const char *const needs[] = { "store", NULL };
static const char *const wants[] = { NUNCIO_PRESENCE_V1, NULL };

NUNCIO_MODULE("tour", .version = "1.0", .summary = "Shows the API.", .needs = needs, .wants = wants,
	.options = options, .init = tour_init, .start = tour_start, .reload = tour_reload,
	.fini = tour_fini)

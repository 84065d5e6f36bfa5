/* SPDX-License-Identifier: MIT */
/*
 * A module that was built long ago: run_abi.py compiles it with the recorded headers and lets it
 * work in the server of today. It touches what modules touch most, and steps through arrays of rows
 * with the sizes that it was compiled with. Extend it when the headers are recorded, not otherwise.
 */
#include <nuncio/nuncio.h>

#include <stdlib.h>
#include <string.h>

#define TEXT(s) ((struct nuncio_str){ (s), sizeof(s) - 1 })

struct veteran {
	struct nuncio_module *self;
	struct nuncio_slot *counts;
	struct nuncio_counter *refused;
	struct nuncio_gauge *sessions;
	struct nuncio_histogram *seconds;
	int64_t ticks, stored, here;
};

static int is_text(struct nuncio_str a, const char *b)
{
	return a.n == strlen(b) && memcmp(a.p, b, a.n) == 0;
}

static void put(struct nuncio_json *json, const char *key)
{
	nuncio_json_key(json, key);
}

static void answer(struct nuncio_request *rq, struct nuncio_json *json)
{
	nuncio_json_object_end(json);
	nuncio_reply(&rq, 200, nuncio_json_str(json));
	nuncio_json_free(&json);
}

static struct nuncio_json *begin(void)
{
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	return json;
}

/* ---- options, fields, parameters ---- */

static void on_hello(struct nuncio_request *rq, void *user)
{
	struct veteran *v = user;
	const char *greeting = nuncio_conf_text(v->self, "greeting");
	struct nuncio_str name = TEXT("you");
	struct nuncio_json *json = begin();
	char text[200];
	size_t n = strlen(greeting);
	int loud = 0;
	nuncio_request_text(rq, "name", &name);
	nuncio_request_bool(rq, "loud", &loud);
	memcpy(text, greeting, n);
	memcpy(text + n, ", ", 2);
	memcpy(text + n + 2, name.p, name.n);
	n += 2 + name.n;
	if (loud)
		text[n++] = '!';
	put(json, "text");
	nuncio_json_put_text(json, (struct nuncio_str){ text, n });
	put(json, "words");
	nuncio_json_put_int(json, (int64_t)nuncio_conf_count(v->self, "words"));
	answer(rq, json);
}

/* ---- a slot ---- */

static void on_count(struct nuncio_request *rq, void *user)
{
	struct veteran *v = user;
	struct nuncio_session *session = nuncio_request_session(rq);
	int64_t *count = nuncio_slot_get(session, v->counts);
	struct nuncio_json *json = begin();
	if (!count) {
		count = calloc(1, sizeof *count);
		if (!count)
			abort();
		*count = 2;
		nuncio_slot_set(session, v->counts, count);
	}
	nuncio_histogram_observe(v->seconds, 0.5);
	put(json, "count");
	nuncio_json_put_int(json, ++*count);
	answer(rq, json);
}

/* ---- records ---- */

static void on_listed(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct nuncio_request *rq = user;
	struct nuncio_json *json = begin();
	(void)status;
	(void)more;
	put(json, "rows");
	nuncio_json_array_begin(json);
	for (size_t i = 0; i < n; i++) {
		nuncio_json_object_begin(json);
		put(json, "key");
		nuncio_json_put_text(json, rows[i].key);
		put(json, "version");
		nuncio_json_put_int(json, (int64_t)rows[i].version);
		put(json, "value");
		nuncio_json_put_raw(json, rows[i].value);
		nuncio_json_object_end(json);
	}
	nuncio_json_array_end(json);
	answer(rq, json);
}

struct keeping {
	struct veteran *v;
	struct nuncio_request *rq;
};

static void on_kept(int status, void *user)
{
	struct keeping keeping = *(struct keeping *)user;
	struct nuncio_records_query query = { .size = sizeof query,
		.space = TEXT("veteran"),
		.owner = nuncio_request_user(keeping.rq),
		.limit = 10 };
	free(user);
	int rc = status < 0 ? status
			    : nuncio_store_list(keeping.v->self, &query, on_listed, keeping.rq);
	if (rc < 0)
		nuncio_reply_status(&keeping.rq, rc);
}

static void on_keep(struct nuncio_request *rq, void *user)
{
	struct nuncio_record_write writes[2] = {
		{ .size = sizeof writes[0], .space = TEXT("veteran"), .key = TEXT("one") },
		{ .size = sizeof writes[0],
			.space = TEXT("veteran"),
			.key = TEXT("two"),
			.value = TEXT("2"),
			.expect = NUNCIO_EXPECT_ABSENT },
	};
	struct keeping *keeping = malloc(sizeof *keeping);
	if (!keeping)
		abort();
	*keeping = (struct keeping){ user, rq };
	writes[0].owner = writes[1].owner = nuncio_request_user(rq);
	nuncio_request_raw(rq, "value", &writes[0].value);
	int rc = nuncio_store_write(keeping->v->self, writes, 2, on_kept, keeping);
	if (rc < 0) {
		free(keeping);
		nuncio_reply_status(&rq, rc);
	}
}

/* ---- rows of events, members, conversations ---- */

struct reading {
	struct veteran *v;
	struct nuncio_request *rq;
	struct nuncio_json *json;
	char conversation[200];
	size_t bytes;
};

static void put_joined(
	struct nuncio_json *json, struct nuncio_str a, uint64_t number, struct nuncio_str b)
{
	char text[400];
	size_t n = 0;
	if (a.n) {
		memcpy(text, a.p, a.n);
		n = a.n;
		text[n++] = ':';
	}
	text[n++] = (char)('0' + number % 10);
	if (b.n) {
		text[n++] = ':';
		memcpy(text + n, b.p, b.n);
		n += b.n;
	}
	nuncio_json_put_text(json, (struct nuncio_str){ text, n });
}

static void on_conversations(int status, const struct nuncio_conversation_row *rows, size_t n,
	struct nuncio_str next, void *user)
{
	struct reading reading = *(struct reading *)user;
	struct nuncio_str none = { NULL, 0 };
	(void)status;
	(void)next;
	free(user);
	put(reading.json, "conversations");
	nuncio_json_array_begin(reading.json);
	for (size_t i = 0; i < n; i++)
		put_joined(reading.json, rows[i].conversation, rows[i].last.seq, none);
	nuncio_json_array_end(reading.json);
	answer(reading.rq, reading.json);
}

static void fail(struct reading *reading, int status)
{
	nuncio_json_free(&reading->json);
	nuncio_reply_status(&reading->rq, status);
	free(reading);
}

static void on_members(int status, const struct nuncio_member *rows, size_t n, int more, void *user)
{
	struct reading *reading = user;
	(void)more;
	put(reading->json, "members");
	nuncio_json_array_begin(reading->json);
	for (size_t i = 0; i < n; i++)
		nuncio_json_put_text(reading->json, rows[i].user);
	nuncio_json_array_end(reading->json);
	int rc = status < 0
			 ? status
			 : nuncio_store_conversations(reading->v->self,
				   nuncio_request_user(reading->rq), (struct nuncio_str){ NULL, 0 },
				   10, on_conversations, reading);
	if (rc < 0)
		fail(reading, rc);
}

static void on_events(int status, const struct nuncio_event *rows, size_t n, int more, void *user)
{
	struct reading *reading = user;
	(void)more;
	put(reading->json, "events");
	nuncio_json_array_begin(reading->json);
	for (size_t i = 0; i < n; i++) {
		char text[400];
		memcpy(text, rows[i].from.p, rows[i].from.n);
		text[rows[i].from.n] = ':';
		memcpy(text + rows[i].from.n + 1, rows[i].body.p, rows[i].body.n);
		put_joined(reading->json, (struct nuncio_str){ NULL, 0 }, rows[i].seq,
			(struct nuncio_str){ text, rows[i].from.n + 1 + rows[i].body.n });
	}
	nuncio_json_array_end(reading->json);
	int rc = status < 0 ? status
			    : nuncio_store_members(reading->v->self,
				      (struct nuncio_str){ reading->conversation, reading->bytes },
				      (struct nuncio_str){ NULL, 0 }, 10, on_members, reading);
	if (rc < 0)
		fail(reading, rc);
}

static void on_log(struct nuncio_request *rq, void *user)
{
	struct reading *reading = calloc(1, sizeof *reading);
	struct nuncio_str conversation = { NULL, 0 };
	if (!reading)
		abort();
	nuncio_request_text(rq, "conversation", &conversation);
	reading->v = user;
	reading->rq = rq;
	reading->json = begin();
	reading->bytes = conversation.n;
	memcpy(reading->conversation, conversation.p, conversation.n);
	const struct nuncio_events_query query = { .size = sizeof query,
		.flags = NUNCIO_EVENTS_FORWARD,
		.conversation = { reading->conversation, reading->bytes },
		.limit = 10 };
	int rc = nuncio_store_events(reading->v->self, &query, on_events, reading);
	if (rc < 0)
		fail(reading, rc);
}

/* ---- hooks; one answers later, from a worker ---- */

struct thinking {
	struct nuncio_ticket *ticket;
	int is_shouted;
};

static void think(void *user)
{
	struct thinking *thinking = user;
	struct nuncio_str body = { NULL, 0 };
	if (thinking->is_shouted)
		body = TEXT("\"PLEASE SHOUT\"");
	nuncio_resume(&thinking->ticket, NUNCIO_PASS, 0, NULL, body);
}

static enum nuncio_verdict on_may_send(
	struct nuncio_ask *ask, const struct nuncio_send *what, void *user)
{
	struct veteran *v = user;
	struct nuncio_str body = what->event->body;
	if (is_text(body, "\"rude\"")) {
		nuncio_counter_add(v->refused, 1);
		return nuncio_reject(ask, NUNCIO_CODE_denied, "be kind");
	}
	if (is_text(body, "\"hi\""))
		return NUNCIO_PASS;
	struct thinking *thinking = calloc(1, sizeof *thinking);
	if (!thinking)
		abort();
	thinking->is_shouted = is_text(body, "\"please shout\"");
	thinking->ticket = nuncio_defer(ask, 2000, NULL, NULL);
	if (nuncio_work(v->self, 0, think, free, thinking) < 0)
		abort();
	return NUNCIO_LATER;
}

static void on_did_store(const struct nuncio_send *what, void *user)
{
	struct veteran *v = user;
	v->stored += what->event->seq > 0;
}

static void on_did_login(const struct nuncio_login *what, void *user)
{
	struct veteran *v = user;
	v->here += what->session != NULL;
	nuncio_gauge_set(v->sessions, v->here);
}

static void on_tick(void *user)
{
	((struct veteran *)user)->ticks++;
}

static void on_status(struct nuncio_request *rq, void *user)
{
	const struct veteran *v = user;
	struct nuncio_json *json = begin();
	put(json, "stored");
	nuncio_json_put_int(json, v->stored);
	put(json, "ticks");
	nuncio_json_put_int(json, v->ticks);
	answer(rq, json);
}

/* ---- the module ---- */

static const struct nuncio_field hello_fields[] = {
	{ "name", NUNCIO_FIELD_TEXT, 0, 1, 64, "who" },
	{ 0 },
};
static const struct nuncio_field loud_fields[] = {
	{ "loud", NUNCIO_FIELD_BOOL, NUNCIO_FIELD_QUERY, 0, 0, "how" },
	{ 0 },
};
static const struct nuncio_field keep_fields[] = {
	{ "value", NUNCIO_FIELD_ANY, NUNCIO_FIELD_REQUIRED, 0, 1000, "what" },
	{ 0 },
};
static const struct nuncio_field log_fields[] = {
	{ "conversation", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_REQUIRED, 1, 190, "where" },
	{ 0 },
};

#define OP(NAME, FIELDS, FN) \
	{ \
		.size = sizeof(struct nuncio_command), .op = NAME, .help = "Of a veteran.", \
		.fields = FIELDS, .field_size = sizeof(struct nuncio_field), .fn = FN \
	}
static const struct nuncio_command ops[] = {
	OP("veteran.hello", hello_fields, on_hello),
	OP("veteran.count", NULL, on_count),
	OP("veteran.keep", keep_fields, on_keep),
	OP("veteran.log", log_fields, on_log),
};
static const struct nuncio_command status = OP("veteran.status", NULL, on_status);
static const struct nuncio_route hello_route = {
	.size = sizeof hello_route,
	.method = "GET",
	.path = "/m/veteran/hello/:name",
	.help = "Of a veteran.",
	.fields = loud_fields,
	.field_size = sizeof loud_fields[0],
	.fn = on_hello,
};

static int add_all(struct nuncio_module *self, struct veteran *v)
{
	static const double bounds[] = { 0.1, 1 };
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < sizeof ops / sizeof ops[0]; i++)
		rc = nuncio_command_add(self, &ops[i], v);
	if (rc == 0)
		rc = nuncio_route_add(self, &hello_route, v);
	if (rc == 0)
		rc = nuncio_control_add(self, &status, v);
	if (rc == 0)
		rc = nuncio_slot_take(self, NUNCIO_PER_SESSION, free, &v->counts);
	if (rc == 0)
		rc = nuncio_hook_may_send(self, NUNCIO_PRIO_NORMAL, on_may_send, v);
	if (rc == 0)
		rc = nuncio_hook_did_store(self, NUNCIO_PRIO_NORMAL, on_did_store, v);
	if (rc == 0)
		rc = nuncio_hook_did_login(self, NUNCIO_PRIO_NORMAL, on_did_login, v);
	v->refused = nuncio_counter_new(self, "refused_total", NULL, "Messages refused.");
	v->sessions = nuncio_gauge_new(self, "sessions", NULL, "Sessions seen.");
	v->seconds =
		nuncio_histogram_new(self, "seconds", "op=\"count\"", "Nothing real.", bounds, 2);
	return rc;
}

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	struct veteran *v = calloc(1, sizeof *v);
	if (!v)
		abort();
	v->self = self;
	nuncio_module_set_data(self, v);
	int rc = add_all(self, v);
	if (rc < 0) {
		nuncio_error_set(err, "veteran: %s", nuncio_status_name(rc));
		free(v);
	}
	return rc;
}

static int start(struct nuncio_module *self, struct nuncio_error *err)
{
	struct veteran *v = nuncio_module_data(self);
	uint32_t every_ms = (uint32_t)nuncio_conf_int(self, "tick");
	(void)err;
	nuncio_timer_start(self, every_ms, every_ms, on_tick, v);
	return 0;
}

static void fini(struct nuncio_module *self)
{
	free(nuncio_module_data(self));
}

static const struct nuncio_option options[] = {
	{ "greeting", NUNCIO_OPT_TEXT, NUNCIO_OPT_LIVE, "Hello", 1, 100, NULL, "The first word." },
	{ "tick", NUNCIO_OPT_MSEC, 0, "1s", 1, 60000, NULL, "How often." },
	{ "words", NUNCIO_OPT_LIST, 0, "", 0, 10, NULL, "Some." },
	{ 0 },
};
static const char *const needs[] = { "store", NULL };

NUNCIO_MODULE("veteran", .version = "1.0", .summary = "Was built long ago.", .needs = needs,
	.options = options, .init = init, .start = start, .fini = fini)

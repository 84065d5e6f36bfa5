/* SPDX-License-Identifier: MIT */
/*
 * Messages and cursors through the real logic thread code, with a store that only counts: where to,
 * may it, stored, delivered.
 */
#include "logic/send.h"

#include <time.h>

#include "base/alloc.h"
#include "base/slice.h"
#include "hook/chain.h"
#include "hook/hook_table.h"
#include "logic/deliver.h"
#include "logic/logic.h"
#include "provide/provider.h"
#include "provide/store.h"
#include "wire/limits.h"

#include "tests/lib/loopback.h"
#include "tests/lib/unit.h"

enum { TURNS_MAX = 2000, PAUSE_NS = 500000 };

static struct loopback lb;

static struct {
	struct nuncio_ticket *call, *send, *enter;
	bool parks_call, parks_send, parks_enter, parks_query, adds_write;
	int writes;
	bool appends_in_store, notifies_in_reach;
	int cancelled, stored, failed, marked, seq, status, founders;
	nuncio_sid closes_in_store;
	nuncio_sid query_session;
	uint64_t delivered, read;
	char new_body[200];
	char mentions[100];
	uint32_t event_flags, append_flags;
} seen;

/* ---- a store that gives numbers ---- */

static int on_open(struct nuncio_module *self, void **store_r, struct nuncio_error *err)
{
	(void)self, (void)err;
	*store_r = &seen;
	return 0;
}

static void on_close(void **impl)
{
	*impl = NULL;
}

static void on_lanes(void *impl, uint32_t *writers_r, uint32_t *readers_r)
{
	(void)impl;
	*writers_r = 1;
	*readers_r = 0;
}

static void see_append(struct nuncio_job *job, const struct nuncio_job_append *in)
{
	size_t used = 0;
	seen.mentions[0] = '\0';
	for (size_t i = 0; i < in->mentions_count; i++)
		used += (size_t)snprintf(seen.mentions + used, sizeof seen.mentions - used,
			STR_FMT " ", STR_ARG(in->mentions[i]));
	seen.event_flags = in->event.flags;
	seen.append_flags = in->flags;
	if (!in->event.target)
		return;
	struct nuncio_event target = { .size = sizeof target,
		.seq = in->event.target,
		.type = STR("message"),
		.kind = STR("text"),
		.conversation = in->event.conversation,
		.from = STR("bob"),
		.body = in->target_body,
		.extra = STR("\"reply_to\":1"),
		.state = in->target_state,
		.changed = (uint64_t)seen.seq };
	nuncio_job_add_event(job, &target);
}

static void on_run(void *impl, uint32_t lane, struct nuncio_job **jobs, size_t n)
{
	(void)impl, (void)lane;
	for (size_t i = 0; i < n; i++) {
		const struct nuncio_job_append *append = nuncio_job_input(jobs[i]);
		const struct nuncio_job_mark *mark = nuncio_job_input(jobs[i]);
		if (nuncio_job_kind(jobs[i]) == NUNCIO_JOB_APPEND) {
			nuncio_job_set_appended(jobs[i], (uint64_t)++seen.seq, append->event.id,
				append->event.sent_at_ms, 0);
			seen.founders = (int)append->founders_count;
			seen.writes = (int)append->writes_count;
			see_append(jobs[i], append);
		} else {
			seen.delivered = mark->delivered;
			seen.read = mark->read;
			struct nuncio_member row = { .size = sizeof row,
				.user = mark->user,
				.delivered = mark->delivered,
				.read = mark->read };
			nuncio_job_add_member(jobs[i], &row);
		}
		nuncio_job_done(&jobs[i], seen.status);
	}
}

static const struct nuncio_store_ops store_ops = { .size = sizeof store_ops,
	.open = on_open,
	.close = on_close,
	.lanes = on_lanes,
	.run = on_run };

/* ---- a kind of conversations: rooms that everybody is in ---- */

static void on_cancelled(void *user)
{
	(void)user;
	seen.cancelled++;
}

static int room_resolve(struct nuncio_str sender, struct nuncio_str value, char *out, size_t size,
	void *user, struct nuncio_error *err)
{
	(void)sender, (void)user;
	if (value.n > 20) {
		nuncio_error_set(err, "to.room: no such room");
		return NUNCIO_E_NOTFOUND;
	}
	return snprintf(out, size, "r:" STR_FMT, STR_ARG(value));
}

static int32_t room_may_enter(struct nuncio_ask *ask, const struct nuncio_access *what, void *user)
{
	(void)user;
	if (str_eq_text(what->conversation, "r:closed"))
		return nuncio_reject(ask, NUNCIO_CODE_not_member, "not in this room");
	nuncio_ask_set_window(ask, 4, 9);
	if (!seen.parks_enter)
		return NUNCIO_PASS;
	seen.enter = nuncio_defer(ask, 5000, on_cancelled, NULL);
	return NUNCIO_LATER;
}

static int room_is_valid(struct nuncio_str conversation, void *user)
{
	(void)user;
	return conversation.n > 2;
}

static void room_audience(
	struct nuncio_str conversation, struct nuncio_audience *audience, void *user)
{
	(void)conversation, (void)user;
	deliver_add_user(audience, STR("alice"));
	deliver_add_user(audience, STR("bob"));
	deliver_add_user(audience, STR("carol"));
}

/* Of an event of another type only bob hears. */
static void room_audience_of(
	const struct nuncio_event *event, struct nuncio_audience *audience, void *user)
{
	if (str_eq_text(event->type, "message"))
		room_audience(event->conversation, audience, user);
	else
		deliver_add_user(audience, STR("bob"));
}

static size_t room_founders(
	struct nuncio_str conversation, struct nuncio_str *users_r, size_t max, void *user)
{
	(void)conversation, (void)user;
	assert_true(max >= 2);
	users_r[0] = STR("alice");
	users_r[1] = STR("bob");
	return 2;
}

static int club_resolve(struct nuncio_str sender, struct nuncio_str value, char *out, size_t size,
	void *user, struct nuncio_error *err)
{
	(void)sender, (void)user, (void)err;
	return snprintf(out, size, "c:" STR_FMT, STR_ARG(value));
}

static const struct nuncio_kind room = {
	.size = sizeof room,
	.name = "room",
	.prefix = "r",
	.target = "room",
	.resolve = room_resolve,
	.may_enter = room_may_enter,
	.is_valid = room_is_valid,
	.audience = room_audience,
	.founders = room_founders,
	.audience_of = room_audience_of,
};

/* The same, for members only. */
static const struct nuncio_kind club = {
	.size = sizeof club,
	.name = "club",
	.prefix = "c",
	.target = "club",
	.resolve = club_resolve,
	.may_enter = room_may_enter,
	.is_valid = room_is_valid,
	.audience = room_audience,
	.flags = NUNCIO_KIND_MEMBERS_ONLY,
};

/* ---- hooks ---- */

static enum nuncio_verdict on_call(
	struct nuncio_ask *ask, const struct nuncio_call *what, void *user)
{
	(void)what, (void)user;
	if (!seen.parks_call)
		return NUNCIO_PASS;
	seen.parks_call = false;
	seen.call = nuncio_defer(ask, 5000, on_cancelled, NULL);
	return NUNCIO_LATER;
}

static enum nuncio_verdict on_send(
	struct nuncio_ask *ask, const struct nuncio_send *what, void *user)
{
	(void)user;
	if (seen.new_body[0])
		assert_int_equal(nuncio_ask_set_body(ask, str_of(seen.new_body)), 0);
	struct nuncio_record_write write = { .size = sizeof write,
		.space = STR("t"),
		.owner = what->event->conversation,
		.key = STR("k"),
		.value = STR("v") };
	if (seen.adds_write)
		assert_int_equal(nuncio_ask_add_write(ask, &write), 0);
	if (!seen.parks_send)
		return NUNCIO_PASS;
	seen.parks_send = false;
	seen.send = nuncio_defer(ask, 5000, on_cancelled, NULL);
	return NUNCIO_LATER;
}

/* Looks at the session, as a module would: it must still be there. */
static enum nuncio_verdict on_query(
	struct nuncio_ask *ask, const struct nuncio_access *what, void *user)
{
	(void)ask, (void)user;
	seen.query_session = ((const struct session *)what->session)->id;
	return NUNCIO_PASS;
}

static enum nuncio_verdict on_reach(const struct nuncio_reach *what, void *user)
{
	(void)what, (void)user;
	if (seen.notifies_in_reach) {
		seen.notifies_in_reach = false;
		deliver_notify_user(lb.logic, STR("carol"), STR("aside"), STR("{}"), 0);
	}
	return NUNCIO_PASS;
}

static void on_stored(const struct nuncio_send *what, void *user)
{
	(void)user;
	seen.stored++;
	if (seen.closes_in_store) {
		struct session *session = session_find(&lb.logic->sessions, seen.closes_in_store);
		session->state = SESSION_CLOSING;
	}
	if (!seen.appends_in_store)
		return;
	seen.appends_in_store = false;
	struct nuncio_append more = { .size = sizeof more,
		.conversation = what->event->conversation,
		.type = STR("note"),
		.kind = STR("system"),
		.body = STR("\"seen\"") };
	assert_int_equal(send_append(lb.logic, &more, NULL, NULL), 0);
}

static void on_failed(const struct nuncio_failure *what, void *user)
{
	(void)user;
	assert_true(str_eq_text(what->conversation, "r:x"));
	assert_int_equal(what->status, NUNCIO_E_FAIL);
	seen.failed++;
}

static void on_marked(const struct nuncio_mark *what, void *user)
{
	(void)what, (void)user;
	seen.marked++;
}

/* ---- the rig ---- */

#define HOOK(hook, fn) \
	hook_table_add(lb.hooks, NUNCIO_HOOK_##hook, 0, "t", 0, (nuncio_any_fn *)fn, NULL)

static int setup(void **state)
{
	static struct provider provider = { .job = "store", .name = "fake", .ops = &store_ops };
	struct nuncio_error err;
	memset(&seen, 0, sizeof seen);
	loopback_init(&lb);
	HOOK(may_call, on_call);
	HOOK(may_send, on_send);
	HOOK(may_query, on_query);
	HOOK(may_reach, on_reach);
	HOOK(did_store, on_stored);
	HOOK(did_fail, on_failed);
	HOOK(did_mark, on_marked);
	assert_int_equal(kinds_add(&lb.logic->kinds, "t", &room, NULL, &err), 0);
	assert_int_equal(kinds_add(&lb.logic->kinds, "t", &club, NULL, &err), 0);
	assert_int_equal(store_open(lb.store, &provider, &err), 0);
	loopback_ready(&lb);
	*state = &lb;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	store_close(lb.store);
	loopback_fini(&lb);
	return 0;
}

/* Turns until the store has answered everything. */
static void settle(void)
{
	const struct timespec pause = { 0, PAUSE_NS };
	for (int i = 0; i < TURNS_MAX; i++) {
		loopback_turn(&lb);
		if (store_job_count(lb.store) == 0)
			break;
		nanosleep(&pause, NULL);
	}
	assert_int_equal(store_job_count(lb.store), 0);
	loopback_turn(&lb);
}

static void resume(struct nuncio_ticket **ticket)
{
	nuncio_resume(ticket, NUNCIO_PASS, 0, NULL, (struct nuncio_str){ NULL, 0 });
	settle();
}

static void send_text(nuncio_sid id, uint32_t seq, const char *data)
{
	loopback_packet(&lb, id, seq, "message.send", data);
	settle();
}

#define HELLO "{\"to\":{\"room\":\"x\"},\"client_id\":\"c1\",\"body\":\"hello\"}"
#define NEXT(text) assert_string_equal(loopback_next(&lb), text)
#define NEXT_HAS(text) \
	do { \
		const char *line_ = loopback_next(&lb); \
		if (!strstr(line_, text)) \
			assert_string_equal(line_, text); \
	} while (0)

static void a_message_is_answered_and_delivered_when_it_is_stored(void **state)
{
	nuncio_sid alice = loopback_login(&lb, "good:alice");
	loopback_login(&lb, "good:bob");
	(void)state;
	send_text(alice, 1, HELLO);
	NEXT_HAS(
		"\"seq\":1,\"code\":0,\"message\":\"\",\"data\":{\"conversation\":\"r:x\",\"seq\":1,");
	NEXT_HAS(
		"\"op\":\"message.new\",\"data\":{\"event\":\"message\",\"conversation\":\"r:x\",\"seq\":1,");
	NEXT("nothing");
	assert_int_equal(seen.stored, 1);
	assert_int_equal(seen.founders, 2);
}

static void mentions_go_to_the_store_and_stand_in_the_event(void **state)
{
	nuncio_sid alice = loopback_login(&lb, "good:alice");
	loopback_login(&lb, "good:bob");
	(void)state;
	send_text(alice, 1,
		"{\"to\":{\"room\":\"x\"},\"client_id\":\"c1\",\"body\":\"hi\",\"reply_to\":3,"
		"\"mentions\":[\"bob\",\"c\\u0061rol\"],\"mention_all\":true}");
	NEXT_HAS("\"code\":0");
	NEXT_HAS("\"reply_to\":3,\"mentions\":[\"bob\",\"c\\u0061rol\"],\"mention_all\":true,");
	assert_string_equal(seen.mentions, "bob carol ");
	assert_int_equal(seen.event_flags, NUNCIO_EVENT_MENTIONS_ALL);
	assert_int_equal(seen.append_flags, 0);
	send_text(alice, 2,
		"{\"to\":{\"room\":\"x\"},\"client_id\":\"c2\",\"body\":\"hi\",\"mentions\":[],"
		"\"mention_all\":false}");
	NEXT_HAS("\"code\":0");
	NEXT_HAS("\"body\":\"hi\",\"sent_at\"");
	assert_string_equal(seen.mentions, "");
	assert_int_equal(seen.event_flags, 0);
	send_text(alice, 3,
		"{\"to\":{\"room\":\"x\"},\"client_id\":\"c3\",\"body\":\"hi\","
		"\"mentions\":[\"bob\",\"\"]}");
	NEXT_HAS("\"message\":\"mentions: item 2 can be no user's id\"");
}

static void a_kind_can_be_for_members_only(void **state)
{
	nuncio_sid alice = loopback_login(&lb, "good:alice");
	(void)state;
	send_text(alice, 1, "{\"to\":{\"club\":\"x\"},\"client_id\":\"c1\",\"body\":\"hi\"}");
	NEXT_HAS("\"code\":0");
	assert_int_equal(seen.append_flags, NUNCIO_APPEND_MEMBERS_ONLY);
	seen.status = NUNCIO_E_DENIED;
	send_text(alice, 2, "{\"to\":{\"club\":\"x\"},\"client_id\":\"c2\",\"body\":\"hi\"}");
	NEXT_HAS("\"message\":\"not a member of this conversation\"");
}

static void on_changed(int status, const struct nuncio_event *event, int duplicate, void *user)
{
	(void)user;
	assert_int_equal(status, 0);
	assert_int_equal(duplicate, 0);
	assert_int_equal(event->target, 4);
	assert_int_equal(event->now->seq, 4);
	seen.marked++;
}

static struct nuncio_append make_change(void)
{
	return (struct nuncio_append){ .size = sizeof(struct nuncio_append),
		.conversation = STR("r:x"),
		.type = STR("edit"),
		.from = STR("alice"),
		.kind = STR("system"),
		.body = STR("null"),
		.target = 4,
		.target_body = STR("\"better\""),
		.target_state = STR("\"edited_at\":\"now\"") };
}

static void a_changed_message_comes_with_its_change(void **state)
{
	struct nuncio_append what = make_change();
	(void)state;
	loopback_login(&lb, "good:bob");
	assert_int_equal(send_append(lb.logic, &what, on_changed, NULL), 0);
	settle();
	assert_int_equal(seen.marked, 1);
	NEXT_HAS("\"op\":\"message.changed\",\"data\":{\"event\":\"edit\",\"conversation\":\"r:x\","
		 "\"seq\":1,");
}

static void a_modules_event_is_refused_for(void **state)
{
	static const struct nuncio_member_change member = { .size = sizeof member,
		.op = NUNCIO_MEMBER_SET,
		.user = { "bob", 3 },
		.fields = NUNCIO_MEMBER_EXTRA,
		.extra = { "x:1", 3 } };
	struct nuncio_append good = make_change(), what;
	struct buf text = { 0 };
	(void)state;
	buf_printf(&text, "\"%062000d\"", 1);
#define REFUSED(change, status) \
	do { \
		what = good; \
		change; \
		assert_int_equal(send_append(lb.logic, &what, NULL, NULL), status); \
	} while (0)
	REFUSED(what.flags = 1, NUNCIO_E_INVAL);
	REFUSED(what.conversation = STR("z:x"), NUNCIO_E_INVAL);
	REFUSED(what.extra = STR("\"a\":1}"), NUNCIO_E_INVAL);
	REFUSED(what.target_body = STR("{"), NUNCIO_E_INVAL);
	REFUSED(what.target_state = STR("1"), NUNCIO_E_INVAL);
	REFUSED((what.members = &member, what.members_count = 1), NUNCIO_E_INVAL);
	REFUSED((what.body = buf_str(&text), what.body.n = 1025), NUNCIO_E_INVAL); /* no JSON */
	REFUSED(what.target_body = buf_str(&text), NUNCIO_E_TOOBIG);
	REFUSED(what.body = buf_str(&text), NUNCIO_E_TOOBIG);
	buf_reset(&text);
	buf_printf(&text, "\"%01023d\"", 1);
	REFUSED(what.body = buf_str(&text), NUNCIO_E_TOOBIG); /* with a target it is small */
	REFUSED((what.body = buf_str(&text), what.target = 0, what.target_body.p = NULL,
			what.target_state.p = NULL, what.target_body.n = what.target_state.n = 0),
		0);
	settle();
	buf_fini(&text);
}

static void wrong_targets_are_named(void **state)
{
	static const struct {
		const char *to, *answer;
	} cases[] = {
		{ "\"r:x\"", "\"code\":1002,\"message\":\"to: must be an object\"" },
		{ "{}", "\"code\":1002,\"message\":\"to: must have exactly one" },
		{ "{\"room\":\"x\",\"user\":\"y\"}", "\"code\":1002,\"message\":\"to: must have" },
		{ "{\"room\":7}", "\"code\":1002,\"message\":\"to: must have exactly one" },
		{ "{\"room\":null}", "\"code\":1002,\"message\":\"to: must have exactly one" },
		{ "{\"planet\":\"x\"}", "\"code\":1002,\"message\":\"to.planet: no module" },
		{ "{\"conversation\":\"\"}", "\"code\":1007," },
		{ "{\"conversation\":\"x\"}", "\"code\":1007," },
		{ "{\"conversation\":\"r:\"}", "\"code\":1007," },
		{ "{\"conversation\":\"z:x\"}", "\"code\":1007," },
		{ "{\"conversation\":\"r:a\\u0000b\"}", "to.conversation: has control characters" },
		{ "{\"room\":\"a\\u0000b\"}", "to.room: has control characters" },
		{ "{\"room\":\"123456789012345678901\"}",
			"\"code\":1007,\"message\":\"to.room: no" },
		{ "{\"room\":\"closed\"}", "\"message\":\"not in this room\"" },
	};
	nuncio_sid alice = loopback_login(&lb, "good:alice");
	char data[200];
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		snprintf(data, sizeof data, "{\"to\":%s,\"client_id\":\"c\",\"body\":\"b\"}",
			cases[i].to);
		send_text(alice, 1, data);
		NEXT_HAS(cases[i].answer);
	}
	assert_int_equal(seen.seq, 0);
}

static void members_are_checked(void **state)
{
	static const struct {
		const char *rest, *answer;
	} cases[] = {
		{ "\"client_id\":\"\",\"body\":\"b\"", "client_id: must be 1 to 64 bytes" },
		{ "\"body\":\"b\"", "client_id: is missing" },
		{ "\"client_id\":\"c\"", "body: is missing" },
		{ "\"client_id\":\"c\",\"body\":\"\"", "body: must be a string, not empty" },
		{ "\"client_id\":\"c\",\"body\":{}", "body: must be a string, not empty" },
		{ "\"client_id\":\"c\",\"body\":\"b\",\"kind\":\"te\\u0000xt\"",
			"kind: must not contain" },
		{ "\"client_id\":\"c\",\"body\":\"b\",\"kind\":\"Text\"", "kind: must be 1 to" },
		{ "\"client_id\":\"c\",\"body\":\"b\",\"kind\":\"system\"", "kind: system is for" },
		{ "\"client_id\":\"c\",\"body\":\"b\",\"reply_to\":0", "reply_to: must be 1 to" },
		{ "\"client_id\":\"c\",\"body\":\"b\",\"mentions\":[1]",
			"mentions: must be an array" },
	};
	nuncio_sid alice = loopback_login(&lb, "good:alice");
	char data[200];
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		snprintf(data, sizeof data, "{\"to\":{\"room\":\"x\"},%s}", cases[i].rest);
		send_text(alice, 1, data);
		NEXT_HAS(cases[i].answer);
	}
	assert_int_equal(seen.seq, 0);
}

/* A place in the query string is no way around the declared limits of a member of the body. */
static void members_of_the_body_do_not_come_by_query(void **state)
{
	(void)state;
	loopback_http(&lb, "POST", "/api/v1/messages", "reply_to=-5", "good:alice", HELLO);
	settle();
	NEXT_HAS("answer 422 {\"code\":1002,\"message\":\"reply_to: belongs in the body");
	assert_int_equal(seen.seq, 0);
}

/* What is accepted can also be sent in one frame, whatever way it came in. */
static void an_event_fits_into_a_packet(void **state)
{
	struct buf data = { 0 };
	(void)state;
	buf_printf(&data,
		"{\"to\":{\"room\":\"x\"},\"client_id\":\"c\",\"body\":\"b\",\"mentions\":[");
	for (int i = 0; i < 90; i++)
		buf_printf(&data, "%s\"%064d\"", i ? "," : "", i);
	buf_printf(&data, "]}");
	buf_add_char(&data, '\0');
	loopback_http(&lb, "POST", "/api/v1/messages", "", "good:alice", buf_str(&data).p);
	settle();
	NEXT_HAS("answer 413 ");
	assert_int_equal(seen.seq, 0);
	buf_fini(&data);
}

static void a_handlers_body_has_the_same_limit(void **state)
{
	struct nuncio_append what = { .size = sizeof what,
		.conversation = STR("r:x"),
		.type = STR("note"),
		.kind = STR("system") };
	struct buf body = { 0 };
	(void)state;
	buf_printf(&body, "\"%062000d\"", 1);
	what.body = buf_str(&body);
	assert_int_equal(send_append(lb.logic, &what, NULL, NULL), NUNCIO_E_TOOBIG);
	buf_fini(&body);
}

/* What a handler adds is in the message's own job, also when another one waits meanwhile. */
static void writes_of_handlers_go_with_the_message(void **state)
{
	nuncio_sid alice = loopback_login(&lb, "good:alice");
	(void)state;
	seen.adds_write = seen.parks_send = true;
	send_text(alice, 1, HELLO);
	struct nuncio_record_write write = {
		.size = sizeof write, .space = STR("t"), .owner = STR("r:x"), .value = STR("later")
	};
	assert_int_equal(nuncio_ticket_add_write(seen.send, &write), 0);
	resume(&seen.send);
	NEXT_HAS("\"seq\":1,\"code\":0");
	assert_int_equal(seen.writes, 2);
}

/* may_call and then may_send of one packet wait: the next packet waits for both. */
static void order_holds_when_a_packet_is_parked_twice(void **state)
{
	nuncio_sid alice = loopback_login(&lb, "good:alice");
	(void)state;
	seen.parks_call = seen.parks_send = true;
	send_text(alice, 1, HELLO);
	resume(&seen.call);
	send_text(alice, 2, "{\"to\":{\"room\":\"x\"},\"client_id\":\"c2\",\"body\":\"second\"}");
	NEXT("nothing");
	resume(&seen.send);
	NEXT_HAS("\"type\":\"response\",\"seq\":1,\"code\":0");
	NEXT_HAS("\"type\":\"response\",\"seq\":2,\"code\":0");
}

static void a_packet_parked_twice_dies_with_its_session(void **state)
{
	nuncio_sid alice = loopback_login(&lb, "good:alice");
	(void)state;
	seen.parks_call = seen.parks_send = true;
	send_text(alice, 1, HELLO);
	resume(&seen.call);
	loopback_closed(&lb, alice);
	assert_int_equal(seen.cancelled, 1);
	assert_int_equal(lb.logic->requests.count, 0);
	resume(&seen.send);
	assert_int_equal(seen.seq, 0);
}

/* The next handler of may_query would look at a session that is no more. */
static void a_cursor_that_waits_to_enter_ends_with_its_session(void **state)
{
	nuncio_sid alice = loopback_login(&lb, "good:alice");
	(void)state;
	seen.parks_enter = true;
	loopback_packet(&lb, alice, 1, "message.confirm", "{\"conversation\":\"r:x\",\"seq\":3}");
	loopback_closed(&lb, alice);
	assert_int_equal(seen.cancelled, 1);
	assert_int_equal(lb.logic->requests.count, 0);
	resume(&seen.enter);
	assert_int_equal(seen.query_session, 0);
}

static void on_entry(int status, const struct nuncio_entry *entry, void *user)
{
	struct nuncio_entry *entry_r = user;
	assert_int_equal(status, entry->code == 0 ? 0 : NUNCIO_E_DENIED);
	*entry_r = *entry;
}

/* What part they may read, said at once or with the ticket. */
static void a_kind_says_which_part_may_be_read(void **state)
{
	struct nuncio_access what = {
		.user = STR("alice"), .conversation = STR("r:x"), .access = NUNCIO_ACCESS_WRITE
	};
	struct nuncio_entry entry = { .code = -1 };
	(void)state;
	kinds_enter(lb.logic, &what, on_entry, &entry);
	assert_int_equal(entry.code, 0);
	assert_int_equal(entry.since, 4);
	assert_int_equal(entry.until, 9);
	seen.parks_enter = true;
	kinds_enter(lb.logic, &what, on_entry, &entry);
	nuncio_ticket_set_window(seen.enter, 5, 0);
	resume(&seen.enter);
	assert_int_equal(entry.since, 5);
	assert_int_equal(entry.until, 0);
	what.conversation = STR("r:closed");
	kinds_enter(lb.logic, &what, on_entry, &entry);
	assert_int_equal(entry.code, NUNCIO_CODE_not_member);
}

/* The op of a notify follows the event's type, and its audience may. */
static void other_events_bear_their_own_name(void **state)
{
	struct nuncio_append what = { .size = sizeof what,
		.conversation = STR("r:x"),
		.type = STR("room"),
		.kind = STR("painted"),
		.body = STR("{}") };
	(void)state;
	loopback_login(&lb, "good:alice");
	loopback_login(&lb, "good:bob");
	assert_int_equal(send_append(lb.logic, &what, NULL, NULL), 0);
	settle();
	assert_int_equal(((struct io_send *)lb.received)->count, 1);
	NEXT_HAS("\"op\":\"room.changed\",\"data\":{\"event\":\"room\",");
	NEXT("nothing");
}

static void cursors_are_gathered_and_written(void **state)
{
	nuncio_sid alice = loopback_login(&lb, "good:alice");
	(void)state;
	loopback_packet(&lb, alice, 1, "message.confirm", "{\"conversation\":\"r:x\",\"seq\":3}");
	loopback_packet(&lb, alice, 2, "message.read", "{\"conversation\":\"r:x\",\"seq\":2}");
	assert_int_equal(seen.query_session, 0); /* nothing is read */
	logic_drain(lb.logic, NULL, NULL);
	settle();
	assert_int_equal(seen.marked, 1);
	assert_int_equal(seen.delivered, 3);
	assert_int_equal(seen.read, 2);
	assert_true(marks_are_clean(&lb.logic->marks));
}

static void an_answer_after_the_deadline_stores_nothing(void **state)
{
	nuncio_sid alice = loopback_login(&lb, "good:alice");
	(void)state;
	seen.parks_send = true;
	send_text(alice, 1, HELLO);
	requests_expire(lb.logic, loop_now_ms(lb.loop) + 60000);
	loopback_turn(&lb);
	NEXT_HAS("\"seq\":1,\"code\":5003");
	assert_int_equal(lb.logic->requests.count, 0);
	resume(&seen.send);
	assert_int_equal(seen.stored, 0);
	NEXT("nothing");
}

/* A notify in the middle of a fan-out has an audience of its own. */
static void a_notify_within_may_reach_takes_no_receiver_away(void **state)
{
	nuncio_sid alice = loopback_login(&lb, "good:alice");
	(void)state;
	loopback_login(&lb, "good:bob");
	loopback_login(&lb, "good:carol");
	seen.notifies_in_reach = true;
	send_text(alice, 1, HELLO);
	NEXT_HAS("\"type\":\"response\",\"seq\":1,\"code\":0");
	NEXT_HAS("\"op\":\"aside\"");
	struct io_send *send = (struct io_send *)lb.received;
	assert_non_null(send);
	assert_int_equal(send->count, 2);
	NEXT_HAS("\"op\":\"message.new\"");
}

/* To all who would get an event now, but not to one session. */
static void a_notify_reaches_the_audience(void **state)
{
	nuncio_sid alice = loopback_login(&lb, "good:alice");
	(void)state;
	loopback_login(&lb, "good:bob");
	loopback_login(&lb, "good:eve");
	assert_int_equal(deliver_notify_audience(
				 lb.logic, STR("r:x"), STR("typing"), STR("{\"a\":1}"), alice),
		1);
	loopback_turn(&lb);
	NEXT_HAS("\"op\":\"typing\",\"data\":{\"a\":1}");
	NEXT("nothing");
	assert_int_equal(
		deliver_notify_audience(lb.logic, STR("r:x"), STR("typing"), STR("{}"), 0), 2);
	assert_int_equal(deliver_notify_audience(lb.logic, STR("z:x"), STR("typing"), STR("{}"), 0),
		NUNCIO_E_NOTFOUND);
}

static void a_notify_fits_into_a_packet(void **state)
{
	nuncio_sid alice = loopback_login(&lb, "good:alice");
	struct buf data = { 0 };
	(void)state;
	buf_printf(&data, "\"%065000d\"", 1);
	struct nuncio_str text = buf_str(&data);
	assert_int_equal(deliver_notify(lb.logic, alice, STR("op"), text), 0);
	buf_printf(&data, "%01000d", 1);
	text = buf_str(&data);
	assert_int_equal(deliver_notify(lb.logic, alice, STR("op"), text), NUNCIO_E_TOOBIG);
	assert_int_equal(
		deliver_notify_user(lb.logic, STR("alice"), STR("op"), text, 0), NUNCIO_E_TOOBIG);
	buf_fini(&data);
}

static void did_store_may_append_and_close(void **state)
{
	nuncio_sid alice = loopback_login(&lb, "good:alice");
	(void)state;
	seen.appends_in_store = true;
	seen.closes_in_store = alice;
	send_text(alice, 1, HELLO);
	settle();
	assert_int_equal(seen.stored, 2);
	NEXT_HAS("\"type\":\"response\",\"seq\":1,\"code\":0");
	NEXT("nothing"); /* it closes: nothing more is sent to it */
}

static void a_store_that_fails_is_named(void **state)
{
	nuncio_sid alice = loopback_login(&lb, "good:alice");
	(void)state;
	seen.status = NUNCIO_E_FAIL;
	send_text(alice, 1, HELLO);
	NEXT_HAS("the store could not write it");
	seen.status = NUNCIO_E_CONFLICT;
	send_text(alice, 2, HELLO);
	NEXT_HAS("client_id: was used for another message");
	NEXT("nothing");
	assert_int_equal(seen.stored, 0);
}

static void on_not_changed(int status, const struct nuncio_event *event, int duplicate, void *user)
{
	(void)event, (void)duplicate, (void)user;
	assert_int_equal(status, NUNCIO_E_FAIL);
	assert_int_equal(seen.failed, 2); /* told before */
	seen.marked++;
}

/* It may be there all the same; what is refused is not. A client's message and a module's event. */
static void what_may_be_stored_is_told(void **state)
{
	nuncio_sid alice = loopback_login(&lb, "good:alice");
	struct nuncio_append what = make_change();
	char conversation[] = "r:x";
	(void)state;
	seen.status = NUNCIO_E_CONFLICT;
	send_text(alice, 1, HELLO);
	NEXT_HAS("client_id: was used for another message");
	assert_int_equal(seen.failed, 0);
	seen.status = NUNCIO_E_FAIL;
	send_text(alice, 2, HELLO);
	NEXT_HAS("the store could not write it");
	assert_int_equal(seen.failed, 1);
	what.conversation = str_of(conversation);
	assert_int_equal(send_append(lb.logic, &what, on_not_changed, NULL), 0);
	memset(conversation, 'z', sizeof conversation); /* was the caller's */
	settle();
	assert_int_equal(seen.marked, 1);
}

static void on_sent(int code, struct nuncio_str text, struct nuncio_str data, void *user)
{
	struct nuncio_append more = { .size = sizeof more,
		.conversation = STR("r:x"),
		.type = STR("note"),
		.kind = STR("system"),
		.body = STR("1"),
		.extra = STR("\"written over what was there before\":true") };
	(void)text;
	assert_int_equal(code, 0);
	assert_int_equal(send_append(lb.logic, &more, NULL, NULL), 0);
	snprintf(user, sizeof seen.new_body, STR_FMT, STR_ARG(data));
}

/* The answer is the module's until it returns, whatever it asks before it reads. */
static void an_answer_to_a_module_stays(void **state)
{
	const struct inner_side inner = { .done = on_sent, .user = seen.new_body };
	(void)state;
	assert_int_equal(op_call(lb.logic, STR("bot"), "message.send",
				 STR("{\"to\":{\"conversation\":\"r:x\"},\"client_id\":\"c\","
				     "\"body\":\"hi\"}"),
				 &inner),
		0);
	settle();
	assert_int_equal(seen.stored, 2);
	assert_memory_equal(seen.new_body, "{\"conversation\":\"r:x\",\"seq\":1,", 30);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_may_be_stored_is_told),
		TEST(a_message_is_answered_and_delivered_when_it_is_stored),
		TEST(mentions_go_to_the_store_and_stand_in_the_event),
		TEST(a_kind_can_be_for_members_only),
		TEST(a_changed_message_comes_with_its_change),
		TEST(a_modules_event_is_refused_for),
		TEST(wrong_targets_are_named),
		TEST(members_are_checked),
		TEST(members_of_the_body_do_not_come_by_query),
		TEST(an_event_fits_into_a_packet),
		TEST(a_handlers_body_has_the_same_limit),
		TEST(writes_of_handlers_go_with_the_message),
		TEST(order_holds_when_a_packet_is_parked_twice),
		TEST(a_packet_parked_twice_dies_with_its_session),
		TEST(a_cursor_that_waits_to_enter_ends_with_its_session),
		TEST(a_kind_says_which_part_may_be_read),
		TEST(other_events_bear_their_own_name),
		TEST(cursors_are_gathered_and_written),
		TEST(an_answer_after_the_deadline_stores_nothing),
		TEST(a_notify_within_may_reach_takes_no_receiver_away),
		TEST(a_notify_reaches_the_audience),
		TEST(a_notify_fits_into_a_packet),
		TEST(did_store_may_append_and_close),
		TEST(a_store_that_fails_is_named),
		TEST(an_answer_to_a_module_stays),
	};
	return cmocka_run_group_tests_name("send", tests, NULL, NULL);
}

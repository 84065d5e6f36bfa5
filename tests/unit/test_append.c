/* SPDX-License-Identifier: MIT */
/* What modules put into conversations and send to people: their limits, and who hears of it. */
#include "logic/send.h"

#include "base/slice.h"
#include "hook/chain.h"
#include "logic/deliver.h"
#include "logic/logic.h"
#include "wire/limits.h"

#include "send_case.h"

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
	case_settle();
	assert_int_equal(seen.marked, 1);
	NEXT_HAS("\"op\":\"message.changed\",\"data\":{\"event\":\"edit\",\"conversation\":\"r:x\","
		 "\"seq\":1,");
}

/* The store looks whether they are muted, where the kind wants that, and only then. */
static void what_is_done_as_writing_is_not_for_the_muted(void **state)
{
	struct nuncio_append what = make_change();
	(void)state;
	what.conversation = STR("c:x");
	assert_int_equal(send_append(lb.logic, &what, NULL, NULL), 0);
	case_settle();
	assert_int_equal(seen.append_flags, NUNCIO_APPEND_MEMBERS_ONLY);
	what.flags = NUNCIO_AS_WRITTEN;
	assert_int_equal(send_append(lb.logic, &what, NULL, NULL), 0);
	case_settle();
	assert_int_equal(seen.append_flags, NUNCIO_APPEND_MEMBERS_ONLY | NUNCIO_APPEND_UNMUTED);
	what.conversation = STR("r:x");
	assert_int_equal(send_append(lb.logic, &what, NULL, NULL), 0);
	case_settle();
	assert_int_equal(seen.append_flags, 0);
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
	REFUSED(what.flags = 2, NUNCIO_E_INVAL);
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
	case_settle();
	buf_fini(&text);
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
	case_settle();
	assert_int_equal(((struct io_send *)lb.received)->count, 1);
	NEXT_HAS("\"op\":\"room.changed\",\"data\":{\"event\":\"room\",");
	NEXT("nothing");
}

static void did_store_may_append_and_close(void **state)
{
	nuncio_sid alice = loopback_login(&lb, "good:alice");
	(void)state;
	seen.appends_in_store = true;
	seen.closes_in_store = alice;
	case_send(alice, 1, HELLO);
	case_settle();
	assert_int_equal(seen.stored, 2);
	NEXT_HAS("\"type\":\"response\",\"seq\":1,\"code\":0");
	NEXT("nothing"); /* it closes: nothing more is sent to it */
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
	case_send(alice, 1, HELLO);
	NEXT_HAS("client_id: was used for another message");
	assert_int_equal(seen.failed, 0);
	seen.status = NUNCIO_E_FAIL;
	case_send(alice, 2, HELLO);
	NEXT_HAS("the store could not write it");
	assert_int_equal(seen.failed, 1);
	what.conversation = str_of(conversation);
	assert_int_equal(send_append(lb.logic, &what, on_not_changed, NULL), 0);
	memset(conversation, 'z', sizeof conversation); /* was the caller's */
	case_settle();
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
	case_settle();
	assert_int_equal(seen.stored, 2);
	assert_memory_equal(seen.new_body, "{\"conversation\":\"r:x\",\"seq\":1,", 30);
}

/* A notify in the middle of a fan-out has an audience of its own. */
static void a_notify_within_may_reach_takes_no_receiver_away(void **state)
{
	nuncio_sid alice = loopback_login(&lb, "good:alice");
	(void)state;
	loopback_login(&lb, "good:bob");
	loopback_login(&lb, "good:carol");
	seen.notifies_in_reach = true;
	case_send(alice, 1, HELLO);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_changed_message_comes_with_its_change),
		TEST(what_is_done_as_writing_is_not_for_the_muted),
		TEST(a_modules_event_is_refused_for),
		TEST(a_handlers_body_has_the_same_limit),
		TEST(other_events_bear_their_own_name),
		TEST(did_store_may_append_and_close),
		TEST(what_may_be_stored_is_told),
		TEST(an_answer_to_a_module_stays),
		TEST(a_notify_within_may_reach_takes_no_receiver_away),
		TEST(a_notify_reaches_the_audience),
		TEST(a_notify_fits_into_a_packet),
	};
	return cmocka_run_group_tests_name("append", tests, NULL, NULL);
}

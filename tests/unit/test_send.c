/* SPDX-License-Identifier: MIT */
/* What clients send through the real logic thread code: where to, may it, stored, delivered. */
#include "logic/send.h"

#include "base/slice.h"
#include "logic/deliver.h"
#include "logic/logic.h"

#include "send_case.h"

static void a_message_is_answered_and_delivered_when_it_is_stored(void **state)
{
	nuncio_sid alice = loopback_login(&lb, "good:alice");
	loopback_login(&lb, "good:bob");
	(void)state;
	case_send(alice, 1, HELLO);
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
	case_send(alice, 1,
		"{\"to\":{\"room\":\"x\"},\"client_id\":\"c1\",\"body\":\"hi\",\"reply_to\":3,"
		"\"mentions\":[\"bob\",\"c\\u0061rol\"],\"mention_all\":true}");
	NEXT_HAS("\"code\":0");
	NEXT_HAS("\"reply_to\":3,\"mentions\":[\"bob\",\"c\\u0061rol\"],\"mention_all\":true,");
	assert_string_equal(seen.mentions, "bob carol ");
	assert_int_equal(seen.event_flags, NUNCIO_EVENT_MENTIONS_ALL);
	assert_int_equal(seen.append_flags, 0);
	case_send(alice, 2,
		"{\"to\":{\"room\":\"x\"},\"client_id\":\"c2\",\"body\":\"hi\",\"mentions\":[],"
		"\"mention_all\":false}");
	NEXT_HAS("\"code\":0");
	NEXT_HAS("\"body\":\"hi\",\"sent_at\"");
	assert_string_equal(seen.mentions, "");
	assert_int_equal(seen.event_flags, 0);
	case_send(alice, 3,
		"{\"to\":{\"room\":\"x\"},\"client_id\":\"c3\",\"body\":\"hi\","
		"\"mentions\":[\"bob\",\"\"]}");
	NEXT_HAS("\"message\":\"mentions: item 2 can be no user's id\"");
}

static void a_kind_can_be_for_members_only(void **state)
{
	nuncio_sid alice = loopback_login(&lb, "good:alice");
	(void)state;
	case_send(alice, 1, "{\"to\":{\"club\":\"x\"},\"client_id\":\"c1\",\"body\":\"hi\"}");
	NEXT_HAS("\"code\":0");
	assert_int_equal(seen.append_flags, NUNCIO_APPEND_MEMBERS_ONLY | NUNCIO_APPEND_UNMUTED);
	seen.status = NUNCIO_E_DENIED;
	case_send(alice, 2, "{\"to\":{\"club\":\"x\"},\"client_id\":\"c2\",\"body\":\"hi\"}");
	NEXT_HAS("\"message\":\"not a member of this conversation\"");
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
		case_send(alice, 1, data);
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
		case_send(alice, 1, data);
		NEXT_HAS(cases[i].answer);
	}
	assert_int_equal(seen.seq, 0);
}

/* A place in the query string is no way around the declared limits of a member of the body. */
static void members_of_the_body_do_not_come_by_query(void **state)
{
	(void)state;
	loopback_http(&lb, "POST", "/api/v1/messages", "reply_to=-5", "good:alice", HELLO);
	case_settle();
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
	case_settle();
	NEXT_HAS("answer 413 ");
	assert_int_equal(seen.seq, 0);
	buf_fini(&data);
}

/* What a handler adds is in the message's own job, also when another one waits meanwhile. */
static void writes_of_handlers_go_with_the_message(void **state)
{
	nuncio_sid alice = loopback_login(&lb, "good:alice");
	(void)state;
	seen.adds_write = seen.parks_send = true;
	case_send(alice, 1, HELLO);
	struct nuncio_record_write write = {
		.size = sizeof write, .space = STR("t"), .owner = STR("r:x"), .value = STR("later")
	};
	assert_int_equal(nuncio_ticket_add_write(seen.send, &write), 0);
	case_resume(&seen.send);
	NEXT_HAS("\"seq\":1,\"code\":0");
	assert_int_equal(seen.writes, 2);
}

/* may_call and then may_send of one packet wait: the next packet waits for both. */
static void order_holds_when_a_packet_is_parked_twice(void **state)
{
	nuncio_sid alice = loopback_login(&lb, "good:alice");
	(void)state;
	seen.parks_call = seen.parks_send = true;
	case_send(alice, 1, HELLO);
	case_resume(&seen.call);
	case_send(alice, 2, "{\"to\":{\"room\":\"x\"},\"client_id\":\"c2\",\"body\":\"second\"}");
	NEXT("nothing");
	case_resume(&seen.send);
	NEXT_HAS("\"type\":\"response\",\"seq\":1,\"code\":0");
	NEXT_HAS("\"type\":\"response\",\"seq\":2,\"code\":0");
}

static void a_packet_parked_twice_dies_with_its_session(void **state)
{
	nuncio_sid alice = loopback_login(&lb, "good:alice");
	(void)state;
	seen.parks_call = seen.parks_send = true;
	case_send(alice, 1, HELLO);
	case_resume(&seen.call);
	loopback_closed(&lb, alice);
	assert_int_equal(seen.cancelled, 1);
	assert_int_equal(lb.logic->requests.count, 0);
	case_resume(&seen.send);
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
	case_resume(&seen.enter);
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
	case_resume(&seen.enter);
	assert_int_equal(entry.since, 5);
	assert_int_equal(entry.until, 0);
	what.conversation = STR("r:closed");
	kinds_enter(lb.logic, &what, on_entry, &entry);
	assert_int_equal(entry.code, NUNCIO_CODE_not_member);
}

static void cursors_are_gathered_and_written(void **state)
{
	nuncio_sid alice = loopback_login(&lb, "good:alice");
	(void)state;
	loopback_packet(&lb, alice, 1, "message.confirm", "{\"conversation\":\"r:x\",\"seq\":3}");
	loopback_packet(&lb, alice, 2, "message.read", "{\"conversation\":\"r:x\",\"seq\":2}");
	assert_int_equal(seen.query_session, 0); /* nothing is read */
	logic_drain(lb.logic, NULL, NULL);
	case_settle();
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
	case_send(alice, 1, HELLO);
	requests_expire(lb.logic, loop_now_ms(lb.loop) + 60000);
	loopback_turn(&lb);
	NEXT_HAS("\"seq\":1,\"code\":5003");
	assert_int_equal(lb.logic->requests.count, 0);
	case_resume(&seen.send);
	assert_int_equal(seen.stored, 0);
	NEXT("nothing");
}

static void a_store_that_fails_is_named(void **state)
{
	nuncio_sid alice = loopback_login(&lb, "good:alice");
	(void)state;
	seen.status = NUNCIO_E_FAIL;
	case_send(alice, 1, HELLO);
	NEXT_HAS("the store could not write it");
	seen.status = NUNCIO_E_CONFLICT;
	case_send(alice, 2, HELLO);
	NEXT_HAS("client_id: was used for another message");
	NEXT("nothing");
	assert_int_equal(seen.stored, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_message_is_answered_and_delivered_when_it_is_stored),
		TEST(mentions_go_to_the_store_and_stand_in_the_event),
		TEST(a_kind_can_be_for_members_only),
		TEST(wrong_targets_are_named),
		TEST(members_are_checked),
		TEST(members_of_the_body_do_not_come_by_query),
		TEST(an_event_fits_into_a_packet),
		TEST(writes_of_handlers_go_with_the_message),
		TEST(order_holds_when_a_packet_is_parked_twice),
		TEST(a_packet_parked_twice_dies_with_its_session),
		TEST(a_cursor_that_waits_to_enter_ends_with_its_session),
		TEST(a_kind_says_which_part_may_be_read),
		TEST(cursors_are_gathered_and_written),
		TEST(an_answer_after_the_deadline_stores_nothing),
		TEST(a_store_that_fails_is_named),
	};
	return cmocka_run_group_tests_name("send", tests, NULL, NULL);
}

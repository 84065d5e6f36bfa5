/* SPDX-License-Identifier: MIT */
/* How events look on the wire. */
#include "logic/event.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/slice.h"
#include "wire/json_out.h"

#include "tests/lib/unit.h"

static void check_form(const struct nuncio_event *event, const char *expected)
{
	struct buf text = { 0 };
	struct json_out out;
	json_out_init(&out, &text);
	event_write(&out, event);
	buf_add_char(&text, '\0');
	assert_string_equal(buf_str(&text).p, expected);
	buf_fini(&text);
}

static void a_message(void **state)
{
	struct nuncio_event event = { .size = sizeof event,
		.conversation = STR("r:x"),
		.seq = 4,
		.id = 77,
		.sent_at_ms = 1,
		.type = STR("message"),
		.from = STR("bob"),
		.client_id = STR("c1"),
		.kind = STR("text"),
		.body = STR("\"hi\"") };
	(void)state;
	check_form(&event,
		"{\"event\":\"message\",\"conversation\":\"r:x\",\"seq\":4,\"id\":\"77\",\"from\":\"bob\","
		"\"client_id\":\"c1\",\"kind\":\"text\",\"body\":\"hi\","
		"\"sent_at\":\"1970-01-01T00:00:00.001Z\"}");
	event.extra = STR("\"reply_to\":1");
	event.state = STR("\"edited_at\":\"now\",\"n\":2");
	event.changed = 9;
	check_form(&event,
		"{\"event\":\"message\",\"conversation\":\"r:x\",\"seq\":4,\"id\":\"77\",\"from\":\"bob\","
		"\"client_id\":\"c1\",\"kind\":\"text\",\"body\":\"hi\",\"reply_to\":1,"
		"\"sent_at\":\"1970-01-01T00:00:00.001Z\",\"edited_at\":\"now\",\"n\":2,\"changed\":9}");
}

static void a_change_with_its_message(void **state)
{
	struct nuncio_event now = { .size = sizeof now,
		.conversation = STR("r:x"),
		.seq = 4,
		.type = STR("message"),
		.from = STR("bob"),
		.kind = STR("text"),
		.body = STR("\"better\""),
		.extra = STR("\"reply_to\":1"),
		.state = STR("\"edited_at\":\"now\""),
		.changed = 9,
		.target = 2,
		.now = &now };
	struct nuncio_event event = { .size = sizeof event,
		.conversation = STR("r:x"),
		.seq = 9,
		.type = STR("edit"),
		.from = STR("bob"),
		.kind = STR("system"),
		.body = STR("null"),
		.target = 4,
		.now = &now };
	(void)state;
	check_form(&event,
		"{\"event\":\"edit\",\"conversation\":\"r:x\",\"seq\":9,\"id\":\"0\",\"from\":\"bob\","
		"\"kind\":\"system\",\"body\":null,\"sent_at\":\"1970-01-01T00:00:00.000Z\",\"target\":4,"
		"\"message\":{\"event\":\"message\",\"conversation\":\"r:x\",\"seq\":4,\"id\":\"0\","
		"\"from\":\"bob\",\"kind\":\"text\",\"body\":\"better\",\"reply_to\":1,"
		"\"sent_at\":\"1970-01-01T00:00:00.000Z\",\"edited_at\":\"now\",\"changed\":9,"
		"\"target\":2}}");
}

/* A copy reads the same after what it was made from is gone. */
static void copies_hold_their_texts(void **state)
{
	char text[] = "r:xmessagebobc1texthisomestate";
	struct nuncio_event event = { .size = sizeof event,
		.conversation = { text, 3 },
		.seq = 4,
		.id = 77,
		.type = { text + 3, 7 },
		.from = { text + 10, 3 },
		.client_id = { text + 13, 2 },
		.kind = { text + 15, 4 },
		.body = { text + 19, 2 },
		.extra = { text + 21, 4 },
		.state = { text + 25, 5 },
		.now = &event };
	(void)state;
	assert_int_equal(event_bytes(&event), sizeof event + sizeof text - 1);
	struct nuncio_event *copy = event_copy(&event);
	memset(text, 'x', sizeof text - 1);
	assert_str(copy->conversation, "r:x");
	assert_str(copy->type, "message");
	assert_str(copy->from, "bob");
	assert_str(copy->client_id, "c1");
	assert_str(copy->kind, "text");
	assert_str(copy->body, "hi");
	assert_str(copy->extra, "some");
	assert_str(copy->state, "state");
	assert_int_equal(copy->id, 77);
	assert_null(copy->now);
	alloc_free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message),
		cmocka_unit_test(a_change_with_its_message),
		cmocka_unit_test(copies_hold_their_texts),
	};
	return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}

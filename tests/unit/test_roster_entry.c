/* SPDX-License-Identifier: MIT */
/* One session as presence_redis has it in Redis, and what several of them come to. */
#include "modules/presence_redis/presence_redis.h"
#include "tests/lib/unit.h"

static struct nuncio_str s(const char *text)
{
	return (struct nuncio_str){ text, strlen(text) };
}

static struct nuncio_str str_of_buffer(const struct redis_buffer *b)
{
	return (struct nuncio_str){ b->p, b->used };
}

static void what_was_written_is_read(void **state)
{
	const struct nuncio_roster_row row = { .node = s("node \"1\""),
		.device = s("web-\xc3\xa4"),
		.since_ms = 1767225600123,
		.state = NUNCIO_PRESENCE_AWAY };
	struct redis_buffer field = { NULL, 0, 0 }, value = { NULL, 0, 0 }, all = { NULL, 0, 0 };
	struct entry entry;
	(void)state;
	entry_write_field(&field, "0123456789abcdef", 0x100000200);
	assert_str(str_of_buffer(&field), "0123456789abcdef:100000200");
	entry_write_value(&value, &row);
	redis_buffer_add_str(&all, s("17 "));
	redis_buffer_add_str(&all, str_of_buffer(&value));
	assert_int_equal(entry_read(str_of_buffer(&field), str_of_buffer(&all), &entry), 0);
	assert_str(entry.node_id, "0123456789abcdef");
	assert_str(entry.row.node, "node \"1\"");
	assert_str(entry.row.device, "web-\xc3\xa4");
	assert_int_equal(entry.row.session, 0x100000200);
	assert_int_equal(entry.row.since_ms, 1767225600123);
	assert_int_equal(entry.row.order, 17);
	assert_int_equal(entry.row.state, NUNCIO_PRESENCE_AWAY);
	redis_buffer_free(&field);
	redis_buffer_free(&value);
	redis_buffer_free(&all);
}

static void what_cannot_be_is_refused(void **state)
{
	static const char field[] = "0123456789abcdef:1";
	static const char value[] =
		"1 {\"node\":\"a\",\"device\":\"\",\"since\":5,\"state\":\"online\"}";
	static const char *const fields[] = { "", "#", "0123456789abcdef",
		"0123456789abcdef:", "0123456789abcdef:0", "0123456789abcdef:x",
		"0123456789abcdef-1", "0123456789abcdef:11111111111111111111111111" };
	static const char *const values[] = {
		"", "1", "1 ", "x {}", "1 {}", "{}",
		"1 {\"node\":\"a\",\"device\":\"\",\"since\":5,\"state\":\"offline\"}",
		"1 {\"node\":\"a\",\"device\":\"\",\"since\":5,\"state\":\"?\"}",
		"1 {\"node\":1,\"device\":\"\",\"since\":5,\"state\":\"online\"}",
		"1 {\"node\":\"a\",\"device\":\"\",\"since\":\"5\",\"state\":\"online\"}",
		"1 {\"node\":\"a\",\"device\":\"\",\"since\":5,\"state\":\"online\"",
		"9999999999999999999 {\"node\":\"a\",\"device\":\"\",\"since\":5,\"state\":\"online\"}"
	};
	struct entry entry;
	(void)state;
	assert_int_equal(entry_read(s(field), s(value), &entry), 0);
	for (size_t i = 0; i < COUNT_OF(fields); i++)
		if (entry_read(s(fields[i]), s(value), &entry) == 0)
			fail_msg("%s was taken", fields[i]);
	for (size_t i = 0; i < COUNT_OF(values); i++)
		if (entry_read(s(field), s(values[i]), &entry) == 0)
			fail_msg("%s was taken", values[i]);
}

static void states_come_to_one(void **state)
{
	(void)state;
	assert_int_equal(entry_join_states(NUNCIO_PRESENCE_OFFLINE, NUNCIO_PRESENCE_AWAY),
		NUNCIO_PRESENCE_AWAY);
	assert_int_equal(entry_join_states(NUNCIO_PRESENCE_ONLINE, NUNCIO_PRESENCE_AWAY),
		NUNCIO_PRESENCE_ONLINE);
	assert_int_equal(entry_join_states(NUNCIO_PRESENCE_ONLINE, NUNCIO_PRESENCE_DND),
		NUNCIO_PRESENCE_DND);
	assert_int_equal(entry_join_states(NUNCIO_PRESENCE_OFFLINE, NUNCIO_PRESENCE_OFFLINE),
		NUNCIO_PRESENCE_OFFLINE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(states_come_to_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

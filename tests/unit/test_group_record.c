/* SPDX-License-Identifier: MIT */
#include "modules/group/record.h"
#include "tests/lib/unit.h"

static void assert_same(const struct record *a, const struct record *b)
{
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->avatar, b->avatar);
	assert_string_equal(a->announcement, b->announcement);
	assert_string_equal(a->owner, b->owner);
	assert_int_equal(a->join, b->join);
	assert_int_equal(a->is_channel, b->is_channel);
	assert_int_equal(a->has_history, b->has_history);
	assert_int_equal(a->is_muted, b->is_muted);
	assert_int_equal(a->is_dissolved, b->is_dissolved);
	assert_int_equal(a->created_at_ms, b->created_at_ms);
}

static void assert_comes_back(const struct record *record)
{
	struct record back;
	struct nuncio_json *json = nuncio_json_new();
	record_write(json, record);
	assert_int_equal(nuncio_json_check(nuncio_json_str(json), NULL), 0);
	assert_int_equal(record_read(nuncio_json_str(json), &back), 0);
	assert_same(record, &back);
	nuncio_json_free(&json);
}

static void what_is_written_can_be_read(void **state)
{
	struct record plain = { .name = "x", .owner = "alice", .created_at_ms = 1 };
	struct record full = { .name = "Team \"A\" \\ 团队",
		.avatar = "https://example.com/a.png",
		.announcement = "one\ntwo\tthree",
		.owner = "alice",
		.join = RECORD_JOIN_OPEN,
		.is_channel = 1,
		.has_history = 1,
		.is_muted = 1,
		.is_dissolved = 1,
		.created_at_ms = INT64_C(1795423320123) };
	(void)state;
	assert_comes_back(&plain);
	assert_comes_back(&full);
	full.join = RECORD_JOIN_APPROVAL;
	memset(full.announcement, '"', RECORD_ANNOUNCEMENT_BYTES);
	memset(full.name, '\\', RECORD_NAME_BYTES);
	assert_comes_back(&full);
}

static void other_values_are_refused(void **state)
{
	static const char *const bad[] = { "[]", "7", "{}", "{\"join\":\"open\"}",
		"{\"created_at_ms\":1}", "{\"join\":\"closed\",\"created_at_ms\":1}",
		"{\"join\":\"open\",\"created_at_ms\":\"1\"}",
		"{\"join\":\"open\",\"created_at_ms\":1,\"name\":7}",
		"{\"join\":\"open\",\"created_at_ms\":1,\"owner\":"
		"\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0\"}" };
	struct record record;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(record_read(nuncio_text(bad[i]), &record), NUNCIO_E_INVAL);
	assert_int_equal(
		record_read(nuncio_text("{\"join\":\"open\",\"created_at_ms\":1,\"new\":[1]}"),
			&record),
		0);
}

static void join_rules_have_words(void **state)
{
	uint32_t join;
	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(record_join_of(nuncio_text(record_join_word(i)), &join), 0);
		assert_int_equal(join, i);
	}
	assert_int_equal(record_join_of(nuncio_text("Open"), &join), NUNCIO_E_INVAL);
	assert_int_equal(record_join_of(nuncio_text(""), &join), NUNCIO_E_INVAL);
	assert_string_equal(record_join_word(99), "invite");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_can_be_read),
		cmocka_unit_test(other_values_are_refused),
		cmocka_unit_test(join_rules_have_words),
	};
	return cmocka_run_group_tests_name("group_record", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "modules/group/news.h"
#include "modules/group/record.h"
#include "tests/lib/unit.h"

static struct nuncio_event event_of(const char *type, const char *kind, const char *body)
{
	return (struct nuncio_event){ .size = sizeof(struct nuncio_event),
		.type = nuncio_text(type),
		.kind = nuncio_text(kind),
		.body = nuncio_text(body) };
}

static void words_are_read_back(void **state)
{
	struct news_event news;
	(void)state;
	for (int i = NEWS_CREATED; i <= NEWS_DISSOLVED; i++) {
		struct nuncio_event event = event_of("group", news_word((enum news)i), "{}");
		assert_int_equal(news_read(&event, &news), 0);
		assert_int_equal(news.what, i);
	}
	struct nuncio_event event = event_of("message", "joined", "{}");
	assert_int_equal(news_read(&event, &news), NUNCIO_E_INVAL);
	event = event_of("group", "painted", "{}");
	assert_int_equal(news_read(&event, &news), NUNCIO_E_INVAL);
	event = event_of("group", "", "{}");
	assert_int_equal(news_read(&event, &news), NUNCIO_E_INVAL);
}

static void a_body_says_all(void **state)
{
	struct news_event news;
	char user[GROUP_USER_BYTES + 1];
	size_t at = 0;
	struct nuncio_event event = event_of("group", "joined",
		"{\"users\":[\"bob\",7,\"\",\"\\u674e\"],\"how\":\"add\",\"history\":true}");
	(void)state;
	assert_int_equal(news_read(&event, &news), 0);
	assert_true(news.has_history);
	assert_int_equal(news_next_user(&news, &at, user), 1);
	assert_string_equal(user, "bob");
	assert_int_equal(news_next_user(&news, &at, user), 1);
	assert_string_equal(user, "李");
	assert_int_equal(news_next_user(&news, &at, user), 0);

	event = event_of("group", "role", "{\"users\":[\"bob\"],\"role\":\"admin\"}");
	assert_int_equal(news_read(&event, &news), 0);
	assert_int_equal(news.role, 1);
	assert_false(news.has_history);

	event = event_of("group", "muted", "{\"until\":\"2026-11-23T08:42:00.123Z\"}");
	assert_int_equal(news_read(&event, &news), 0);
	assert_true(news.until_ms == INT64_C(1795423320123));
	at = 0;
	assert_int_equal(news_next_user(&news, &at, user), 0);

	static const char *const strange[] = { "7", "[]", "{\"users\":\"bob\"}", "{\"users\":{}}" };
	for (size_t i = 0; i < COUNT_OF(strange); i++) {
		event = event_of("group", "left", strange[i]);
		assert_int_equal(news_read(&event, &news), 0);
		at = 0;
		assert_int_equal(news_next_user(&news, &at, user), 0);
	}
}

static void times_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{ "1970-01-01T00:00:00.000Z", 0 },
		{ "1970-01-01T00:00:01.500Z", 1500 },
		{ "2000-02-29T12:00:00.000Z", INT64_C(951825600000) },
		{ "2026-11-23T08:42:00.123Z", INT64_C(1795423320123) },
		{ "2100-03-01T00:00:00.000Z", INT64_C(4107542400000) },
		{ "2026-11-23T08:42:00Z", 0 },
		{ "2026-11-23 08:42:00.123Z", 0 },
		{ "2026-11-2xT08:42:00.123Z", 0 },
		{ "", 0 },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_true(news_time_of(nuncio_text(cases[i].text)) == cases[i].ms);
}

/* What the module writes with nuncio_json_put_time it must read to the millisecond. */
static void times_that_were_written_are_read(void **state)
{
	(void)state;
	for (int64_t ms = 1; ms < INT64_C(4102444800000); ms += INT64_C(987654321007)) {
		struct nuncio_json *json = nuncio_json_new();
		char text[32];
		nuncio_json_put_time(json, ms);
		assert_int_equal(nuncio_json_text(nuncio_json_str(json), text, sizeof text), 24);
		assert_true(news_time_of(nuncio_text(text)) == ms);
		nuncio_json_free(&json);
	}
}

static void roles_have_words(void **state)
{
	uint32_t role;
	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(news_role_of(nuncio_text(news_role_word(i)), &role), 0);
		assert_int_equal(role, i);
	}
	assert_int_equal(news_role_of(nuncio_text("king"), &role), NUNCIO_E_INVAL);
	assert_string_equal(news_role_word(7), "member");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_read_back),
		cmocka_unit_test(a_body_says_all),
		cmocka_unit_test(times_are_read),
		cmocka_unit_test(times_that_were_written_are_read),
		cmocka_unit_test(roles_have_words),
	};
	return cmocka_run_group_tests_name("group_news", tests, NULL, NULL);
}

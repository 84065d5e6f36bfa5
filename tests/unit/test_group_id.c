/* SPDX-License-Identifier: MIT */
#include "modules/group/group_id.h"
#include "tests/lib/unit.h"

static struct nuncio_str s(const char *text)
{
	return (struct nuncio_str){ text, strlen(text) };
}

static const char longest[] = "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcde.";

static void an_id_becomes_a_conversation_and_back(void **state)
{
	static const char *const ids[] = { "a", "Team-1", "x.y_z", "..", longest };
	char out[GROUP_CONVERSATION_BYTES + 1];
	struct nuncio_str id;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		assert_int_equal(
			group_id_write(s(ids[i]), out, sizeof out), (int)strlen(ids[i]) + 2);
		assert_memory_equal(out, "g:", 2);
		assert_int_equal(group_id_read(s(out), &id), 0);
		assert_str(id, ids[i]);
	}
	assert_int_equal(group_id_write(s("abc"), out, 5), NUNCIO_E_TOOBIG);
	assert_int_equal(group_id_write(s("abc"), out, 6), 5);
}

static void other_texts_are_no_ids(void **state)
{
	static const char *const bad[] = { "", "a b", "a/b", "a:b", "ü", "a\n",
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0" };
	static const char *const no_conversations[] = { "", "g", "g:", "d:a", "g:a b", "G:a" };
	char out[200];
	struct nuncio_str id;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_equal(group_id_write(s(bad[i]), out, sizeof out), NUNCIO_E_INVAL);
		snprintf(out, sizeof out, "g:%s", bad[i]);
		assert_int_equal(group_id_read(s(out), &id), NUNCIO_E_INVAL);
	}
	for (size_t i = 0; i < COUNT_OF(no_conversations); i++)
		assert_int_equal(group_id_read(s(no_conversations[i]), &id), NUNCIO_E_INVAL);
	assert_false(group_id_is_valid((struct nuncio_str){ "a\0b", 3 }));
}

static void ids_at_random_differ_and_are_valid(void **state)
{
	char ids[50][GROUP_ID_BYTES + 1];
	(void)state;
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		assert_int_equal(group_id_make(ids[i]), 0);
		assert_int_equal(strlen(ids[i]), 16);
		assert_true(group_id_is_valid(s(ids[i])));
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(ids[i], ids[j]);
	}
}

static void users_have_no_control_characters(void **state)
{
	(void)state;
	assert_true(group_user_is_valid(s("a")));
	assert_true(group_user_is_valid(s("李雷 x")));
	assert_true(group_user_is_valid(s(longest)));
	assert_false(group_user_is_valid(s("")));
	assert_false(group_user_is_valid(s("a\tb")));
	assert_false(group_user_is_valid(s("a\x7f")));
	assert_false(group_user_is_valid((struct nuncio_str){ "a\0b", 3 }));
	assert_false(group_user_is_valid(
		s("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_becomes_a_conversation_and_back),
		cmocka_unit_test(other_texts_are_no_ids),
		cmocka_unit_test(ids_at_random_differ_and_are_valid),
		cmocka_unit_test(users_have_no_control_characters),
	};
	return cmocka_run_group_tests_name("group_id", tests, NULL, NULL);
}

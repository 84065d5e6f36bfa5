/* SPDX-License-Identifier: MIT */
#include "modules/receipts/pending.h"
#include "tests/lib/unit.h"

static struct nuncio_str s(const char *text)
{
	return (struct nuncio_str){ text, strlen(text) };
}

static const struct pending_mark *mark_in(
	const struct pending_conversation *conversation, const char *user)
{
	for (const struct pending_mark *mark = conversation->marks; mark; mark = mark->next)
		if (mark->user_bytes == strlen(user) && memcmp(mark->user, user, strlen(user)) == 0)
			return mark;
	return NULL;
}

static void a_cursor_that_moves_again_is_one(void **state)
{
	struct pending pending;
	(void)state;
	pending_init(&pending, 3);
	pending_note(&pending, s("g:1"), s("bob"), 5, 0);
	pending_note(&pending, s("g:1"), s("carol"), 2, 2);
	pending_note(&pending, s("g:1"), s("bob"), 7, 6);
	pending_note(&pending, s("g:1"), s("bob"), 4, 3);
	struct pending_conversation *one = pending_take(&pending);
	assert_null(one->next);
	assert_memory_equal(one->id, "g:1", 3);
	assert_int_equal(one->mark_count, 2);
	assert_int_equal(mark_in(one, "bob")->delivered, 7);
	assert_int_equal(mark_in(one, "bob")->read, 6);
	assert_int_equal(mark_in(one, "carol")->delivered, 2);
	pending_free(&one);
	assert_null(one);
	assert_null(pending_take(&pending));
	pending_note(&pending, s("g:1"), s("bob"), 9, 9);
	one = pending_take(&pending);
	assert_int_equal(one->mark_count, 1);
	pending_free(&one);
	pending_fini(&pending);
}

static void of_too_many_members_none_is_kept_and_none_lost(void **state)
{
	struct pending pending;
	(void)state;
	pending_init(&pending, 2);
	assert_null(pending_note(&pending, s("g:1"), s("a"), 1, 0));
	assert_null(pending_note(&pending, s("g:1"), s("b"), 1, 0));
	assert_null(pending_note(&pending, s("g:1"), s("a"), 2, 0));
	struct pending_conversation *over = pending_note(&pending, s("g:1"), s("c"), 1, 0);
	assert_true(over->is_over);
	assert_memory_equal(over->id, "g:1", 3);
	assert_int_equal(over->mark_count, 3);
	assert_int_equal(mark_in(over, "a")->delivered, 2);
	assert_non_null(mark_in(over, "b"));
	assert_non_null(mark_in(over, "c"));
	pending_free(&over);
	over = pending_note(&pending, s("g:1"), s("d"), 4, 3);
	assert_int_equal(over->mark_count, 1);
	assert_int_equal(mark_in(over, "d")->read, 3);
	pending_free(&over);
	struct pending_conversation *one = pending_take(&pending);
	assert_null(one->marks);
	pending_free(&one);
	assert_null(pending_note(&pending, s("g:1"), s("a"), 5, 0));
	pending_fini(&pending);
}

static void many_conversations_are_all_taken(void **state)
{
	struct pending pending;
	int seen[500] = { 0 };
	(void)state;
	pending_init(&pending, 2);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 500; i++) {
			char id[16];
			snprintf(id, sizeof id, "g:%d", i);
			pending_note(&pending, s(id), s("bob"), (uint64_t)i + 1, 0);
		}
	assert_int_equal(pending.count, 500);
	struct pending_conversation *all = pending_take(&pending);
	while (all) {
		struct pending_conversation *one = all;
		all = one->next;
		seen[one->marks->delivered - 1]++;
		pending_free(&one);
	}
	for (int i = 0; i < 500; i++)
		assert_int_equal(seen[i], 1);
	for (int i = 0; i < 5; i++)
		pending_note(&pending, s(i % 2 ? "g:a" : "g:b"), s("bob"), 1, 0);
	pending_fini(&pending); /* frees what was not taken: the sanitizer looks */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cursor_that_moves_again_is_one),
		cmocka_unit_test(of_too_many_members_none_is_kept_and_none_lost),
		cmocka_unit_test(many_conversations_are_all_taken),
	};
	return cmocka_run_group_tests_name("pending", tests, NULL, NULL);
}

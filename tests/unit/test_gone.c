/* SPDX-License-Identifier: MIT */
#include "accounts.h"

#include "tests/lib/unit.h"

static enum gone_why has(const struct gone *gone, const char *id, int64_t issued_ms, int64_t now_ms)
{
	return gone_has(gone, nuncio_text(id), issued_ms, now_ms);
}

enum { KEEP = GONE_KEEP_MS };

static void refuses_until_the_tokens_have_ended(void **state)
{
	struct gone *gone = gone_new();
	(void)state;
	assert_int_equal(has(gone, "ann", 1, 100), GONE_NOT);
	gone_add(gone, nuncio_text("ann"), GONE_ALL, 100, 200);
	gone_add(gone, nuncio_text("bob"), GONE_ALL, 100, 150);
	assert_int_equal(has(gone, "ann", 0, 199), GONE_DELETED);
	assert_int_equal(has(gone, "ann", 1, 200), GONE_NOT);
	assert_int_equal(has(gone, "bob", 1, 149), GONE_DELETED);
	assert_int_equal(has(gone, "bob", 1, 150), GONE_NOT);
	assert_int_equal(has(gone, "an", 1, 100), GONE_NOT);
	assert_int_equal(has(gone, "anna", 1, 100), GONE_NOT);
	assert_int_equal(has(gone, "", 1, 100), GONE_NOT);
	gone_free(&gone);
	assert_null(gone);
	gone_free(&gone);
}

static void a_new_password_voids_what_is_older(void **state)
{
	struct gone *gone = gone_new();
	(void)state;
	gone_add(gone, nuncio_text("ann"), 50500, 50500, 90000);
	assert_int_equal(has(gone, "ann", 49000, 50600), GONE_PASSWORD);
	assert_int_equal(has(gone, "ann", 50000, 50600), GONE_PASSWORD);
	assert_int_equal(has(gone, "ann", 51000, 51600), GONE_NOT);
	assert_int_equal(has(gone, "ann", 0, 50600), GONE_PASSWORD); /* it does not say */
	assert_int_equal(has(gone, "ann", 49000, 90000), GONE_NOT);
	/* Another one soon after, and then the end of the account. */
	gone_add(gone, nuncio_text("ann"), 60000, 60000, 99000);
	assert_int_equal(has(gone, "ann", 51000, 60000), GONE_PASSWORD);
	assert_int_equal(has(gone, "ann", 49000, 95000), GONE_PASSWORD);
	gone_add(gone, nuncio_text("ann"), GONE_ALL, 61000, 99000);
	assert_int_equal(has(gone, "ann", 70000, 70000), GONE_DELETED);
	gone_free(&gone);
}

/* It may be void by what nobody remembers. */
static void does_not_know_of_older_tokens(void **state)
{
	struct gone *gone = gone_new();
	(void)state;
	assert_int_equal(has(gone, "ann", 9000, 9000 + KEEP), GONE_NOT);
	assert_int_equal(has(gone, "ann", 9000, 9001 + KEEP), GONE_UNKNOWN);
	assert_int_equal(has(gone, "ann", 0, 1000 + KEEP), GONE_UNKNOWN);
	gone_add(gone, nuncio_text("ann"), 9000, 9000, 9000 + KEEP);
	assert_int_equal(has(gone, "ann", 8000, 8999 + KEEP), GONE_PASSWORD);
	assert_int_equal(has(gone, "ann", 8000, 9000 + KEEP), GONE_UNKNOWN);
	assert_int_equal(has(gone, "bob", 8000, 8999 + KEEP), GONE_UNKNOWN);
	gone_free(&gone);
}

static void name(char id[16], int i)
{
	snprintf(id, 16, "user%d", i);
}

/* Beyond its bound it forgets, and knows that it did. */
static void keeps_the_newest(void **state)
{
	enum { MAX = 65536, MORE = 300 };
	struct gone *gone = gone_new();
	char id[16];
	(void)state;
	for (int i = 0; i < MAX + MORE; i++) {
		name(id, i);
		gone_add(gone, nuncio_text(id), GONE_ALL, 100, KEEP + i);
	}
	for (int i = 0; i < MAX + MORE; i++) {
		name(id, i);
		assert_int_equal(has(gone, id, 1, 500), i < MORE ? GONE_UNKNOWN : GONE_DELETED);
	}
	assert_int_equal(has(gone, "ann", MORE - 2, 500), GONE_UNKNOWN);
	assert_int_equal(has(gone, "ann", MORE - 1, 500), GONE_NOT);
	gone_free(&gone);
}

static void what_is_over_makes_room(void **state)
{
	struct gone *gone = gone_new();
	char id[16];
	(void)state;
	/* Never more than ten at a time, for long: places are used again. */
	for (int i = 0; i < 100000; i++) {
		name(id, i % 7);
		gone_add(gone, nuncio_text(id), GONE_ALL, i, i + 10);
		assert_int_equal(has(gone, id, 1, i + 9), GONE_DELETED);
		name(id, (i + 1) % 7); /* who came six before this one */
		assert_int_equal(has(gone, id, 1, i + 3), i < 6 ? GONE_NOT : GONE_DELETED);
		assert_int_equal(has(gone, id, 1, i + 4), GONE_NOT);
	}
	gone_free(&gone);
}

static void tells_what_is_news(void **state)
{
	struct gone *gone = gone_new();
	(void)state;
	assert_true(gone_add(gone, nuncio_text("ann"), 5000, 5000, 9000));
	assert_false(gone_add(gone, nuncio_text("ann"), 5000, 5100, 9000));
	assert_false(gone_add(gone, nuncio_text("ann"), 4000, 5100, 8000));
	assert_true(gone_add(gone, nuncio_text("ann"), 5000, 5100, 9001));  /* for longer */
	assert_true(gone_add(gone, nuncio_text("ann"), 6000, 6000, 9000));  /* more of them */
	assert_true(gone_add(gone, nuncio_text("anna"), 5000, 5100, 9000)); /* somebody else */
	assert_false(gone_add(gone, nuncio_text("bob"), 5000, 9000, 9000)); /* over */
	assert_int_equal(has(gone, "bob", 1000, 9000), GONE_NOT);
	gone_free(&gone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_until_the_tokens_have_ended),
		cmocka_unit_test(a_new_password_voids_what_is_older),
		cmocka_unit_test(does_not_know_of_older_tokens),
		cmocka_unit_test(keeps_the_newest),
		cmocka_unit_test(what_is_over_makes_room),
		cmocka_unit_test(tells_what_is_news),
	};
	return cmocka_run_group_tests_name("gone", tests, NULL, NULL);
}

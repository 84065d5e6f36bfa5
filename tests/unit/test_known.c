/* SPDX-License-Identifier: MIT */
/* What readers have hidden, in memory: as it was written last, or not known. */
#include "modules/history/known.h"

#include <stdio.h>
#include <string.h>

#include <nuncio/text.h>

#include "tests/lib/unit.h"

static struct known *known;

static int setup(void **state)
{
	(void)state;
	known = known_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	known_free(&known);
	return 0;
}

static void put(const char *who, const char *conversation, const char *value)
{
	known_put(known, known_expect(known), nuncio_text(who), nuncio_text(conversation),
		nuncio_text(value));
}

static void expect(const char *who, const char *conversation, const char *value)
{
	struct nuncio_str found;
	assert_true(known_get(known, nuncio_text(who), nuncio_text(conversation), &found));
	assert_int_equal(found.p == NULL, value == NULL);
	assert_true(nuncio_text_same(found, nuncio_text(value)));
}

static void expect_unknown(const char *who, const char *conversation)
{
	struct nuncio_str found;
	assert_false(known_get(known, nuncio_text(who), nuncio_text(conversation), &found));
}

static void knows_what_is_there_and_what_is_not(void **state)
{
	char big[600];
	(void)state;
	expect_unknown("ann", "c");
	put("ann", "c", "{}");
	put("ben", "c", NULL);
	put("an", "nc", "{\"upto\":1}");
	expect("ann", "c", "{}");
	expect("ben", "c", NULL);
	expect("an", "nc", "{\"upto\":1}");
	put("ann", "c", NULL);
	expect("ann", "c", NULL);
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	put("cyd", "c", big); /* not worth it */
	expect_unknown("cyd", "c");
	known_drop_all(known);
	expect_unknown("ben", "c");
}

static void a_write_makes_it_void(void **state)
{
	(void)state;
	put("ann", "c", NULL);
	put("ann", "d", NULL);
	known_write_begins(known, nuncio_text("ann"), nuncio_text("c"));
	expect_unknown("ann", "c");
	expect("ann", "d", NULL);
	put("ann", "c", NULL); /* asked while the write is under way */
	expect_unknown("ann", "c");
	known_write_ends(known);
	put("ann", "c", "{}");
	expect("ann", "c", "{}");
}

/* The store looked before the write and answers behind it. */
static void a_late_answer_is_dropped(void **state)
{
	(void)state;
	uint64_t before = known_expect(known);
	known_write_begins(known, nuncio_text("ann"), nuncio_text("c"));
	uint64_t within = known_expect(known);
	known_write_ends(known);
	known_put(known, before, nuncio_text("ann"), nuncio_text("c"), nuncio_text(NULL));
	known_put(known, within, nuncio_text("ann"), nuncio_text("c"), nuncio_text(NULL));
	expect_unknown("ann", "c");
	before = known_expect(known);
	known_drop_all(known);
	known_put(known, before, nuncio_text("ann"), nuncio_text("c"), nuncio_text(NULL));
	expect_unknown("ann", "c");
}

/* Its size is fixed: who comes in takes somebody's place, and is never taken for them. */
static void many_take_turns(void **state)
{
	char who[16];
	unsigned kept = 0;
	struct nuncio_str found;
	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(who, sizeof who, "u%u", i);
		put(who, "c", who);
	}
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(who, sizeof who, "u%u", i);
		if (!known_get(known, nuncio_text(who), nuncio_text("c"), &found))
			continue;
		assert_true(nuncio_text_same(found, nuncio_text(who)));
		kept++;
	}
	assert_in_range(kept, 2000, 4096);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(knows_what_is_there_and_what_is_not),
		CASE(a_write_makes_it_void),
		CASE(a_late_answer_is_dropped),
		CASE(many_take_turns),
	};
	return cmocka_run_group_tests_name("known", tests, NULL, NULL);
}

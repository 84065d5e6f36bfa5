/* SPDX-License-Identifier: MIT */
/*
 * The newest events in memory: the same answers as a store gives, and nothing that is not so any
 * more. Each way to become wrong has its test.
 */
#include "modules/history/cache.h"

#include <stdio.h>
#include <string.h>

#include <nuncio/text.h>

#include "tests/lib/unit.h"

#define PLENTY ((size_t)1 << 20)

static struct cache *cache;
static struct nuncio_event rows[CACHE_EVENTS];
static size_t n;
static int more;
static char bodies[400][16];

static int setup(void **state)
{
	(void)state;
	cache = cache_new(PLENTY);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	cache_free(&cache);
	return 0;
}

/* A message "m<seq>" of conversation `id`. */
static struct nuncio_event message(const char *id, uint64_t seq)
{
	snprintf(bodies[seq], sizeof bodies[seq], "\"m%u\"", (unsigned)seq);
	return (struct nuncio_event){ .size = sizeof(struct nuncio_event),
		.conversation = nuncio_text(id),
		.seq = seq,
		.id = seq << 12,
		.type = nuncio_text("message"),
		.from = nuncio_text("ann"),
		.kind = nuncio_text("text"),
		.body = nuncio_text(bodies[seq]) };
}

/* Event `seq` changes event `target`, which is `now` from then on. */
static struct nuncio_event change(const char *id, uint64_t seq, const struct nuncio_event *now)
{
	struct nuncio_event event = message(id, seq);
	event.kind = nuncio_text("edit");
	event.body = nuncio_text("null");
	event.target = now->seq;
	event.now = now;
	return event;
}

static void tell(struct nuncio_event event)
{
	cache_tell(cache, &event);
}

static struct nuncio_events_query question(const char *id)
{
	return (struct nuncio_events_query){ .size = sizeof(struct nuncio_events_query),
		.conversation = nuncio_text(id),
		.limit = 10 };
}

/* The store answers with the events first..last. */
static void fill(const char *id, uint64_t first, uint64_t last)
{
	struct nuncio_event answer[200];
	struct nuncio_events_query query = question(id);
	uint64_t number = cache_expect(cache, &query);
	for (uint64_t seq = first; seq <= last; seq++)
		answer[seq - first] = message(id, seq);
	cache_fill(cache, number, answer, (size_t)(last - first + 1));
}

static bool find(const struct nuncio_events_query *query)
{
	n = 0;
	more = -1;
	return cache_find(cache, query, rows, &n, &more);
}

static bool newest(const char *id)
{
	struct nuncio_events_query query = question(id);
	return find(&query);
}

static void expect_rows(uint64_t first, uint64_t last, int has_more)
{
	assert_int_equal(n, last - first + 1);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(rows[i].seq, first + i);
	assert_int_equal(more, has_more);
}

static void expect_body(size_t index, const char *body)
{
	assert_true(nuncio_text_same(rows[index].body, nuncio_text(body)));
}

/* ---- answers ---- */

static void answers_pages_as_the_store_does(void **state)
{
	struct nuncio_events_query query = question("c");
	(void)state;
	assert_false(newest("c"));
	fill("c", 21, 40);
	assert_true(newest("c"));
	expect_rows(31, 40, 1);
	expect_body(9, "\"m40\"");
	query.before = 35;
	assert_true(find(&query));
	expect_rows(25, 34, 1);
	query.before = 27; /* reaches below what is kept */
	assert_false(find(&query));
	query.before = 100;
	assert_true(find(&query));
	expect_rows(31, 40, 1);
	query = question("c");
	query.after = 35;
	assert_true(find(&query));
	expect_rows(36, 40, 0);
	query.after = 20;
	assert_true(find(&query));
	expect_rows(21, 30, 1);
	query.before = 25;
	assert_true(find(&query));
	expect_rows(21, 24, 0);
	query = question("c");
	query.after = 19;
	assert_false(find(&query));
	query.after = 40;
	assert_true(find(&query));
	assert_int_equal(n, 0);
	assert_int_equal(more, 0);
}

static void knows_the_beginning_of_a_log(void **state)
{
	struct nuncio_events_query query = question("c");
	(void)state;
	fill("c", 1, 4);
	assert_true(newest("c"));
	expect_rows(1, 4, 0);
	query.flags = NUNCIO_EVENTS_FORWARD;
	query.limit = 3;
	assert_true(find(&query));
	expect_rows(1, 3, 1);
}

static void keeps_to_limits_of_bytes(void **state)
{
	struct nuncio_events_query query = question("c");
	(void)state;
	fill("c", 1, 9);
	query.max_bytes = 50; /* each has 19: c, message, ann, text, "m1" with its quotes */
	assert_true(find(&query));
	expect_rows(8, 9, 1);
	query.flags = NUNCIO_EVENTS_FORWARD;
	assert_true(find(&query));
	expect_rows(1, 2, 1);
	query.max_bytes = 1; /* one always comes */
	assert_true(find(&query));
	expect_rows(1, 1, 1);
}

static void leaves_to_the_store_what_it_cannot(void **state)
{
	struct nuncio_events_query query = question("c");
	(void)state;
	fill("c", 1, 9);
	query.from_ms = 1;
	assert_false(find(&query));
	assert_int_equal(cache_expect(cache, &query), 0);
	query = question("c");
	query.limit = CACHE_EVENTS + 1;
	assert_false(find(&query));
	query = question("c");
	query.before = 5;
	assert_int_equal(cache_expect(cache, &query), 0); /* not the newest: of no use */
	assert_false(newest("other"));
}

static void keeps_the_newest_hundred(void **state)
{
	struct nuncio_events_query query = question("c");
	(void)state;
	fill("c", 1, 120);
	query.limit = CACHE_EVENTS;
	assert_true(find(&query));
	expect_rows(21, 120, 1);
	tell(message("c", 121));
	assert_true(find(&query));
	expect_rows(22, 121, 1);
}

/* ---- ways to become wrong ---- */

static void sees_new_events(void **state)
{
	(void)state;
	fill("c", 1, 3);
	tell(message("c", 4));
	tell(message("other", 9));
	assert_true(newest("c"));
	expect_rows(1, 4, 0);
	tell(message("c", 4)); /* comes twice from another node */
	tell(message("c", 2)); /* or late */
	assert_true(newest("c"));
	expect_rows(1, 4, 0);
}

static void sees_what_events_have_become(void **state)
{
	(void)state;
	fill("c", 1, 3);
	struct nuncio_event now = message("c", 2);
	now.body = nuncio_text("\"edited\"");
	now.changed = 4;
	tell(change("c", 4, &now));
	now.body = nuncio_text("null"); /* recalled */
	now.state = nuncio_text("\"recalled_by\":\"ann\"");
	now.flags = NUNCIO_EVENT_VOID;
	now.changed = 5;
	tell(change("c", 5, &now));
	assert_true(newest("c"));
	expect_rows(1, 5, 0);
	expect_body(1, "null");
	assert_int_equal(rows[1].flags, NUNCIO_EVENT_VOID);
	assert_int_equal(rows[1].changed, 5);
	for (size_t i = 3; i <= 4; i++) { /* the edit must not bring the text back */
		assert_non_null(rows[i].now);
		assert_true(nuncio_text_same(rows[i].now->body, nuncio_text("null")));
	}
	expect_body(0, "\"m1\"");
	expect_body(2, "\"m3\"");
}

/* The target is older than what is kept; its changes are there. */
static void sees_changes_of_older_events(void **state)
{
	(void)state;
	fill("c", 50, 60);
	struct nuncio_event now = message("c", 7);
	now.state = nuncio_text("\"reactions\":1");
	tell(change("c", 61, &now));
	now.state = nuncio_text("\"reactions\":2");
	tell(change("c", 62, &now));
	assert_true(newest("c"));
	assert_true(nuncio_text_same(rows[8].now->state, nuncio_text("\"reactions\":2")));
	assert_true(nuncio_text_same(rows[9].now->state, nuncio_text("\"reactions\":2")));
}

static void gives_up_after_a_gap(void **state)
{
	(void)state;
	fill("c", 1, 3);
	tell(message("c", 5));
	assert_false(newest("c"));
	assert_int_equal(cache_newest(cache, nuncio_text("c")), 0);
	assert_int_equal(cache_state(cache).outdated, 1);
	fill("c", 1, 5);
	assert_true(newest("c"));
	struct nuncio_event unknown = message("c", 6);
	unknown.target = 1; /* but not what it is now */
	tell(unknown);
	assert_false(newest("c"));
}

static void gives_up_when_told_to(void **state)
{
	(void)state;
	fill("c", 1, 3);
	fill("d", 1, 3);
	cache_drop(cache, nuncio_text("c"));
	cache_drop(cache, nuncio_text("none"));
	assert_false(newest("c"));
	assert_true(newest("d"));
	cache_drop_all(cache);
	assert_false(newest("d"));
	assert_int_equal(cache_state(cache).bytes, 0);
}

/* The store answers without an event that was stored since it looked. */
static void drops_answers_that_are_late(void **state)
{
	struct nuncio_events_query query = question("c");
	struct nuncio_event answer[] = { message("c", 1), message("c", 2) };
	(void)state;
	uint64_t number = cache_expect(cache, &query);
	tell(message("c", 3));
	cache_fill(cache, number, answer, 2);
	assert_false(newest("c"));
	number = cache_expect(cache, &query);
	cache_drop_all(cache); /* something was missed after the store was asked */
	cache_fill(cache, number, answer, 2);
	assert_false(newest("c"));
	cache_expect(cache, &query); /* another one's question does not make the old answer good */
	cache_fill(cache, number, answer, 2);
	assert_false(newest("c"));
	fill("c", 1, 3);
	assert_true(newest("c"));
	cache_fill(cache, cache_expect(cache, &query), answer, 2);
	assert_true(newest("c"));
	expect_rows(1, 3, 0);
}

/* An answer has an event before it is told. */
static void takes_answers_that_are_ahead(void **state)
{
	(void)state;
	fill("c", 1, 3);
	fill("c", 1, 5);
	tell(message("c", 4));
	tell(message("c", 5));
	tell(message("c", 6));
	assert_true(newest("c"));
	expect_rows(1, 6, 0);
}

static void does_not_take_what_has_holes(void **state)
{
	struct nuncio_events_query query = question("c");
	struct nuncio_event answer[] = { message("c", 1), message("c", 3) };
	(void)state;
	cache_fill(cache, cache_expect(cache, &query), answer, 2);
	assert_false(newest("c"));
	cache_fill(cache, cache_expect(cache, &query), answer, 0);
	assert_false(newest("c"));
}

/* ---- room ---- */

static void makes_room_by_reading(void **state)
{
	char id[16];
	(void)state;
	cache_set_max(cache, 60000);
	fill("first", 1, 20);
	for (int i = 0; i < 50; i++) {
		snprintf(id, sizeof id, "c%d", i);
		fill(id, 1, 20);
		assert_true(newest("first")); /* is read all the time */
		assert_true(cache_state(cache).bytes <= 60000);
	}
	assert_true(newest("c49"));
	assert_false(newest("c0"));
	assert_true(cache_state(cache).evicted > 0);
	cache_set_max(cache, 0);
	assert_int_equal(cache_state(cache).bytes, 0);
	assert_int_equal(cache_state(cache).conversations, 0);
	fill("c", 1, 20);
	assert_false(newest("c"));
}

/* Who writes without anybody reading keeps no room. */
static void lets_go_what_nobody_reads(void **state)
{
	(void)state;
	fill("c", 1, 20);
	for (uint64_t seq = 21; seq <= 220; seq++)
		tell(message("c", seq));
	assert_int_equal(cache_newest(cache, nuncio_text("c")), 220);
	tell(message("c", 221));
	assert_int_equal(cache_newest(cache, nuncio_text("c")), 0);
	assert_int_equal(cache_state(cache).bytes, 0);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(answers_pages_as_the_store_does),
		CASE(knows_the_beginning_of_a_log),
		CASE(keeps_to_limits_of_bytes),
		CASE(leaves_to_the_store_what_it_cannot),
		CASE(keeps_the_newest_hundred),
		CASE(sees_new_events),
		CASE(sees_what_events_have_become),
		CASE(sees_changes_of_older_events),
		CASE(gives_up_after_a_gap),
		CASE(gives_up_when_told_to),
		CASE(drops_answers_that_are_late),
		CASE(takes_answers_that_are_ahead),
		CASE(does_not_take_what_has_holes),
		CASE(makes_room_by_reading),
		CASE(lets_go_what_nobody_reads),
	};
	return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}

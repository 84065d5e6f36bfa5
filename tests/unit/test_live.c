/* SPDX-License-Identifier: MIT */
/* Live sides of conversations: who is in, who goes, what it costs, and who gets an event. */
#include "logic/live.h"

#include <stdio.h>
#include <time.h>

#include "base/slice.h"
#include "logic/deliver.h"
#include "logic/logic.h"
#include "logic/reach.h"

#include "tests/lib/loopback.h"
#include "tests/lib/unit.h"

static struct loopback lb;
static struct nuncio_slot *slot;

static struct {
	int freed;
	bool joins_when_freed;
	const char *leaves_in_reach[4]; /* NULL-ended */
	int reached;
} seen;

static void on_free(void *data)
{
	(void)data;
	seen.freed++;
	if (seen.joins_when_freed)
		assert_int_equal(live_join(lb.logic, STR("g:1"), STR("bob")), 0);
}

/* ---- a kind whose audience is its live side ---- */

static int group_resolve(struct nuncio_str sender, struct nuncio_str value, char *out, size_t size,
	void *user, struct nuncio_error *err)
{
	(void)sender, (void)user, (void)err;
	return snprintf(out, size, "g:" STR_FMT, STR_ARG(value));
}

static int32_t group_may_enter(struct nuncio_ask *ask, const struct nuncio_access *what, void *user)
{
	(void)ask, (void)what, (void)user;
	return NUNCIO_PASS;
}

static int group_is_valid(struct nuncio_str conversation, void *user)
{
	(void)user;
	return conversation.n > 2;
}

static void group_audience(
	struct nuncio_str conversation, struct nuncio_audience *audience, void *user)
{
	(void)user;
	deliver_add_live(audience, conversation);
	deliver_add_user(audience, STR("alice"));
	deliver_add_live(audience, STR("g:nowhere"));
}

static const struct nuncio_kind group = { .size = sizeof group,
	.name = "group",
	.prefix = "g",
	.target = "group",
	.resolve = group_resolve,
	.may_enter = group_may_enter,
	.is_valid = group_is_valid,
	.audience = group_audience };

static enum nuncio_verdict on_reach(const struct nuncio_reach *what, void *user)
{
	(void)what, (void)user;
	seen.reached++;
	for (int i = 0; seen.leaves_in_reach[i]; i++)
		live_leave(lb.logic, STR("g:1"), str_of(seen.leaves_in_reach[i]));
	return NUNCIO_PASS;
}

/* ---- the rig ---- */

static int setup(void **state)
{
	struct nuncio_error err;
	memset(&seen, 0, sizeof seen);
	loopback_init(&lb);
	slot = slots_take(&lb.logic->lives.slot_kinds, NUNCIO_PER_CONVERSATION, on_free);
	hook_table_add(lb.hooks, NUNCIO_HOOK_may_reach, 0, "t", 0, (nuncio_any_fn *)on_reach, NULL);
	assert_int_equal(kinds_add(&lb.logic->kinds, "t", &group, NULL, &err), 0);
	loopback_ready(&lb);
	*state = &lb;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	loopback_fini(&lb);
	return 0;
}

static int join(const char *conversation, const char *user)
{
	return live_join(lb.logic, str_of(conversation), str_of(user));
}

static bool has(const char *conversation, const char *user)
{
	return live_has(lb.logic, str_of(conversation), str_of(user));
}

static uint32_t count(const char *conversation)
{
	const struct live *live = live_find(&lb.logic->lives, str_of(conversation));
	return live ? live->user_count : 0;
}

static void log_in_many(int from, int to)
{
	char token[40];
	for (int i = from; i < to; i++) {
		snprintf(token, sizeof token, "good:u%d", i);
		loopback_login(&lb, token);
	}
}

static void keep(const char *conversation, void *data)
{
	struct live *live = live_find(&lb.logic->lives, str_of(conversation));
	assert_non_null(live);
	slots_set(&lb.logic->lives.slot_kinds, &live->slots, slot, data);
}

static void *kept(const char *conversation)
{
	struct live *live = live_find(&lb.logic->lives, str_of(conversation));
	return live ? slots_get(live->slots, slot) : NULL;
}

static void pass_ms(int64_t ms)
{
	lives_reclaim(lb.logic, loop_now_ms(lb.loop) + ms, false);
}

/* ---- in and out ---- */

static void users_join_and_leave(void **state)
{
	(void)state;
	loopback_login(&lb, "good:alice");
	loopback_login(&lb, "good:bob");
	assert_int_equal(join("g:1", "alice"), 0);
	assert_int_equal(join("g:1", "alice"), 0);
	assert_int_equal(join("g:1", "bob"), 0);
	assert_int_equal(join("g:2", "bob"), 0);
	assert_int_equal(count("g:1"), 2);
	assert_int_equal(count("g:2"), 1);
	assert_int_equal(lb.logic->lives.places, 3);
	assert_true(has("g:1", "alice") && has("g:1", "bob") && !has("g:2", "alice"));
	live_leave(lb.logic, STR("g:1"), STR("alice"));
	live_leave(lb.logic, STR("g:1"), STR("alice"));
	live_leave(lb.logic, STR("g:3"), STR("alice"));
	live_leave(lb.logic, STR("g:1"), STR("nobody"));
	assert_int_equal(count("g:1"), 1);
	assert_true(!has("g:1", "alice") && has("g:1", "bob") && !has("g:1", "nobody"));
}

static void only_those_who_are_here_join(void **state)
{
	char id[300];
	(void)state;
	nuncio_sid alice = loopback_login(&lb, "good:alice");
	assert_int_equal(join("g:1", "bob"), NUNCIO_E_GONE);
	session_find(&lb.logic->sessions, alice)->state = SESSION_CLOSING;
	assert_int_equal(join("g:1", "alice"), NUNCIO_E_GONE);
	session_find(&lb.logic->sessions, alice)->state = SESSION_READY;
	assert_int_equal(join("", "alice"), NUNCIO_E_INVAL);
	memset(id, 'x', sizeof id - 1);
	id[sizeof id - 1] = '\0';
	assert_int_equal(join(id, "alice"), NUNCIO_E_INVAL);
	assert_int_equal(map_count(&lb.logic->lives.by_id), 0);
}

static void a_user_leaves_with_the_last_session(void **state)
{
	(void)state;
	nuncio_sid first = loopback_login(&lb, "good:alice:phone");
	nuncio_sid second = loopback_login(&lb, "good:alice:desk");
	loopback_login(&lb, "good:bob");
	for (int i = 0; i < 20; i++) {
		char id[20];
		snprintf(id, sizeof id, "g:%d", i);
		assert_int_equal(join(id, "alice"), 0);
		assert_int_equal(i % 2 ? join(id, "bob") : 0, 0);
	}
	loopback_closed(&lb, first);
	assert_int_equal(count("g:0"), 1);
	assert_int_equal(count("g:1"), 2);
	loopback_closed(&lb, second);
	assert_int_equal(count("g:0"), 0);
	assert_int_equal(count("g:1"), 1);
	assert_true(has("g:1", "bob"));
	assert_int_equal(lb.logic->lives.places, 10);
}

/* Against a table that a person can read, with many users and conversations in any order. */
static void joins_and_leaves_in_any_order_agree_with_a_table(void **state)
{
	enum { USERS = 24, LIVES = 24, STEPS = 6000 };
	static bool table[USERS][LIVES];
	unsigned random = 12345;
	size_t places = 0;
	(void)state;
	memset(table, 0, sizeof table);
	log_in_many(0, USERS);
	for (int step = 0; step < STEPS; step++) {
		char user[16], id[16];
		random = random * 1103515245u + 12345u;
		unsigned u = random >> 8 & 0xffff, l = random >> 20;
		u %= USERS, l %= LIVES;
		snprintf(user, sizeof user, "u%u", u);
		snprintf(id, sizeof id, "g:%u", l);
		assert_int_equal(has(id, user), table[u][l]);
		if (table[u][l])
			live_leave(lb.logic, str_of(id), str_of(user));
		else
			assert_int_equal(join(id, user), 0);
		table[u][l] = !table[u][l];
		places += table[u][l] ? 1 : -1u;
		assert_int_equal(lb.logic->lives.places, (uint32_t)places);
		if (step % 500 == 0)
			pass_ms(LIVE_IDLE_MS);
	}
	for (unsigned l = 0; l < LIVES; l++) {
		char id[16];
		uint32_t in = 0;
		snprintf(id, sizeof id, "g:%u", l);
		for (unsigned u = 0; u < USERS; u++)
			in += table[u][l];
		assert_int_equal(count(id), in);
	}
}

static void one_user_is_live_in_so_many_at_most(void **state)
{
	char id[20];
	(void)state;
	loopback_login(&lb, "good:alice");
	for (int i = 0; i < LIVE_PER_USER_MAX; i++) {
		snprintf(id, sizeof id, "g:%d", i);
		assert_int_equal(join(id, "alice"), 0);
	}
	assert_int_equal(join("g:more", "alice"), NUNCIO_E_BUSY);
	assert_int_equal(join("g:17", "alice"), 0);
	live_leave(lb.logic, STR("g:17"), STR("alice"));
	assert_int_equal(join("g:more", "alice"), 0);
}

/* ---- life of a live side ---- */

static void an_empty_one_is_kept_for_a_while(void **state)
{
	int data;
	(void)state;
	loopback_login(&lb, "good:alice");
	join("g:1", "alice");
	keep("g:1", &data);
	live_leave(lb.logic, STR("g:1"), STR("alice"));
	pass_ms(LIVE_IDLE_MS - 1000);
	assert_ptr_equal(kept("g:1"), &data);
	join("g:1", "alice"); /* and comes back to life */
	pass_ms(10 * LIVE_IDLE_MS);
	assert_ptr_equal(kept("g:1"), &data);
	assert_int_equal(seen.freed, 0);
	live_leave(lb.logic, STR("g:1"), STR("alice"));
	pass_ms(LIVE_IDLE_MS);
	assert_int_equal(seen.freed, 1);
	assert_null(live_find(&lb.logic->lives, STR("g:1")));
	assert_true(!has("g:1", "alice"));
}

static void joining_one_that_closes_starts_a_new_one(void **state)
{
	int data;
	(void)state;
	loopback_login(&lb, "good:alice");
	loopback_login(&lb, "good:bob");
	join("g:1", "alice");
	keep("g:1", &data);
	live_leave(lb.logic, STR("g:1"), STR("alice"));
	seen.joins_when_freed = true;
	pass_ms(LIVE_IDLE_MS);
	assert_int_equal(seen.freed, 1);
	assert_null(kept("g:1"));
	assert_int_equal(count("g:1"), 1);
	assert_true(has("g:1", "bob"));
	assert_int_equal(live_find(&lb.logic->lives, STR("g:1"))->state, LIVE_LIVE);
}

static void all_end_with_the_sessions(void **state)
{
	int data;
	(void)state;
	loopback_login(&lb, "good:alice");
	join("g:1", "alice");
	keep("g:1", &data);
	logic_end_sessions(lb.logic);
	assert_int_equal(seen.freed, 1);
	assert_int_equal(map_count(&lb.logic->lives.by_id), 0);
}

/* ---- what it costs ---- */

static void a_pair_costs_little(void **state)
{
	enum { USERS = 200, LIVES = 100 };
	char id[20], user[20];
	size_t bytes = 0;
	(void)state;
	log_in_many(0, USERS);
	for (int l = 0; l < LIVES; l++)
		for (int u = 0; u < USERS; u++) {
			snprintf(id, sizeof id, "g:%d", l);
			snprintf(user, sizeof user, "u%d", u);
			join(id, user);
		}
	MAP_EACH (&lb.logic->lives.by_id, node)
		bytes += CONTAINER_OF(node, struct live, node)->user_room * sizeof(struct user *);
	MAP_EACH (&lb.logic->users.by_name, node)
		bytes += CONTAINER_OF(node, struct user, node)->live_room *
			 sizeof(struct live_place);
	assert_int_equal(lb.logic->lives.places, USERS * LIVES);
	assert_true(bytes / (USERS * LIVES) <= 36);
	for (int u = 0; u < USERS; u++) { /* and gives the memory back */
		for (int l = 1; l < LIVES; l++) {
			snprintf(id, sizeof id, "g:%d", l);
			snprintf(user, sizeof user, "u%d", u);
			live_leave(lb.logic, str_of(id), str_of(user));
		}
	}
	MAP_EACH (&lb.logic->users.by_name, node)
		assert_true(CONTAINER_OF(node, struct user, node)->live_room <= 4);
}

/* Of this thread only: others run on the machine. */
static int64_t spent_us(void)
{
	struct timespec at;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
	return (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

static int64_t time_of_users(int n)
{
	char user[20];
	int64_t begun_us = spent_us();
	for (int i = 0; i < n; i++) {
		snprintf(user, sizeof user, "u%d", i);
		join("g:1", user);
	}
	int64_t took_us = spent_us() - begun_us;
	for (int i = 0; i < n; i++) {
		snprintf(user, sizeof user, "u%d", i);
		live_leave(lb.logic, STR("g:1"), str_of(user));
	}
	return took_us;
}

static int64_t time_of_lives(int n)
{
	char id[20];
	int64_t begun_us = spent_us();
	for (int i = 0; i < n; i++) {
		snprintf(id, sizeof id, "g:%d", i);
		join(id, "u0");
	}
	int64_t took_us = spent_us() - begun_us;
	for (int i = 0; i < n; i++) {
		snprintf(id, sizeof id, "g:%d", i);
		live_leave(lb.logic, str_of(id), STR("u0"));
	}
	return took_us;
}

static int64_t best_of(int64_t (*fn)(int), int n)
{
	int64_t best_us = INT64_MAX;
	for (int i = 0; i < 5; i++) {
		int64_t took_us = fn(n);
		if (took_us < best_us)
			best_us = took_us;
	}
	return best_us;
}

/* Sixteen times as many, and colder caches: 256 times as long would be quadratic. */
static void both_directions_grow_in_a_line(void **state)
{
	enum { FEW = 250, MANY = 4000, RATIO = 80 };
	(void)state;
	log_in_many(0, MANY);
	assert_true(best_of(time_of_users, MANY) < RATIO * (best_of(time_of_users, FEW) + 5));
	assert_true(best_of(time_of_lives, MANY) < RATIO * (best_of(time_of_lives, FEW) + 5));
}

static int64_t time_of_reach(int n)
{
	char user[20];
	for (int i = 0; i < n; i++) {
		snprintf(user, sizeof user, "u%d", i);
		join("g:1", user);
	}
	int64_t begun_us = spent_us();
	for (int i = 0; i < 100; i++) {
		struct reach reach = { 0 };
		deliver_reach(lb.logic, STR("g:1"), &reach);
		assert_int_equal(reach.count, 3);
		reach_fini(&reach);
	}
	int64_t took_us = spent_us() - begun_us;
	for (int i = 0; i < n; i++) {
		snprintf(user, sizeof user, "u%d", i);
		live_leave(lb.logic, STR("g:1"), str_of(user));
	}
	return took_us;
}

/* Every mark is told to other nodes: whoever is live here has nothing to do with it. */
static void naming_the_audience_does_not_visit_it(void **state)
{
	enum { FEW = 10, MANY = 4000, RATIO = 4 };
	(void)state;
	log_in_many(0, MANY);
	assert_true(best_of(time_of_reach, MANY) < RATIO * (best_of(time_of_reach, FEW) + 20));
}

/* ---- fan-out ---- */

static struct nuncio_event event_of(const char *type, uint64_t target)
{
	return (struct nuncio_event){ .size = sizeof(struct nuncio_event),
		.conversation = STR("g:1"),
		.seq = 7,
		.type = str_of(type),
		.from = STR("bob"),
		.kind = STR("text"),
		.body = STR("\"hello\""),
		.target = target };
}

static void an_event_goes_to_everybody_once(void **state)
{
	struct nuncio_event event = event_of("message", 0);
	(void)state;
	loopback_login(&lb, "good:alice");
	nuncio_sid phone = loopback_login(&lb, "good:bob:phone");
	loopback_login(&lb, "good:bob:desk");
	loopback_login(&lb, "good:carol");
	join("g:1", "alice");
	join("g:1", "bob");
	join("g:2", "carol");
	assert_int_equal(deliver_event(lb.logic, &event, phone, NULL), 2);
	loopback_turn(&lb);
	struct io_send *send = (struct io_send *)lb.received;
	assert_non_null(send);
	assert_int_equal(send->count, 2);
	assert_non_null(strstr(loopback_next(&lb), "\"op\":\"message.new\""));
	assert_string_equal(loopback_next(&lb), "nothing");
}

static void the_op_follows_the_event(void **state)
{
	static const struct {
		const char *type;
		uint64_t target;
		const char *op;
	} cases[] = {
		{ "message", 0, "\"op\":\"message.new\"" },
		{ "message", 3, "\"op\":\"message.changed\"" },
		{ "reaction", 3, "\"op\":\"message.changed\"" },
		{ "group", 0, "\"op\":\"group.changed\"" },
	};
	(void)state;
	loopback_login(&lb, "good:alice");
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct nuncio_event event = event_of(cases[i].type, cases[i].target);
		assert_int_equal(deliver_event(lb.logic, &event, 0, NULL), 1);
		loopback_turn(&lb);
		assert_non_null(strstr(loopback_next(&lb), cases[i].op));
	}
}

static void collect(struct user *user, uint64_t since, void *data)
{
	char part[40];
	snprintf(part, sizeof part, STR_FMT ":%d ", STR_ARG(user_name(user)), (int)since);
	strcat(data, part);
}

/* What everybody sees from goes with them when places change. */
static void each_sees_from_somewhere(void **state)
{
	const struct live *live;
	char text[100] = "";
	(void)state;
	loopback_login(&lb, "good:bob");
	loopback_login(&lb, "good:carol");
	loopback_login(&lb, "good:dave");
	assert_int_equal(live_see_above(lb.logic, STR("g:1"), STR("bob"), 3), NUNCIO_E_NOTFOUND);
	join("g:1", "bob");
	assert_int_equal(live_see_above(lb.logic, STR("g:1"), STR("bob"), 0), 0);
	live = live_find(&lb.logic->lives, STR("g:1"));
	assert_null(live->since);
	join("g:1", "carol");
	assert_int_equal(live_see_above(lb.logic, STR("g:1"), STR("carol"), 7), 0);
	join("g:1", "dave");
	live_each(live, collect, text);
	assert_string_equal(text, "dave:0 carol:7 bob:0 ");
	live_leave(lb.logic, STR("g:1"), STR("bob"));
	live_see_above(lb.logic, STR("g:1"), STR("dave"), 9);
	text[0] = '\0';
	live_each(live, collect, text);
	assert_string_equal(text, "carol:7 dave:9 ");
}

/* An event that changes another shows that to those who see it, and to the others itself only. */
static void what_is_not_seen_is_not_shown_by_a_change(void **state)
{
	struct nuncio_event event = event_of("edit", 5), now = event_of("message", 0);
	const char *line;
	(void)state;
	loopback_login(&lb, "good:bob");
	loopback_login(&lb, "good:carol");
	loopback_login(&lb, "good:dave");
	join("g:1", "bob");
	join("g:1", "carol");
	join("g:1", "dave");
	live_see_above(lb.logic, STR("g:1"), STR("carol"), 4);
	live_see_above(lb.logic, STR("g:1"), STR("dave"), 5);
	now.seq = 5;
	event.now = &now;
	assert_int_equal(deliver_event(lb.logic, &event, 0, NULL), 3);
	loopback_turn(&lb);
	assert_int_equal(((struct io_send *)lb.received)->count, 2);
	line = loopback_next(&lb);
	assert_non_null(strstr(line, "\"target\":5,\"message\":{"));
	assert_int_equal(((struct io_send *)lb.received)->count, 1);
	line = loopback_next(&lb);
	assert_non_null(strstr(line, "\"target\":5}"));
	assert_null(strstr(line, "\"message\":{"));
	assert_string_equal(loopback_next(&lb), "nothing");
	event.now = NULL; /* nothing to hide */
	assert_int_equal(deliver_event(lb.logic, &event, 0, NULL), 3);
	loopback_turn(&lb);
	assert_int_equal(((struct io_send *)lb.received)->count, 3);
	loopback_next(&lb);
}

/* Whoever stays gets the event, whatever a filter does to the others. */
static void leaving_within_a_fan_out_leaves_nobody_out(void **state)
{
	struct nuncio_event event = event_of("message", 0);
	(void)state;
	log_in_many(0, 10);
	for (int i = 0; i < 10; i++) {
		char user[16];
		snprintf(user, sizeof user, "u%d", i);
		join("g:1", user);
	}
	seen.leaves_in_reach[0] = "u0";
	seen.leaves_in_reach[1] = "u9";
	seen.leaves_in_reach[2] = "u5";
	/* u9 is asked about first, and then the seven who stay; nobody twice */
	assert_int_equal(deliver_event(lb.logic, &event, 0, NULL), 8);
	assert_int_equal(seen.reached, 8);
	assert_int_equal(count("g:1"), 7);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(users_join_and_leave),
		TEST(only_those_who_are_here_join),
		TEST(a_user_leaves_with_the_last_session),
		TEST(joins_and_leaves_in_any_order_agree_with_a_table),
		TEST(one_user_is_live_in_so_many_at_most),
		TEST(an_empty_one_is_kept_for_a_while),
		TEST(joining_one_that_closes_starts_a_new_one),
		TEST(all_end_with_the_sessions),
		TEST(a_pair_costs_little),
		TEST(both_directions_grow_in_a_line),
		TEST(naming_the_audience_does_not_visit_it),
		TEST(an_event_goes_to_everybody_once),
		TEST(the_op_follows_the_event),
		TEST(each_sees_from_somewhere),
		TEST(what_is_not_seen_is_not_shown_by_a_change),
		TEST(leaving_within_a_fan_out_leaves_nobody_out),
	};
	return cmocka_run_group_tests_name("live", tests, NULL, NULL);
}

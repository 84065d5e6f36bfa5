/* SPDX-License-Identifier: MIT */
/*
 * What modules hear of an event that is stored (told.c): did_store, did_event, and of those who
 * missed it (miss.c), with a store that knows a few members.
 */
#include "logic/miss.h"

#include <stdio.h>

#include "base/slice.h"
#include "logic/logic.h"
#include "logic/reach.h"
#include "logic/send.h"
#include "logic/told.h"
#include "provide/store.h"

#include "tests/lib/room.h"
#include "tests/lib/unit.h"

static struct loopback lb;

static struct {
	char line[400]; /* what was told, in order */
	char audience[400];
	uint64_t seq;
	int member_status;
	bool leaves;
	size_t called;
} seen;

static void note(const char *word, struct nuncio_str text)
{
	size_t n = strlen(seen.line);
	snprintf(seen.line + n, sizeof seen.line - n, "%s%s" STR_FMT, n ? " " : "", word,
		STR_ARG(text));
}

/* ---- a store in which users whose name begins with m are members, and with x have left ---- */

/* m000 to m449, who came with the first event, and mel, who came with the sixth. */
static int answer_members(struct nuncio_job *job)
{
	const struct nuncio_job_members *what = nuncio_job_input(job);
	char name[16];
	uint32_t first = 0, n = 0;
	if (what->after.n) /* behind m123 */
		first = (uint32_t)strtoul(what->after.p + 1, NULL, 10) + 1;
	for (uint32_t i = first; i < 451 && n < what->limit; i++, n++) {
		struct nuncio_member row = { .size = sizeof row, .since = i == 450 ? 6 : 0 };
		snprintf(name, sizeof name, i == 450 ? "mel" : "m%03u", i);
		row.user = str_of(name);
		nuncio_job_add_member(job, &row);
	}
	nuncio_job_set_more(job, first + n < 451);
	return seen.member_status;
}

static int answer_member(struct nuncio_job *job)
{
	const struct nuncio_job_member *what = nuncio_job_input(job);
	struct nuncio_member row = { .size = sizeof row, .user = what->user };
	row.until = what->user.p[0] == 'x' ? 3 : 0;
	if (seen.member_status < 0 || (what->user.p[0] != 'm' && !row.until))
		return seen.member_status < 0 ? seen.member_status : NUNCIO_E_NOTFOUND;
	nuncio_job_add_member(job, &row);
	return 0;
}

static void answer_append(struct nuncio_job *job)
{
	const struct nuncio_job_append *append = nuncio_job_input(job);
	struct nuncio_event now = append->event;
	now.seq = append->event.target;
	if (now.seq)
		nuncio_job_add_event(job, &now);
	nuncio_job_set_appended(job, ++seen.seq, append->event.id, append->event.sent_at_ms, 0);
}

static int run(struct nuncio_job *job)
{
	if (nuncio_job_kind(job) == NUNCIO_JOB_MEMBERS)
		return answer_members(job);
	if (nuncio_job_kind(job) != NUNCIO_JOB_APPEND)
		return answer_member(job);
	answer_append(job);
	return 0;
}

/* ---- hooks ---- */

static void on_store(const struct nuncio_send *what, void *user)
{
	(void)user;
	note("store:", what->event->body);
}

static void on_event(const struct nuncio_told *what, void *user)
{
	(void)user;
	assert_int_equal(what->is_remote, 0);
	note("event:", what->event->type);
	if (seen.leaves)
		live_leave(lb.logic, STR("r:x"), STR("mia"));
}

static void on_miss(const struct nuncio_miss *what, void *user)
{
	(void)user;
	assert_str(what->event->conversation, "r:x");
	seen.called += what->is_called;
	note(what->is_called ? "called:" : "miss:", what->user);
}

#define HOOK(hook, fn) \
	hook_table_add(lb.hooks, NUNCIO_HOOK_##hook, 0, "t", 0, (nuncio_any_fn *)fn, NULL)

static int setup(void **state)
{
	memset(&seen, 0, sizeof seen);
	loopback_init(&lb);
	HOOK(did_store, on_store);
	HOOK(did_event, on_event);
	HOOK(did_miss, on_miss);
	room_add(&lb, seen.audience);
	room_store_open(&lb, run);
	loopback_ready(&lb);
	*state = &lb;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	store_close(lb.store);
	loopback_fini(&lb);
	return 0;
}

static void settle(void)
{
	room_store_settle(&lb);
	assert_int_equal(lb.logic->misses.count, 0);
	assert_int_equal(lb.logic->misses.bytes, 0);
}

/* Appends what a client would send; mentions are separated by spaces. */
static void append(struct nuncio_append what, const char *to, const char *mentions)
{
	struct nuncio_str users[10], rest = str_of(mentions);
	snprintf(seen.audience, sizeof seen.audience, "%s", to);
	what.size = sizeof what;
	what.conversation = STR("r:x");
	if (!what.type.n)
		what.type = STR("message");
	what.from = STR("alice");
	what.kind = STR("text");
	what.body = STR("\"hi\"");
	while (rest.n)
		str_cut(rest, ' ', &users[what.mentions_count++], &rest);
	what.mentions = users;
	seen.line[0] = '\0';
	assert_int_equal(send_append(lb.logic, &what, NULL, NULL), 0);
	memset(users, 0, sizeof users); /* nobody may look at these any more */
	settle();
}

#define PLAIN ((struct nuncio_append){ .flags = 0 })

static void hooks_come_in_order(void **state)
{
	(void)state;
	append(PLAIN, "alice bob", "");
	assert_string_equal(seen.line, "store:\"hi\" event:message miss:bob");
}

static void who_is_here_has_missed_nothing(void **state)
{
	(void)state;
	nuncio_sid bob = loopback_login(&lb, "good:bob");
	append(PLAIN, "alice bob mia bob", "mia");
	assert_string_equal(seen.line, "store:\"hi\" event:message called:mia");
	session_find(&lb.logic->sessions, bob)->state = SESSION_CLOSING;
	append(PLAIN, "alice bob", "");
	assert_string_equal(seen.line, "store:\"hi\" event:message miss:bob");
}

/* Of a live side nobody is known who is away, but those who are called. */
static void called_members_of_a_live_side_are_told(void **state)
{
	(void)state;
	append(PLAIN, "~r:x", "mia max bob xaver alice max");
	assert_string_equal(seen.line, "store:\"hi\" event:message called:max called:mia");
	seen.member_status = NUNCIO_E_FAIL;
	append(PLAIN, "~r:x", "mia");
	assert_string_equal(seen.line, "store:\"hi\" event:message");
}

static void other_events_call_nobody(void **state)
{
	struct nuncio_append what = { .type = STR("group") };
	(void)state;
	append(what, "bob", "mia");
	assert_string_equal(seen.line, "store:\"hi\" event:group");
	what = (struct nuncio_append){ .target = 1 };
	append(what, "bob", "mia");
	assert_string_equal(seen.line, "store:\"hi\" event:message");
}

static void a_call_to_all_is_a_call(void **state)
{
	(void)state;
	append((struct nuncio_append){ .event_flags = NUNCIO_EVENT_MENTIONS_ALL }, "bob carl", "");
	assert_string_equal(seen.line, "store:\"hi\" event:message called:bob called:carl");
}

/* All members of a live side, page by page: not who is here, nor the sender, nor who came later. */
static void a_call_to_a_live_side_reaches_all_its_members(void **state)
{
	struct nuncio_append what = { .event_flags = NUNCIO_EVENT_MENTIONS_ALL };
	(void)state;
	loopback_login(&lb, "good:m300");
	append(what, "~r:x", "m007");
	assert_int_equal(seen.called, 449);
	seen.called = 0;
	append(what, "~r:x bob", "");
	assert_non_null(strstr(seen.line, "called:bob called:m000"));
	assert_int_equal(seen.called, 450);
	seen.called = 0;
	seen.member_status = NUNCIO_E_FAIL;
	append(what, "~r:x", "");
	assert_int_equal(seen.called, 0);
	what.event_flags = 0;
	append(what, "~r:x", "");
	assert_int_equal(seen.called, 0);
}

/* Many at once: each is told of to all in the end. */
static void calls_to_all_wait_for_each_other(void **state)
{
	struct nuncio_event event = { .size = sizeof event,
		.conversation = STR("r:x"),
		.type = STR("message"),
		.from = STR("alice"),
		.seq = 7,
		.flags = NUNCIO_EVENT_MENTIONS_ALL };
	struct reach reach = { 0 };
	(void)state;
	reach_add(&reach, STR("r:x"), true);
	for (int i = 0; i < 20; i++)
		miss_tell(lb.logic, &event, &reach, NULL, 0);
	assert_int_equal(lb.logic->misses.count, 20);
	settle();
	assert_int_equal(seen.called, 20 * 451);
	lb.logic->misses.bytes = MISSES_BYTES_MAX;
	miss_tell(lb.logic, &event, &reach, NULL, 0);
	lb.logic->misses.bytes = 0;
	settle();
	assert_int_equal(seen.called, 20 * 451);
	reach_fini(&reach);
}

/* The audience was asked before a handler takes somebody out. */
static void who_leaves_with_an_event_still_gets_it(void **state)
{
	(void)state;
	loopback_login(&lb, "good:mia");
	assert_int_equal(live_join(lb.logic, STR("r:x"), STR("mia")), 0);
	seen.leaves = true;
	append((struct nuncio_append){ .type = STR("group") }, "~r:x", "");
	assert_non_null(strstr(loopback_next(&lb), "\"op\":\"group.changed\""));
	assert_false(live_has(lb.logic, STR("r:x"), STR("mia")));
	append((struct nuncio_append){ .type = STR("group") }, "~r:x", "");
	assert_string_equal(loopback_next(&lb), "nothing");
}

/* Over the limit those who must be asked for are left out; those who are known are not. */
static void what_waits_is_bounded(void **state)
{
	struct nuncio_event event = { .size = sizeof event,
		.conversation = STR("r:x"),
		.type = STR("message"),
		.from = STR("alice") };
	struct nuncio_str called[] = { STR("mia"), STR("max") };
	struct reach reach = { 0 };
	(void)state;
	reach_add(&reach, STR("bob"), false);
	reach_add(&reach, STR("r:x"), true);
	lb.logic->misses.bytes = MISSES_BYTES_MAX;
	miss_tell(lb.logic, &event, &reach, called, 2);
	lb.logic->misses.bytes = 0;
	settle();
	assert_string_equal(seen.line, "miss:bob");
	miss_tell(lb.logic, &event, &reach, called, 2);
	assert_int_equal(lb.logic->misses.count, 1);
	settle();
	assert_string_equal(seen.line, "miss:bob miss:bob called:max called:mia");
	reach_fini(&reach);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(hooks_come_in_order),
		TEST(who_is_here_has_missed_nothing),
		TEST(called_members_of_a_live_side_are_told),
		TEST(other_events_call_nobody),
		TEST(a_call_to_all_is_a_call),
		TEST(a_call_to_a_live_side_reaches_all_its_members),
		TEST(calls_to_all_wait_for_each_other),
		TEST(who_leaves_with_an_event_still_gets_it),
		TEST(what_waits_is_bounded),
	};
	return cmocka_run_group_tests_name("miss", tests, NULL, NULL);
}

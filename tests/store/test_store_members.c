/* SPDX-License-Identifier: MIT */
/* Members: who is there, what they see, who may append; lists and counts of them. */
#include "store_case.h"

/* --- coming, going, changing --- */

static void founders_are_members_from_the_start(void **state)
{
	(void)state;
	append("g:1", "alice", "", "1");
	append("g:1", "alice", "", "2");
	MEMBER("g:1", "alice", "role 0 sees 0-0 at 0/0 muted 0 {} of 2 in 2");
	MEMBER("g:1", "bob", "role 0 sees 0-0 at 0/0 muted 0 {} of 2 in 2");
	MEMBER("g:1", "carol", "none");
	MEMBER("g:2", "alice", "none");
	struct nuncio_job job = read_member("g:1", "alice");
	assert_int_equal(job.members[0].joined_at_ms, 1795000001007);
	store_host_job_fini(&job);
}

static void an_added_one_sees_from_their_event_on(void **state)
{
	struct nuncio_member_change changes[] = { make_change(ADD, "carol", 3, 0),
		make_change(ADD, "dave", -1, ALL_HISTORY) };
	(void)state;
	changes[0].muted_until_ms = 77;
	changes[0].extra = S("\"nick\":\"c\"");
	append("g:1", "alice", "", "1");
	append("g:1", "alice", "", "2");
	assert_int_equal(change_members("g:1", changes, 2), 0);
	MEMBER("g:1", "carol", "role 3 sees 2-0 at 2/2 muted 77 {\"nick\":\"c\"} of 4 in 3");
	MEMBER("g:1", "dave", "role 0 sees 0-0 at 0/0 muted 0 {} of 4 in 3");
	MEMBERS("g:1", "alice bob carol dave");
	struct nuncio_job job = read_member("g:1", "carol");
	assert_int_equal(job.members[0].joined_at_ms, 1795000000000 + (int64_t)the.last_id);
	store_host_job_fini(&job);
	/* The list of members shows the same. */
	job = read_members("g:1", "bob", 1);
	assert_int_equal(job.members[0].role, 3);
	assert_int_equal(job.members[0].since, 2);
	assert_int_equal(job.members[0].muted_until_ms, 77);
	assert_str(job.members[0].extra, "\"nick\":\"c\"");
	assert_str(job.members[0].conversation, "g:1");
	store_host_job_fini(&job);
}

static void adding_whom_there_is_fails_and_leaves_nothing(void **state)
{
	struct nuncio_member_change changes[] = { make_change(ADD, "carol", 1, 0),
		make_change(ADD, "bob", 5, 0) };
	struct nuncio_record_write write = make_write("s", "g:1", "k", "v", NUNCIO_EXPECT_ANY);
	(void)state;
	append("g:1", "alice", "", "1");
	struct nuncio_job_append in = make_append(&(struct event_args){ .conversation = "g:1",
		.from = "alice",
		.client_id = "c",
		.body = "2",
		.writes = &write,
		.writes_count = 1 });
	in.members = changes;
	in.members_count = 2;
	assert_int_equal(append_job(&in, NULL), NUNCIO_E_EXISTS);
	MEMBERS("g:1", "alice bob");
	MEMBER("g:1", "carol", "none");
	check_record_of("g:1", "k", NULL, 0);
	assert_int_equal(check_log("g:1"), 1);
	/* Tolerant: the other change happens, bob stays as he is; the client_id is free. */
	changes[1].fields |= TOLERANT;
	in.event.id = the.last_id += 7;
	assert_int_equal(append_job(&in, NULL), 0);
	MEMBER("g:1", "carol", "role 1 sees 1-0 at 1/1 muted 0 {} of 3 in 2");
	MEMBER("g:1", "bob", "role 0 sees 0-0 at 0/0 muted 0 {} of 3 in 2");
	check_record_of("g:1", "k", "v", 1);
}

static void a_removed_one_sees_up_to_their_event(void **state)
{
	(void)state;
	append("g:1", "alice", "", "1");
	assert_int_equal(change_one(ADD, "carol", 2, 0, 0), 0);
	mark("g:1", "carol", 2, 0);
	remove_member("g:1", "carol");
	append("g:1", "alice", "", "4");
	MEMBER("g:1", "carol", "role 2 sees 1-3 at 2/1 muted 0 {} of 2 in 4");
	MEMBERS("g:1", "alice bob");
	assert_int_equal(mark("g:1", "carol", 4, 4), NUNCIO_E_NOTFOUND);
	MEMBER("g:1", "carol", "role 2 sees 1-3 at 2/1 muted 0 {} of 2 in 4");
	struct nuncio_job job = read_conversations("carol", "", 10);
	assert_int_equal(job.conversation_count, 0);
	store_host_job_fini(&job);
}

static void who_is_not_there_can_be_neither_removed_nor_changed(void **state)
{
	(void)state;
	append("g:1", "alice", "", "1");
	remove_member("g:1", "bob");
	assert_int_equal(change_one(REMOVE, "bob", -1, 0, -1), NUNCIO_E_NOTFOUND);
	assert_int_equal(change_one(REMOVE, "carol", -1, 0, -1), NUNCIO_E_NOTFOUND);
	assert_int_equal(change_one(SET, "bob", 1, 0, -1), NUNCIO_E_NOTFOUND);
	assert_int_equal(change_one(SET, "carol", 1, 0, -1), NUNCIO_E_NOTFOUND);
	assert_int_equal(check_log("g:1"), 2);
	assert_int_equal(change_one(REMOVE, "bob", -1, TOLERANT, -1), 0);
	assert_int_equal(change_one(REMOVE, "carol", -1, TOLERANT, 4), 0);
	assert_int_equal(change_one(SET, "bob", 1, TOLERANT, -1), 0);
	assert_int_equal(change_one(SET, "carol", 1, TOLERANT, 4), 0);
	MEMBER("g:1", "bob", "role 0 sees 0-2 at 0/0 muted 0 {} of 1 in 6");
	MEMBER("g:1", "carol", "none");
}

static void a_set_changes_what_it_names(void **state)
{
	struct nuncio_member_change change = make_change(SET, "bob", 2, 0);
	(void)state;
	append("g:1", "alice", "", "1");
	change.muted_until_ms = 99;
	change.extra = S("\"a\":1");
	assert_int_equal(change_members("g:1", &change, 1), 0);
	MEMBER("g:1", "bob", "role 2 sees 0-0 at 0/0 muted 0 {} of 2 in 2");
	change.fields = NUNCIO_MEMBER_MUTED;
	change.role = 7;
	assert_int_equal(change_members("g:1", &change, 1), 0);
	MEMBER("g:1", "bob", "role 2 sees 0-0 at 0/0 muted 99 {} of 2 in 3");
	change.fields = NUNCIO_MEMBER_EXTRA;
	change.muted_until_ms = 0;
	assert_int_equal(change_members("g:1", &change, 1), 0);
	MEMBER("g:1", "bob", "role 2 sees 0-0 at 0/0 muted 99 {\"a\":1} of 2 in 4");
	change.fields = NUNCIO_MEMBER_EXTRA | NUNCIO_MEMBER_MUTED | NUNCIO_MEMBER_ROLE;
	change.extra = S("");
	assert_int_equal(change_members("g:1", &change, 1), 0);
	MEMBER("g:1", "bob", "role 7 sees 0-0 at 0/0 muted 0 {} of 2 in 5");
	MEMBER("g:1", "alice", "role 0 sees 0-0 at 0/0 muted 0 {} of 2 in 5");
}

static void a_role_can_be_expected(void **state)
{
	(void)state;
	append("g:1", "alice", "", "1");
	assert_int_equal(change_one(SET, "bob", 2, 0, 0), 0);
	assert_int_equal(change_one(SET, "bob", 3, 0, 0), NUNCIO_E_CONFLICT);
	assert_int_equal(change_one(SET, "bob", 3, TOLERANT, 1), NUNCIO_E_CONFLICT);
	assert_int_equal(change_one(REMOVE, "bob", -1, 0, 0), NUNCIO_E_CONFLICT);
	MEMBER("g:1", "bob", "role 2 sees 0-0 at 0/0 muted 0 {} of 2 in 2");
	assert_int_equal(change_one(SET, "bob", 3, 0, 2), 0);
	assert_int_equal(change_one(SET, "bob", 4, 0, -1), 0);
	assert_int_equal(change_one(REMOVE, "bob", -1, 0, 4), 0);
	/* Who is added has none yet. */
	assert_int_equal(change_one(ADD, "carol", 1, 0, 5), 0);
	assert_int_equal(change_one(ADD, "bob", 1, 0, 0), 0);
	assert_int_equal(change_one(ADD, "bob", 1, TOLERANT, 0), 0);
	MEMBERS("g:1", "alice bob carol");
}

static void who_comes_back_is_as_if_new(void **state)
{
	struct nuncio_member_change back = make_change(ADD, "bob", 1, 0);
	(void)state;
	append("g:1", "alice", "", "1");
	struct nuncio_member_change change = make_change(SET, "bob", 5, NUNCIO_MEMBER_EXTRA);
	change.extra = S("\"a\":1");
	assert_int_equal(change_members("g:1", &change, 1), 0);
	mark("g:1", "bob", 2, 1);
	remove_member("g:1", "bob");
	append("g:1", "alice", "", "4");
	assert_int_equal(change_members("g:1", &back, 1), 0);
	MEMBER("g:1", "bob", "role 1 sees 4-0 at 4/4 muted 0 {} of 2 in 5");
	struct nuncio_job job = read_member("g:1", "bob");
	assert_int_equal(job.members[0].joined_at_ms, 1795000000000 + (int64_t)the.last_id);
	store_host_job_fini(&job);
	remove_member("g:1", "bob");
	/* With all of history, but what was read is read. */
	back.fields |= ALL_HISTORY;
	assert_int_equal(change_members("g:1", &back, 1), 0);
	MEMBER("g:1", "bob", "role 1 sees 0-0 at 4/4 muted 0 {} of 2 in 7");
	assert_int_equal(mark("g:1", "bob", 7, 7), 1);
	MEMBERS("g:1", "alice bob");
}

static void changes_happen_one_after_the_other(void **state)
{
	struct nuncio_member_change swap[] = { make_change(SET, "alice", 0, 0),
		make_change(SET, "bob", 9, 0) };
	struct nuncio_member_change turns[] = { make_change(ADD, "carol", 1, 0),
		make_change(SET, "carol", 2, 0), make_change(REMOVE, "bob", -1, 0),
		make_change(ADD, "bob", 4, 0), make_change(ADD, "dave", -1, 0),
		make_change(REMOVE, "dave", -1, 0) };
	(void)state;
	append("g:1", "alice", "", "1");
	assert_int_equal(change_one(SET, "alice", 9, 0, -1), 0);
	swap[0].expect_role = 9;
	swap[1].expect_role = 0;
	assert_int_equal(change_members("g:1", swap, 2), 0);
	MEMBER("g:1", "alice", "role 0 sees 0-0 at 0/0 muted 0 {} of 2 in 3");
	MEMBER("g:1", "bob", "role 9 sees 0-0 at 0/0 muted 0 {} of 2 in 3");
	turns[1].expect_role = 1;
	assert_int_equal(change_members("g:1", turns, COUNT_OF(turns)), 0);
	MEMBER("g:1", "carol", "role 2 sees 3-0 at 3/3 muted 0 {} of 3 in 4");
	MEMBER("g:1", "bob", "role 4 sees 3-0 at 3/3 muted 0 {} of 3 in 4");
	MEMBER("g:1", "dave", "role 0 sees 3-4 at 3/3 muted 0 {} of 3 in 4");
	MEMBERS("g:1", "alice bob carol");
}

static void all_can_be_removed_at_once(void **state)
{
	struct nuncio_member_change all[] = { make_change(REMOVE, "", -1, 0),
		make_change(ADD, "erin", 1, 0) };
	(void)state;
	all[0].expect_role = 99;
	append("g:1", "alice", "", "1");
	add_member("g:1", "carol");
	remove_member("g:1", "bob");
	assert_int_equal(change_members("g:1", all, 2), 0);
	MEMBER("g:1", "alice", "role 0 sees 0-4 at 0/0 muted 0 {} of 1 in 4");
	MEMBER("g:1", "carol", "role 0 sees 1-4 at 1/1 muted 0 {} of 1 in 4");
	MEMBER("g:1", "bob", "role 0 sees 0-3 at 0/0 muted 0 {} of 1 in 4");
	MEMBERS("g:1", "erin");
	assert_int_equal(change_members("g:1", all, 1), 0);
	assert_int_equal(change_members("g:1", all, 1), 0); /* nobody is there */
	MEMBER("g:1", "erin", "role 1 sees 3-5 at 3/3 muted 0 {} of 0 in 6");
	MEMBERS("g:1", "");
}

static void there_may_be_so_many_members(void **state)
{
	struct nuncio_member_change changes[] = { make_change(ADD, "carol", -1, 0),
		make_change(ADD, "dave", -1, 0), make_change(REMOVE, "bob", -1, 0) };
	(void)state;
	append("g:1", "alice", "", "1");
	struct nuncio_job_append in = make_append(
		&(struct event_args){ .conversation = "g:1", .from = "alice", .body = "2" });
	in.members = changes;
	in.members_count = 2;
	in.members_max = 3;
	assert_int_equal(append_job(&in, NULL), NUNCIO_E_TOOBIG);
	MEMBERS("g:1", "alice bob");
	MEMBER("g:1", "carol", "none");
	assert_int_equal(check_log("g:1"), 1);
	in.members_count = 3; /* after all of them there are three */
	assert_int_equal(append_job(&in, NULL), 0);
	MEMBERS("g:1", "alice carol dave");
	/* Those who have left do not count; founders do. */
	in.event.id = the.last_id += 7;
	in.event.conversation = S("g:2");
	in.members_count = 1;
	in.members_max = 2;
	assert_int_equal(append_job(&in, NULL), NUNCIO_E_TOOBIG);
	MEMBER("g:2", "alice", "none");
	in.members_max = 3;
	assert_int_equal(append_job(&in, NULL), 0);
	MEMBERS("g:2", "alice bob carol");
}

/* In one batch each append sees what those before it did, and nothing of those that failed. */
static void a_batch_of_changes(void **state)
{
	enum { JOBS = 6 };
	static const int expected[JOBS] = { 0, NUNCIO_E_EXISTS, NUNCIO_E_DENIED, 0, 0,
		NUNCIO_E_DENIED };
	struct nuncio_member_change carol = make_change(ADD, "carol", 1, 0);
	struct nuncio_member_change two[] = { make_change(ADD, "dave", 1, 0), carol };
	struct nuncio_member_change leaves = make_change(REMOVE, "carol", -1, 0);
	struct nuncio_job_append in[JOBS];
	struct nuncio_job jobs[JOBS];
	(void)state;
	append("g:1", "alice", "", "1");
	for (size_t i = 0; i < JOBS; i++) {
		static const char *const from[] = { "alice", "alice", "dave", "carol", "carol",
			"carol" };
		in[i] = make_append(&(struct event_args){
			.conversation = "g:1", .from = from[i], .body = "1" });
		in[i].flags = NUNCIO_APPEND_MEMBERS_ONLY;
		jobs[i] = (struct nuncio_job){ .kind = NUNCIO_JOB_APPEND, .input = &in[i] };
	}
	in[0].members = &carol;
	in[1].members = two;
	in[4].members = &leaves;
	in[0].members_count = in[4].members_count = 1;
	in[1].members_count = 2;
	store_host_run(the.host, jobs, JOBS);
	for (size_t i = 0; i < JOBS; i++)
		assert_int_equal(jobs[i].status, expected[i]);
	MEMBER("g:1", "carol", "role 1 sees 1-4 at 1/1 muted 0 {} of 2 in 4");
	MEMBER("g:1", "dave", "none");
	assert_int_equal(check_log("g:1"), 4);
}

static void a_thousand_changes_in_one_event(void **state)
{
	enum { COUNT = 1000 };
	static struct nuncio_member_change changes[COUNT];
	static char names[COUNT][16];
	(void)state;
	append("g:1", "alice", "", "1");
	for (size_t i = 0; i < COUNT; i++) {
		snprintf(names[i], sizeof(names[i]), "u%04zu", i * 7 % COUNT);
		changes[i] = make_change(ADD, names[i], (int)(i % 3), 0);
	}
	assert_int_equal(change_members("g:1", changes, COUNT), 0);
	MEMBER("g:1", "u0999", "role 2 sees 1-0 at 1/1 muted 0 {} of 1002 in 2");
	struct nuncio_job job = read_members("g:1", "u0499", 1000);
	assert_int_equal(job.member_count, 500);
	for (size_t i = 0; i < 500; i++)
		assert_int_equal(strtol(job.members[i].user.p + 1, NULL, 10), 500 + i);
	store_host_job_fini(&job);
	assert_int_equal(change_members("g:1", changes, COUNT), NUNCIO_E_EXISTS);
}

static void odd_texts_are_members(void **state)
{
	static const struct nuncio_str odd[] = { { "a\0b", 3 }, { "a", 1 }, { "'; DROP", 7 },
		{ "%_\\", 3 }, { "\xff\xfe", 2 }, { "A", 1 }, { "\xe4\xb8\xad", 3 } };
	struct nuncio_member_change changes[COUNT_OF(odd)];
	(void)state;
	append("g:1", "alice", "", "1");
	for (size_t i = 0; i < COUNT_OF(odd); i++) {
		changes[i] = make_change(ADD, "", (int)i, 0);
		changes[i].user = changes[i].extra = odd[i];
	}
	assert_int_equal(change_members("g:1", changes, COUNT_OF(odd)), 0);
	for (size_t i = 0; i < COUNT_OF(odd); i++) {
		struct nuncio_job_member q = {
			.size = sizeof(q), .conversation = S("g:1"), .user = odd[i]
		};
		struct nuncio_job job = read_job(NUNCIO_JOB_MEMBER, &q);
		assert_int_equal(job.member_count, 1);
		assert_int_equal(job.members[0].role, i);
		assert_int_equal(job.members[0].user.n, odd[i].n);
		assert_memory_equal(job.members[0].user.p, odd[i].p, odd[i].n);
		assert_int_equal(job.members[0].extra.n, odd[i].n);
		assert_memory_equal(job.members[0].extra.p, odd[i].p, odd[i].n);
		store_host_job_fini(&job);
	}
}

static void a_key_can_end_with_the_seq(void **state)
{
	struct nuncio_record_write writes[] = {
		make_write("s", "g:1", "at:", "1", NUNCIO_EXPECT_ABSENT),
		make_write("s", "g:1", "", "2", NUNCIO_EXPECT_ABSENT),
		make_write("s", "g:1", "plain", "3", NUNCIO_EXPECT_ANY),
	};
	(void)state;
	append("g:1", "alice", "", "1");
	writes[0].flags = writes[1].flags = NUNCIO_WRITE_KEY_SEQ;
	struct event_args args = { .conversation = "g:1",
		.from = "alice",
		.body = "2",
		.writes = writes,
		.writes_count = 3 };
	assert_int_equal(append_with(&args, NULL), 0);
	assert_int_equal(append_with(&args, NULL), 0);
	check_record_of("g:1", "at:00000000000000000002", "1", 1);
	check_record_of("g:1", "00000000000000000002", "2", 1);
	check_record_of("g:1", "at:00000000000000000003", "1", 1);
	check_record_of("g:1", "at:", NULL, 0);
	check_record_of("g:1", "plain", "3", 2);
}

/* A check holds or fails its append like a write, and leaves everything as it is. */
static void a_record_can_be_only_looked_at(void **state)
{
	struct nuncio_record_write made = make_write("s", "g:1", "k", "1", NUNCIO_EXPECT_ABSENT);
	struct nuncio_record_write checks[] = {
		make_write("s", "g:1", "k", "2", 1),
		make_write("s", "g:1", "none", "2", NUNCIO_EXPECT_ABSENT),
		make_write("s", "g:1", "after", "3", NUNCIO_EXPECT_ANY),
	};
	(void)state;
	append("g:1", "alice", "", "1");
	assert_int_equal(write_records(&made, 1), 0);
	checks[0].flags = checks[1].flags = NUNCIO_WRITE_CHECK;
	struct event_args args = { .conversation = "g:1",
		.from = "alice",
		.body = "2",
		.writes = checks,
		.writes_count = 3 };
	assert_int_equal(append_with(&args, NULL), 0);
	assert_int_equal(append_with(&args, NULL), 0);
	check_record_of("g:1", "k", "1", 1);
	check_record_of("g:1", "none", NULL, 0);
	check_record_of("g:1", "after", "3", 2);
	checks[0].expect = 2;
	assert_int_equal(append_with(&args, NULL), NUNCIO_E_CONFLICT);
	checks[0].expect = 1;
	checks[1].key = S("k");
	assert_int_equal(append_with(&args, NULL), NUNCIO_E_EXISTS);
	check_record_of("g:1", "after", "3", 2);
	assert_int_equal(check_log("g:1"), 3);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(founders_are_members_from_the_start),
		CASE(an_added_one_sees_from_their_event_on),
		CASE(adding_whom_there_is_fails_and_leaves_nothing),
		CASE(a_removed_one_sees_up_to_their_event),
		CASE(who_is_not_there_can_be_neither_removed_nor_changed),
		CASE(a_set_changes_what_it_names),
		CASE(a_role_can_be_expected),
		CASE(who_comes_back_is_as_if_new),
		CASE(changes_happen_one_after_the_other),
		CASE(all_can_be_removed_at_once),
		CASE(there_may_be_so_many_members),
		CASE(a_batch_of_changes),
		CASE(a_thousand_changes_in_one_event),
		CASE(odd_texts_are_members),
		CASE(a_key_can_end_with_the_seq),
		CASE(a_record_can_be_only_looked_at),
	};
	return case_run("members", tests, COUNT_OF(tests), CASE_FULL_STORES);
}

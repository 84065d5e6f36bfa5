/* SPDX-License-Identifier: MIT */
/* Events that change another one: what they do to it, and where it is seen. */
#include "store_case.h"

/* An event in words: its seq, body, state, changed, flags, then what it changed as it is now. */
static size_t put_event(char *to, size_t size, const struct nuncio_event *e)
{
	size_t used = (size_t)snprintf(to, size, "%llu=%s", (unsigned long long)e->seq, e->body.p);
	if (e->state.n)
		used += (size_t)snprintf(to + used, size - used, "{%s}", e->state.p);
	if (e->changed)
		used += (size_t)snprintf(
			to + used, size - used, "~%llu", (unsigned long long)e->changed);
	if (e->flags)
		used += (size_t)snprintf(to + used, size - used, "!%u", e->flags);
	if (e->target)
		used += (size_t)snprintf(
			to + used, size - used, ">%llu", (unsigned long long)e->target);
	if (e->now) {
		used += (size_t)snprintf(to + used, size - used, "(");
		used += put_event(to + used, size - used, e->now);
		used += (size_t)snprintf(to + used, size - used, ")");
	}
	return used;
}

static const char *events_text(struct nuncio_job job)
{
	static char text[4000];
	size_t used = 0;
	assert_int_equal(job.status, 0);
	text[0] = '\0';
	for (size_t i = 0; i < job.event_count; i++) {
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s", i ? " " : "");
		used += put_event(text + used, sizeof(text) - used, &job.events[i]);
	}
	store_host_job_fini(&job);
	return text;
}

#define LOG(expected) assert_string_equal(events_text(read_events("g:1", 0, 0, 100)), expected)

static void the_target_is_changed_and_the_change_is_told(void **state)
{
	struct nuncio_job_append in;
	struct nuncio_job job;
	(void)state;
	append_with(&(struct event_args){ .conversation = "g:1",
			    .from = "bob",
			    .client_id = "c",
			    .body = "\"helo\"",
			    .kind = "text",
			    .extra = "\"reply_to\":7" },
		NULL);
	append("g:1", "bob", "", "\"other\"");
	in = make_amend("g:1", 1, "\"hello\"", "\"edited\":1");
	in.event.extra = S("\"why\":\"typo\"");
	assert_int_equal(append_job(&in, &job), 0);
	assert_int_equal(job.seq, 3);
	assert_int_equal(job.event_count, 1);
	const struct nuncio_event *e = &job.events[0];
	assert_int_equal(e->seq, 1);
	assert_str(e->body, "\"hello\"");
	assert_str(e->state, "\"edited\":1");
	assert_int_equal(e->changed, 3);
	assert_str(e->from, "bob");
	assert_str(e->client_id, "c");
	assert_str(e->type, "message");
	assert_str(e->kind, "text");
	assert_str(e->extra, "\"reply_to\":7");
	assert_str(e->conversation, "g:1");
	assert_int_equal(e->id, 1007);
	assert_int_equal(e->sent_at_ms, 1795000001007);
	store_host_job_fini(&job);
	LOG("1=\"hello\"{\"edited\":1}~3 2=\"other\" 3={}>1(1=\"hello\"{\"edited\":1}~3)");
	job = read_events("g:1", 2, 0, 1);
	assert_str(job.events[0].extra, "\"why\":\"typo\"");
	assert_str(job.events[0].type, "change");
	assert_str(job.events[0].state, "");
	assert_str(job.events[0].now->from, "bob");
	store_host_job_fini(&job);
}

static void what_is_not_given_stays(void **state)
{
	(void)state;
	append("g:1", "alice", "", "1");
	amend("g:1", 1, NULL, "\"a\":1");
	LOG("1=1{\"a\":1}~2 2={}>1(1=1{\"a\":1}~2)");
	amend("g:1", 1, "2", NULL);
	assert_string_equal(events_text(read_events("g:1", 0, 2, 1)), "1=2{\"a\":1}~3");
	amend("g:1", 1, NULL, "");
	assert_string_equal(events_text(read_events("g:1", 0, 2, 1)), "1=2~4");
	amend("g:1", 1, NULL, NULL);
	assert_string_equal(events_text(read_events("g:1", 0, 2, 1)), "1=2~5");
}

static int amend_if(uint64_t target, uint64_t expect_changed, const char *body)
{
	struct nuncio_record_write write = make_write("s", "g:1", "k", body, NUNCIO_EXPECT_ANY);
	struct nuncio_job_append in = make_amend("g:1", target, body, NULL);
	in.expect_changed = expect_changed;
	in.writes = &write;
	in.writes_count = 1;
	return append_job(&in, NULL);
}

static void of_two_who_change_the_same_one_wins(void **state)
{
	(void)state;
	append("g:1", "alice", "", "1");
	assert_int_equal(amend_if(1, 0, "2"), 0);
	assert_int_equal(amend_if(1, 0, "3"), NUNCIO_E_CONFLICT);
	assert_int_equal(amend_if(1, 1, "3"), NUNCIO_E_CONFLICT);
	LOG("1=2~2 2={}>1(1=2~2)");
	check_record_of("g:1", "k", "2", 1);
	assert_int_equal(amend_if(1, 2, "3"), 0);
	LOG("1=3~3 2={}>1(1=3~3) 3={}>1(1=3~3)");
	check_record_of("g:1", "k", "3", 2);
}

static void what_is_not_there_cannot_be_changed(void **state)
{
	(void)state;
	assert_int_equal(amend_if(1, 0, "2"), NUNCIO_E_NOTFOUND); /* no such log yet */
	struct nuncio_job job = read_members("g:1", "", 10);
	assert_int_equal(job.member_count, 0);
	store_host_job_fini(&job);
	append("g:1", "alice", "", "1");
	append("g:2", "alice", "", "1");
	append("g:2", "alice", "", "2");
	assert_int_equal(amend_if(2, 0, "2"), NUNCIO_E_NOTFOUND); /* itself */
	assert_int_equal(amend_if(3, 0, "2"), NUNCIO_E_NOTFOUND);
	assert_int_equal(amend_if(UINT64_MAX, 0, "2"), NUNCIO_E_NOTFOUND);
	LOG("1=1");
	check_record_of("g:1", "k", NULL, 0);
}

/* Each sees what those before it in the batch did; the one that fails leaves nothing. */
static void a_batch_of_changes(void **state)
{
	enum { JOBS = 5 };
	static const int expected[JOBS] = { 0, NUNCIO_E_CONFLICT, 0, 0, 0 };
	struct nuncio_job_append in[JOBS];
	struct nuncio_job jobs[JOBS];
	(void)state;
	in[0] = make_append(
		&(struct event_args){ .conversation = "g:1", .from = "alice", .body = "1" });
	in[1] = make_amend("g:1", 1, "2", NULL);
	in[1].expect_changed = 9;
	in[2] = make_amend("g:1", 1, "3", NULL);
	in[3] = make_amend("g:1", 1, NULL, "\"a\":1");
	in[3].expect_changed = 2;
	in[4] = make_amend("g:1", 2, "4", NULL);
	for (size_t i = 0; i < JOBS; i++)
		jobs[i] = (struct nuncio_job){ .kind = NUNCIO_JOB_APPEND, .input = &in[i] };
	store_host_run(the.host, jobs, JOBS);
	for (size_t i = 0; i < JOBS; i++) {
		assert_int_equal(jobs[i].status, expected[i]);
		if (i > 1)
			assert_int_equal(jobs[i].event_count, 1);
	}
	assert_str(jobs[2].events[0].body, "3");
	assert_int_equal(jobs[3].events[0].changed, 3);
	assert_int_equal(jobs[4].events[0].seq, 2);
	for (size_t i = 0; i < JOBS; i++)
		store_host_job_fini(&jobs[i]);
	LOG("1=3{\"a\":1}~3 2=4~4>1(1=3{\"a\":1}~3) 3={}>1(1=3{\"a\":1}~3) 4={}>2(2=4~4>1)");
}

static void flags_are_added_and_stay(void **state)
{
	struct nuncio_job_append in = make_append(
		&(struct event_args){ .conversation = "g:1", .from = "alice", .body = "1" });
	(void)state;
	in.event.flags = NUNCIO_EVENT_MENTIONS_ALL;
	assert_int_equal(append_job(&in, NULL), 0);
	LOG("1=1!2");
	recall("g:1", 1);
	LOG("1=null{\"recalled\":true}~2!3 2={}>1(1=null{\"recalled\":true}~2!3)");
	amend("g:1", 1, NULL, "\"a\":1");
	assert_string_equal(events_text(read_events("g:1", 0, 2, 1)), "1=null{\"a\":1}~3!3");
}

static void check_unread(const char *user, uint64_t unread)
{
	struct nuncio_job job = read_conversations(user, "", 1);
	assert_int_equal(job.conversations[0].unread, unread);
	store_host_job_fini(&job);
}

static void what_was_taken_back_is_not_unread(void **state)
{
	(void)state;
	append("g:1", "alice", "", "1");
	append("g:1", "alice", "", "2");
	check_unread("bob", 2);
	amend("g:1", 1, "3", NULL); /* changed is still unread, and a change is no message */
	check_unread("bob", 2);
	recall("g:1", 1);
	check_unread("bob", 1);
	mark("g:1", "bob", 0, 1);
	check_unread("bob", 1);
	recall("g:1", 2);
	check_unread("bob", 0);
}

/* Everything that a store gives out, as one text. */
static const char *everything(const char *user, struct nuncio_str cursor)
{
	static char text[8000];
	size_t used = (size_t)snprintf(
		text, sizeof(text), "%s | ", events_text(read_events("g:1", 0, 0, 100)));
	used += (size_t)snprintf(text + used, sizeof(text) - used, "%s | ",
		events_text(read_sync(user, cursor, 100)));
	struct nuncio_job job = read_conversations(user, "", 10);
	for (size_t i = 0; i < job.conversation_count; i++)
		used += put_event(text + used, sizeof(text) - used, &job.conversations[i].last);
	store_host_job_fini(&job);
	return text;
}

static void what_was_taken_back_is_seen_nowhere(void **state)
{
	(void)state;
	append("g:2", "alice", "", "1");
	struct nuncio_job start = read_sync("bob", S(""), 10);
	append("g:1", "alice", "", "\"SECRET\"");
	amend("g:1", 1, "\"SECRET too\"", "\"edited\":1");
	amend("g:1", 1, "\"SECRET, too\"", "\"edited\":2");
	assert_non_null(strstr(everything("bob", start.cursor), "SECRET"));
	recall("g:1", 1);
	const char *all = everything("bob", start.cursor);
	if (strstr(all, "SECRET") || strstr(all, "edited"))
		fail_msg("%s", all);
	if (the.is_durable) {
		case_close();
		case_open();
		if (strstr(everything("bob", start.cursor), "SECRET"))
			fail_msg("comes back with reopening");
	}
	store_host_job_fini(&start);
}

/* A change can be changed; what it changed then stands there as a number. */
static void changes_can_be_changed(void **state)
{
	(void)state;
	append("g:1", "alice", "", "1");
	amend("g:1", 1, "2", NULL);
	amend("g:1", 2, "{\"n\":1}", NULL);
	LOG("1=2~2 2={\"n\":1}~3>1(1=2~2) 3={}>2(2={\"n\":1}~3>1)");
}

static void a_repeated_change_answers_the_first(void **state)
{
	struct nuncio_job_append in;
	struct nuncio_job job;
	(void)state;
	append("g:1", "alice", "", "1");
	append("g:1", "alice", "", "2");
	in = make_amend("g:1", 1, "3", NULL);
	in.event.client_id = S("c");
	assert_int_equal(append_job(&in, NULL), 0);
	amend("g:1", 1, "4", NULL);
	in.event.id = the.last_id += 7;
	assert_int_equal(append_job(&in, &job), 0);
	assert_int_equal(job.duplicate, 1);
	assert_int_equal(job.seq, 3);
	assert_string_equal(events_text(job), "1=4~4"); /* as it is now */
	in.event.target = 2;                            /* the same key for something else */
	assert_int_equal(append_job(&in, NULL), NUNCIO_E_CONFLICT);
	in.event.target = 0;
	assert_int_equal(append_job(&in, NULL), NUNCIO_E_CONFLICT);
	in.event.target = 1;
	in.event.type = S("message");
	assert_int_equal(append_job(&in, NULL), NUNCIO_E_CONFLICT);
	assert_int_equal(check_log("g:1"), 4);
}

/* The one who lost the answer sends the old text again, though it was edited meanwhile. */
static void sending_again_what_was_changed_is_known(void **state)
{
	struct event_args args = { .conversation = "g:1",
		.from = "alice",
		.client_id = "c",
		.body = "\"old\"",
		.extra = "\"reply_to\":1" };
	struct nuncio_job job;
	(void)state;
	assert_int_equal(append_with(&args, NULL), 0);
	amend("g:1", 1, "\"new\"", NULL);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(append_with(&args, &job), 0);
		assert_int_equal(job.duplicate, 1);
		assert_int_equal(job.seq, 1);
		assert_int_equal(job.event_count, 0);
		store_host_job_fini(&job);
		recall("g:1", 1);
	}
	args.kind = "image";
	assert_int_equal(append_with(&args, NULL), NUNCIO_E_CONFLICT);
	args.kind = "text";
	args.extra = "\"reply_to\":2";
	assert_int_equal(append_with(&args, NULL), NUNCIO_E_CONFLICT);
}

static void a_changed_event_still_fits(void **state)
{
	static char body[NUNCIO_EVENT_BYTES + 1];
	struct nuncio_job_append in;
	(void)state;
	append_with(&(struct event_args){ .conversation = "g:1",
			    .from = "alice",
			    .body = "1",
			    .extra = "\"reply_to\":7" },
		NULL);
	memset(body, '1', sizeof(body));
	in = make_amend("g:1", 1, "", "\"a\":1");
	in.target_body = (struct nuncio_str){ body, NUNCIO_EVENT_BYTES - 12 - 5 + 1 };
	assert_int_equal(append_job(&in, NULL), NUNCIO_E_TOOBIG);
	LOG("1=1");
	in.target_body.n--;
	assert_int_equal(append_job(&in, NULL), 0);
	/* What stays counts, too. */
	in = make_amend("g:1", 1, NULL, "\"ab\":1");
	in.expect_changed = 2;
	assert_int_equal(append_job(&in, NULL), NUNCIO_E_TOOBIG);
	in.target_state = S("");
	assert_int_equal(append_job(&in, NULL), 0);
}

/* A member who came later sees that something was changed, but not what they do not see. */
static void a_target_from_before_ones_time_is_hidden(void **state)
{
	(void)state;
	append("g:1", "alice", "", "\"before\"");
	struct nuncio_job start = read_sync("bob", S(""), 10);
	add_member("g:1", "carol");
	append("g:1", "alice", "", "\"after\"");
	amend("g:1", 3, NULL, "\"a\":1");
	amend("g:1", 1, NULL, "\"a\":1");
	assert_string_equal(events_text(read_sync("carol", start.cursor, 100)),
		"2={} 3=\"after\"{\"a\":1}~4 4={}>3(3=\"after\"{\"a\":1}~4) 5={}>1");
	assert_string_equal(events_text(read_sync("bob", start.cursor, 100)),
		"2={} 3=\"after\"{\"a\":1}~4 4={}>3(3=\"after\"{\"a\":1}~4)"
		" 5={}>1(1=\"before\"{\"a\":1}~5)");
	struct nuncio_job job = read_conversations("carol", "", 1);
	assert_int_equal(job.conversations[0].last.target, 1);
	assert_null(job.conversations[0].last.now);
	store_host_job_fini(&job);
	job = read_conversations("bob", "", 1);
	assert_int_equal(job.conversations[0].last.now->seq, 1);
	store_host_job_fini(&job);
	store_host_job_fini(&start);
}

static void pages_count_the_targets_too(void **state)
{
	char body[103];
	(void)state;
	memset(body, '1', 102);
	body[102] = '\0';
	append("g:1", "alice", "", body);
	for (int i = 0; i < 4; i++)
		amend("g:1", 1, NULL, NULL);
	/* 3 + 7 + 5 + 4 + 102 for the target; 3 + 6 + 5 + 4 + 2 more for a change of it. */
	struct nuncio_events_query q = { .size = sizeof(q),
		.conversation = S("g:1"),
		.after = 1,
		.limit = 10,
		.max_bytes = 282 };
	struct nuncio_job job = read_job(NUNCIO_JOB_EVENTS, &q);
	assert_int_equal(job.event_count, 2);
	assert_int_equal(job.more, 1);
	store_host_job_fini(&job);
	q.max_bytes = 281;
	job = read_job(NUNCIO_JOB_EVENTS, &q);
	assert_int_equal(job.event_count, 1);
	store_host_job_fini(&job);
	q.after = 0; /* and backwards */
	job = read_job(NUNCIO_JOB_EVENTS, &q);
	assert_int_equal(job.event_count, 1);
	assert_int_equal(job.events[0].seq, 5);
	store_host_job_fini(&job);
}

static void pages_can_begin_at_a_time(void **state)
{
	struct nuncio_events_query q = { .size = sizeof(q), .conversation = S("g:1"), .limit = 3 };
	int64_t at[10];
	(void)state;
	for (int i = 0; i < 9; i++) {
		append("g:1", "alice", "", "1");
		at[i + 1] = 1795000000000 + (int64_t)the.last_id;
	}
	static const struct {
		int from, add;
		uint64_t after, before, first;
		size_t count;
		int more;
	} cases[] = {
		{ 1, 0, 0, 0, 1, 3, 1 },
		{ 1, -1000000, 0, 0, 1, 3, 1 },
		{ 4, 0, 0, 0, 4, 3, 1 },
		{ 4, 1, 0, 0, 5, 3, 1 },
		{ 4, -1, 0, 0, 4, 3, 1 },
		{ 7, 0, 0, 0, 7, 3, 0 },
		{ 9, 0, 0, 0, 9, 1, 0 },
		{ 9, 1, 0, 0, 0, 0, 0 },
		{ 4, 0, 6, 0, 7, 3, 0 }, /* with `after` both must hold */
		{ 4, 0, 2, 0, 4, 3, 1 },
		{ 4, 0, 0, 6, 4, 2, 0 },
		{ 4, 0, 0, 3, 0, 0, 0 },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		q.from_ms = at[cases[i].from] + cases[i].add;
		q.after = cases[i].after;
		q.before = cases[i].before;
		struct nuncio_job job = read_job(NUNCIO_JOB_EVENTS, &q);
		if (job.event_count != cases[i].count || job.more != cases[i].more ||
			(job.event_count && job.events[0].seq != cases[i].first))
			fail_msg("case %zu: %zu events, more %d", i, job.event_count, job.more);
		store_host_job_fini(&job);
	}
	q.conversation = S("g:none");
	struct nuncio_job job = read_job(NUNCIO_JOB_EVENTS, &q);
	assert_int_equal(job.event_count, 0);
	store_host_job_fini(&job);
}

static void changes_are_durable(void **state)
{
	(void)state;
	append("g:1", "alice", "", "1");
	amend("g:1", 1, "2", "\"a\":1");
	recall("g:1", 1);
	if (!the.is_durable)
		return;
	case_close();
	case_open();
	LOG("1=null{\"recalled\":true}~3!1 2={}>1(1=null{\"recalled\":true}~3!1) "
	    "3={}>1(1=null{\"recalled\":true}~3!1)");
	assert_int_equal(amend_if(1, 2, "3"), NUNCIO_E_CONFLICT);
	assert_int_equal(amend_if(1, 3, "3"), 0);
	check_unread("bob", 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(the_target_is_changed_and_the_change_is_told),
		CASE(what_is_not_given_stays),
		CASE(of_two_who_change_the_same_one_wins),
		CASE(what_is_not_there_cannot_be_changed),
		CASE(a_batch_of_changes),
		CASE(flags_are_added_and_stay),
		CASE(what_was_taken_back_is_not_unread),
		CASE(what_was_taken_back_is_seen_nowhere),
		CASE(changes_can_be_changed),
		CASE(a_repeated_change_answers_the_first),
		CASE(sending_again_what_was_changed_is_known),
		CASE(a_changed_event_still_fits),
		CASE(a_target_from_before_ones_time_is_hidden),
		CASE(pages_count_the_targets_too),
		CASE(pages_can_begin_at_a_time),
		CASE(changes_are_durable),
	};
	return case_run("changes", tests, COUNT_OF(tests), CASE_FULL_STORES);
}

/* SPDX-License-Identifier: MIT */
/* What every store must do, run over each store that is built. */
#include "store_case.h"

/* --- appending --- */

static void events_come_back_as_given(void **state)
{
	(void)state;
	struct nuncio_job job;
	assert_int_equal(append_with(&(struct event_args){ .conversation = "d:alice:bob",
					     .from = "alice",
					     .client_id = "c1",
					     .body = "{\"a\":[1,2]}",
					     .kind = "image",
					     .extra = "\"reply_to\":3" },
				 &job),
		0);
	assert_int_equal(job.seq, 1);
	assert_int_equal(job.id, the.last_id);
	assert_int_equal(job.duplicate, 0);
	store_host_job_fini(&job);
	job = read_events("d:alice:bob", 0, 0, 10);
	assert_int_equal(job.event_count, 1);
	assert_int_equal(job.more, 0);
	const struct nuncio_event *e = &job.events[0];
	assert_int_equal(e->seq, 1);
	assert_int_equal(e->id, the.last_id);
	assert_int_equal(e->sent_at_ms, 1795000000000 + (int64_t)the.last_id);
	assert_str(e->conversation, "d:alice:bob");
	assert_str(e->type, "message");
	assert_str(e->from, "alice");
	assert_str(e->client_id, "c1");
	assert_str(e->kind, "image");
	assert_str(e->body, "{\"a\":[1,2]}");
	assert_str(e->extra, "\"reply_to\":3");
	store_host_job_fini(&job);
}

static void seqs_have_no_holes_in_interleaved_logs(void **state)
{
	enum { LOGS = 7, EVENTS = 700 };
	static struct nuncio_job_append in[EVENTS];
	static struct nuncio_job jobs[EVENTS];
	static char names[LOGS][24];
	uint64_t next[LOGS] = { 0 };
	(void)state;
	for (size_t i = 0; i < EVENTS; i++) {
		size_t log = (i * i + i / 3) % LOGS;
		snprintf(names[log], sizeof(names[log]), "g:%zu", log);
		in[i] = make_append(&(struct event_args){
			.conversation = names[log], .from = "alice", .body = "\"x\"" });
		jobs[i] = (struct nuncio_job){ .kind = NUNCIO_JOB_APPEND, .input = &in[i] };
	}
	store_host_run(the.host, jobs, 300);
	store_host_run(the.host, jobs + 300, 400);
	for (size_t i = 0; i < EVENTS; i++) {
		assert_int_equal(jobs[i].status, 0);
		assert_int_equal(jobs[i].seq, ++next[(i * i + i / 3) % LOGS]);
	}
	for (size_t i = 0; i < LOGS; i++)
		if (next[i])
			assert_int_equal(check_log(names[i]), next[i]);
}

static void send_again(
	const char *client_id, const char *kind, const char *body, const char *extra, int status)
{
	struct nuncio_job job;
	assert_int_equal(append_with(&(struct event_args){ .conversation = "d:1",
					     .from = "alice",
					     .client_id = client_id,
					     .body = body,
					     .kind = kind,
					     .extra = extra },
				 &job),
		status);
	if (status == 0) {
		assert_int_equal(job.duplicate, 1);
		assert_int_equal(job.seq, 1);
		assert_int_equal(job.id, 1007);
		assert_int_equal(job.sent_at_ms, 1795000001007);
	}
	store_host_job_fini(&job);
}

static void sending_again_answers_the_first(void **state)
{
	(void)state;
	assert_int_equal(append_with(&(struct event_args){ .conversation = "d:1",
					     .from = "alice",
					     .client_id = "c1",
					     .body = "{\"a\":1,\"b\":\"x\"}",
					     .extra = "\"r\":1,\"s\":2" },
				 NULL),
		0);
	send_again("c1", "text", "{\"a\":1,\"b\":\"x\"}", "\"r\":1,\"s\":2", 0);
	send_again("c1", "text", "{\"b\":\"x\", \"a\":1}", "\"r\":1,\"s\":2", 0);
	send_again("c1", "text", "{\"b\":\"\\u0078\",\"a\":1}", "\"s\":2,\"r\":1", 0);
	send_again("c1", "text", "{\"a\":1,\"b\":\"y\"}", "\"r\":1,\"s\":2", NUNCIO_E_CONFLICT);
	send_again("c1", "image", "{\"a\":1,\"b\":\"x\"}", "\"r\":1,\"s\":2", NUNCIO_E_CONFLICT);
	send_again("c1", "text", "{\"a\":1,\"b\":\"x\"}", "\"r\":1", NUNCIO_E_CONFLICT);
	send_again("c1", "text", "{\"a\":1,\"b\":\"x\"}", "", NUNCIO_E_CONFLICT);
	assert_int_equal(check_log("d:1"), 1);
}

static void the_key_is_conversation_sender_and_client_id(void **state)
{
	(void)state;
	assert_int_equal(append("d:1", "alice", "c", "1"), 1);
	assert_int_equal(append("d:1", "bob", "c", "2"), 2);
	assert_int_equal(append("d:1", "alice", "cc", "3"), 3);
	assert_int_equal(append("d:1", "alic", "ec", "4"), 4);
	assert_int_equal(append("d:2", "alice", "c", "5"), 1);
	/* No client_id, no key. */
	assert_int_equal(append("d:1", "alice", "", "6"), 5);
	assert_int_equal(append("d:1", "alice", "", "6"), 6);
}

static void a_batch_may_hold_the_same_send_twice(void **state)
{
	struct nuncio_job_append in[3];
	struct nuncio_job jobs[3] = { 0 };
	static const char *const bodies[] = { "1", "1", "2" };
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		in[i] = make_append(&(struct event_args){ .conversation = "d:1",
			.from = "alice",
			.client_id = "c",
			.body = bodies[i] });
		jobs[i] = (struct nuncio_job){ .kind = NUNCIO_JOB_APPEND, .input = &in[i] };
	}
	store_host_run(the.host, jobs, 3);
	assert_int_equal(jobs[0].status, 0);
	assert_int_equal(jobs[0].duplicate, 0);
	assert_int_equal(jobs[1].status, 0);
	assert_int_equal(jobs[1].duplicate, 1);
	assert_int_equal(jobs[1].seq, 1);
	assert_int_equal(jobs[1].id, in[0].event.id);
	assert_int_equal(jobs[2].status, NUNCIO_E_CONFLICT);
	assert_int_equal(check_log("d:1"), 1);
}

static void repeated_sends_are_known_among_many(void **state)
{
	enum { EVENTS = 40000, BATCH = 1000 };
	static struct nuncio_job_append in[BATCH];
	static struct nuncio_job jobs[BATCH];
	static char keys[BATCH][16];
	(void)state;
	for (int first = 0; first < EVENTS; first += BATCH) {
		for (int i = 0; i < BATCH; i++) {
			snprintf(keys[i], sizeof(keys[i]), "k%d", first + i);
			in[i] = make_append(
				&(struct event_args){ .conversation = i % 2 ? "d:1" : "d:2",
					.from = "alice",
					.client_id = keys[i],
					.body = "1" });
			jobs[i] = (struct nuncio_job){ .kind = NUNCIO_JOB_APPEND, .input = &in[i] };
		}
		store_host_run(the.host, jobs, BATCH);
		for (int i = 0; i < BATCH; i++)
			assert_int_equal(jobs[i].status | jobs[i].duplicate, 0);
	}
	for (int round = 0; round < (the.is_durable ? 2 : 1); round++) {
		for (int i = 0; i < EVENTS; i += 997) {
			struct nuncio_job job;
			snprintf(keys[0], sizeof(keys[0]), "k%d", i);
			append_with(&(struct event_args){ .conversation = i % 2 ? "d:1" : "d:2",
					    .from = "alice",
					    .client_id = keys[0],
					    .body = "1" },
				&job);
			assert_int_equal(job.status, 0);
			assert_int_equal(job.duplicate, 1);
			assert_int_equal(job.seq, i / 2 + 1);
			store_host_job_fini(&job);
		}
		case_close();
		case_open();
	}
}

static void ids_must_grow(void **state)
{
	(void)state;
	append("d:1", "alice", "", "1");
	struct event_args args = { .conversation = "d:2", .from = "alice", .body = "1" };
	the.last_id -= 14;
	if (the.has_many_writers) {
		/* The lower one is of a node whose clock is behind; the order is that of seq. */
		assert_int_equal(append_with(&args, NULL), 0);
		the.last_id -= 14;
		args.conversation = "d:1";
		assert_int_equal(append_with(&args, NULL), 0);
		struct nuncio_job job = read_events("d:1", 0, 0, 10);
		assert_int_equal(job.event_count, 2);
		assert_int_equal(job.events[1].seq, 2);
		assert_true(job.events[1].id < job.events[0].id);
		store_host_job_fini(&job);
		assert_int_equal(check_log("d:2"), 1);
		return;
	}
	assert_int_equal(append_with(&args, NULL), NUNCIO_E_INVAL); /* lower */
	assert_int_equal(append_with(&args, NULL), NUNCIO_E_INVAL); /* the same */
	assert_int_equal(append_with(&args, NULL), 0);
	assert_int_equal(check_log("d:2"), 1);
}

static void founders_become_members_once(void **state)
{
	(void)state;
	append("d:1", "alice", "", "1");
	struct nuncio_job_append in = make_append(
		&(struct event_args){ .conversation = "d:1", .from = "alice", .body = "2" });
	in.founders = &(struct nuncio_str){ "mallory", 7 };
	in.founders_count = 1;
	struct nuncio_job job = { .kind = NUNCIO_JOB_APPEND, .input = &in };
	store_host_run(the.host, &job, 1);
	assert_int_equal(job.seq, 2);
	job = read_members("d:1", "", 10);
	assert_int_equal(job.member_count, 2);
	assert_str(job.members[0].user, "alice");
	assert_str(job.members[1].user, "bob");
	assert_int_equal(job.members[0].delivered + job.members[0].read, 0);
	store_host_job_fini(&job);
	job = read_members("d:1", "alice", 10);
	assert_int_equal(job.member_count, 1);
	assert_int_equal(job.more, 0);
	store_host_job_fini(&job);
	job = read_members("d:1", "", 1);
	assert_int_equal(job.member_count, 1);
	assert_int_equal(job.more, 1);
	store_host_job_fini(&job);
	job = read_members("d:none", "", 1);
	assert_int_equal(job.status, 0);
	assert_int_equal(job.member_count, 0);
	store_host_job_fini(&job);
}

static void no_founders_and_equal_founders_are_fine(void **state)
{
	(void)state;
	struct nuncio_job_append in = make_append(
		&(struct event_args){ .conversation = "d:1", .from = "alice", .body = "2" });
	in.founders_count = 0;
	in.founders = NULL;
	struct nuncio_job job = { .kind = NUNCIO_JOB_APPEND, .input = &in };
	store_host_run(the.host, &job, 1);
	assert_int_equal(job.status, 0);
	static const struct nuncio_str twice[] = { { "alice", 5 }, { "alice", 5 } };
	in = make_append(
		&(struct event_args){ .conversation = "d:2", .from = "alice", .body = "2" });
	in.founders = twice;
	job = (struct nuncio_job){ .kind = NUNCIO_JOB_APPEND, .input = &in };
	store_host_run(the.host, &job, 1);
	assert_int_equal(job.status, 0);
	job = read_conversations("alice", "", 10);
	assert_int_equal(job.conversation_count, 1);
	assert_str(job.conversations[0].peer, "");
	store_host_job_fini(&job);
}

/* --- pages --- */

static void check_page(
	uint64_t after, uint64_t before, uint32_t limit, uint64_t first, size_t count, int more)
{
	struct nuncio_job job = read_events("d:1", after, before, limit);
	assert_int_equal(job.status, 0);
	assert_int_equal(job.event_count, count);
	assert_int_equal(job.more, more);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(job.events[i].seq, first + i);
	store_host_job_fini(&job);
}

static void pages_go_both_ways(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++)
		append("d:1", "alice", "", "1");
	check_page(0, 0, 5, 16, 5, 1);  /* the newest */
	check_page(0, 16, 5, 11, 5, 1); /* the ones before */
	check_page(0, 4, 5, 1, 3, 0);
	check_page(0, 1, 5, 0, 0, 0);
	check_page(0, 1000, 5, 16, 5, 1);
	check_page(0, 0, 20, 1, 20, 0);
	check_page(0, 0, 1000, 1, 20, 0);
	check_page(3, 0, 5, 4, 5, 1);
	check_page(15, 0, 5, 16, 5, 0);
	check_page(20, 0, 5, 0, 0, 0);
	check_page(UINT64_MAX, 0, 5, 0, 0, 0);
	check_page(0, UINT64_MAX, 2, 19, 2, 1);
	check_page(3, 9, 3, 4, 3, 1); /* between both: from `after` on */
	check_page(3, 9, 100, 4, 5, 0);
	check_page(9, 3, 100, 0, 0, 0);
	struct nuncio_job job = read_events("d:none", 0, 0, 10);
	assert_int_equal(job.status, 0);
	assert_int_equal(job.event_count, 0);
	store_host_job_fini(&job);
}

static void pages_can_begin_at_the_first_event(void **state)
{
	(void)state;
	for (int i = 0; i < 9; i++)
		append("d:1", "alice", "", "1");
	struct nuncio_events_query q = { .size = sizeof(q),
		.flags = NUNCIO_EVENTS_FORWARD,
		.conversation = S("d:1"),
		.limit = 4,
		.max_bytes = 10000 };
	struct nuncio_job job = read_job(NUNCIO_JOB_EVENTS, &q);
	assert_int_equal(job.event_count, 4);
	assert_int_equal(job.events[0].seq, 1);
	assert_int_equal(job.more, 1);
	store_host_job_fini(&job);
}

static void pages_obey_bytes(void **state)
{
	char body[1003];
	(void)state;
	memset(body, 'x', sizeof(body) - 1);
	body[0] = body[1001] = '"';
	body[1002] = '\0';
	for (int i = 0; i < 10; i++)
		append("d:1", "alice", "", body);
	struct nuncio_events_query q = {
		.size = sizeof(q), .conversation = S("d:1"), .limit = 10, .max_bytes = 3500
	};
	struct nuncio_job job = read_job(NUNCIO_JOB_EVENTS, &q);
	assert_int_equal(job.event_count, 3);
	assert_int_equal(job.events[0].seq, 8);
	assert_int_equal(job.more, 1);
	store_host_job_fini(&job);
	q.after = 2;
	job = read_job(NUNCIO_JOB_EVENTS, &q);
	assert_int_equal(job.event_count, 3);
	assert_int_equal(job.events[0].seq, 3);
	assert_int_equal(job.more, 1);
	store_host_job_fini(&job);
	q.max_bytes = 10; /* one row always fits */
	job = read_job(NUNCIO_JOB_EVENTS, &q);
	assert_int_equal(job.event_count, 1);
	assert_int_equal(job.more, 1);
	store_host_job_fini(&job);
	q.after = 0;
	job = read_job(NUNCIO_JOB_EVENTS, &q);
	assert_int_equal(job.event_count, 1);
	assert_int_equal(job.events[0].seq, 10);
	store_host_job_fini(&job);
}

/* --- everything at once --- */

static void odd_texts_come_back_as_they_were(void **state)
{
	static const struct nuncio_str odd[] = { { "a\0b", 3 }, { "\0", 1 }, { "a", 1 },
		{ "'; DROP TABLE event; --", 23 }, { "\" OR \"\"=\"", 9 }, { "%_?1:x@y$z", 10 },
		{ "\xff\xfe", 2 }, { "a\0c", 3 }, { "\xe4\xb8\xad\xe6\x96\x87", 6 } };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(odd); i++) {
		struct nuncio_record_write w = { .size = sizeof(w),
			.space = odd[i],
			.owner = odd[i],
			.key = odd[i],
			.value = odd[i],
			.expect = NUNCIO_EXPECT_ABSENT };
		struct nuncio_job_append in = make_append(&(struct event_args){ .body = "1" });
		in.event.conversation = in.event.from = in.event.client_id = odd[i];
		in.event.kind = in.event.type = in.event.extra = odd[i];
		in.founders = &odd[i];
		in.founders_count = 1;
		in.writes = &w;
		in.writes_count = 1;
		struct nuncio_job job = { .kind = NUNCIO_JOB_APPEND, .input = &in };
		store_host_run(the.host, &job, 1);
		assert_int_equal(job.status, 0);
		assert_int_equal(job.seq, 1);
	}
	for (size_t i = 0; i < COUNT_OF(odd); i++) {
		struct nuncio_events_query q = {
			.size = sizeof(q), .conversation = odd[i], .limit = 9
		};
		struct nuncio_job job = read_job(NUNCIO_JOB_EVENTS, &q);
		assert_int_equal(job.event_count, 1);
		const struct nuncio_event *e = &job.events[0];
		const struct nuncio_str texts[] = { e->conversation, e->from, e->client_id, e->kind,
			e->type, e->extra };
		for (size_t k = 0; k < COUNT_OF(texts); k++) {
			assert_int_equal(texts[k].n, odd[i].n);
			assert_memory_equal(texts[k].p, odd[i].p, odd[i].n);
		}
		store_host_job_fini(&job);
		struct nuncio_record r = {
			.size = sizeof(r), .space = odd[i], .owner = odd[i], .key = odd[i]
		};
		job = read_job(NUNCIO_JOB_GET, &r);
		assert_int_equal(job.record_count, 1);
		assert_int_equal(job.records[0].value.n, odd[i].n);
		assert_memory_equal(job.records[0].value.p, odd[i].p, odd[i].n);
		store_host_job_fini(&job);
		struct nuncio_job_mark m = {
			.size = sizeof(m), .conversation = odd[i], .user = odd[i], .read = 1
		};
		job = (struct nuncio_job){ .kind = NUNCIO_JOB_MARK, .input = &m };
		store_host_run(the.host, &job, 1);
		assert_int_equal(job.status, 0);
		store_host_job_fini(&job);
		struct nuncio_job_conversations c = {
			.size = sizeof(c), .limit = 9, .user = odd[i]
		};
		job = read_job(NUNCIO_JOB_CONVERSATIONS, &c);
		assert_int_equal(job.conversation_count, 1);
		assert_int_equal(job.conversations[0].read, 1);
		store_host_job_fini(&job);
	}
}

static void a_full_batch_of_everything(void **state)
{
	enum { JOBS = 1024 };
	static struct nuncio_job jobs[JOBS];
	static struct nuncio_job_append appends[JOBS];
	static struct nuncio_job_write writes[JOBS];
	static struct nuncio_record_write rows[JOBS];
	static struct nuncio_job_mark marks[JOBS];
	static char keys[JOBS][16];
	(void)state;
	append("d:1", "alice", "first", "1");
	for (int i = 0; i < JOBS; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%d", i / 8);
		rows[i] = make_write("s", "o", keys[i], "1", NUNCIO_EXPECT_ABSENT);
		writes[i] = (struct nuncio_job_write){ sizeof(writes[i]), 0, &rows[i], 1,
			++the.last_id };
		marks[i] = (struct nuncio_job_mark){ .size = sizeof(marks[i]),
			.conversation = S("d:1"),
			.user = i % 8 == 5 ? S("bob") : S("nobody"),
			.read = 5,
			.id = ++the.last_id };
		jobs[i] = (struct nuncio_job){ .kind = NUNCIO_JOB_APPEND, .input = &appends[i] };
		struct event_args args = { .conversation = "d:1",
			.from = "alice",
			.client_id = i % 8 == 1 ? "first" : "",
			.body = i % 16 == 9 ? "2" : "1" };
		if (i % 8 < 3)
			appends[i] = make_append(&args);
		else if (i % 8 < 5)
			jobs[i] = (struct nuncio_job){ .kind = NUNCIO_JOB_WRITE,
				.input = &writes[i] };
		else if (i % 8 < 7)
			jobs[i] =
				(struct nuncio_job){ .kind = NUNCIO_JOB_MARK, .input = &marks[i] };
		else
			jobs[i] = (struct nuncio_job){ .kind = 77 };
	}
	store_host_run(the.host, jobs, JOBS);
	uint64_t seq = 1;
	for (int i = 0; i < JOBS; i++) {
		static const int expected[] = { 0, 0, 0, 0, NUNCIO_E_EXISTS, 0, NUNCIO_E_NOTFOUND,
			NUNCIO_E_UNSUPPORTED };
		int status = i % 16 == 9 ? NUNCIO_E_CONFLICT : expected[i % 8];
		assert_int_equal(jobs[i].status, status);
		if (i % 8 == 0 || i % 8 == 2)
			assert_int_equal(jobs[i].seq, ++seq);
		if (i % 16 == 1)
			assert_int_equal(jobs[i].duplicate, 1);
	}
	for (int i = 0; i < JOBS; i++)
		store_host_job_fini(&jobs[i]);
	assert_int_equal(check_log("d:1"), seq);
}

static void unknown_kinds_are_unsupported(void **state)
{
	(void)state;
	static const uint32_t kinds[] = { 0, 5, 99, 100, 113, UINT32_MAX };
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		struct nuncio_job job = read_job(kinds[i], NULL);
		assert_int_equal(job.status, NUNCIO_E_UNSUPPORTED);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(events_come_back_as_given),
		CASE(seqs_have_no_holes_in_interleaved_logs),
		CASE(sending_again_answers_the_first),
		CASE(the_key_is_conversation_sender_and_client_id),
		CASE(a_batch_may_hold_the_same_send_twice),
		CASE(repeated_sends_are_known_among_many),
		CASE(ids_must_grow),
		CASE(founders_become_members_once),
		CASE(no_founders_and_equal_founders_are_fine),
		CASE(pages_go_both_ways),
		CASE(pages_can_begin_at_the_first_event),
		CASE(pages_obey_bytes),
		CASE(odd_texts_come_back_as_they_were),
		CASE(a_full_batch_of_everything),
		CASE(unknown_kinds_are_unsupported),
	};
	return case_run("store", tests, COUNT_OF(tests), CASE_ALL_STORES);
}

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

/* --- marks --- */

static void check_member(size_t index, uint64_t delivered, uint64_t read)
{
	struct nuncio_job job = read_members("d:1", "", 10);
	assert_int_equal(job.members[index].delivered, delivered);
	assert_int_equal(job.members[index].read, read);
	store_host_job_fini(&job);
}

static void marks_only_rise(void **state)
{
	(void)state;
	for (int i = 0; i < 9; i++)
		append("d:1", "alice", "", "1");
	assert_int_equal(mark("d:1", "bob", 4, 0), 1);
	check_member(1, 4, 0);
	check_member(0, 0, 0);
	assert_int_equal(mark("d:1", "bob", 0, 6), 1); /* read implies delivered */
	check_member(1, 6, 6);
	assert_int_equal(mark("d:1", "bob", 2, 1), 0);
	check_member(1, 6, 6);
	assert_int_equal(mark("d:1", "bob", 7, 0), 1);
	check_member(1, 7, 6);
	assert_int_equal(mark("d:1", "bob", UINT64_MAX, 8), 1); /* not beyond the last */
	check_member(1, 9, 8);
	assert_int_equal(mark("d:1", "bob", 0, UINT64_MAX), 1);
	check_member(1, 9, 9);
	assert_int_equal(mark("d:1", "carol", 1, 1), NUNCIO_E_NOTFOUND);
	assert_int_equal(mark("d:9", "bob", 1, 1), NUNCIO_E_NOTFOUND);
	assert_int_equal(mark("d:1", "bob", 0, 0), 0);
	check_member(1, 9, 9);
}

/* The cursors that the answer carries; count 0: nothing rose. */
static void check_raised(
	uint64_t delivered, uint64_t read, size_t count, uint64_t now_delivered, uint64_t now_read)
{
	struct nuncio_job_mark in = { .size = sizeof(in),
		.conversation = S("d:1"),
		.user = S("bob"),
		.delivered = delivered,
		.read = read };
	struct nuncio_job job = read_job(NUNCIO_JOB_MARK, &in);
	assert_int_equal(job.status, 0);
	assert_int_equal(job.member_count, count);
	if (count) {
		assert_str(job.members[0].user, "bob");
		assert_int_equal(job.members[0].delivered, now_delivered);
		assert_int_equal(job.members[0].read, now_read);
	}
	store_host_job_fini(&job);
}

static void a_mark_tells_what_rose(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		append("d:1", "alice", "", "1");
	check_raised(2, 0, 1, 2, 0);
	check_raised(2, 0, 0, 0, 0);
	check_raised(0, 3, 1, 3, 3);
	check_raised(1, 1, 0, 0, 0);
	check_raised(100, 0, 1, 5, 3);
	check_raised(101, 0, 0, 0, 0);
	check_member(1, 5, 3);
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

/* --- lists --- */

static void lists_show_unread_peer_and_order(void **state)
{
	(void)state;
	append("d:1", "alice", "", "1");
	append("d:2", "bob", "", "2");
	append("d:3", "bob", "", "3");
	append("d:1", "bob", "", "4");
	append("d:1", "bob", "", "5");
	append_with(
		&(struct event_args){
			.conversation = "d:1", .from = "bob", .body = "6", .type = "reaction" },
		NULL);
	mark("d:1", "alice", 2, 2);
	mark("d:1", "bob", 3, 1);
	struct nuncio_job job = read_conversations("alice", "", 2);
	assert_int_equal(job.conversation_count, 2);
	const struct nuncio_conversation_row *row = &job.conversations[0];
	assert_str(row->conversation, "d:1");
	assert_int_equal(row->last_seq, 4);
	assert_int_equal(row->delivered, 2);
	assert_int_equal(row->read, 2);
	assert_int_equal(row->unread, 1); /* the reaction is no message */
	assert_str(row->last.body, "6");
	assert_int_equal(row->last.seq, 4);
	assert_str(row->peer, "bob");
	assert_int_equal(row->peer_delivered, 3);
	assert_int_equal(row->peer_read, 1);
	assert_str(job.conversations[1].conversation, "d:3");
	assert_int_equal(job.conversations[1].unread, 1);
	assert_true(job.cursor.n > 0);
	struct nuncio_job rest = read_conversations("alice", job.cursor.p, 2);
	assert_int_equal(rest.conversation_count, 1);
	assert_str(rest.conversations[0].conversation, "d:2");
	assert_int_equal(rest.cursor.n, 0);
	store_host_job_fini(&rest);
	store_host_job_fini(&job);
	job = read_conversations("carol", "", 10);
	assert_int_equal(job.status, 0);
	assert_int_equal(job.conversation_count, 0);
	store_host_job_fini(&job);
	job = read_conversations("alice", "1' OR 1=1", 10);
	assert_int_equal(job.status, NUNCIO_E_INVAL);
	store_host_job_fini(&job);
}

static void unread_counts_to_a_thousand(void **state)
{
	enum { EVENTS = 1010 };
	static struct nuncio_job_append in[EVENTS];
	static struct nuncio_job jobs[EVENTS];
	(void)state;
	for (size_t i = 0; i < EVENTS; i++) {
		in[i] = make_append(
			&(struct event_args){ .conversation = "d:1", .from = "bob", .body = "1" });
		jobs[i] = (struct nuncio_job){ .kind = NUNCIO_JOB_APPEND, .input = &in[i] };
	}
	store_host_run(the.host, jobs, EVENTS);
	struct nuncio_job job = read_conversations("alice", "", 1);
	assert_int_equal(job.conversations[0].unread, 1000);
	store_host_job_fini(&job);
	job = read_conversations("bob", "", 1);
	assert_int_equal(job.conversations[0].unread, 0);
	store_host_job_fini(&job);
}

/* --- records --- */

static void check_record(const char *key, const char *value, uint64_t version)
{
	check_record_of("o", key, value, version);
}

static int put(const char *key, const char *value, int64_t expect)
{
	struct nuncio_record_write w = make_write("s", "o", key, value, expect);
	return write_records(&w, 1);
}

static void records_have_versions(void **state)
{
	(void)state;
	check_record("k", NULL, 0);
	assert_int_equal(put("k", "1", NUNCIO_EXPECT_ANY), 0);
	check_record("k", "1", 1);
	assert_int_equal(put("k", "2", NUNCIO_EXPECT_ANY), 0);
	check_record("k", "2", 2);
	assert_int_equal(put("k", "3", NUNCIO_EXPECT_ABSENT), NUNCIO_E_EXISTS);
	assert_int_equal(put("k", "3", 1), NUNCIO_E_CONFLICT);
	assert_int_equal(put("k", "3", 2), 0);
	check_record("k", "3", 3);
	assert_int_equal(put("none", "3", 1), NUNCIO_E_CONFLICT);
	assert_int_equal(put("none", "3", -2), NUNCIO_E_INVAL);
	assert_int_equal(put("new", "1", NUNCIO_EXPECT_ABSENT), 0);
	assert_int_equal(put("k", NULL, 2), NUNCIO_E_CONFLICT);
	assert_int_equal(put("k", NULL, 3), 0);
	check_record("k", NULL, 0);
	assert_int_equal(put("k", NULL, NUNCIO_EXPECT_ANY), 0);
	assert_int_equal(put("k", NULL, 3), NUNCIO_E_CONFLICT);
	assert_int_equal(put("", "empty key", NUNCIO_EXPECT_ABSENT), 0);
	check_record("", "empty key", 1);
	assert_int_equal(put("empty", "", NUNCIO_EXPECT_ABSENT), 0);
	check_record("empty", "", 1);
}

static void several_writes_are_all_or_nothing(void **state)
{
	(void)state;
	put("a", "1", NUNCIO_EXPECT_ANY);
	put("z", "1", NUNCIO_EXPECT_ANY);
	struct nuncio_record_write w[] = { make_write("s", "o", "a", "2", 1),
		make_write("s", "o", "b", "2", NUNCIO_EXPECT_ABSENT),
		make_write("s", "o", "z", NULL, NUNCIO_EXPECT_ANY),
		make_write("s", "o", "c", "2", 9) };
	assert_int_equal(write_records(w, 4), NUNCIO_E_CONFLICT);
	check_record("a", "1", 1);
	check_record("b", NULL, 0);
	check_record("z", "1", 1);
	assert_int_equal(write_records(w, 3), 0);
	check_record("a", "2", 2);
	check_record("b", "2", 1);
	check_record("z", NULL, 0);
	/* Later writes of a job see the earlier ones. */
	struct nuncio_record_write twice[] = { make_write("s", "o", "t", "1", NUNCIO_EXPECT_ABSENT),
		make_write("s", "o", "t", "2", 1) };
	assert_int_equal(write_records(twice, 2), 0);
	check_record("t", "2", 2);
}

static void writes_with_an_event_are_one(void **state)
{
	(void)state;
	struct nuncio_record_write w[] = { make_write("s", "d:1", "a", "1", NUNCIO_EXPECT_ABSENT),
		make_write("s", "d:1", "b", "1", 5) };
	struct event_args args = { .conversation = "d:1",
		.from = "alice",
		.client_id = "c",
		.body = "1",
		.writes = w,
		.writes_count = 2 };
	assert_int_equal(append_with(&args, NULL), NUNCIO_E_CONFLICT);
	check_record_of("d:1", "a", NULL, 0);
	struct nuncio_job job = read_events("d:1", 0, 0, 10);
	assert_int_equal(job.event_count, 0);
	store_host_job_fini(&job);
	args.writes_count = 1;
	assert_int_equal(append_with(&args, &job), 0);
	assert_int_equal(job.seq, 1);
	store_host_job_fini(&job);
	check_record_of("d:1", "a", "1", 1);
	/* A repeated send writes nothing, so its expectation does not matter. */
	assert_int_equal(append_with(&args, &job), 0);
	assert_int_equal(job.duplicate, 1);
	store_host_job_fini(&job);
	args.client_id = "d";
	assert_int_equal(append_with(&args, NULL), NUNCIO_E_EXISTS);
	assert_int_equal(check_log("d:1"), 1);
}

static struct nuncio_job list(const char *owner, const char *owner_prefix, const char *key_prefix,
	const char *after_owner, const char *after_key, uint32_t limit)
{
	struct nuncio_records_query q = { .size = sizeof(q),
		.space = S("s"),
		.owner = text_of(owner),
		.owner_prefix = text_of(owner_prefix),
		.key_prefix = text_of(key_prefix),
		.after_owner = text_of(after_owner),
		.after_key = text_of(after_key),
		.limit = limit };
	return read_list(&q);
}

/* Names as "owner/key owner/key", with " +" at the end when there is more. */
static void check_list(struct nuncio_job job, const char *expected)
{
	char names[512] = "";
	size_t at = 0;
	assert_int_equal(job.status, 0);
	for (size_t i = 0; i < job.record_count; i++)
		at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s/%s", i ? " " : "",
			job.records[i].owner.p, job.records[i].key.p);
	snprintf(names + at, sizeof(names) - at, "%s", job.more ? " +" : "");
	assert_string_equal(names, expected);
	store_host_job_fini(&job);
}

static void records_are_listed_in_order(void **state)
{
	static const char *const names[][2] = { { "b", "k2" }, { "a", "k1" }, { "ab", "x" },
		{ "b", "k1" }, { "b", "" }, { "b", "l" }, { "c", "k" } };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct nuncio_record_write w =
			make_write("s", names[i][0], names[i][1], "1", NUNCIO_EXPECT_ANY);
		assert_int_equal(write_records(&w, 1), 0);
		w.space = S("t"); /* another space, never seen below */
		assert_int_equal(write_records(&w, 1), 0);
	}
	check_list(list("b", NULL, "", "", "", 10), "b/ b/k1 b/k2 b/l");
	check_list(list("b", NULL, "k", "", "", 10), "b/k1 b/k2");
	check_list(list("b", NULL, "k", "", "", 1), "b/k1 +");
	check_list(list("b", NULL, "k", "b", "k1", 1), "b/k2");
	check_list(list("b", NULL, "", "b", "", 2), "b/k1 b/k2 +");
	check_list(list("b", NULL, "k", "b", "l", 10), "");
	check_list(list("none", NULL, "", "", "", 10), "");
	check_list(list(NULL, "", "", "", "", 10), "a/k1 ab/x b/ b/k1 b/k2 b/l c/k");
	check_list(list(NULL, "a", "", "", "", 10), "a/k1 ab/x");
	check_list(list(NULL, "a", "", "a", "k1", 10), "ab/x");
	check_list(list(NULL, "b", "", "a", "k1", 10), "b/ b/k1 b/k2 b/l");
	check_list(list(NULL, "", "k", "", "", 3), "a/k1 b/k1 b/k2 +");
	check_list(list(NULL, "", "k", "b", "k2", 3), "c/k");
	check_list(list(NULL, "", "", "b", "", 2), "b/k1 b/k2 +");
	check_list(list(NULL, "z", "", "", "", 10), "");
}

static void expired_records_are_absent(void **state)
{
	(void)state;
	store_host_set_wall_ms(1000000);
	struct nuncio_record_write w = make_write("s", "o", "k", "1", NUNCIO_EXPECT_ANY);
	w.expires_at_ms = 1000500;
	assert_int_equal(write_records(&w, 1), 0);
	put("stays", "1", NUNCIO_EXPECT_ANY);
	struct nuncio_job job = read_record("s", "o", "k");
	assert_int_equal(job.records[0].expires_at_ms, 1000500);
	store_host_job_fini(&job);
	store_host_set_wall_ms(1000500);
	check_record("k", NULL, 0);
	check_list(list("o", NULL, "", "", "", 10), "o/stays");
	assert_int_equal(put("k", "2", 1), NUNCIO_E_CONFLICT);
	assert_int_equal(put("k", "2", NUNCIO_EXPECT_ABSENT), 0);
	check_record("k", "2", 1);
	w.key = S("gone");
	assert_int_equal(write_records(&w, 1), 0);
	store_host_idle(the.host);
	store_host_set_wall_ms(1000000); /* even with the clock put back */
	check_record("gone", NULL, 0);
	check_record("k", "2", 1);
	check_record("stays", "1", 1);
}

static void values_are_any_bytes_up_to_64_kib(void **state)
{
	static char value[64 * 1024 + 1];
	(void)state;
	for (size_t i = 0; i < sizeof(value); i++)
		value[i] = (char)(i * 31);
	struct nuncio_record_write w = make_write("s", "o", "k", NULL, NUNCIO_EXPECT_ANY);
	w.value = (struct nuncio_str){ value, sizeof(value) - 1 };
	assert_int_equal(write_records(&w, 1), 0);
	struct nuncio_job job = read_record("s", "o", "k");
	assert_int_equal(job.records[0].value.n, sizeof(value) - 1);
	assert_memory_equal(job.records[0].value.p, value, sizeof(value) - 1);
	store_host_job_fini(&job);
	w.value.n = sizeof(value);
	assert_int_equal(write_records(&w, 1), NUNCIO_E_TOOBIG);
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

static void reopening_keeps_all_or_nothing(void **state)
{
	(void)state;
	assert_int_equal(store_host_highest(the.host), 0);
	append("d:1", "alice", "c", "1");
	nuncio_id highest = the.last_id;
	mark("d:1", "bob", 1, 0);
	put("k", "v", NUNCIO_EXPECT_ANY);
	struct nuncio_job start = read_sync("alice", S(""), 10);
	case_close();
	case_open();
	struct nuncio_job job = read_sync("alice", start.cursor, 10);
	assert_int_equal(job.gap, !the.is_durable);
	store_host_job_fini(&job);
	store_host_job_fini(&start);
	if (!the.is_durable) {
		assert_int_equal(store_host_highest(the.host), 0);
		check_record("k", NULL, 0);
		return;
	}
	assert_true(store_host_highest(the.host) >= highest);
	assert_true(store_host_highest(the.host) <= the.last_id);
	check_record("k", "v", 1);
	check_member(1, 1, 0);
	assert_int_equal(append_with(&(struct event_args){ .conversation = "d:1",
					     .from = "alice",
					     .client_id = "c",
					     .body = "1" },
				 &job),
		0);
	assert_int_equal(job.duplicate, 1);
	assert_int_equal(append("d:1", "bob", "c", "2"), 2);
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
		CASE(marks_only_rise),
		CASE(a_mark_tells_what_rose),
		CASE(pages_go_both_ways),
		CASE(pages_can_begin_at_the_first_event),
		CASE(pages_obey_bytes),
		CASE(lists_show_unread_peer_and_order),
		CASE(unread_counts_to_a_thousand),
		CASE(records_have_versions),
		CASE(several_writes_are_all_or_nothing),
		CASE(writes_with_an_event_are_one),
		CASE(records_are_listed_in_order),
		CASE(expired_records_are_absent),
		CASE(values_are_any_bytes_up_to_64_kib),
		CASE(odd_texts_come_back_as_they_were),
		CASE(a_full_batch_of_everything),
		CASE(unknown_kinds_are_unsupported),
		CASE(reopening_keeps_all_or_nothing),
	};
	return case_run("store", tests, COUNT_OF(tests), CASE_ALL_STORES);
}

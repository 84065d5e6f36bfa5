/* SPDX-License-Identifier: MIT */
/* Marks, the list of conversations with what is unread; what reopening keeps. */
#include "store_case.h"

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
	append("d:2", "bob", "", "1");
	mark("d:2", "alice", 1, 1);
	append("d:3", "bob", "", "1");
	append("d:3", "bob", "", "2");
	struct nuncio_job job = read_conversations("alice", "", 3);
	assert_int_equal(job.conversations[0].unread, 2);
	assert_int_equal(job.conversations[1].unread, 0);
	assert_str(job.conversations[2].conversation, "d:1");
	assert_int_equal(job.conversations[2].unread, 1000);
	store_host_job_fini(&job);
	job = read_conversations("bob", "", 1);
	assert_int_equal(job.conversations[0].unread, 0);
	store_host_job_fini(&job);
}

static void reopening_keeps_all_or_nothing(void **state)
{
	(void)state;
	assert_int_equal(store_host_highest(the.host), 0);
	append("d:1", "alice", "c", "1");
	nuncio_id highest = the.last_id;
	mark("d:1", "bob", 1, 0);
	struct nuncio_record_write w = make_write("s", "o", "k", "v", NUNCIO_EXPECT_ANY);
	assert_int_equal(write_records(&w, 1), 0);
	struct nuncio_job start = read_sync("alice", S(""), 10);
	case_close();
	case_open();
	struct nuncio_job job = read_sync("alice", start.cursor, 10);
	assert_int_equal(job.gap, !the.is_durable);
	store_host_job_fini(&job);
	store_host_job_fini(&start);
	if (!the.is_durable) {
		assert_int_equal(store_host_highest(the.host), 0);
		check_record_of("o", "k", NULL, 0);
		return;
	}
	assert_true(store_host_highest(the.host) >= highest);
	assert_true(store_host_highest(the.host) <= the.last_id);
	check_record_of("o", "k", "v", 1);
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
		CASE(marks_only_rise),
		CASE(a_mark_tells_what_rose),
		CASE(lists_show_unread_peer_and_order),
		CASE(unread_counts_to_a_thousand),
		CASE(reopening_keeps_all_or_nothing),
	};
	return case_run("lists", tests, COUNT_OF(tests), CASE_ALL_STORES);
}

/* SPDX-License-Identifier: MIT */
/* Everything of the store in a file, page by page, for a copy. */
#include "store_case.h"

#include <nuncio/text.h>

static struct nuncio_job export_page(struct nuncio_job_export what)
{
	what.size = sizeof(what);
	return read_job(NUNCIO_JOB_EXPORT, &what);
}

static void furnish_for_export(void)
{
	struct nuncio_job_append in = make_append(&(struct event_args){
		.conversation = "d:1", .from = "alice", .client_id = "c", .body = "1" });
	static const struct nuncio_str mentions[] = { { "bob", 3 } };
	struct nuncio_record_write synced = make_write("s", "alice", "k", "1", NUNCIO_EXPECT_ANY);
	struct nuncio_record_write plain = make_write("s", "bob", "", "2", NUNCIO_EXPECT_ANY);
	struct nuncio_record_write over = make_write("s", "bob", "x", "3", NUNCIO_EXPECT_ANY);
	in.mentions = mentions;
	in.mentions_count = 1;
	assert_int_equal(append_job(&in, NULL), 0);
	append("d:2", "alice", "c", "2");
	add_member("d:1", "carol"); /* seq 2 */
	remove_member("d:1", "bob");
	synced.flags = NUNCIO_WRITE_SYNCED;
	over.expires_at_ms = 1;
	assert_int_equal(write_records(&synced, 1), 0);
	assert_int_equal(write_records(&plain, 1), 0);
	assert_int_equal(write_records(&over, 1), 0);
}

static void check_exported_members(void)
{
	struct nuncio_job job = export_page((struct nuncio_job_export){
		.what = NUNCIO_EXPORT_MEMBERS, .conversation = S("d:1"), .limit = 2 });
	assert_int_equal(job.member_count, 2);
	assert_int_equal(job.more, 1);
	assert_true(nuncio_text_same(job.members[0].user, S("alice")) && !job.members[0].until);
	assert_true(nuncio_text_same(job.members[1].user, S("bob")));
	assert_int_equal(job.members[1].until, 3); /* has left, and is there */
	store_host_job_fini(&job);
	job = export_page((struct nuncio_job_export){ .what = NUNCIO_EXPORT_MEMBERS,
		.conversation = S("d:1"),
		.user = S("bob"),
		.limit = 2 });
	assert_int_equal(job.member_count, 1);
	assert_int_equal(job.more, 0);
	assert_int_equal(job.members[0].since, 1);
	store_host_job_fini(&job);
}

static void check_exported_records(void)
{
	struct nuncio_job job = export_page(
		(struct nuncio_job_export){ .what = NUNCIO_EXPORT_RECORDS, .limit = 1 });
	assert_int_equal(job.record_count, 1);
	assert_int_equal(job.more, 1);
	assert_true(nuncio_text_same(job.records[0].owner, S("alice")));
	assert_int_equal(job.records[0].flags, NUNCIO_RECORD_SYNCED);
	store_host_job_fini(&job);
	job = export_page((struct nuncio_job_export){ .what = NUNCIO_EXPORT_RECORDS,
		.space = S("s"),
		.owner = S("alice"),
		.key = S("k"),
		.limit = 5 });
	assert_int_equal(job.record_count, 1); /* not the expired one */
	assert_int_equal(job.records[0].flags, 0);
	assert_int_equal(job.more, 0);
	store_host_job_fini(&job);
	job = export_page((struct nuncio_job_export){
		.what = NUNCIO_EXPORT_RECORD, .space = S("s"), .owner = S("bob"), .key = S("x") });
	assert_int_equal(job.record_count, 0);
	store_host_job_fini(&job);
}

static void everything_is_exported(void **state)
{
	(void)state;
	furnish_for_export();
	struct nuncio_job job = export_page(
		(struct nuncio_job_export){ .what = NUNCIO_EXPORT_CONVERSATIONS, .limit = 1 });
	assert_int_equal(job.conversation_count, 1);
	assert_int_equal(job.more, 1);
	assert_true(nuncio_text_same(job.conversations[0].conversation, S("d:1")));
	assert_int_equal(job.conversations[0].last_seq, 3);
	store_host_job_fini(&job);
	check_exported_members();
	job = export_page((struct nuncio_job_export){
		.what = NUNCIO_EXPORT_MENTIONS, .conversation = S("d:1"), .from = 1, .upto = 3 });
	assert_int_equal(job.member_count, 1);
	assert_true(nuncio_text_same(job.members[0].user, S("bob")) && job.members[0].since == 1);
	store_host_job_fini(&job);
	check_exported_records();
	job = export_page(
		(struct nuncio_job_export){ .what = NUNCIO_EXPORT_COUNTS, .now_ms = 1000 });
	assert_int_equal(job.counts.conversations, 2);
	assert_int_equal(job.counts.events, 4);
	assert_int_equal(job.counts.members, 5); /* with the one who has left */
	assert_int_equal(job.counts.records, 2);
	store_host_job_fini(&job);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(everything_is_exported),
	};
	the = (struct store_case){ .so = case_so("store_sqlite"), .is_durable = true };
	return cmocka_run_group_tests_name("store_sqlite_export", tests, NULL, NULL);
}

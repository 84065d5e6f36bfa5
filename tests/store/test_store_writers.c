/* SPDX-License-Identifier: MIT */
/* Who may append: members, who brings themselves, who is not muted; what failure comes first. */
#include "store_case.h"

static int append_as(const char *conversation, const char *from, const char *client_id,
	const struct nuncio_member_change *changes, size_t n)
{
	struct nuncio_job_append in = make_append(&(struct event_args){
		.conversation = conversation, .from = from, .client_id = client_id, .body = "1" });
	in.flags = NUNCIO_APPEND_MEMBERS_ONLY;
	in.members = changes;
	in.members_count = n;
	return append_job(&in, NULL);
}

static void only_members_may(void **state)
{
	struct nuncio_member_change carol = make_change(ADD, "carol", -1, 0);
	struct nuncio_member_change leaves = make_change(REMOVE, "bob", -1, 0);
	(void)state;
	assert_int_equal(append_as("g:1", "alice", "", NULL, 0), 0); /* a founder */
	assert_int_equal(append_as("g:1", "bob", "", NULL, 0), 0);
	assert_int_equal(append_as("g:1", "carol", "c", NULL, 0), NUNCIO_E_DENIED);
	assert_int_equal(append_as("g:1", "", "", NULL, 0), 0); /* the server's own */
	assert_int_equal(check_log("g:1"), 3);
	/* Another one may add her, she may add herself, and then the client_id is still good. */
	assert_int_equal(append_as("g:1", "dave", "", &carol, 1), NUNCIO_E_DENIED);
	MEMBER("g:1", "carol", "none");
	assert_int_equal(append_as("g:1", "carol", "", &carol, 1), 0);
	assert_int_equal(append_as("g:1", "carol", "c", NULL, 0), 0);
	/* Leaving is one's own last event. */
	assert_int_equal(append_as("g:1", "bob", "", &leaves, 1), 0);
	assert_int_equal(append_as("g:1", "bob", "", NULL, 0), NUNCIO_E_DENIED);
	assert_int_equal(check_log("g:1"), 6);
}

static int append_unmuted(const char *from, const char *client_id,
	const struct nuncio_member_change *changes, size_t n)
{
	struct nuncio_job_append in = make_append(&(struct event_args){
		.conversation = "g:1", .from = from, .client_id = client_id, .body = "1" });
	in.flags = NUNCIO_APPEND_MEMBERS_ONLY | NUNCIO_APPEND_UNMUTED;
	in.members = changes;
	in.members_count = n;
	return append_job(&in, NULL);
}

static void who_is_muted_may_not_write(void **state)
{
	struct nuncio_member_change mute = make_change(SET, "bob", -1, 0);
	struct nuncio_member_change dave = make_change(ADD, "dave", 0, 0);
	(void)state;
	append("g:1", "alice", "", "1");
	assert_int_equal(append_unmuted("bob", "c", NULL, 0), 0);
	mute.fields = NUNCIO_MEMBER_MUTED;
	mute.muted_until_ms = INT64_MAX;
	assert_int_equal(change_members("g:1", &mute, 1), 0);
	assert_int_equal(append_unmuted("bob", "", NULL, 0), NUNCIO_E_EXPIRED);
	assert_int_equal(append_unmuted("bob", "", &dave, 1), NUNCIO_E_EXPIRED);
	MEMBER("g:1", "dave", "none");
	assert_int_equal(append_unmuted("bob", "c", NULL, 0), 0); /* the same again */
	assert_int_equal(append_unmuted("alice", "", NULL, 0), 0);
	assert_int_equal(append_unmuted("carol", "", NULL, 0), NUNCIO_E_DENIED);
	assert_int_equal(append_as("g:1", "bob", "", NULL, 0), 0); /* not asked about */
	/* Its last moment: each append of the test comes 7 ms after the one before it. */
	mute.muted_until_ms = 1795000000000 + (int64_t)the.last_id + 21;
	assert_int_equal(change_members("g:1", &mute, 1), 0);
	assert_int_equal(append_unmuted("bob", "", NULL, 0), NUNCIO_E_EXPIRED);
	assert_int_equal(append_unmuted("bob", "", NULL, 0), 0);
}

static void a_new_conversation_needs_who_begins_it(void **state)
{
	struct nuncio_member_change dave = make_change(ADD, "dave", 9, 0);
	struct nuncio_job_append in = make_append(
		&(struct event_args){ .conversation = "g:1", .from = "dave", .body = "1" });
	(void)state;
	in.flags = NUNCIO_APPEND_MEMBERS_ONLY;
	in.founders_count = 0;
	assert_int_equal(append_job(&in, NULL), NUNCIO_E_DENIED);
	MEMBER("g:1", "dave", "none");
	in.members = &dave;
	in.members_count = 1;
	assert_int_equal(append_job(&in, NULL), 0);
	MEMBER("g:1", "dave", "role 9 sees 0-0 at 0/0 muted 0 {} of 1 in 1");
}

/* Whatever else is wrong with it, what comes first in the contract is the answer. */
static void failures_have_an_order(void **state)
{
	struct nuncio_member_change carol = make_change(ADD, "carol", -1, 0);
	struct nuncio_member_change alice = make_change(ADD, "alice", -1, 0);
	struct nuncio_record_write write = make_write("s", "g:1", "k", "v", 7);
	(void)state;
	assert_int_equal(append_as("g:1", "bob", "c", NULL, 0), 0);
	assert_int_equal(append_as("g:1", "mallory", "", &alice, 1), NUNCIO_E_DENIED);
	struct nuncio_job_append in = make_append(&(struct event_args){ .conversation = "g:1",
		.from = "bob",
		.body = "2",
		.writes = &write,
		.writes_count = 1 });
	in.flags = NUNCIO_APPEND_MEMBERS_ONLY;
	in.members = &alice;
	in.members_count = 1;
	in.members_max = 1;
	in.event.target = 9;
	assert_int_equal(append_job(&in, NULL), NUNCIO_E_EXISTS);
	in.members = &carol;
	assert_int_equal(append_job(&in, NULL), NUNCIO_E_TOOBIG);
	in.members_max = 3;
	assert_int_equal(append_job(&in, NULL), NUNCIO_E_NOTFOUND); /* the target */
	in.event.target = 1;
	assert_int_equal(append_job(&in, NULL), NUNCIO_E_CONFLICT); /* the write */
	MEMBERS("g:1", "alice bob");
	remove_member("g:1", "bob");
	/* Who has left is still told what their client_id did. */
	struct nuncio_job job;
	in = make_append(&(struct event_args){
		.conversation = "g:1", .from = "bob", .client_id = "c", .body = "1" });
	in.flags = NUNCIO_APPEND_MEMBERS_ONLY;
	assert_int_equal(append_job(&in, &job), 0);
	assert_int_equal(job.duplicate, 1);
	store_host_job_fini(&job);
	in.event.body = S("\"other\"");
	assert_int_equal(append_job(&in, NULL), NUNCIO_E_CONFLICT);
	assert_int_equal(append_as("g:1", "bob", "d", NULL, 0), NUNCIO_E_DENIED);
}

static void a_repeated_change_changes_nothing(void **state)
{
	struct nuncio_member_change carol = make_change(ADD, "carol", 1, 0);
	struct nuncio_member_change set = make_change(SET, "carol", 2, 0);
	(void)state;
	append("g:1", "alice", "", "1");
	assert_int_equal(append_as("g:1", "alice", "c", &carol, 1), 0);
	assert_int_equal(change_members("g:1", &set, 1), 0);
	assert_int_equal(append_as("g:1", "alice", "c", &carol, 1), 0);
	MEMBER("g:1", "carol", "role 2 sees 1-0 at 1/1 muted 0 {} of 3 in 3");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(only_members_may),
		CASE(who_is_muted_may_not_write),
		CASE(a_new_conversation_needs_who_begins_it),
		CASE(failures_have_an_order),
		CASE(a_repeated_change_changes_nothing),
	};
	return case_run("writers", tests, COUNT_OF(tests), CASE_FULL_STORES);
}

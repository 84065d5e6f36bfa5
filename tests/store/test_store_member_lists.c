/* SPDX-License-Identifier: MIT */
/* Lists of members and memberships, counts, mentions, and one's own place in the list. */
#include "store_case.h"

/* --- lists and counts --- */

static void members_are_listed_by_role(void **state)
{
	static const char *const names[] = { "carol", "dave", "erin", "frank" };
	(void)state;
	append("g:1", "alice", "", "1");
	for (size_t i = 0; i < COUNT_OF(names); i++)
		change_one(ADD, names[i], (int)i, 0, 0);
	remove_member("g:1", "dave");
	struct nuncio_job_members q = {
		.size = sizeof(q), .limit = 10, .conversation = S("g:1"), .min_role = 2
	};
	assert_string_equal(names_text(read_job(NUNCIO_JOB_MEMBERS, &q)), "erin frank");
	q.limit = 1;
	assert_string_equal(names_text(read_job(NUNCIO_JOB_MEMBERS, &q)), "erin +");
	q.after = S("erin");
	assert_string_equal(names_text(read_job(NUNCIO_JOB_MEMBERS, &q)), "frank");
	q.after = S("");
	q.min_role = 1;
	q.limit = 10;
	assert_string_equal(names_text(read_job(NUNCIO_JOB_MEMBERS, &q)), "erin frank");
	q.min_role = 0;
	assert_string_equal(
		names_text(read_job(NUNCIO_JOB_MEMBERS, &q)), "alice bob carol erin frank");
	q.min_role = UINT32_MAX;
	assert_string_equal(names_text(read_job(NUNCIO_JOB_MEMBERS, &q)), "");
}

/* "g:1 g:2 +" */
static const char *memberships(
	const char *user, const char *prefix, const char *after, uint32_t limit)
{
	static char text[200];
	struct nuncio_job_memberships q = { .size = sizeof(q),
		.limit = limit,
		.user = text_of(user),
		.prefix = text_of(prefix),
		.after = text_of(after) };
	struct nuncio_job job = read_job(NUNCIO_JOB_MEMBERSHIPS, &q);
	size_t used = 0;
	assert_int_equal(job.status, 0);
	text[0] = '\0';
	for (size_t i = 0; i < job.member_count; i++) {
		assert_str(job.members[i].user, user);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i ? " " : "",
			job.members[i].conversation.p);
	}
	snprintf(text + used, sizeof(text) - used, "%s", job.more ? " +" : "");
	store_host_job_fini(&job);
	return text;
}

static void memberships_are_listed_by_conversation(void **state)
{
	static const char *const names[] = { "g:b", "d:1", "g:a", "g%", "g:", "h:1", "g:B" };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++)
		append(names[i], "alice", "", "1");
	append("g:a", "alice", "", "2");
	struct nuncio_member_change bob = make_change(SET, "bob", 4, 0);
	assert_int_equal(change_members("g:a", &bob, 1), 0);
	assert_string_equal(memberships("bob", "", "", 10), "d:1 g% g: g:B g:a g:b h:1");
	assert_string_equal(memberships("bob", "g:", "", 10), "g: g:B g:a g:b");
	assert_string_equal(memberships("bob", "g:", "", 2), "g: g:B +");
	assert_string_equal(memberships("bob", "g:", "g:B", 2), "g:a g:b");
	assert_string_equal(memberships("bob", "g:", "g:a", 2), "g:b");
	assert_string_equal(memberships("bob", "g:", "g:b", 2), "");
	assert_string_equal(memberships("bob", "g%", "", 2), "g%");
	assert_string_equal(memberships("bob", "x", "", 2), "");
	assert_string_equal(memberships("carol", "", "", 2), "");
	remove_member("g:B", "bob");
	assert_string_equal(memberships("bob", "g:", "", 10), "g: g:a g:b");
	struct nuncio_job_memberships q = {
		.size = sizeof(q), .limit = 1, .user = S("bob"), .prefix = S("g:a")
	};
	struct nuncio_job job = read_job(NUNCIO_JOB_MEMBERSHIPS, &q);
	assert_int_equal(job.members[0].role, 4);
	assert_int_equal(job.members[0].last_seq, 3);
	assert_int_equal(job.members[0].member_count, 2);
	store_host_job_fini(&job);
}

static uint64_t membership_count(const char *user, const char *prefix, uint32_t limit)
{
	struct nuncio_job_memberships q = { .size = sizeof(q),
		.limit = limit,
		.user = text_of(user),
		.prefix = text_of(prefix),
		.after = S("") };
	struct nuncio_job job = read_job(NUNCIO_JOB_MEMBERSHIP_COUNT, &q);
	uint64_t count = job.membership_count;
	assert_int_equal(job.status, 0);
	assert_int_equal(job.member_count, 0);
	store_host_job_fini(&job);
	return count;
}

static void memberships_are_counted(void **state)
{
	static const char *const names[] = { "g:b", "d:1", "g:a", "g%", "g:", "h:1", "g:B" };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++)
		append(names[i], "alice", "", "1");
	assert_int_equal(membership_count("bob", "", 10), 7);
	assert_int_equal(membership_count("bob", "g:", 10), 4);
	assert_int_equal(membership_count("bob", "g:", 4), 4);
	assert_int_equal(membership_count("bob", "g:", 3), 3);
	assert_int_equal(membership_count("bob", "g%", 10), 1);
	assert_int_equal(membership_count("bob", "x", 10), 0);
	assert_int_equal(membership_count("carol", "", 10), 0);
	remove_member("g:B", "bob");
	assert_int_equal(membership_count("bob", "g:", 10), 3);
	assert_int_equal(membership_count("bob", "g:", 3), 3);
	assert_int_equal(membership_count("alice", "g:", 10), 4);
	add_member("g:B", "bob");
	assert_int_equal(membership_count("bob", "g:", 10), 4);
}

static void check_reached(const char *conversation, uint64_t seq, uint64_t delivered, uint64_t read)
{
	struct nuncio_job_reached q = {
		.size = sizeof(q), .conversation = text_of(conversation), .seq = seq
	};
	struct nuncio_job job = read_job(NUNCIO_JOB_REACHED, &q);
	assert_int_equal(job.status, 0);
	assert_int_equal(job.delivered, delivered);
	assert_int_equal(job.read, read);
	store_host_job_fini(&job);
}

static void those_who_have_reached_a_seq_are_counted(void **state)
{
	(void)state;
	append("g:1", "alice", "", "1");
	add_member("g:1", "carol"); /* at 1/1 */
	append("g:1", "alice", "", "3");
	check_reached("g:1", 0, 3, 3);
	check_reached("g:1", 1, 1, 1);
	mark("g:1", "alice", 3, 3);
	mark("g:1", "bob", 3, 1);
	check_reached("g:1", 1, 3, 3);
	check_reached("g:1", 2, 2, 1);
	check_reached("g:1", 3, 2, 1);
	check_reached("g:1", 4, 0, 0);
	remove_member("g:1", "alice");
	check_reached("g:1", 3, 1, 0);
	check_reached("g:none", 0, 0, 0);
}

/* --- the list of conversations --- */

static void check_row(const char *user, uint64_t unread, uint64_t mentions)
{
	struct nuncio_job job = read_conversations(user, "", 1);
	assert_int_equal(job.conversation_count, 1);
	assert_int_equal(job.conversations[0].unread, unread);
	assert_int_equal(job.conversations[0].mentions, mentions);
	store_host_job_fini(&job);
}

static void a_list_shows_ones_place(void **state)
{
	(void)state;
	append("g:1", "alice", "", "1");
	append("g:1", "alice", "", "2");
	assert_int_equal(change_one(ADD, "carol", 2, 0, 0), 0);
	struct nuncio_job job = read_conversations("carol", "", 10);
	const struct nuncio_conversation_row *row = &job.conversations[0];
	assert_int_equal(job.conversation_count, 1);
	assert_int_equal(row->role, 2);
	assert_int_equal(row->member_count, 3);
	assert_int_equal(row->since, 2);
	assert_int_equal(row->until, 0);
	assert_int_equal(row->last_seq, 3);
	assert_int_equal(row->last.seq, 3);
	assert_int_equal(row->read, 2);
	assert_str(row->peer, "");
	store_host_job_fini(&job);
	/* Two who are there are peers, whoever has left. */
	remove_member("g:1", "bob");
	mark("g:1", "alice", 4, 3);
	job = read_conversations("carol", "", 10);
	row = &job.conversations[0];
	assert_str(row->peer, "alice");
	assert_int_equal(row->peer_delivered, 4);
	assert_int_equal(row->peer_read, 3);
	assert_int_equal(row->member_count, 2);
	store_host_job_fini(&job);
}

static void what_was_before_one_came_is_not_unread(void **state)
{
	struct nuncio_member_change dave = make_change(ADD, "dave", -1, ALL_HISTORY);
	(void)state;
	append("g:1", "alice", "", "1");
	append("g:1", "alice", "", "2");
	add_member("g:1", "carol");
	check_row("carol", 0, 0); /* that she came is no message */
	append("g:1", "alice", "", "4");
	append("g:1", "carol", "", "5");
	check_row("carol", 1, 0);
	assert_int_equal(change_members("g:1", &dave, 1), 0);
	check_row("dave", 4, 0);
	mark("g:1", "dave", 0, 2);
	check_row("dave", 2, 0);
	check_row("bob", 4, 0);
}

static void say(const char *from, const char *type, uint32_t event_flags,
	const struct nuncio_str *mentions, size_t n)
{
	struct nuncio_job_append in = make_append(&(struct event_args){
		.conversation = "g:1", .from = from, .body = "1", .type = type });
	in.event.flags = event_flags;
	in.mentions = mentions;
	in.mentions_count = n;
	assert_int_equal(append_job(&in, NULL), 0);
}

static void mentions_are_counted(void **state)
{
	static const struct nuncio_str bob = { "bob", 3 };
	static const struct nuncio_str both[] = { { "bob", 3 }, { "alice", 5 }, { "bob", 3 },
		{ "nobody", 6 } };
	(void)state;
	say("alice", NULL, 0, &bob, 1);
	check_row("bob", 1, 1);
	check_row("alice", 0, 0);
	say("alice", NULL, 0, both, 4); /* twice is once; oneself is none */
	check_row("bob", 2, 2);
	check_row("alice", 0, 0);
	say("alice", NULL, 0, NULL, 0);
	check_row("bob", 3, 2);
	say("alice", "reaction", 0, &bob, 1); /* no message */
	check_row("bob", 3, 2);
	say("alice", NULL, NUNCIO_EVENT_MENTIONS_ALL, NULL, 0);
	check_row("bob", 4, 3);
	say("alice", NULL, NUNCIO_EVENT_MENTIONS_ALL, &bob, 1);
	check_row("bob", 5, 4);
	say("bob", NULL, NUNCIO_EVENT_MENTIONS_ALL, NULL, 0);
	check_row("bob", 5, 4);
	check_row("alice", 1, 1);
	mark("g:1", "bob", 0, 1);
	check_row("bob", 4, 3);
	recall("g:1", 2);
	check_row("bob", 3, 2);
	/* Who comes later was not called before. */
	add_member("g:1", "carol");
	check_row("carol", 0, 0);
	say("alice", NULL, NUNCIO_EVENT_MENTIONS_ALL, NULL, 0);
	check_row("carol", 1, 1);
	mark("g:1", "bob", 0, UINT64_MAX);
	check_row("bob", 0, 0);
}

static void mentions_are_counted_to_a_thousand(void **state)
{
	enum { EVENTS = 1010 };
	static struct nuncio_job_append in[EVENTS];
	static struct nuncio_job jobs[EVENTS];
	static const struct nuncio_str bob = { "bob", 3 };
	(void)state;
	for (size_t i = 0; i < EVENTS; i++) {
		in[i] = make_append(&(struct event_args){
			.conversation = "g:1", .from = "alice", .body = "1" });
		in[i].mentions = &bob;
		in[i].mentions_count = i % 2;
		in[i].event.flags = i % 2 ? 0 : NUNCIO_EVENT_MENTIONS_ALL;
		jobs[i] = (struct nuncio_job){ .kind = NUNCIO_JOB_APPEND, .input = &in[i] };
	}
	store_host_run(the.host, jobs, EVENTS);
	check_row("bob", 1000, 1000);
	mark("g:1", "bob", 0, 999);
	check_row("bob", 11, 11);
}

static void members_are_durable(void **state)
{
	static const struct nuncio_str bob = { "bob", 3 };
	(void)state;
	append("g:1", "alice", "", "1");
	assert_int_equal(change_one(ADD, "carol", 3, 0, 0), 0);
	say("alice", NULL, 0, &bob, 1);
	remove_member("g:1", "carol");
	case_close();
	case_open();
	if (!the.is_durable) {
		MEMBER("g:1", "alice", "none");
		return;
	}
	MEMBER("g:1", "carol", "role 3 sees 1-4 at 1/1 muted 0 {} of 2 in 4");
	MEMBERS("g:1", "alice bob");
	check_row("bob", 2, 1);
	add_member("g:1", "carol");
	MEMBER("g:1", "carol", "role 0 sees 4-0 at 4/4 muted 0 {} of 3 in 5");
	check_row("bob", 2, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(members_are_listed_by_role),
		CASE(memberships_are_listed_by_conversation),
		CASE(memberships_are_counted),
		CASE(those_who_have_reached_a_seq_are_counted),
		CASE(a_list_shows_ones_place),
		CASE(what_was_before_one_came_is_not_unread),
		CASE(mentions_are_counted),
		CASE(mentions_are_counted_to_a_thousand),
		CASE(members_are_durable),
	};
	return case_run("member_lists", tests, COUNT_OF(tests), CASE_FULL_STORES);
}

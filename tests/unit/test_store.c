/* SPDX-License-Identifier: MIT */
/*
 * Asking the store: input is copied, ids grow, answers come on this thread, nothing after the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/slice.h"
#include "loop/caller.h"
#include "loop/loop.h"
#include "provide/store.h"

struct rig {
	struct loop *loop;
	struct caller *caller;
	struct store *store;
	int answers, status;
	char seen[300]; /* what the store got, as text */
	bool forgets_target;
	uint64_t now_seq;
	nuncio_id write_id, mark_id; /* what the store got with them */
	uint32_t lane;               /* of the last write */
	nuncio_id id;
	int64_t sent_at_ms;
};

static nuncio_id highest;
static bool is_open;

static int on_open(struct nuncio_module *self, void **store_r, struct nuncio_error *err)
{
	(void)err;
	*store_r = self;
	is_open = true;
	if (highest)
		store_set_highest(((struct rig *)(void *)self)->store, highest);
	return 0;
}

static void on_close(void **impl)
{
	*impl = NULL;
	is_open = false;
}

static void on_lanes(void *impl, uint32_t *writers_r, uint32_t *readers_r)
{
	(void)impl;
	*writers_r = 2;
	*readers_r = 1;
}

static void append(struct rig *rig, struct nuncio_job *job)
{
	const struct nuncio_job_append *in = nuncio_job_input(job);
	const struct nuncio_event *e = &in->event;
	int n = snprintf(rig->seen, sizeof(rig->seen),
		STR_FMT " " STR_FMT " " STR_FMT " founders " STR_FMT "," STR_FMT " write " STR_FMT
			"=" STR_FMT " null %d",
		STR_ARG(e->conversation), STR_ARG(e->from), STR_ARG(e->body),
		STR_ARG(in->founders[0]), STR_ARG(in->founders[1]), STR_ARG(in->writes[0].key),
		STR_ARG(in->writes[0].value), in->writes[1].value.p == NULL);
	for (size_t i = 0; i < in->members_count; i++) {
		const struct nuncio_member_change *m = &in->members[i];
		n += snprintf(rig->seen + n, sizeof(rig->seen) - (size_t)n,
			" member %u " STR_FMT " %u " STR_FMT, m->op, STR_ARG(m->user), m->role,
			STR_ARG(m->extra));
	}
	for (size_t i = 0; i < in->mentions_count; i++)
		n += snprintf(rig->seen + n, sizeof(rig->seen) - (size_t)n, " @" STR_FMT,
			STR_ARG(in->mentions[i]));
	if (e->target) {
		snprintf(rig->seen + n, sizeof(rig->seen) - (size_t)n,
			" target %d if %d body " STR_FMT " state " STR_FMT " flags %u max %d",
			(int)e->target, (int)in->expect_changed, STR_ARG(in->target_body),
			STR_ARG(in->target_state), in->target_flags, (int)in->members_max);
		struct nuncio_event target = {
			.size = sizeof(target), .seq = e->target, .state = in->target_state
		};
		if (!rig->forgets_target)
			nuncio_job_add_event(job, &target);
	}
	nuncio_job_set_appended(job, 1, e->id, e->sent_at_ms, 0);
}

/* One row of every kind that the job can have, made of its input. */
static void answer_read(struct nuncio_job *job)
{
	const struct nuncio_search_query *search = nuncio_job_input(job);
	const struct nuncio_job_member *member = nuncio_job_input(job);
	const struct nuncio_job_memberships *list = nuncio_job_input(job);
	const struct nuncio_job_members *members = nuncio_job_input(job);
	const struct nuncio_job_reached *reached = nuncio_job_input(job);
	struct nuncio_member row = { .size = sizeof(row), .extra = STR("\"x\":1") };
	struct nuncio_event event = { .size = sizeof(event) };
	struct nuncio_record record = { .size = sizeof(record), .space = STR("m") };
	switch (nuncio_job_kind(job)) {
	case NUNCIO_JOB_MEMBER:
		row.conversation = member->conversation;
		row.user = member->user;
		nuncio_job_add_member(job, &row);
		break;
	case NUNCIO_JOB_MEMBERSHIPS:
		row.user = list->user;
		row.conversation = list->prefix;
		row.last_seq = list->limit;
		nuncio_job_add_member(job, &row);
		break;
	case NUNCIO_JOB_MEMBERS:
		row.user = members->after;
		row.conversation = members->conversation;
		row.role = members->min_role;
		nuncio_job_add_member(job, &row);
		break;
	case NUNCIO_JOB_MEMBERSHIP_COUNT:
		nuncio_job_set_membership_count(job, list->limit + list->prefix.n);
		break;
	case NUNCIO_JOB_REACHED:
		nuncio_job_set_reached(job, reached->seq, reached->conversation.n);
		break;
	case NUNCIO_JOB_SEARCH:
		event.conversation = search->conversation;
		event.from = search->text;
		event.seq = search->limit;
		nuncio_job_add_event(job, &event);
		nuncio_job_set_cursor(job, search->after);
		break;
	case NUNCIO_JOB_SYNC:
		nuncio_job_add_event(job, &event);
		nuncio_job_add_event(job, &event);
		nuncio_job_add_member(job, &row);
		nuncio_job_add_record(job, &record);
		record.value = STR("");
		nuncio_job_add_record(job, &record);
		break;
	}
}

static void on_run(void *impl, uint32_t lane, struct nuncio_job **jobs, size_t n)
{
	struct rig *rig = impl;
	for (size_t i = 0; i < n; i++) {
		uint32_t kind = nuncio_job_kind(jobs[i]);
		assert_true(kind < NUNCIO_JOB_EVENTS ? lane < 2 : lane == 2);
		if (kind == NUNCIO_JOB_APPEND) {
			append(rig, jobs[i]);
		} else if (kind == NUNCIO_JOB_EVENTS) {
			const struct nuncio_events_query *q = nuncio_job_input(jobs[i]);
			struct nuncio_event row = { .size = sizeof(row),
				.conversation = q->conversation,
				.seq = q->limit };
			struct nuncio_event now = {
				.size = sizeof(now), .seq = 7, .state = STR("\"s\":1"), .now = &now
			};
			row.now = &now;
			row.target = 7;
			nuncio_job_add_event(jobs[i], &row);
			memset(&now, 'x', sizeof(now));
			nuncio_job_set_more(jobs[i], 1);
		} else if (kind == NUNCIO_JOB_MARK) {
			const struct nuncio_job_mark *mark = nuncio_job_input(jobs[i]);
			struct nuncio_member row = { .size = sizeof(row), .user = mark->user };
			nuncio_job_add_member(jobs[i], &row);
			rig->mark_id = mark->id;
		} else if (kind == NUNCIO_JOB_WRITE) {
			const struct nuncio_job_write *write = nuncio_job_input(jobs[i]);
			rig->write_id = write->id;
			rig->lane = lane;
		} else {
			answer_read(jobs[i]);
		}
		nuncio_job_done(&jobs[i], kind == NUNCIO_JOB_GET ? NUNCIO_E_NOTFOUND : 0);
	}
}

static const struct nuncio_store_ops ops = {
	.size = sizeof(ops), .open = on_open, .close = on_close, .lanes = on_lanes, .run = on_run
};

static void open_with(struct rig *rig, const struct nuncio_store_ops *with)
{
	static struct provider p;
	p = (struct provider){ .job = "store",
		.name = "fake",
		.module = (struct nuncio_module *)(void *)rig,
		.ops = with };
	assert_int_equal(store_open(rig->store, &p, NULL), 0);
}

static void open_store(struct rig *rig)
{
	open_with(rig, &ops);
}

static uint32_t on_lane(void *impl, struct nuncio_str owner)
{
	(void)impl;
	return owner.p[0] == 'b';
}

static int set_up(void **state)
{
	static struct rig rig;
	memset(&rig, 0, sizeof(rig));
	highest = 0;
	rig.loop = loop_new("test");
	rig.caller = caller_new(rig.loop, 4);
	struct store_settings settings = {
		.loop = rig.loop, .caller = rig.caller, .node = 5, .limit = 3
	};
	rig.store = store_new(&settings);
	*state = &rig;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;
	store_close(rig->store);
	assert_false(is_open);
	store_free(&rig->store);
	caller_free(&rig->caller);
	loop_free(&rig->loop);
	return 0;
}

static void on_not_appended(int status, const struct nuncio_event *event, int duplicate, void *user)
{
	struct rig *rig = user;
	rig->answers++;
	assert_int_equal(status, NUNCIO_E_FAIL);
	assert_null(event);
	assert_int_equal(duplicate, 0);
}

static void on_appended(int status, const struct nuncio_event *event, int duplicate, void *user)
{
	struct rig *rig = user;
	rig->answers++;
	rig->status = status;
	assert_int_equal(duplicate, 0);
	assert_int_equal(event->seq, 1);
	assert_true(event->id > rig->id);
	assert_true(event->sent_at_ms >= rig->sent_at_ms);
	rig->now_seq = event->now ? event->now->seq : 0;
	rig->id = event->id;
	rig->sent_at_ms = event->sent_at_ms;
}

static int ask_append_with(struct rig *rig, struct store_append more)
{
	char conversation[] = "d:alice:bob", body[] = "\"hi\"", key[] = "k";
	struct nuncio_str founders[] = { STR("alice"), STR("bob") };
	struct nuncio_record_write writes[] = {
		{ .size = sizeof(writes[0]),
			.space = STR("m"),
			.owner = str_of(conversation),
			.key = str_of(key),
			.value = STR("v") },
		{ .size = sizeof(writes[0]),
			.space = STR("m"),
			.owner = str_of(conversation),
			.key = STR("gone") },
	};
	more.conversation = str_of(conversation);
	more.type = STR("message");
	more.from = STR("alice");
	more.kind = STR("text");
	more.body = str_of(body);
	more.founders = founders;
	more.founders_count = 2;
	if (!more.writes) {
		more.writes = writes;
		more.writes_count = 2;
	}
	int rc = store_append(rig->store, &more, on_appended, rig);
	memset(conversation, 'x', sizeof(conversation));
	memset(body, 'x', sizeof(body));
	memset(key, 'x', sizeof(key));
	return rc;
}

static int ask_append(struct rig *rig)
{
	return ask_append_with(rig, (struct store_append){ 0 });
}

static void append_copies_and_ids_grow(void **state)
{
	struct rig *rig = *state;
	highest = (uint64_t)(clock_wall_ms() + 60000 - ID_EPOCH_MS) << 22 | 1023 << 12 | 9;
	rig->id = highest;
	open_store(rig);
	for (int i = 0; i < 3; i++)
		assert_int_equal(ask_append(rig), 0);
	assert_int_equal(rig->answers, 0);
	assert_int_equal(ask_append(rig), NUNCIO_E_BUSY);
	assert_int_equal(store_job_count(rig->store), 3);
	store_finish(rig->store);
	assert_int_equal(rig->answers, 3);
	assert_int_equal(store_job_count(rig->store), 0);
	assert_string_equal(
		rig->seen, "d:alice:bob alice \"hi\" founders alice,bob write k=v null 1");
	assert_int_equal(rig->id >> 12 & 1023, 5);
	assert_int_equal(ask_append(rig), NUNCIO_E_GONE);
}

static void on_events(int status, const struct nuncio_event *rows, size_t n, int more, void *user)
{
	struct rig *rig = user;
	rig->answers++;
	assert_int_equal(status, 0);
	assert_int_equal(n, 1);
	assert_int_equal(more, 1);
	assert_int_equal(rows[0].seq, 1000); /* the limit was cut */
	assert_int_equal(rows[0].now->seq, 7);
	assert_true(str_eq_text(rows[0].now->state, "\"s\":1"));
	assert_null(rows[0].now->now);
	assert_true(str_eq_text(rows[0].conversation, "d:a:b"));
}

static void on_records(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct rig *rig = user;
	(void)rows;
	rig->answers++;
	rig->status = status;
	assert_int_equal(n + (size_t)more, 0);
}

static void on_written(int status, void *user)
{
	struct rig *rig = user;
	rig->answers++;
	assert_int_equal(status, 0);
}

static void on_marked(int status, const struct nuncio_member *rows, size_t n, int more, void *user)
{
	struct rig *rig = user;
	rig->answers++;
	assert_int_equal(status, 0);
	assert_int_equal(n, 1);
	assert_int_equal(more, 0);
	assert_true(str_eq_text(rows[0].user, "a"));
}

static void reads_and_writes(void **state)
{
	struct rig *rig = *state;
	struct nuncio_events_query query = {
		.size = sizeof(query), .conversation = STR("d:a:b"), .limit = 100000
	};
	struct nuncio_record_write w[] = {
		{ .size = sizeof(w[0]), .space = STR("m"), .owner = STR("a") },
		{ .size = sizeof(w[0]), .space = STR("m"), .owner = STR("b") },
	};
	open_store(rig);
	assert_int_equal(store_events(rig->store, &query, on_events, rig), 0);
	assert_int_equal(store_get(rig->store, STR("m"), STR("o"), STR("k"), on_records, rig), 0);
	assert_int_equal(store_write(rig->store, w, 1, on_written, rig), 0);
	assert_int_equal(store_mark(rig->store, STR("d:a:b"), STR("a"), 1, 1, on_marked, rig), 0);
	assert_int_equal(store_write(rig->store, w, 2, on_written, rig), NUNCIO_E_INVAL);
	assert_int_equal(store_write(rig->store, w, 0, on_written, rig), NUNCIO_E_INVAL);
	w[0].value = (struct nuncio_str){ "", 65537 };
	assert_int_equal(store_write(rig->store, w, 1, on_written, rig), NUNCIO_E_TOOBIG);
	query.conversation.n = 0;
	assert_int_equal(store_events(rig->store, &query, on_events, rig), NUNCIO_E_INVAL);
	store_finish(rig->store);
	assert_int_equal(rig->answers, 4);
	assert_int_equal(rig->status, NUNCIO_E_NOTFOUND);
	assert_true(rig->write_id > 0);
	assert_true(rig->mark_id > rig->write_id);
}

/* A module built when this struct ended before `reserved`. */
struct short_change {
	uint32_t size, op;
	struct nuncio_str user;
	uint32_t fields, role;
	int32_t expect_role;
};

static void an_append_carries_all_that_is_one_with_it(void **state)
{
	struct rig *rig = *state;
	struct short_change members[] = {
		{ sizeof(members[0]), NUNCIO_MEMBER_ADD, STR("carol"), NUNCIO_MEMBER_ROLE, 3, -1 },
		{ sizeof(members[0]), NUNCIO_MEMBER_REMOVE, STR("bob"), 0, 0, 0 },
		{ sizeof(members[0]), NUNCIO_MEMBER_REMOVE, STR(""), 0, 0, 0 }, /* everybody */
	};
	struct nuncio_str mentions[] = { STR("dave"), STR("erin") };
	struct store_append what = { .target = 4,
		.expect_changed = 2,
		.target_body = STR("null"),
		.target_state = STR("\"gone\":true"),
		.target_flags = NUNCIO_EVENT_VOID,
		.event_flags = NUNCIO_EVENT_MENTIONS_ALL,
		.members = (void *)members,
		.members_count = 3,
		.members_max = 9,
		.mentions = mentions,
		.mentions_count = 2 };
	open_store(rig);
	assert_int_equal(ask_append_with(rig, what), 0);
	store_finish(rig->store);
	assert_string_equal(rig->seen,
		"d:alice:bob alice \"hi\" founders alice,bob write k=v null 1"
		" member 1 carol 3  member 2 bob 0  member 2  0  @dave @erin"
		" target 4 if 2 body null state \"gone\":true flags 1 max 9");
	assert_int_equal(rig->now_seq, 4);
}

static void a_store_that_forgets_the_target_has_failed(void **state)
{
	struct rig *rig = *state;
	struct nuncio_str nobody[2] = { STR("a"), STR("b") };
	struct nuncio_record_write writes[2] = {
		{ .size = sizeof(writes[0]), .space = STR("m"), .owner = STR("d:x") },
		{ .size = sizeof(writes[0]), .space = STR("m"), .owner = STR("d:x") },
	};
	struct store_append what = { .conversation = STR("d:x"),
		.type = STR("edit"),
		.kind = STR("system"),
		.body = STR("null"),
		.target = 1,
		.founders = nobody,
		.founders_count = 2,
		.writes = writes,
		.writes_count = 2 };
	rig->forgets_target = true;
	open_store(rig);
	assert_int_equal(store_append(rig->store, &what, on_not_appended, rig), 0);
	store_finish(rig->store);
	assert_int_equal(rig->answers, 1);
}

/* One refusal per case: what differs from a good append is its only fault. */
static void an_append_is_refused_for(void **state)
{
	struct rig *rig = *state;
	char big[1025] = "";
	struct nuncio_member_change member = { .size = sizeof(member),
		.op = NUNCIO_MEMBER_SET,
		.user = STR("bob"),
		.expect_role = -1 };
	struct nuncio_record_write write = { .size = sizeof(write),
		.space = STR("m"),
		.owner = STR("d:alice:bob"),
		.key = STR("k") };
	struct nuncio_str mention = STR("");
	struct store_append members = { .members = &member, .members_count = 1 };
	struct store_append writes = { .writes = &write, .writes_count = 1 };
	struct store_append what = { 0 };
	open_store(rig);
#define REFUSED(append, change, status) \
	do { \
		struct nuncio_member_change member_ = member; \
		struct nuncio_record_write write_ = write; \
		what = append; \
		change; \
		assert_int_equal(ask_append_with(rig, what), status); \
		member = member_; \
		write = write_; \
	} while (0)
	REFUSED(members, member.op = 0, NUNCIO_E_INVAL);
	REFUSED(members, member.op = 4, NUNCIO_E_INVAL);
	REFUSED(members, member.user = STR(""), NUNCIO_E_INVAL);
	REFUSED(members, member.fields = 8, NUNCIO_E_INVAL);
	REFUSED(members, member.expect_role = -2, NUNCIO_E_INVAL);
	REFUSED(members, (member.extra = (struct nuncio_str){ big, 1025 }), NUNCIO_E_TOOBIG);
	REFUSED(members, what.members_count = 1001, NUNCIO_E_TOOBIG);
	REFUSED(writes, write.owner = STR("alice"), NUNCIO_E_INVAL);
	REFUSED(writes, write.flags = NUNCIO_WRITE_SYNCED, NUNCIO_E_INVAL);
	REFUSED(writes, write.flags = 8, NUNCIO_E_INVAL);
	REFUSED(writes, write.flags = NUNCIO_WRITE_CHECK, NUNCIO_E_INVAL);
	REFUSED(writes, (write.flags = NUNCIO_WRITE_CHECK | NUNCIO_WRITE_KEY_SEQ, write.expect = 1),
		NUNCIO_E_INVAL);
	REFUSED(writes, (write.key = (struct nuncio_str){ big, 256 }), NUNCIO_E_INVAL);
	REFUSED(writes,
		(write.key = (struct nuncio_str){ big, 236 }, write.flags = NUNCIO_WRITE_KEY_SEQ),
		NUNCIO_E_INVAL);
	struct store_append mentions = { .mentions = &mention, .mentions_count = 1 };
	REFUSED(mentions, (void)0, NUNCIO_E_INVAL);
	REFUSED(mentions, what.mentions_count = 101, NUNCIO_E_TOOBIG);
	struct store_append none = { 0 };
	REFUSED(none, what.event_flags = NUNCIO_EVENT_VOID, NUNCIO_E_INVAL);
	REFUSED(none, what.expect_changed = 1, NUNCIO_E_INVAL);
	REFUSED(none, what.target_body = STR("1"), NUNCIO_E_INVAL);
	REFUSED(none, what.target_state = STR(""), NUNCIO_E_INVAL);
	REFUSED(none, what.target_flags = NUNCIO_EVENT_VOID, NUNCIO_E_INVAL);
	struct store_append target = { .target = 1 };
	REFUSED(target, what.target_body = STR(""), NUNCIO_E_INVAL);
	REFUSED(target, what.target_flags = NUNCIO_EVENT_MENTIONS_ALL, NUNCIO_E_INVAL);
	assert_int_equal(store_job_count(rig->store), 0);
	/* Nothing else was wrong with them. */
	assert_int_equal(ask_append_with(rig, members), 0);
	write.key.n = 0;
	write.flags = NUNCIO_WRITE_KEY_SEQ;
	assert_int_equal(ask_append_with(rig, target), 0);
	write.flags = NUNCIO_WRITE_CHECK;
	write.expect = NUNCIO_EXPECT_ABSENT;
	assert_int_equal(ask_append_with(rig, writes), 0);
}

static void on_member(int status, const struct nuncio_member *rows, size_t n, int more, void *user)
{
	struct rig *rig = user;
	assert_int_equal(status, 0);
	assert_int_equal(more, 0);
	assert_int_equal(n, 1);
	size_t used = strlen(rig->seen);
	snprintf(rig->seen + used, sizeof(rig->seen) - used,
		STR_FMT " " STR_FMT " " STR_FMT " %d %d; ", STR_ARG(rows->conversation),
		STR_ARG(rows->user), STR_ARG(rows->extra), (int)rows->last_seq, (int)rows->role);
	rig->answers++;
}

static void on_reached(int status, uint64_t delivered, uint64_t read, void *user)
{
	struct rig *rig = user;
	assert_int_equal(status, 0);
	assert_int_equal(delivered, 99);
	assert_int_equal(read, 5);
	rig->answers++;
}

static void on_count(int status, uint64_t count, void *user)
{
	struct rig *rig = user;
	assert_int_equal(status, 0);
	assert_int_equal(count, 1002);
	rig->answers++;
}

static void on_found(
	int status, const struct nuncio_event *rows, size_t n, struct nuncio_str next, void *user)
{
	struct rig *rig = user;
	assert_int_equal(status, 0);
	assert_int_equal(n, 1);
	assert_int_equal(rows->seq, 1);
	assert_true(str_eq_text(rows->conversation, "d:a:b"));
	assert_true(str_eq_text(rows->from, "word"));
	assert_true(str_eq_text(next, "77"));
	rig->answers++;
}

static void on_synced(int status, const struct nuncio_sync_answer *answer, void *user)
{
	struct rig *rig = user;
	assert_int_equal(status, 0);
	assert_int_equal(answer->count, 2);
	assert_int_equal(answer->members_count, 1);
	assert_true(str_eq_text(answer->members->extra, "\"x\":1"));
	assert_int_equal(answer->records_count, 2);
	assert_null(answer->records[0].value.p);
	assert_non_null(answer->records[1].value.p);
	assert_int_equal(answer->records[1].value.n, 0);
	rig->answers++;
}

static void members_are_asked_for(void **state)
{
	struct rig *rig = *state;
	struct store *s = rig->store;
	open_store(rig);
	assert_int_equal(store_member(s, STR("d:a:b"), STR("a"), on_member, rig), 0);
	assert_int_equal(
		store_memberships(s, STR("a"), STR("g:"), STR("g:1"), 5000, on_member, rig), 0);
	assert_int_equal(store_members(s, STR("d:a:b"), 4, STR("b"), 1, on_member, rig), 0);
	assert_int_equal(store_member(s, STR("d:a:b"), STR(""), on_member, rig), NUNCIO_E_INVAL);
	assert_int_equal(
		store_memberships(s, STR(""), STR(""), STR(""), 1, on_member, rig), NUNCIO_E_INVAL);
	store_finish(rig->store);
	assert_int_equal(rig->answers, 3);
	assert_string_equal(
		rig->seen, "d:a:b a \"x\":1 0 0; g: a \"x\":1 1000 0; d:a:b b \"x\":1 0 4; ");
}

static void searches_syncs_and_counts_are_asked_for(void **state)
{
	struct rig *rig = *state;
	struct nuncio_search_query q = { .size = sizeof(q),
		.user = STR("a"),
		.conversation = STR("d:a:b"),
		.text = STR("word"),
		.after = STR("77") };
	struct nuncio_sync_query sync = { .size = sizeof(sync), .user = STR("a") };
	open_store(rig);
	assert_int_equal(store_search(rig->store, &q, on_found, rig), 0);
	assert_int_equal(store_sync(rig->store, &sync, on_synced, rig), 0);
	assert_int_equal(store_reached(rig->store, STR("d:a:b"), 99, on_reached, rig), 0);
	q.text = STR("");
	assert_int_equal(store_search(rig->store, &q, on_found, rig), NUNCIO_E_INVAL);
	q.text = STR("?!");
	assert_int_equal(store_search(rig->store, &q, on_found, rig), NUNCIO_E_INVAL);
	store_finish(rig->store);
	assert_int_equal(rig->answers, 3);
}

static void memberships_are_counted(void **state)
{
	struct rig *rig = *state;
	open_store(rig);
	assert_int_equal(
		store_membership_count(rig->store, STR("a"), STR("g:"), 5000, on_count, rig), 0);
	assert_int_equal(store_membership_count(rig->store, STR(""), STR("g:"), 1, on_count, rig),
		NUNCIO_E_INVAL);
	store_finish(rig->store);
	assert_int_equal(rig->answers, 1);
}

static void a_store_may_say_which_lane(void **state)
{
	struct rig *rig = *state;
	struct nuncio_store_ops with = ops;
	struct nuncio_record_write w = { .size = sizeof(w), .space = STR("m") };
	static const struct {
		struct nuncio_str owner;
		uint32_t lane;
	} cases[] = { { STR("alice"), 0 }, { STR("bob"), 1 }, { STR("carol"), 0 },
		{ STR("b"), 1 } };
	with.lane = on_lane;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		open_with(rig, &with);
		w.owner = cases[i].owner;
		assert_int_equal(store_write(rig->store, &w, 1, on_written, rig), 0);
		store_close(rig->store);
		assert_int_equal(rig->lane, cases[i].lane);
	}
}

static void no_provider(void **state)
{
	struct rig *rig = *state;
	assert_false(store_is_open(rig->store));
	assert_int_equal(ask_append(rig), NUNCIO_E_UNSUPPORTED);
	store_finish(rig->store);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(append_copies_and_ids_grow),
		T(reads_and_writes),
		T(an_append_carries_all_that_is_one_with_it),
		T(a_store_that_forgets_the_target_has_failed),
		T(an_append_is_refused_for),
		T(members_are_asked_for),
		T(searches_syncs_and_counts_are_asked_for),
		T(memberships_are_counted),
		T(a_store_may_say_which_lane),
		T(no_provider),
	};
	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}

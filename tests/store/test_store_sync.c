/* SPDX-License-Identifier: MIT */
/* Sync: one cursor for events, cursors of members and records. */
#include "store_case.h"

#include <pthread.h>
#include <stdatomic.h>

/* --- events, of every store --- */

static void check_gap(const char *cursor, size_t n)
{
	struct nuncio_job job = read_sync("alice", (struct nuncio_str){ cursor, n }, 10);
	assert_int_equal(job.status, 0);
	assert_int_equal(job.gap, 1);
	assert_int_equal(job.more, 0);
	assert_int_equal(job.event_count, 0);
	assert_true(job.cursor.n > 0);
	store_host_job_fini(&job);
}

static void foreign_cursors_are_gaps(void **state)
{
	char text[256];
	(void)state;
	append("d:1", "alice", "", "1");
	struct nuncio_job job = read_sync("alice", S(""), 10);
	assert_int_equal(job.gap, 1);
	assert_int_equal(job.event_count, 0);
	int n = (int)job.cursor.n;
	assert_true(n < 200);
	for (int i = 0; i < n; i++)
		assert_non_null(
			strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-",
				job.cursor.p[i]));
	check_gap("", 0);
	check_gap("x", 1);
	check_gap("00000000000000000000000000000000-1007", 37);
	check_gap("' OR 1=1 --", 11);
	check_gap("\0\0\0", 3);
	snprintf(text, sizeof(text), "%.*s9", n, job.cursor.p); /* a position of the future */
	check_gap(text, strlen(text));
	snprintf(text, sizeof(text), "%.*s-", n, job.cursor.p);
	check_gap(text, strlen(text));
	snprintf(text, sizeof(text), "%.*s-1-1-1-1-1", n, job.cursor.p);
	check_gap(text, strlen(text));
	snprintf(text, sizeof(text), "%.*s99999999999999999999999999", n, job.cursor.p);
	check_gap(text, strlen(text));
	check_gap(job.cursor.p, job.cursor.n - 5);
	store_host_job_fini(&job);
}

static void sync_shows_what_is_new_and_mine(void **state)
{
	(void)state;
	append("d:1", "alice", "", "1");
	struct nuncio_job start = read_sync("alice", S(""), 10);
	append("d:1", "bob", "", "2");
	append("d:1", "alice", "", "3");
	struct nuncio_job_append in = make_append(
		&(struct event_args){ .conversation = "d:other", .from = "eve", .body = "4" });
	in.founders = &(struct nuncio_str){ "eve", 3 };
	in.founders_count = 1;
	struct nuncio_job job = { .kind = NUNCIO_JOB_APPEND, .input = &in };
	store_host_run(the.host, &job, 1);
	job = read_sync("alice", start.cursor, 10);
	assert_int_equal(job.gap, 0);
	assert_int_equal(job.more, 0);
	assert_int_equal(job.event_count, 2);
	assert_str(job.events[0].body, "2");
	assert_str(job.events[0].conversation, "d:1");
	assert_str(job.events[1].body, "3");
	struct nuncio_job again = read_sync("alice", job.cursor, 10);
	assert_int_equal(again.event_count, 0);
	assert_int_equal(again.gap, 0);
	store_host_job_fini(&again);
	/* Whoever holds a cursor sees their own conversations only. */
	again = read_sync("eve", start.cursor, 10);
	assert_int_equal(again.event_count, 1);
	assert_str(again.events[0].body, "4");
	store_host_job_fini(&again);
	store_host_job_fini(&job);
	store_host_job_fini(&start);
}

static void sync_obeys_bytes(void **state)
{
	(void)state;
	append("d:1", "alice", "", "0");
	struct nuncio_job start = read_sync("alice", S(""), 10);
	for (int i = 0; i < 5; i++)
		append("d:1", "alice", "", "\"0123456789\"");
	struct nuncio_sync_query q = { .size = sizeof(q),
		.user = S("alice"),
		.cursor = start.cursor,
		.limit = 10,
		.max_bytes = 75 }; /* 3 + 7 + 5 + 0 + 4 + 12 each */
	struct nuncio_job job = read_job(NUNCIO_JOB_SYNC, &q);
	assert_int_equal(job.event_count, 2);
	assert_int_equal(job.more, 1);
	store_host_job_fini(&job);
	q.max_bytes = 1;
	job = read_job(NUNCIO_JOB_SYNC, &q);
	assert_int_equal(job.event_count, 1);
	assert_int_equal(job.more, 1);
	store_host_job_fini(&job);
	store_host_job_fini(&start);
}

enum { WIDE_LOGS = 500, WIDE_EVENTS = 20 };
static char wide_names[WIDE_LOGS][24];

/* `per_log` events into every tenth log from `first`, or all with step 1, in batches. */
static void write_wide(size_t first, size_t step, size_t per_log)
{
	static struct nuncio_job_append in[1000];
	static struct nuncio_job jobs[1000];
	size_t n = 0;
	for (size_t round = 0; round < per_log; round++) {
		for (size_t log = first; log < WIDE_LOGS; log += step) {
			in[n] = make_append(&(struct event_args){
				.conversation = wide_names[log], .from = "bob", .body = "1" });
			jobs[n] = (struct nuncio_job){ .kind = NUNCIO_JOB_APPEND, .input = &in[n] };
			if (++n == 1000) {
				store_host_run(the.host, jobs, n);
				n = 0;
			}
		}
	}
	if (n)
		store_host_run(the.host, jobs, n);
}

static void sync_pages_through_many_conversations_while_more_arrives(void **state)
{
	static uint64_t seen[WIDE_LOGS];
	struct nuncio_job job;
	size_t total = 0, pages = 0;
	(void)state;
	for (size_t i = 0; i < WIDE_LOGS; i++)
		snprintf(wide_names[i], sizeof(wide_names[i]), "d:%03zu", i);
	write_wide(0, 1, 3); /* from before the cursor */
	job = read_sync("alice", S(""), 10);
	write_wide(0, 1, WIDE_EVENTS);
	for (size_t i = 0; i < WIDE_LOGS; i++)
		seen[i] = 3;
	for (int more = 1; more; pages++) {
		struct nuncio_job page = read_sync("alice", job.cursor, 97);
		store_host_job_fini(&job);
		job = page;
		assert_int_equal(job.status, 0);
		assert_int_equal(job.gap, 0);
		assert_true(job.event_count <= 97);
		for (size_t i = 0; i < job.event_count; i++) {
			size_t log = (size_t)atoi(job.events[i].conversation.p + 2);
			assert_int_equal(job.events[i].seq, ++seen[log]);
		}
		total += job.event_count;
		more = job.more;
		if (pages % 10 == 0 && pages < 100)
			write_wide(pages / 10, 10, 1); /* arrives between two pages */
	}
	assert_int_equal(total, WIDE_LOGS * WIDE_EVENTS + 10 * (WIDE_LOGS / 10));
	for (size_t i = 0; i < WIDE_LOGS; i++)
		assert_int_equal(seen[i], 3 + WIDE_EVENTS + 1);
	store_host_job_fini(&job);
}

static void a_page_can_be_asked_again(void **state)
{
	(void)state;
	append("d:1", "alice", "", "0");
	struct nuncio_job start = read_sync("alice", S(""), 10);
	for (int i = 0; i < 5; i++)
		append(i % 2 ? "d:1" : "d:2", "alice", "", "1");
	struct nuncio_job first = read_sync("alice", start.cursor, 2);
	for (int round = 0; round < 2; round++) {
		struct nuncio_job second = read_sync("alice", first.cursor, 2);
		assert_int_equal(second.event_count, 2);
		assert_int_equal(second.more, 1);
		append("d:1", "alice", "", "2");
		store_host_job_fini(&second);
	}
	store_host_job_fini(&first);
	store_host_job_fini(&start);
}

/* --- everything that changes, of stores that have it --- */

enum { ENTRIES_MAX = 3000, ENTRY_BYTES = 160 };

/* Someone who syncs again and again; what a round brought, as texts in order, each once. */
struct reader {
	const char *user;
	char cursor[300];
	uint32_t limit, max_bytes;
	char entries[ENTRIES_MAX][ENTRY_BYTES];
	size_t count, pages, rows_max;
};

static struct reader *reader_new(const char *user)
{
	static struct reader readers[2];
	static size_t next;
	struct reader *r = &readers[next++ % 2];
	struct nuncio_job job = read_sync(user, S(""), 10);
	assert_int_equal(job.gap, 1);
	*r = (struct reader){ .user = user, .limit = 100 };
	snprintf(r->cursor, sizeof(r->cursor), "%s", job.cursor.p);
	store_host_job_fini(&job);
	return r;
}

static void add_entry(struct reader *r, const char *text)
{
	size_t at = 0;
	while (at < r->count && strcmp(r->entries[at], text) < 0)
		at++;
	if (at < r->count && strcmp(r->entries[at], text) == 0)
		return;
	assert_true(r->count < ENTRIES_MAX);
	memmove(r->entries[at + 1], r->entries[at], (r->count++ - at) * ENTRY_BYTES);
	snprintf(r->entries[at], ENTRY_BYTES, "%s", text);
}

/* "g:1#2", "g:1/bob 2,1", "s:alice:k=v" (or "-v"... when it was deleted: "s:alice:k gone"). */
static void add_rows(struct reader *r, const struct nuncio_job *job)
{
	char text[ENTRY_BYTES];
	for (size_t i = 0; i < job->event_count; i++) {
		snprintf(text, sizeof(text), "%s#%llu", job->events[i].conversation.p,
			(unsigned long long)job->events[i].seq);
		add_entry(r, text);
	}
	for (size_t i = 0; i < job->member_count; i++) {
		const struct nuncio_member *m = &job->members[i];
		snprintf(text, sizeof(text), "%s/%s %llu,%llu", m->conversation.p, m->user.p,
			(unsigned long long)m->delivered, (unsigned long long)m->read);
		add_entry(r, text);
	}
	for (size_t i = 0; i < job->record_count; i++) {
		const struct nuncio_record *record = &job->records[i];
		bool is_gone = !record->value.p;
		snprintf(text, sizeof(text), "%s:%s:%s%s%s", record->space.p, record->owner.p,
			record->key.p, is_gone ? " gone" : "=", is_gone ? "" : record->value.p);
		add_entry(r, text);
	}
}

/* One page: 1 if there is more. */
static int reader_turn(struct reader *r)
{
	struct nuncio_sync_query q = { .size = sizeof(q),
		.user = text_of(r->user),
		.cursor = text_of(r->cursor),
		.limit = r->limit,
		.max_bytes = r->max_bytes };
	struct nuncio_job job = read_job(NUNCIO_JOB_SYNC, &q);
	size_t rows = job.event_count + job.member_count + job.record_count;
	int more = job.more;
	assert_int_equal(job.status, 0);
	assert_int_equal(job.gap, 0);
	assert_true(rows <= r->limit);
	assert_true(!more || rows > 0);
	assert_true(job.cursor.n > 0 && job.cursor.n < 250);
	snprintf(r->cursor, sizeof(r->cursor), "%s", job.cursor.p);
	add_rows(r, &job);
	store_host_job_fini(&job);
	r->pages++;
	r->rows_max = rows > r->rows_max ? rows : r->rows_max;
	assert_true(r->pages < 10000);
	return more;
}

/* All pages; expected: entries with "; " between. */
static void check_synced(struct reader *r, const char *expected)
{
	static char text[ENTRIES_MAX * 20];
	size_t used = 0;
	text[0] = '\0';
	r->count = r->pages = r->rows_max = 0;
	while (reader_turn(r))
		;
	for (size_t i = 0; i < r->count; i++)
		used += (size_t)snprintf(
			text + used, sizeof(text) - used, "%s%s", i ? "; " : "", r->entries[i]);
	assert_string_equal(text, expected);
}

static int put_synced(const char *owner, const char *key, const char *value)
{
	struct nuncio_record_write w = make_write("s", owner, key, value, NUNCIO_EXPECT_ANY);
	w.flags = NUNCIO_WRITE_SYNCED;
	return write_records(&w, 1);
}

static void marks_are_synced(void **state)
{
	(void)state;
	append("g:1", "alice", "", "1");
	append("g:1", "alice", "", "2");
	append("g:1", "alice", "", "3");
	mark("g:1", "bob", 1, 0);
	struct reader *bob = reader_new("bob"), *alice = reader_new("alice");
	check_synced(bob, "");
	mark("g:1", "bob", 2, 1);
	mark("g:1", "bob", 3, 1);
	mark("g:1", "bob", 2, 0);         /* nothing rises */
	check_synced(bob, "g:1/bob 3,1"); /* another device of his */
	check_synced(alice, "g:1/bob 3,1");
	check_synced(bob, "");
	mark("g:1", "alice", 0, 3);
	mark("g:1", "bob", 0, 2);
	check_synced(bob, "g:1/alice 3,3; g:1/bob 3,2");
	check_synced(alice, "g:1/alice 3,3; g:1/bob 3,2");
}

/* Rows of members are whole. */
static void a_synced_member_has_everything(void **state)
{
	struct nuncio_member_change bob =
		make_change(NUNCIO_MEMBER_SET, "bob", 4, NUNCIO_MEMBER_EXTRA | NUNCIO_MEMBER_MUTED);
	(void)state;
	bob.extra = S("\"a\":1");
	bob.muted_until_ms = 9;
	append("g:1", "alice", "", "1");
	assert_int_equal(change_members("g:1", &bob, 1), 0);
	struct reader *r = reader_new("alice");
	mark("g:1", "bob", 2, 1);
	struct nuncio_job job = read_sync("alice", text_of(r->cursor), 10);
	assert_int_equal(job.member_count, 1);
	assert_str(job.members[0].conversation, "g:1");
	assert_str(job.members[0].user, "bob");
	assert_str(job.members[0].extra, "\"a\":1");
	assert_int_equal(job.members[0].role, 4);
	assert_int_equal(job.members[0].muted_until_ms, 9);
	assert_int_equal(job.members[0].joined_at_ms, 1795000001007);
	store_host_job_fini(&job);
}

static void many_members_are_not_told_of_each_other(void **state)
{
	static struct nuncio_member_change changes[NUNCIO_SYNC_MEMBERS - 2];
	static char names[NUNCIO_SYNC_MEMBERS][16];
	(void)state;
	append("g:1", "alice", "", "1");
	for (size_t i = 0; i < COUNT_OF(changes); i++) {
		snprintf(names[i], sizeof(names[i]), "u%03zu", i);
		changes[i] = make_change(NUNCIO_MEMBER_ADD, names[i], -1, 0);
	}
	assert_int_equal(change_members("g:1", changes, COUNT_OF(changes)), 0);
	struct reader *alice = reader_new("alice"), *u003 = reader_new("u003");
	mark("g:1", "u003", 2, 2);
	check_synced(alice, "g:1/u003 2,2"); /* they are a hundred */
	add_member("g:1", "erin");
	check_synced(alice, "g:1#3");
	mark("g:1", "u003", 3, 3);
	check_synced(alice, "");
	check_synced(u003, "g:1#3; g:1/u003 3,3");
	remove_member("g:1", "erin");
	mark("g:1", "u003", 4, 4);
	check_synced(alice, "g:1#4; g:1/u003 4,4");
}

static void who_has_left_is_told_up_to_then(void **state)
{
	(void)state;
	append("g:1", "alice", "", "1");
	add_member("g:1", "carol");
	struct reader *bob = reader_new("bob"), *carol = reader_new("carol");
	append("g:1", "alice", "", "3");
	mark("g:1", "alice", 3, 3);
	mark("g:1", "bob", 3, 3);
	remove_member("g:1", "bob");
	append("g:1", "alice", "", "5");
	mark("g:1", "alice", 5, 5);
	check_synced(bob, "g:1#3; g:1#4");
	check_synced(carol, "g:1#3; g:1#4; g:1#5; g:1/alice 5,5");
	append("g:1", "alice", "", "6");
	check_synced(bob, "");
	/* He comes back, and does not get what was said meanwhile. */
	add_member("g:1", "bob");
	mark("g:1", "bob", 7, 7);
	check_synced(bob, "g:1#7; g:1/bob 7,7");
	append("g:1", "alice", "", "8");
	check_synced(bob, "g:1#8");
	check_synced(carol, "g:1#6; g:1#7; g:1#8; g:1/bob 7,7");
}

static void who_comes_later_is_told_from_then(void **state)
{
	struct nuncio_member_change dave =
		make_change(NUNCIO_MEMBER_ADD, "dave", -1, NUNCIO_MEMBER_ALL_HISTORY);
	(void)state;
	append("g:0", "carol", "", "1");
	struct reader *carol = reader_new("carol");
	append("g:1", "alice", "", "1");
	append("g:1", "alice", "", "2");
	add_member("g:1", "carol");
	append("g:1", "alice", "", "4");
	check_synced(carol, "g:1#3; g:1#4");
	struct reader *reader = reader_new("dave");
	append("g:1", "alice", "", "5");
	assert_int_equal(change_members("g:1", &dave, 1), 0);
	/* What was before his cursor he loads by pages: at least what is behind it comes. */
	reader->count = 0;
	while (reader_turn(reader))
		;
	assert_true(reader->count >= 2);
	assert_string_equal(reader->entries[reader->count - 1], "g:1#6");
	assert_string_equal(reader->entries[reader->count - 2], "g:1#5");
}

static void records_are_synced(void **state)
{
	(void)state;
	put_synced("alice", "old", "0");
	struct reader *alice = reader_new("alice"), *bob = reader_new("bob");
	put_synced("alice", "a", "1");
	put_synced("alice", "b", "");
	put_synced("bob", "a", "2");
	struct nuncio_record_write w = make_write("s", "alice", "c", "3", NUNCIO_EXPECT_ANY);
	assert_int_equal(write_records(&w, 1), 0); /* not one of those */
	check_synced(alice, "s:alice:a=1; s:alice:b=");
	check_synced(bob, "s:bob:a=2");
	put_synced("alice", "a", "2");
	put_synced("alice", "a", "3");
	put_synced("alice", "old", "4");
	check_synced(alice, "s:alice:a=3; s:alice:old=4"); /* the newest only */
	check_synced(alice, "");
	struct nuncio_job job = read_sync("alice", text_of(bob->cursor), 10);
	for (size_t i = 0; i < job.record_count; i++)
		assert_true(job.records[i].version > 0);
	store_host_job_fini(&job);
}

static void deleted_records_are_told(void **state)
{
	(void)state;
	put_synced("alice", "a", "1");
	put_synced("alice", "b", "1");
	struct reader *alice = reader_new("alice");
	put_synced("alice", "a", NULL);
	check_record_of("alice", "a", NULL, 0);
	struct nuncio_records_query list = {
		.size = sizeof(list), .space = S("s"), .owner = S("alice"), .limit = 10
	};
	struct nuncio_job job = read_list(&list);
	assert_int_equal(job.record_count, 1);
	store_host_job_fini(&job);
	check_synced(alice, "s:alice:a gone");
	/* It can come again, from the beginning, and go again. */
	struct nuncio_record_write w = make_write("s", "alice", "a", "2", NUNCIO_EXPECT_ABSENT);
	w.flags = NUNCIO_WRITE_SYNCED;
	assert_int_equal(write_records(&w, 1), 0);
	check_record_of("alice", "a", "2", 1);
	check_synced(alice, "s:alice:a=2");
	w.expect = 1;
	w.value = (struct nuncio_str){ NULL, 0 };
	assert_int_equal(write_records(&w, 1), 0);
	put_synced("alice", "b", "3");
	put_synced("alice", "b", NULL);
	put_synced("alice", "never", NULL);
	check_record_of("alice", "b", NULL, 0);
	w.expect = 1;
	assert_int_equal(write_records(&w, 1), NUNCIO_E_CONFLICT); /* there is none any more */
	alice->count = 0;
	while (reader_turn(alice))
		;
	assert_true(
		alice->count == 2 || alice->count == 3); /* that there never was one is no news */
	assert_string_equal(alice->entries[0], "s:alice:a gone");
	assert_string_equal(alice->entries[1], "s:alice:b gone");
}

static void a_failed_write_is_not_synced(void **state)
{
	struct nuncio_record_write w[] = { make_write("s", "alice", "a", "2", NUNCIO_EXPECT_ANY),
		make_write("s", "alice", "b", NULL, NUNCIO_EXPECT_ANY),
		make_write("s", "alice", "c", "2", 7) };
	(void)state;
	put_synced("alice", "a", "1");
	put_synced("alice", "b", "1");
	struct reader *alice = reader_new("alice");
	for (size_t i = 0; i < COUNT_OF(w); i++)
		w[i].flags = NUNCIO_WRITE_SYNCED;
	assert_int_equal(write_records(w, 3), NUNCIO_E_CONFLICT);
	check_synced(alice, "");
	check_record_of("alice", "a", "1", 1);
	check_record_of("alice", "b", "1", 1);
	assert_int_equal(write_records(w, 2), 0);
	check_synced(alice, "s:alice:a=2; s:alice:b gone");
}

static void expired_records_do_not_come(void **state)
{
	struct nuncio_record_write w = make_write("s", "alice", "k", "1", NUNCIO_EXPECT_ANY);
	(void)state;
	store_host_set_wall_ms(1000000);
	struct reader *alice = reader_new("alice");
	w.flags = NUNCIO_WRITE_SYNCED;
	w.expires_at_ms = 1000500;
	assert_int_equal(write_records(&w, 1), 0);
	char cursor[300];
	memcpy(cursor, alice->cursor, sizeof(cursor));
	check_synced(alice, "s:alice:k=1");
	store_host_set_wall_ms(1000500);
	memcpy(alice->cursor, cursor, sizeof(cursor));
	check_synced(alice, "");
	store_host_idle(the.host);
	memcpy(alice->cursor, cursor, sizeof(cursor));
	check_synced(alice, "");
	w.expires_at_ms = 0;
	assert_int_equal(write_records(&w, 1), 0);
	check_synced(alice, "s:alice:k=1");
}

static void deletions_are_known_for_thirty_days(void **state)
{
	static const int64_t day = INT64_C(24) * 60 * 60 * 1000;
	const int64_t now = INT64_C(1795000000000);
	(void)state;
	store_host_set_wall_ms(now);
	put_synced("alice", "a", "1");
	put_synced("alice", "b", "1");
	struct reader *old = reader_new("alice");
	put_synced("alice", "a", NULL);
	struct reader *between = reader_new("alice");
	store_host_set_wall_ms(now + 2 * day);
	put_synced("alice", "b", NULL);
	char before[300], after_a[300];
	memcpy(before, old->cursor, sizeof(before));
	memcpy(after_a, between->cursor, sizeof(after_a));
	store_host_set_wall_ms(now + 30 * day - 1);
	store_host_idle(the.host);
	check_synced(old, "s:alice:a gone; s:alice:b gone");
	check_synced(between, "s:alice:b gone");
	store_host_set_wall_ms(now + 31 * day);
	store_host_idle(the.host);
	for (int round = 0; round < (the.is_durable ? 2 : 1); round++) {
		struct nuncio_job job = read_sync("alice", text_of(before), 10);
		assert_int_equal(job.gap, 1);
		assert_int_equal(job.record_count, 0);
		assert_true(job.cursor.n > 0);
		store_host_job_fini(&job);
		memcpy(between->cursor, after_a, sizeof(after_a));
		check_synced(between, "s:alice:b gone");
		if (the.is_durable) {
			case_close();
			case_open();
		}
	}
	put_synced("alice", "a", "again");
	check_synced(between, "s:alice:a=again");
	check_record_of("alice", "a", "again", 1);
}

/* A bit of everything for alice; returns what her sync is to bring. */
static const char *write_everything(void)
{
	struct nuncio_record_write many[12];
	static char keys[COUNT_OF(many)][8];
	append("g:1", "alice", "", "\"one\"");
	put_synced("alice", "k1", "1");
	append("g:2", "bob", "", "\"two\"");
	mark("g:1", "bob", 1, 1);
	for (size_t i = 0; i < COUNT_OF(many); i++) {
		snprintf(keys[i], sizeof(keys[i]), "m%02zu", i);
		many[i] = make_write("s", "alice", keys[i], "x", NUNCIO_EXPECT_ANY);
		many[i].flags = NUNCIO_WRITE_SYNCED;
	}
	assert_int_equal(write_records(many, COUNT_OF(many)), 0); /* one change for all */
	append("g:1", "bob", "", "\"three\"");
	amend("g:1", 1, "\"four\"", "\"edited\":1");
	mark("g:2", "alice", 1, 1);
	put_synced("alice", "m03", NULL);
	mark("g:1", "bob", 3, 2);
	mark("g:1", "alice", 2, 2);
	append("g:2", "bob", "", "\"five\"");
	return "g:1#1; g:1#2; g:1#3; g:1/alice 2,2; g:1/bob 3,2; g:2#1; g:2#2; g:2/alice 1,1; "
	       "s:alice:k1=1; s:alice:m00=x; s:alice:m01=x; s:alice:m02=x; s:alice:m03 gone; "
	       "s:alice:m04=x; s:alice:m05=x; s:alice:m06=x; s:alice:m07=x; s:alice:m08=x; "
	       "s:alice:m09=x; s:alice:m10=x; s:alice:m11=x";
}

/* Whatever the size of the pages, the whole is the same. */
static void pages_go_across_all_kinds_of_rows(void **state)
{
	static const uint32_t limits[] = { 1, 2, 3, 5, 7, 20, 21, 22, 1000 };
	static const uint32_t bytes[] = { 1, 10, 60, 100, 300, 0 };
	char start[300];
	(void)state;
	struct reader *alice = reader_new("alice");
	memcpy(start, alice->cursor, sizeof(start));
	const char *expected = write_everything();
	for (size_t i = 0; i < COUNT_OF(limits); i++) {
		memcpy(alice->cursor, start, sizeof(start));
		alice->limit = limits[i];
		check_synced(alice, expected);
		assert_true(alice->pages >= (21 + limits[i] - 1) / limits[i]);
		check_synced(alice, "");
	}
	alice->limit = 1000;
	for (size_t i = 0; i < COUNT_OF(bytes); i++) {
		memcpy(alice->cursor, start, sizeof(start));
		alice->max_bytes = bytes[i];
		check_synced(alice, expected);
		if (bytes[i] == 1)
			assert_int_equal(alice->rows_max, 1);
		if (bytes[i] == 60)
			assert_in_range(alice->rows_max, 2, 7); /* a record has 10 */
		check_synced(alice, "");
	}
}

/* What is written between two pages comes with a later one, or with the next sync. */
static void nothing_is_lost_between_pages(void **state)
{
	char text[ENTRY_BYTES], key[16];
	(void)state;
	append("g:1", "bob", "", "1");
	struct reader *alice = reader_new("alice");
	alice->limit = 7;
	uint64_t last = 1;
	for (int i = 0; i < 300; i++) {
		last = append("g:1", "bob", "", "1");
		snprintf(key, sizeof(key), "k%03d", i);
		put_synced("alice", key, "1");
		if (i % 3 == 0)
			mark("g:1", "bob", last, last);
		if (i % 5 == 0) /* again a row that may have been on a page before */
			put_synced("alice", "k000", "2");
		if (i % 2 == 0)
			reader_turn(alice);
	}
	while (reader_turn(alice))
		;
	for (uint64_t seq = 2; seq <= last; seq++) {
		snprintf(text, sizeof(text), "g:1#%llu", (unsigned long long)seq);
		size_t count = alice->count;
		add_entry(alice, text);
		assert_int_equal(alice->count, count);
	}
	for (int i = 1; i < 300; i++) {
		snprintf(text, sizeof(text), "s:alice:k%03d=1", i);
		size_t count = alice->count;
		add_entry(alice, text);
		assert_int_equal(alice->count, count);
	}
	size_t count = alice->count;
	add_entry(alice, "s:alice:k000=2");
	snprintf(text, sizeof(text), "g:1/bob %d,%d", 299, 299);
	add_entry(alice, text);
	assert_int_equal(alice->count, count);
	check_synced(alice, "");
}

enum { RACE_ROUNDS = 400 };
static _Atomic bool has_written;

static void *write_on(void *data)
{
	(void)data;
	for (int i = 0; i < RACE_ROUNDS; i++) {
		uint64_t seq = append("g:1", "bob", "", "1");
		mark("g:1", "bob", seq, 0);
		char key[16];
		snprintf(key, sizeof(key), "k%03d", i);
		put_synced("alice", key, "1");
	}
	atomic_store(&has_written, true);
	return NULL;
}

/* Where reads have lanes of their own they run beside the writer. */
static void nothing_is_lost_beside_a_writer(void **state)
{
	pthread_t writer;
	(void)state;
	append("g:1", "bob", "", "1");
	struct reader *alice = reader_new("alice");
	alice->limit = 9;
	atomic_store(&has_written, false);
	if (store_host_readers(the.host) > 0)
		assert_int_equal(pthread_create(&writer, NULL, write_on, NULL), 0);
	else
		write_on(NULL);
	while (!atomic_load(&has_written)) {
		reader_turn(alice);
		alice->pages = 0; /* it may turn as often as it likes */
	}
	while (reader_turn(alice))
		;
	if (store_host_readers(the.host) > 0)
		pthread_join(writer, NULL);
	size_t events = 0, records = 0, last_mark = 0;
	for (size_t i = 0; i < alice->count; i++) {
		events += strncmp(alice->entries[i], "g:1#", 4) == 0;
		records += strncmp(alice->entries[i], "s:alice:k", 9) == 0;
		last_mark += strcmp(alice->entries[i], "g:1/bob 401,0") == 0;
	}
	assert_int_equal(events, RACE_ROUNDS);
	assert_int_equal(records, RACE_ROUNDS);
	assert_int_equal(last_mark, 1);
}

static void ids_of_marks_and_writes_are_remembered(void **state)
{
	(void)state;
	append("g:1", "alice", "", "1");
	mark("g:1", "bob", 1, 1);
	nuncio_id marked = the.last_id;
	struct reader *alice = reader_new("alice");
	case_close();
	case_open();
	if (!the.is_durable)
		return;
	assert_true(store_host_highest(the.host) >= marked);
	put_synced("alice", "k", "1");
	nuncio_id written = the.last_id;
	case_close();
	case_open();
	assert_true(store_host_highest(the.host) >= written);
	check_synced(alice, "s:alice:k=1");
	put_synced("alice", "k", NULL);
	mark("g:1", "alice", 1, 1);
	append("g:1", "alice", "", "2");
	case_close();
	case_open();
	check_synced(alice, "g:1#2; g:1/alice 1,1; s:alice:k gone");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(foreign_cursors_are_gaps),
		CASE(sync_shows_what_is_new_and_mine),
		CASE(sync_obeys_bytes),
		CASE(sync_pages_through_many_conversations_while_more_arrives),
		CASE(a_page_can_be_asked_again),
	};
	static const struct CMUnitTest full[] = {
		CASE(marks_are_synced),
		CASE(a_synced_member_has_everything),
		CASE(many_members_are_not_told_of_each_other),
		CASE(who_has_left_is_told_up_to_then),
		CASE(who_comes_later_is_told_from_then),
		CASE(records_are_synced),
		CASE(deleted_records_are_told),
		CASE(a_failed_write_is_not_synced),
		CASE(expired_records_do_not_come),
		CASE(deletions_are_known_for_thirty_days),
		CASE(pages_go_across_all_kinds_of_rows),
		CASE(nothing_is_lost_between_pages),
		CASE(nothing_is_lost_beside_a_writer),
		CASE(ids_of_marks_and_writes_are_remembered),
	};
	int failed = case_run("sync", tests, COUNT_OF(tests), CASE_ALL_STORES);
	return case_run("sync of everything", full, COUNT_OF(full), CASE_FULL_STORES) | failed;
}

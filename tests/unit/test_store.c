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
	char seen[160]; /* what the store got, as text */
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
	snprintf(rig->seen, sizeof(rig->seen),
		STR_FMT " " STR_FMT " " STR_FMT " founders " STR_FMT "," STR_FMT " write " STR_FMT
			"=" STR_FMT " null %d",
		STR_ARG(e->conversation), STR_ARG(e->from), STR_ARG(e->body),
		STR_ARG(in->founders[0]), STR_ARG(in->founders[1]), STR_ARG(in->writes[0].key),
		STR_ARG(in->writes[0].value), in->writes[1].value.p == NULL);
	nuncio_job_set_appended(job, 1, e->id, e->sent_at_ms, 0);
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
			nuncio_job_add_event(jobs[i], &row);
			nuncio_job_set_more(jobs[i], 1);
		} else if (kind == NUNCIO_JOB_MARK) {
			const struct nuncio_job_mark *mark = nuncio_job_input(jobs[i]);
			struct nuncio_member row = { .size = sizeof(row), .user = mark->user };
			nuncio_job_add_member(jobs[i], &row);
		}
		nuncio_job_done(&jobs[i], kind == NUNCIO_JOB_GET ? NUNCIO_E_NOTFOUND : 0);
	}
}

static const struct nuncio_store_ops ops = {
	.size = sizeof(ops), .open = on_open, .close = on_close, .lanes = on_lanes, .run = on_run
};

static void open_store(struct rig *rig)
{
	static struct provider p;
	p = (struct provider){ .job = "store",
		.name = "fake",
		.module = (struct nuncio_module *)(void *)rig,
		.ops = &ops };
	assert_int_equal(store_open(rig->store, &p, NULL), 0);
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

static void on_appended(int status, const struct nuncio_event *event, int duplicate, void *user)
{
	struct rig *rig = user;
	rig->answers++;
	rig->status = status;
	assert_int_equal(duplicate, 0);
	assert_int_equal(event->seq, 1);
	assert_true(event->id > rig->id);
	assert_true(event->sent_at_ms >= rig->sent_at_ms);
	rig->id = event->id;
	rig->sent_at_ms = event->sent_at_ms;
}

static int ask_append(struct rig *rig)
{
	char conversation[] = "d:alice:bob", body[] = "\"hi\"", key[] = "k";
	struct nuncio_str founders[] = { STR("alice"), STR("bob") };
	struct nuncio_record_write writes[] = {
		{ .size = sizeof(writes[0]),
			.space = STR("m"),
			.key = str_of(key),
			.value = STR("v") },
		{ .size = sizeof(writes[0]), .space = STR("m"), .key = STR("gone") },
	};
	struct store_append what = { .conversation = str_of(conversation),
		.type = STR("message"),
		.from = STR("alice"),
		.kind = STR("text"),
		.body = str_of(body),
		.founders = founders,
		.founders_count = 2,
		.writes = writes,
		.writes_count = 2 };
	int rc = store_append(rig->store, &what, on_appended, rig);
	memset(conversation, 'x', sizeof(conversation));
	memset(body, 'x', sizeof(body));
	memset(key, 'x', sizeof(key));
	return rc;
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
		T(no_provider),
	};
	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}

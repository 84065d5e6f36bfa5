/* SPDX-License-Identifier: MIT */
/* Records: versions, several at once, lists, those that expire. */
#include "store_case.h"

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

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(records_have_versions),
		CASE(several_writes_are_all_or_nothing),
		CASE(writes_with_an_event_are_one),
		CASE(records_are_listed_in_order),
		CASE(expired_records_are_absent),
		CASE(values_are_any_bytes_up_to_64_kib),
	};
	return case_run("records", tests, COUNT_OF(tests), CASE_ALL_STORES);
}

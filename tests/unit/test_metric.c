/* SPDX-License-Identifier: MIT */
#include "base/metric.h"

#include <pthread.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "tests/lib/unit.h"

static void expect_text(struct metric_set *set, const char *expected)
{
	struct buf out = { 0 };
	metric_write_text(set, &out);
	char *text = buf_take(&out);
	assert_string_equal(text, expected);
	alloc_free(text);
}

static int64_t read_seven(void *user)
{
	(void)user;
	return 7;
}

static void counters_and_gauges(void **state)
{
	(void)state;
	struct metric_set *set = metric_set_new();
	struct metric_label get[] = { { "method", "GET" }, { "path", "a\"b\\c\nd" }, { 0 } };
	struct metric_label post[] = { { "method", "POST" }, { 0 } };
	struct metric *c = metric_new_counter(set, "x_total", "Lines\nand \\", get);
	struct metric *g = metric_new_gauge(set, "open", NULL, NULL);
	metric_add(metric_new_counter(set, "x_total", "ignored", post), 3);
	metric_new_gauge_fn(set, "read", "Called.", NULL, read_seven, NULL);
	metric_add(c, 1);
	metric_add(c, 1);
	metric_add(c, -5);
	metric_set_value(g, 10);
	metric_add(g, -3);
	metric_add(NULL, 1);
	assert_int_equal(metric_value(c), 2);
	expect_text(set, "# HELP x_total Lines\\nand \\\\\n# TYPE x_total counter\n"
			 "x_total{method=\"GET\",path=\"a\\\"b\\\\c\\nd\"} 2\n"
			 "x_total{method=\"POST\"} 3\n"
			 "# TYPE open gauge\nopen 7\n"
			 "# HELP read Called.\n# TYPE read gauge\nread 7\n");
	metric_set_free(&set);
	assert_null(set);
}

static void histograms_add_up(void **state)
{
	(void)state;
	static const int64_t bounds[] = { 1000, 5000, 1000000 };
	struct metric_set *set = metric_set_new();
	struct metric_label label[] = { { "op", "a" }, { 0 } };
	struct metric *h = metric_new_histogram(set, "t_seconds", "T.", label, bounds, 3, 1e6);
	metric_observe(h, 1000);
	metric_observe(h, 1001);
	metric_observe(h, 2000000);
	assert_int_equal(metric_value(h), 3);
	expect_text(set, "# HELP t_seconds T.\n# TYPE t_seconds histogram\n"
			 "t_seconds_bucket{op=\"a\",le=\"0.001\"} 1\n"
			 "t_seconds_bucket{op=\"a\",le=\"0.005\"} 2\n"
			 "t_seconds_bucket{op=\"a\",le=\"1\"} 2\n"
			 "t_seconds_bucket{op=\"a\",le=\"+Inf\"} 3\n"
			 "t_seconds_sum{op=\"a\"} 2.002001\n"
			 "t_seconds_count{op=\"a\"} 3\n");
	metric_set_free(&set);
}

static void one_thread_alone_counts_the_same(void **state)
{
	(void)state;
	struct metric_set *set = metric_set_new();
	struct metric_label a[] = { { "op", "a" }, { 0 } }, b[] = { { "op", "b" }, { 0 } };
	struct metric *c = metric_new_counter(set, "c_seconds_total", NULL, NULL);
	struct metric *h = metric_new_times(set, "t_seconds", NULL, a);
	metric_new_times(set, "t_seconds", NULL, b); /* nothing in it: not written */
	metric_divide(c, 1e9);
	metric_add_alone(c, 1500000000);
	metric_add_alone(c, -1);
	metric_add_alone(h, 1); /* not its business, like the next one */
	metric_observe_alone(c, 1);
	metric_add_alone(NULL, 1);
	metric_observe_alone(NULL, 1);
	metric_divide(NULL, 1);
	metric_observe_alone(h, 100000);
	metric_observe_alone(h, 100001);
	metric_observe_alone(h, INT64_C(20000000000));
	assert_int_equal(metric_value(h), 3);
	struct buf out = { 0 };
	metric_write_text(set, &out);
	char *text = buf_take(&out);
	assert_non_null(strstr(text, "c_seconds_total 1.5\n"));
	assert_non_null(strstr(text, "t_seconds_bucket{op=\"a\",le=\"0.0001\"} 1\n"
				     "t_seconds_bucket{op=\"a\",le=\"0.00025\"} 2\n"));
	assert_non_null(strstr(text, "le=\"10\"} 2\nt_seconds_bucket{op=\"a\",le=\"+Inf\"} 3\n"));
	assert_null(strstr(text, "op=\"b\""));
	alloc_free(text);
	metric_set_free(&set);
}

static void read_three(void *user, uint64_t *buckets, int64_t *sum_r)
{
	(void)user;
	buckets[0] = 1;
	buckets[1] = 2;
	*sum_r = 50;
}

static void counted_elsewhere(void **state)
{
	(void)state;
	static const int64_t bounds[] = { 10 };
	struct metric_set *set = metric_set_new();
	metric_new_counter_fn(set, "c_total", "C.", NULL, read_seven, NULL);
	struct metric *h =
		metric_new_histogram_fn(set, "h", "H.", NULL, bounds, 1, 10, read_three, NULL);
	metric_observe(h, 1); /* not its business */
	assert_int_equal(metric_value(h), 3);
	assert_null(metric_new_counter_fn(set, "c_total", "", NULL, read_seven, NULL));
	assert_null(metric_new_histogram_fn(set, "h", "", NULL, bounds, 1, 1, read_three, NULL));
	expect_text(set, "# HELP c_total C.\n# TYPE c_total counter\nc_total 7\n"
			 "# HELP h H.\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\n"
			 "h_bucket{le=\"+Inf\"} 3\nh_sum 5\nh_count 3\n");
	metric_set_free(&set);
}

static void same_name_is_the_same_metric(void **state)
{
	(void)state;
	static const int64_t bounds[] = { 1 };
	struct metric_set *set = metric_set_new();
	struct metric *c = metric_new_counter(set, "a", "", NULL);
	assert_ptr_equal(metric_new_counter(set, "a", "", NULL), c);
	assert_null(metric_new_gauge(set, "a", "", NULL));
	assert_null(metric_new_histogram(set, "a", "", NULL, bounds, 1, 1));
	assert_non_null(metric_new_gauge_fn(set, "g", "", NULL, read_seven, NULL));
	assert_null(metric_new_gauge_fn(set, "g", "", NULL, read_seven, NULL));
	assert_null(metric_new_gauge(set, "g", "", NULL));
	assert_non_null(metric_new_histogram(set, "h", "", NULL, bounds, 1, 1));
	assert_null(metric_new_histogram(set, "h", "", NULL, bounds, 1, 1));
	metric_set_free(&set);
}

static void bad_names_and_bounds_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "1a", "a-b", "a b", "\xC3\xA4" };
	static const int64_t falling[] = { 2, 1 };
	struct metric_set *set = metric_set_new();
	struct metric_label colon[] = { { "a:b", "" }, { 0 } }, le[] = { { "le", "" }, { 0 } };
	struct metric_label inner[] = { { "__a", "" }, { 0 } };
	struct metric_label twice[] = { { "a", "1" }, { "a", "2" }, { 0 } };
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_null(metric_new_counter(set, bad[i], "", NULL));
	assert_null(metric_new_counter(set, NULL, "", NULL));
	assert_null(metric_new_counter(set, "a", "", colon));
	assert_null(metric_new_counter(set, "a", "", inner));
	assert_null(metric_new_counter(set, "a", "", twice));
	assert_null(metric_new_histogram(set, "h", "", le, falling, 1, 1));
	assert_null(metric_new_histogram(set, "h", "", NULL, falling, 2, 1));
	assert_null(metric_new_histogram(set, "h", "", NULL, falling, 0, 1));
	assert_null(metric_new_histogram(set, "h", "", NULL, falling, 1, 0));
	expect_text(set, "");
	metric_set_free(&set);
}

static void *add_many(void *user)
{
	for (int i = 0; i < 10000; i++)
		metric_add(user, 1);
	return NULL;
}

static void threads_lose_no_count(void **state)
{
	(void)state;
	struct metric_set *set = metric_set_new();
	struct metric *c = metric_new_counter(set, "c", "", NULL);
	pthread_t threads[4];
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		pthread_create(&threads[i], NULL, add_many, c);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(metric_value(c), 40000);
	metric_set_free(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_and_gauges),
		cmocka_unit_test(histograms_add_up),
		cmocka_unit_test(one_thread_alone_counts_the_same),
		cmocka_unit_test(counted_elsewhere),
		cmocka_unit_test(same_name_is_the_same_metric),
		cmocka_unit_test(bad_names_and_bounds_are_refused),
		cmocka_unit_test(threads_lose_no_count),
	};
	return cmocka_run_group_tests_name("metric", tests, NULL, NULL);
}

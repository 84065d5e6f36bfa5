/* SPDX-License-Identifier: MIT */
#include "provide/store_count.h"

#include <nuncio/store_provider.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/metric.h"
#include "tests/lib/unit.h"

static void jobs_and_batches(void **state)
{
	static const char *const lines[] = {
		"nuncio_store_job_seconds_count{kind=\"append\"} 3\n",
		"nuncio_store_job_seconds_sum{kind=\"append\"} 0.003\n",
		"nuncio_store_job_seconds_count{kind=\"search\"} 1\n",
		"nuncio_store_job_errors_total{kind=\"append\"} 2\n",
		"nuncio_store_job_errors_total{kind=\"search\"} 0\n",
		"nuncio_store_batch_jobs_sum{access=\"write\"} 12\n",
		"nuncio_store_batch_seconds_bucket{access=\"write\",le=\"0.005\"} 1\n",
		"nuncio_store_batch_jobs_count{access=\"read\"} 1\n",
	};
	struct metric_set *set = metric_set_new();
	struct store_count *count = store_count_new(set);
	struct buf out = { 0 };
	(void)state;
	store_count_answered(count, NUNCIO_JOB_APPEND, 0, 1000000);
	store_count_answered(count, NUNCIO_JOB_APPEND, NUNCIO_E_FAIL, 1000000);
	store_count_answered(count, NUNCIO_JOB_APPEND, NUNCIO_E_NOSPACE, 1000000);
	store_count_answered(count, NUNCIO_JOB_SEARCH, NUNCIO_E_NOTFOUND, 1);
	store_count_answered(count, 4711, NUNCIO_E_FAIL, 1); /* of a newer server: not there */
	store_count_ran(count, true, 4, 5000000);
	store_count_ran(count, true, 8, 5000001);
	store_count_ran(count, false, 1, 1);
	metric_write_text(set, &out);
	char *text = buf_take(&out);
	for (size_t i = 0; i < COUNT_OF(lines); i++)
		if (!strstr(text, lines[i]))
			fail_msg("not there: %s", lines[i]);
	assert_null(strstr(text, "job_seconds_count{kind=\"sync\"}"));
	alloc_free(text);
	store_count_free(&count);
	metric_set_free(&set);
}

static void nobody_looks(void **state)
{
	struct store_count *count = store_count_new(NULL);
	(void)state;
	store_count_answered(count, NUNCIO_JOB_APPEND, NUNCIO_E_FAIL, 1);
	store_count_ran(count, true, 1, 1);
	store_count_free(&count);
	assert_null(count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jobs_and_batches),
		cmocka_unit_test(nobody_looks),
	};
	return cmocka_run_group_tests_name("store_count", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* What history hides from one user, and the dates that it understands. */
#include "modules/history/history.h"
#include "tests/lib/unit.h"

#include <string.h>

static struct nuncio_str s(const char *text)
{
	return (struct nuncio_str){ text, strlen(text) };
}

static void is_as_it_was_written(void **state)
{
	struct hidden h;
	(void)state;
	hidden_read(&h, s("{\"upto\":3,\"seqs\":[9,5,2,9]}"));
	assert_true(hidden_has(&h, 1));
	assert_true(hidden_has(&h, 3));
	assert_false(hidden_has(&h, 4));
	assert_true(hidden_has(&h, 5));
	assert_true(hidden_has(&h, 9));
	assert_false(hidden_has(&h, 10));
	struct nuncio_json *json = hidden_write(&h);
	assert_true(nuncio_text_same(nuncio_json_str(json), s("{\"upto\":3,\"seqs\":[5,9]}")));
	nuncio_json_free(&json);
	hidden_fini(&h);
	hidden_read(&h, (struct nuncio_str){ NULL, 0 });
	assert_false(hidden_has(&h, 1));
	hidden_fini(&h);
}

static void adds_once_and_clears(void **state)
{
	struct hidden h = { 0 };
	(void)state;
	assert_int_equal(hidden_add(&h, 7), 1);
	assert_int_equal(hidden_add(&h, 7), 0);
	assert_int_equal(hidden_add(&h, 4), 1);
	assert_int_equal(hidden_clear(&h, 5), 1);
	assert_int_equal(hidden_clear(&h, 5), 0);
	assert_int_equal(hidden_clear(&h, 1), 0);
	assert_int_equal(hidden_add(&h, 4), 0);
	assert_int_equal(h.count, 1);
	assert_true(hidden_has(&h, 7));
	hidden_fini(&h);
}

static void is_bounded(void **state)
{
	struct hidden h = { 0 };
	(void)state;
	for (uint64_t seq = 1; seq <= HIDDEN_MAX; seq++)
		assert_int_equal(hidden_add(&h, seq), 1);
	assert_int_equal(hidden_add(&h, HIDDEN_MAX + 1), NUNCIO_E_TOOBIG);
	assert_int_equal(hidden_clear(&h, HIDDEN_MAX), 1);
	assert_int_equal(h.count, 0);
	hidden_fini(&h);
}

static void reads_dates(void **state)
{
	(void)state;
	assert_int_equal(text_date_ms(s("1970-01-01")), 0);
	assert_int_equal(text_date_ms(s("2026-11-25T08:30:00Z")), INT64_C(1795595400000));
	assert_int_equal(text_date_ms(s("2026-11-25T08:30:00.125Z")), INT64_C(1795595400125));
	assert_int_equal(text_date_ms(s("2026-11-25T09:30:00+01:00")), INT64_C(1795595400000));
	assert_int_equal(text_date_ms(s("2026-11-25T02:00:00-06:30")), INT64_C(1795595400000));
	static const char *const wrong[] = { "", "yesterday", "2026", "2026-13-01", "2026-00-01",
		"2026-11-32", "2026-11-25T", "2026-11-25T25:00:00Z", "2026-11-25T08:30Z",
		"2026-11-25T08:30:00Zx", "2026-11-25T08:30:00+1", "1900-01-01", "2026-11-25x" };
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_true(text_date_ms(s(wrong[i])) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_as_it_was_written),
		cmocka_unit_test(adds_once_and_clears),
		cmocka_unit_test(is_bounded),
		cmocka_unit_test(reads_dates),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "modules/web/conditions.h"
#include "tests/lib/unit.h"

static struct nuncio_str s(const char *text)
{
	return (struct nuncio_str){ text, strlen(text) };
}

static void gzip_only_when_said_so(void **state)
{
	static const char *const yes[] = { "gzip", "gzip, deflate, br", "br;q=1.0, gzip;q=0.8",
		"GZIP", "deflate,x-gzip", " gzip ;q=0.001", "gzip;q=1", "gzip;" };
	static const char *const no[] = { "", "br", "identity", "gzip;q=0", "gzip;q=0.0",
		"gzip ; q=0.000", "*", "gzipped", "agzip", ",,;;", "deflate, gzip;Q=0" };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(yes); i++)
		if (!conditions_take_gzip(s(yes[i])))
			fail_msg("not taken: %s", yes[i]);
	for (size_t i = 0; i < COUNT_OF(no); i++)
		if (conditions_take_gzip(s(no[i])))
			fail_msg("taken: %s", no[i]);
}

static void etags_in_a_list(void **state)
{
	(void)state;
	assert_true(conditions_have_etag(s("\"a-1\""), "\"a-1\""));
	assert_true(conditions_have_etag(s("\"x\", W/\"a-1\""), "\"a-1\""));
	assert_true(conditions_have_etag(s("*"), "\"a-1\""));
	assert_false(conditions_have_etag(s("\"a-1-gz\""), "\"a-1\""));
	assert_false(conditions_have_etag(s("a-1"), "\"a-1\""));
	assert_false(conditions_have_etag(s("\"a-1"), "\"a-1\""));
	assert_false(conditions_have_etag(s(""), "\"a-1\""));
	assert_false(conditions_have_etag(s(",,W/,"), "\"a-1\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gzip_only_when_said_so),
		cmocka_unit_test(etags_in_a_list),
	};
	return cmocka_run_group_tests_name("conditions", tests, NULL, NULL);
}

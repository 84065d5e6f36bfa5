/* SPDX-License-Identifier: MIT */
#include "accounts.h"

#include "tests/lib/unit.h"

void *accounts_alloc(size_t bytes)
{
	return calloc(1, bytes);
}

static void refuses_until_the_tokens_have_ended(void **state)
{
	struct gone *gone = gone_new();
	(void)state;
	assert_false(gone_has(gone, str_of_text("ann"), 100));
	gone_add(gone, str_of_text("ann"), 100, 200);
	gone_add(gone, str_of_text("bob"), 100, 150);
	assert_true(gone_has(gone, str_of_text("ann"), 199));
	assert_false(gone_has(gone, str_of_text("ann"), 200));
	assert_true(gone_has(gone, str_of_text("bob"), 149));
	assert_false(gone_has(gone, str_of_text("bob"), 150));
	assert_false(gone_has(gone, str_of_text("an"), 100));
	assert_false(gone_has(gone, str_of_text("anna"), 100));
	assert_false(gone_has(gone, str_of_text(""), 100));
	gone_free(&gone);
	assert_null(gone);
}

static void keeps_the_newest(void **state)
{
	struct gone *gone = gone_new();
	char id[16];
	(void)state;
	for (int i = 0; i < 300; i++) {
		snprintf(id, sizeof id, "user%d", i);
		gone_add(gone, str_of_text(id), 100, 1000);
	}
	assert_false(gone_has(gone, str_of_text("user43"), 500));
	assert_true(gone_has(gone, str_of_text("user44"), 500));
	assert_true(gone_has(gone, str_of_text("user299"), 500));
	gone_free(&gone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_until_the_tokens_have_ended),
		cmocka_unit_test(keeps_the_newest),
	};
	return cmocka_run_group_tests_name("gone", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Which devices of one user may be there at once. */
#include "modules/devices/devices.h"
#include "tests/lib/unit.h"

#include <string.h>

static bool agree(enum policy policy, const char *older, const char *newer)
{
	return devices_agree(policy, (struct nuncio_str){ older, strlen(older) },
		(struct nuncio_str){ newer, strlen(newer) });
}

static void knows_kinds(void **state)
{
	(void)state;
	assert_int_equal(device_type((struct nuncio_str){ "web-1", 5 }).n, 3);
	assert_int_equal(device_type((struct nuncio_str){ "ios:7-x", 7 }).n, 3);
	assert_int_equal(device_type((struct nuncio_str){ "desk", 4 }).n, 4);
	assert_int_equal(device_type((struct nuncio_str){ "", 0 }).n, 0);
}

static void judges(void **state)
{
	(void)state;
	assert_true(agree(POLICY_ALL, "a", "a"));
	assert_true(agree(POLICY_DEVICE, "a", "b"));
	assert_false(agree(POLICY_DEVICE, "a", "a"));
	assert_true(agree(POLICY_DEVICE, "", ""));
	assert_true(agree(POLICY_TYPE, "web-1", "phone-1"));
	assert_false(agree(POLICY_TYPE, "web-1", "web-2"));
	assert_false(agree(POLICY_TYPE, "", ""));
	assert_false(agree(POLICY_NEWEST, "web-1", "phone-1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_kinds),
		cmocka_unit_test(judges),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

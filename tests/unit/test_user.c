/* SPDX-License-Identifier: MIT */
/* The sessions of one user: they end in any order, and are only so many. */
#include "logic/user.h"

#include <stdio.h>

#include "base/slice.h"
#include "logic/deliver.h"
#include "logic/logic.h"

#include "tests/lib/loopback.h"
#include "tests/lib/unit.h"

enum { SESSIONS = 5 };

static struct loopback lb;

static int setup(void **state)
{
	(void)state;
	loopback_init(&lb);
	loopback_ready(&lb);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	loopback_fini(&lb);
	return 0;
}

#define NEXT(text) assert_string_equal(loopback_next(&lb), text)
#define NEXT_HAS(text) assert_non_null(strstr(loopback_next(&lb), text))

static int told(void)
{
	int count = deliver_notify_user(lb.logic, STR("alice"), STR("x"), STR("{}"), 0);
	loopback_turn(&lb);
	while (strcmp(loopback_next(&lb), "nothing") != 0)
		;
	return count;
}

static void sessions_end_in_any_order(void **state)
{
	static const int order[SESSIONS] = { 2, 0, 4, 1, 3 };
	nuncio_sid ids[SESSIONS];
	(void)state;
	for (int i = 0; i < SESSIONS; i++)
		ids[i] = loopback_login(&lb, "good:alice");
	loopback_login(&lb, "good:bob");
	for (int i = 0; i < SESSIONS; i++) {
		const struct user *user = user_find(&lb.logic->users, STR("alice"));
		assert_int_equal(user->session_count, SESSIONS - i);
		assert_true(user_is_here(user));
		assert_int_equal(told(), SESSIONS - i);
		loopback_closed(&lb, ids[order[i]]);
	}
	assert_null(user_find(&lb.logic->users, STR("alice")));
	assert_int_equal(users_count(&lb.logic->users), 1);
}

static void one_too_many_is_refused(void **state)
{
	(void)state;
	lb.logic->settings.user_sessions = 2;
	nuncio_sid first = loopback_login(&lb, "good:alice");
	loopback_login(&lb, "good:alice");
	loopback_login(&lb, "good:bob");
	nuncio_sid refused = loopback_connect(&lb, "good:alice");
	NEXT("refuse 2007");
	loopback_closed(&lb, refused);
	refused = loopback_connect(&lb, NULL);
	NEXT("admit ");
	loopback_packet(&lb, refused, 1, "session.open", "{\"token\":\"good:alice\"}");
	NEXT_HAS("\"seq\":1,\"code\":2007,");
	NEXT("close 4005");
	loopback_closed(&lb, refused);
	assert_int_equal(told(), 2);
	/* A fresh token is no further session. */
	loopback_packet(&lb, first, 2, "session.open", "{\"token\":\"good:alice\"}");
	NEXT_HAS("\"seq\":2,\"code\":0,");
	loopback_closed(&lb, first);
	loopback_login(&lb, "good:alice");
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(sessions_end_in_any_order),
		T(one_too_many_is_refused),
	};
	return cmocka_run_group_tests_name("user", tests, NULL, NULL);
}

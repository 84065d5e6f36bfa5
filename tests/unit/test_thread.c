/* SPDX-License-Identifier: MIT */
#include "loop/thread.h"

#include <pthread.h>

#include "tests/lib/unit.h"

struct seen {
	char name[16];
	sigset_t blocked;
};

static void look(void *user)
{
	struct seen *s = user;
	pthread_getname_np(pthread_self(), s->name, sizeof(s->name));
	pthread_sigmask(SIG_BLOCK, NULL, &s->blocked);
}

static void has_name_and_blocks_signals(void **state)
{
	(void)state;
	struct seen s;
	struct thread *t = NULL;
	sigset_t mine;
	assert_int_equal(thread_start("a name that is too long", look, &s, &t, NULL), 0);
	thread_join(&t);
	assert_null(t);
	thread_join(&t);
	assert_string_equal(s.name, "a name that is ");
	assert_true(sigismember(&s.blocked, SIGTERM) && sigismember(&s.blocked, SIGHUP));
	assert_false(sigismember(&s.blocked, SIGSEGV));
	pthread_sigmask(SIG_BLOCK, NULL, &mine);
	assert_false(sigismember(&mine, SIGTERM));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_name_and_blocks_signals),
	};
	return cmocka_run_group_tests_name("thread", tests, NULL, NULL);
}

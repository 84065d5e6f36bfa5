/* SPDX-License-Identifier: MIT */
#include "loop/thread.h"

#include <pthread.h>
#include <semaphore.h>
#include <time.h>

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

struct spin {
	sem_t is_done, may_end;
};

static void spin(void *user)
{
	struct spin *s = user;
	struct timespec used;
	do
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	while (used.tv_sec == 0 && used.tv_nsec < 5000000);
	sem_post(&s->is_done);
	sem_wait(&s->may_end);
}

static void tells_what_it_used(void **state)
{
	struct thread *t = NULL;
	struct spin s;
	(void)state;
	sem_init(&s.is_done, 0, 0);
	sem_init(&s.may_end, 0, 0);
	assert_int_equal(thread_start("spins", spin, &s, &t, NULL), 0);
	sem_wait(&s.is_done);
	assert_true(thread_cpu_ns(t) >= 5000000);
	sem_post(&s.may_end);
	thread_join(&t);
	sem_destroy(&s.is_done);
	sem_destroy(&s.may_end);
	assert_true(thread_cpu_ns(NULL) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_name_and_blocks_signals),
		cmocka_unit_test(tells_what_it_used),
	};
	return cmocka_run_group_tests_name("thread", tests, NULL, NULL);
}

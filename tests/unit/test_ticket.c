/* SPDX-License-Identifier: MIT */
/* Tickets come back from other threads, early, late, or twice (which ends the process). */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/slice.h"
#include "hook/chain.h"
#include "hook/ticket.h"
#include "loop/caller.h"
#include "loop/loop.h"

enum { QUESTIONS = 64 };

struct rig {
	struct loop *loop;
	struct caller *caller;
	struct hook_table *table;
	struct nuncio_ticket *tickets[QUESTIONS];
	size_t asked;
	int yes, no;
	bool answers_at_once;
};

static void answer(struct nuncio_ticket **ticket, int verdict)
{
	nuncio_resume(
		ticket, (enum nuncio_verdict)verdict, 0, NULL, (struct nuncio_str){ NULL, 0 });
}

static enum nuncio_verdict on_connect(
	struct nuncio_ask *ask, const struct nuncio_peer *what, void *user)
{
	struct rig *rig = user;
	struct nuncio_ticket *ticket = nuncio_defer(ask, 60000, NULL, NULL);
	(void)what;
	rig->tickets[rig->asked++] = ticket;
	if (rig->answers_at_once)
		answer(&ticket, NUNCIO_ACCEPT);
	return NUNCIO_LATER;
}

static void on_done(const struct chain_answer *result, void *user)
{
	struct rig *rig = user;
	*(result->yes ? &rig->yes : &rig->no) += 1;
	if (rig->yes + rig->no == QUESTIONS)
		loop_stop(rig->loop);
}

static void rig_init(struct rig *rig)
{
	*rig = (struct rig){ .loop = loop_new("test") };
	rig->caller = caller_new(rig->loop, 4); /* fewer than answers: they must not be lost */
	struct hook_settings settings = { .loop = rig->loop, .caller = rig->caller };
	rig->table = hook_table_new(&settings);
	hook_table_add(rig->table, NUNCIO_HOOK_may_connect, 0, "tester", 0,
		(nuncio_any_fn *)on_connect, rig);
	hook_table_freeze(rig->table);
}

static void rig_fini(struct rig *rig)
{
	hook_table_free(&rig->table);
	caller_free(&rig->caller);
	loop_free(&rig->loop);
}

static void *answer_half(void *user)
{
	struct nuncio_ticket **tickets = user;
	for (int i = 0; i < QUESTIONS / 2; i++)
		answer(&tickets[i], i % 2 ? NUNCIO_ACCEPT : NUNCIO_REJECT);
	return NULL;
}

static void answers_from_other_threads(void **state)
{
	struct rig rig;
	pthread_t threads[2];
	(void)state;
	rig_init(&rig);
	for (int i = 0; i < QUESTIONS; i++)
		assert_non_null(
			chain_ask(rig.table, NUNCIO_HOOK_may_connect, NULL, NULL, on_done, &rig));
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, answer_half, rig.tickets + i * QUESTIONS / 2);
	loop_run(rig.loop);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(rig.yes, QUESTIONS / 2);
	assert_int_equal(rig.no, QUESTIONS / 2);
	assert_int_equal(ticket_count(rig.table, NULL), 0);
	rig_fini(&rig);
}

static void answer_before_later(void **state)
{
	struct rig rig;
	(void)state;
	rig_init(&rig);
	rig.answers_at_once = true;
	assert_non_null(chain_ask(rig.table, NUNCIO_HOOK_may_connect, NULL, NULL, on_done, &rig));
	assert_int_equal(rig.yes, 0);
	caller_run(rig.caller);
	assert_int_equal(rig.yes, 1);
	rig_fini(&rig);
}

/* All of the wait counts, not only the time in handlers; and who has gone does not wait. */
static void waiting_is_counted(void **state)
{
	const struct timespec wait = { 0, 3000000 };
	struct rig rig;
	(void)state;
	rig_init(&rig);
	const struct hook_list *list = rig.table->lists[HOOK_AT_may_connect];
	struct chain *gone =
		chain_ask(rig.table, NUNCIO_HOOK_may_connect, NULL, NULL, on_done, &rig);
	chain_cancel(&gone);
	answer(&rig.tickets[0], NUNCIO_PASS);
	caller_run(rig.caller);
	assert_int_equal(list->asked.stats.calls, 0);
	chain_ask(rig.table, NUNCIO_HOOK_may_connect, NULL, NULL, on_done, &rig);
	nanosleep(&wait, NULL);
	assert_int_equal(list->asked.stats.calls, 0);
	answer(&rig.tickets[1], NUNCIO_PASS);
	caller_run(rig.caller);
	assert_int_equal(rig.yes, 1);
	assert_int_equal(list->asked.stats.calls, 1);
	assert_true(list->asked.stats.total_ns >= wait.tv_nsec);
	rig_fini(&rig);
}

/* In a child, because the second answer ends the process: SIGABRT and one line. */
static void answer_twice(bool is_returned)
{
	int out[2], status;
	char line[256] = "";
	assert_int_equal(pipe(out), 0);
	pid_t child = fork();
	if (!child) {
		struct rig rig;
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		signal(SIGABRT, SIG_DFL);
		dup2(out[1], STDERR_FILENO);
		rig_init(&rig);
		chain_ask(rig.table, NUNCIO_HOOK_may_connect, NULL, NULL, on_done, &rig);
		struct nuncio_ticket *ticket = rig.tickets[0], *copy = ticket;
		answer(&ticket, NUNCIO_ACCEPT);
		if (is_returned)
			caller_run(rig.caller);
		answer(&copy, NUNCIO_ACCEPT);
		_exit(0);
	}
	close(out[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_true(read(out[0], line, sizeof(line) - 1) > 0);
	assert_non_null(strstr(line, "tester answered a ticket of may_connect twice"));
	close(out[0]);
}

static void second_answer_ends_the_process(void **state)
{
	(void)state;
	answer_twice(false);
	answer_twice(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_from_other_threads),
		cmocka_unit_test(answer_before_later),
		cmocka_unit_test(waiting_is_counted),
		cmocka_unit_test(second_answer_ends_the_process),
	};
	return cmocka_run_group_tests_name("ticket", tests, NULL, NULL);
}

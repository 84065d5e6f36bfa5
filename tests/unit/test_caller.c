/* SPDX-License-Identifier: MIT */
/* Functions posted to a loop run on its thread, in the order of each poster; the limit holds. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <nuncio/base.h>

#include "base/alloc.h"
#include "base/list.h"
#include "loop/caller.h"
#include "loop/loop.h"

enum { POSTERS = 3, POSTS = 500 };

struct rig {
	struct loop *loop;
	struct caller *caller;
	int last[POSTERS], ran;
};

struct numbered {
	struct call call;
	struct rig *rig;
	int poster, number;
};

struct poster {
	struct rig *rig;
	int index;
	pthread_t thread;
};

static void on_call(struct call *call)
{
	struct numbered *n = CONTAINER_OF(call, struct numbered, call);
	struct rig *rig = n->rig;
	assert_true(loop_is_mine(rig->loop));
	assert_int_equal(n->number, rig->last[n->poster] + 1);
	rig->last[n->poster] = n->number;
	if (++rig->ran == POSTERS * POSTS)
		loop_stop(rig->loop);
	alloc_free(n);
}

static struct numbered *new_call(struct rig *rig, int poster, int number)
{
	struct numbered *n = ALLOC_NEW(struct numbered);
	n->call.fn = on_call;
	n->rig = rig;
	n->poster = poster;
	n->number = number;
	return n;
}

static void *post_many(void *user)
{
	struct poster *p = user;
	for (int i = 1; i <= POSTS; i++)
		caller_post_forced(p->rig->caller, &new_call(p->rig, p->index, i)->call);
	return NULL;
}

static void in_order_on_the_loop(void **state)
{
	struct rig rig = { .loop = loop_new("test") };
	struct poster posters[POSTERS];
	(void)state;
	rig.caller = caller_new(rig.loop, 10);
	for (int i = 0; i < POSTERS; i++) {
		posters[i] = (struct poster){ .rig = &rig, .index = i };
		pthread_create(&posters[i].thread, NULL, post_many, &posters[i]);
	}
	loop_run(rig.loop);
	for (int i = 0; i < POSTERS; i++)
		pthread_join(posters[i].thread, NULL);
	assert_int_equal(rig.ran, POSTERS * POSTS);
	caller_free(&rig.caller);
	loop_free(&rig.loop);
}

static void on_again(struct call *call)
{
	struct numbered *n = CONTAINER_OF(call, struct numbered, call);
	if (++n->number < 3)
		caller_post_forced(n->rig->caller, call);
}

static void limit_and_run(void **state)
{
	struct rig rig = { .loop = loop_new("test") };
	struct numbered a = { .call.fn = on_again, .rig = &rig }, b = a, c = a;
	(void)state;
	rig.caller = caller_new(rig.loop, 2);
	assert_false(caller_run(rig.caller));
	assert_int_equal(caller_post(rig.caller, &a.call), 0);
	assert_int_equal(caller_post(rig.caller, &b.call), 0);
	assert_int_equal(caller_post(rig.caller, &c.call), NUNCIO_E_BUSY);
	caller_post_forced(rig.caller, &c.call);
	assert_int_equal(caller_count(rig.caller), 3);
	assert_true(caller_run(rig.caller)); /* what they post themselves is of the next round */
	assert_int_equal(a.number + b.number + c.number, 3);
	while (caller_run(rig.caller))
		;
	assert_int_equal(a.number + b.number + c.number, 9);
	caller_free(&rig.caller);
	assert_null(rig.caller);
	caller_free(&rig.caller);
	loop_free(&rig.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order_on_the_loop),
		cmocka_unit_test(limit_and_run),
	};
	return cmocka_run_group_tests_name("caller", tests, NULL, NULL);
}

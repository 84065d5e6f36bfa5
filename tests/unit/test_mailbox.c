/* SPDX-License-Identifier: MIT */
#include "loop/mailbox.h"

#include <sched.h>

#include "loop/loop.h"
#include "loop/thread.h"
#include "tests/lib/unit.h"

enum { PRODUCERS = 4, EACH = 20000 };

struct letter {
	struct mail mail;
	uint32_t from, number;
};

static size_t length_of(const struct mail *m)
{
	size_t n = 0;
	for (; m; m = m->next)
		n++;
	return n;
}

static void keeps_order_and_counts(void **state)
{
	(void)state;
	struct mailbox mb;
	struct mail a = { .kind = 1 }, b = { .kind = 2 }, c = { .kind = 3 };
	mailbox_init(&mb, NULL, 4);
	assert_null(mailbox_take_all(&mb));
	assert_int_equal(mailbox_post(&mb, &a), 0);
	assert_int_equal(mailbox_post(&mb, &b), 0);
	assert_false(mailbox_is_over(&mb));
	assert_int_equal(mailbox_post(&mb, &c), 0);
	assert_true(mailbox_is_over(&mb));
	assert_int_equal(mailbox_count(&mb), 3);
	struct mail *first = mailbox_take_all(&mb);
	assert_true(first->kind == 1 && first->next->kind == 2 && first->next->next->kind == 3);
	assert_null(first->next->next->next);
	assert_int_equal(mailbox_count(&mb), 0);
	mailbox_fini(&mb);
}

static void is_bounded(void **state)
{
	(void)state;
	struct mailbox mb;
	struct outbox ob;
	struct mail m[6] = { { 0 } };
	mailbox_init(&mb, NULL, 2);
	outbox_init(&ob, &mb);
	assert_int_equal(mailbox_post(&mb, &m[0]), 0);
	for (int i = 1; i < 4; i++)
		outbox_add(&ob, &m[i]);
	assert_int_equal(outbox_flush(&ob), 0); /* whole, or not at all */
	assert_int_equal(mailbox_post(&mb, &m[4]), NUNCIO_E_BUSY);
	mailbox_post_forced(&mb, &m[5]);
	assert_int_equal(mailbox_count(&mb), 5);
	assert_int_equal(length_of(mailbox_take_all(&mb)), 5);
	assert_int_equal(mailbox_post(&mb, &m[4]), 0);
	mailbox_take_all(&mb);
	mailbox_fini(&mb);
}

/* From the post until the receiver has done with it, whether it has taken it or not. */
static void is_bounded_in_bytes(void **state)
{
	(void)state;
	struct mailbox mb;
	struct outbox ob;
	struct mail m[5] = { { 0 } };
	struct queue_stats stats;
	mailbox_init(&mb, NULL, 100);
	mailbox_limit_bytes(&mb, 800);
	outbox_init(&ob, &mb);
	outbox_add_bytes(&ob, &m[0], 100);
	assert_false(outbox_is_over(&ob));
	outbox_add_bytes(&ob, &m[1], 300);
	assert_true(outbox_is_over(&ob));
	assert_int_equal(outbox_flush(&ob), 0);
	assert_false(outbox_is_over(&ob));
	assert_false(mailbox_is_over(&mb));
	outbox_add_bytes(&ob, &m[2], 400);
	assert_int_equal(outbox_flush(&ob), 0);
	assert_true(mailbox_is_over(&mb));
	assert_int_equal(mailbox_post(&mb, &m[3]), NUNCIO_E_BUSY);
	mailbox_post_forced(&mb, &m[3]);
	size_t bytes = 0;
	for (const struct mail *at = mailbox_take_all(&mb); at; at = at->next)
		bytes += at->bytes;
	assert_int_equal(bytes, 800);
	assert_int_equal(mailbox_post(&mb, &m[4]), NUNCIO_E_BUSY);
	mailbox_done(&mb, 400);
	assert_int_equal(mailbox_post(&mb, &m[4]), 0);
	assert_false(mailbox_is_over(&mb));
	mailbox_stats(&mb, &stats);
	assert_int_equal(stats.bytes, 400);
	assert_int_equal(stats.bytes_limit, 800);
	mailbox_take_all(&mb);
	mailbox_fini(&mb);
}

static void outbox_keeps_what_is_refused(void **state)
{
	(void)state;
	struct mailbox mb;
	struct outbox ob;
	struct mail m[3] = { { 0 } };
	struct queue_stats stats;
	size_t n;
	mailbox_init(&mb, NULL, 1);
	outbox_init(&ob, &mb);
	assert_int_equal(outbox_flush(&ob), 0);
	outbox_add(&ob, &m[0]);
	outbox_add(&ob, &m[1]);
	assert_int_equal(outbox_flush(&ob), 0);
	assert_int_equal(mailbox_count(&mb), 2);
	outbox_add(&ob, &m[2]);
	assert_int_equal(outbox_flush(&ob), NUNCIO_E_BUSY);
	assert_int_equal(ob.count, 1);
	mailbox_stats(&mb, &stats);
	assert_int_equal(stats.depth, 2);
	assert_int_equal(stats.limit, 1);
	assert_int_equal(stats.refused, 1);
	outbox_flush_forced(&ob);
	assert_int_equal(ob.count, 0);
	assert_null(outbox_take_all(&ob));
	assert_int_equal(length_of(mailbox_take_counted(&mb, &n)), 3);
	assert_int_equal(n, 3);
	assert_null(mailbox_take_counted(&mb, &n));
	assert_int_equal(n, 0);
	mailbox_stats(&mb, &stats);
	assert_int_equal(stats.depth, 0);
	assert_int_equal(stats.refused, 1);
	mailbox_fini(&mb);
}

struct crowd {
	struct loop *l;
	struct mailbox mb;
	uint32_t next[PRODUCERS];
	uint32_t seen;
	struct letter letters[PRODUCERS][EACH];
};

struct producer {
	struct crowd *crowd;
	uint32_t index;
};

static void produce(void *user)
{
	struct producer *p = user;
	struct outbox ob;
	outbox_init(&ob, &p->crowd->mb);
	for (uint32_t i = 0; i < EACH; i++) {
		struct letter *x = &p->crowd->letters[p->index][i];
		x->from = p->index;
		x->number = i;
		outbox_add(&ob, &x->mail);
		if (i % 3 == 0)
			while (outbox_flush(&ob) == NUNCIO_E_BUSY)
				sched_yield();
	}
	outbox_flush_forced(&ob);
}

static bool drain(struct loop *l, void *user)
{
	struct crowd *c = user;
	struct mail *m = mailbox_take_all(&c->mb);
	bool did_any = m != NULL;
	for (struct mail *next; m; m = next) {
		struct letter *x = (struct letter *)m;
		next = m->next;
		assert_int_equal(x->number, c->next[x->from]++);
		c->seen++;
	}
	if (c->seen == PRODUCERS * EACH)
		loop_stop(l);
	return did_any;
}

static bool has_mail(void *user)
{
	return mailbox_count(&((struct crowd *)user)->mb) > 0;
}

/* Fails by hanging when a wake is lost; the harness has a time limit. */
static void run_crowd(unsigned spin_us)
{
	struct crowd *c = calloc(1, sizeof(*c));
	struct thread *threads[PRODUCERS];
	struct producer producers[PRODUCERS];
	assert_non_null(c);
	c->l = loop_new("test");
	mailbox_init(&c->mb, c->l, 1000);
	loop_on_turn(c->l, drain, c);
	loop_on_spin(c->l, has_mail, c);
	loop_set_spin_us(c->l, spin_us);
	for (uint32_t i = 0; i < PRODUCERS; i++) {
		producers[i] = (struct producer){ c, i };
		assert_int_equal(
			thread_start("producer", produce, &producers[i], &threads[i], NULL), 0);
	}
	loop_run(c->l);
	for (size_t i = 0; i < PRODUCERS; i++)
		thread_join(&threads[i]);
	assert_int_equal(c->seen, PRODUCERS * EACH);
	mailbox_fini(&c->mb);
	loop_free(&c->l);
	free(c);
}

static void many_producers_lose_nothing(void **state)
{
	(void)state;
	run_crowd(0);
}

static void nor_while_spinning(void **state)
{
	(void)state;
	run_crowd(20);
}

/*
 * io_threads = 0: the poster is the loop itself; the drain before it in the round must run again.
 */
struct self {
	struct mailbox mb;
	struct mail mails[10];
	int posted, taken, wakes;
};

static bool take_own(struct loop *l, void *user)
{
	struct self *s = user;
	size_t n = length_of(mailbox_take_all(&s->mb));
	s->taken += (int)n;
	if (s->taken == 10)
		loop_stop(l);
	return n > 0;
}

static bool post_own(struct loop *l, void *user)
{
	struct self *s = user;
	(void)l;
	if (s->posted < 10)
		assert_int_equal(mailbox_post(&s->mb, &s->mails[s->posted++]), 0);
	return false;
}

static void count_wake(struct loop *l, void *user)
{
	(void)l;
	((struct self *)user)->wakes++;
}

static void own_thread_needs_no_wake(void **state)
{
	(void)state;
	struct loop *l = loop_new("test");
	struct self s = { .posted = 0 };
	mailbox_init(&s.mb, l, 100);
	loop_on_turn(l, take_own, &s);
	loop_on_turn(l, post_own, &s);
	loop_on_wake(l, count_wake, &s);
	loop_run(l);
	assert_int_equal(s.taken, 10);
	assert_int_equal(s.wakes, 0);
	mailbox_fini(&s.mb);
	loop_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_order_and_counts),
		cmocka_unit_test(is_bounded),
		cmocka_unit_test(is_bounded_in_bytes),
		cmocka_unit_test(outbox_keeps_what_is_refused),
		cmocka_unit_test(many_producers_lose_nothing),
		cmocka_unit_test(nor_while_spinning),
		cmocka_unit_test(own_thread_needs_no_wake),
	};
	return cmocka_run_group_tests_name("mailbox", tests, NULL, NULL);
}

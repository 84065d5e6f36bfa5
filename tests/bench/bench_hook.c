/* SPDX-License-Identifier: MIT */
/*
 * What a hook costs, in nanoseconds of CPU, all in one run so that they can be compared: a test of
 * a pointer, a hook that nobody listens to, one trivial handler asked and told with everything that
 * is counted about it, one more of a row, and what is below all that: a reading of the clock and a
 * call through a pointer. Medians of eleven rounds; prints one line of key=value.
 */
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#include "hook/chain.h"
#include "hook/hook_table.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/slice.h"
#include "loop/caller.h"
#include "loop/loop.h"

enum { ROUNDS = 11, CALLS = 400000, ROW = 8 };

struct hooks {
	struct loop *loop;
	struct caller *caller;
	struct hook_table *none, *one, *row;
	struct nuncio_send send;
	struct nuncio_event event;
	void *volatile pointer;
	void (*volatile call)(struct hooks *h);
	uint64_t sink;
};

#define BARRIER() __asm__ volatile("" ::: "memory")

static enum nuncio_verdict on_ask(
	struct nuncio_ask *ask, const struct nuncio_send *what, void *user)
{
	(void)ask;
	++*(uint64_t *)user;
	return what->event->seq ? NUNCIO_REJECT : NUNCIO_PASS;
}

static void on_tell(const struct nuncio_send *what, void *user)
{
	*(uint64_t *)user += what->event->seq + 1;
}

static void on_done(const struct chain_answer *answer, void *user)
{
	*(uint64_t *)user += answer->yes;
}

static void on_call(struct hooks *h)
{
	h->sink++;
}

/* ---- what is measured; each runs CALLS times ---- */

static void nothing(struct hooks *h)
{
	for (int i = 0; i < CALLS; i++) {
		BARRIER();
		h->sink++;
	}
}

static void test_pointer(struct hooks *h)
{
	for (int i = 0; i < CALLS; i++) {
		BARRIER();
		if (h->pointer)
			h->sink += 2;
		h->sink++;
	}
}

static void test_hook(struct hooks *h)
{
	for (int i = 0; i < CALLS; i++) {
		BARRIER();
		if (hook_has(h->none, NUNCIO_HOOK_may_send))
			h->sink += 2;
		h->sink++;
	}
}

static void call_pointer(struct hooks *h)
{
	for (int i = 0; i < CALLS; i++)
		h->call(h);
}

static void read_clock(struct hooks *h)
{
	for (int i = 0; i < CALLS; i++)
		h->sink += (uint64_t)clock_mono_ns();
}

static void ask(struct hooks *h, struct hook_table *table)
{
	for (int i = 0; i < CALLS; i++)
		chain_ask(table, NUNCIO_HOOK_may_send, &h->send, NULL, on_done, &h->sink);
}

static void ask_none(struct hooks *h)
{
	ask(h, h->none);
}

static void ask_one(struct hooks *h)
{
	ask(h, h->one);
}

static void ask_row(struct hooks *h)
{
	ask(h, h->row);
}

static void tell_one(struct hooks *h)
{
	for (int i = 0; i < CALLS; i++)
		hook_tell(h->one, NUNCIO_HOOK_did_store, &h->send);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Of this thread: what else the machine does meanwhile is not ours. */
static double cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double round_ns(void (*run)(struct hooks *h), struct hooks *h)
{
	double begun_ns = cpu_ns();
	run(h);
	return (cpu_ns() - begun_ns) / CALLS;
}

static double median(double *ns)
{
	qsort(ns, ROUNDS, sizeof *ns, by_value);
	return ns[ROUNDS / 2];
}

/* ---- */

static struct hook_table *table_new(struct hooks *h, int handlers)
{
	/* Looked at, but on a busy machine any call may take long. */
	struct hook_settings settings = {
		.loop = h->loop, .caller = h->caller, .slow_us = INT32_MAX
	};
	struct hook_table *table = hook_table_new(&settings);
	for (int i = 0; i < handlers; i++) {
		hook_table_add(table, NUNCIO_HOOK_may_send, 0, "bench", 0, (nuncio_any_fn *)on_ask,
			&h->sink);
		hook_table_add(table, NUNCIO_HOOK_did_store, 0, "bench", 0,
			(nuncio_any_fn *)on_tell, &h->sink);
	}
	hook_table_freeze(table);
	return table;
}

static const struct {
	const char *name;
	void (*run)(struct hooks *h);
	int per; /* things in one of CALLS */
} figures[] = {
	{ "test_ns", test_pointer, 1 },
	{ "empty_ns", test_hook, 1 },
	{ "empty_asked_ns", ask_none, 1 },
	{ "handler_ns", ask_one, 1 },
	{ "row_each_ns", ask_row, ROW },
	{ "told_ns", tell_one, 1 },
	{ "call_ns", call_pointer, 1 },
	{ "clock_ns", read_clock, 1 },
};
enum { FIGURES = sizeof figures / sizeof figures[0] };

int main(void)
{
	struct hooks h = { .loop = loop_new("bench") };
	double ns[FIGURES][ROUNDS], base[ROUNDS];
	h.caller = caller_new(h.loop, 10);
	h.none = table_new(&h, 0);
	h.one = table_new(&h, 1);
	h.row = table_new(&h, ROW);
	h.call = on_call;
	h.event.body = STR("\"x\"");
	h.send.event = &h.event;
	/* Round by round, so that what is compared ran side by side. */
	for (int round = 0; round < ROUNDS; round++) {
		base[round] = round_ns(nothing, &h);
		for (int i = 0; i < FIGURES; i++)
			ns[i][round] = round_ns(figures[i].run, &h) / figures[i].per;
	}
	printf("loop_ns=%.2f", median(base));
	for (int i = 0; i < FIGURES; i++)
		printf(" %s=%.2f", figures[i].name, median(ns[i]));
	printf("\n");
	hook_table_free(&h.none);
	hook_table_free(&h.one);
	hook_table_free(&h.row);
	caller_free(&h.caller);
	loop_free(&h.loop);
	return h.sink == 0;
}

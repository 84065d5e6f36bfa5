/* SPDX-License-Identifier: MIT */
/* Timers, calls from another thread, and work: all of them, then says so. */
#include <pthread.h>
#include <stdatomic.h>

#include <nuncio/log.h>
#include <nuncio/timer.h>

enum { WORKS = 20, PARTS = 5 };

static struct {
	struct nuncio_module *self;
	struct nuncio_timer *once, *ticking, *watch, *part, *never;
	int parts, parts_of_tick, once_calls, ticks, calls, works_done;
	pthread_t thread;
	int worked[WORKS];
	atomic_int work_index;
} state;

static void on_once(void *user)
{
	(void)user;
	state.once_calls++;
}

static void on_never(void *user)
{
	(void)user;
	nuncio_log(state.self, NUNCIO_ERROR, "api: a timer that was stopped came");
}

/* Much work in small parts: others go on between them. */
static void on_part(void *user)
{
	(void)user;
	state.part = NULL;
	if (++state.parts < PARTS)
		state.part = nuncio_timer_start(state.self, 0, 0, on_part, NULL);
}

/* At the end of this turn, so before the next tick. */
static void on_end_of_turn(void *user)
{
	(void)user;
	state.parts_of_tick++;
}

static void on_tick(void *user)
{
	(void)user;
	nuncio_timer_start(state.self, 0, 0, on_end_of_turn, NULL);
	if (++state.ticks == 3)
		nuncio_timer_stop(&state.ticking);
}

static void on_call(void *user)
{
	(void)user;
	state.calls++;
}

static void *other_thread(void *user)
{
	(void)user;
	for (int i = 0; i < 10; i++)
		nuncio_on_logic(state.self, on_call, NULL);
	return NULL;
}

static void on_work(void *user)
{
	state.worked[atomic_fetch_add(&state.work_index, 1)] = *(int *)user;
}

static void on_work_done(void *user)
{
	(void)user;
	state.works_done++;
}

static void on_watch(void *user)
{
	(void)user;
	if (!state.once_calls || state.parts < PARTS || state.parts_of_tick < 3 ||
		state.calls < 10 || state.works_done < WORKS)
		return;
	nuncio_timer_stop(&state.once); /* has ended: nothing happens */
	nuncio_timer_stop(&state.watch);
	int is_ok = state.once_calls == 1 && state.ticks == 3 && state.calls == 10;
	for (int i = 0; i < WORKS; i++)
		is_ok = is_ok && state.worked[i] == i;
	nuncio_log(state.self, NUNCIO_INFO, "api: %s", is_ok ? "ok" : "wrong");
}

static int start(struct nuncio_module *self, struct nuncio_error *err)
{
	static int numbers[WORKS];
	(void)err;
	state.self = self;
	state.once = nuncio_timer_start(self, 1, 0, on_once, NULL);
	state.ticking = nuncio_timer_start(self, 1, 1, on_tick, NULL);
	state.watch = nuncio_timer_start(self, 1, 2, on_watch, NULL);
	nuncio_timer_start(self, 3600000, 0, on_once, NULL); /* left to the server */
	state.part = nuncio_timer_start(self, 0, 0, on_part, NULL);
	state.never = nuncio_timer_start(self, 0, 0, on_never, NULL);
	nuncio_timer_stop(&state.never);
	for (int i = 0; i < WORKS; i++) {
		numbers[i] = i;
		nuncio_work(self, 7, on_work, on_work_done, &numbers[i]);
	}
	return pthread_create(&state.thread, NULL, other_thread, NULL) ? NUNCIO_E_FAIL : 0;
}

static void stop(struct nuncio_module *self)
{
	nuncio_timer_start(self, 0, 0, on_never, NULL); /* its turn does not come */
	pthread_join(state.thread, NULL);
}

NUNCIO_MODULE("api_timer", .summary = "timers, calls, work", .start = start, .stop = stop)

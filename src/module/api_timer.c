/* SPDX-License-Identifier: MIT */
/*
 * <nuncio/timer.h>. A timer's handle is its number in the clothes of a pointer: a module may leave
 * handles of timers that have ended, and stop them later; a number is never used twice, so that
 * does nothing, and the memory is free as soon as the timer has ended.
 *
 * Work and calls carry the module with them, for its counters. Both are finished before its fini
 * (modules_fini).
 */
#include <nuncio/timer.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "loop/caller.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "module/module_private.h"
#include "provide/work.h"

struct module_timer {
	struct map_node by_id;
	struct list node; /* in its module */
	struct loop_timer timer;
	struct nuncio_module *module;
	uint64_t id;
	nuncio_timer_fn *fn;
	void *user;
	bool is_once, is_running, is_stopped;
};

static void free_timer(struct module_timer *t)
{
	struct modules *set = t->module->set;
	loop_timer_stop(set->env.loop, &t->timer);
	map_remove(&set->timers, &t->by_id);
	list_remove(&t->node);
	t->module->timer_count--;
	alloc_free(t);
}

/* One that is running frees itself when its function is back. */
static void stop_timer(struct module_timer *t)
{
	t->is_stopped = true;
	if (t->is_running)
		loop_timer_stop(t->module->set->env.loop, &t->timer);
	else
		free_timer(t);
}

static void on_timer(struct loop *l, struct loop_timer *timer, void *user)
{
	struct module_timer *t = user;
	(void)l;
	(void)timer;
	t->is_running = true;
	int64_t begun_ns = callback_begin();
	t->fn(t->user);
	callback_end(&t->module->timer_stats, begun_ns);
	t->is_running = false;
	if (t->is_once || t->is_stopped)
		free_timer(t);
}

struct nuncio_timer *nuncio_timer_start(struct nuncio_module *self, uint32_t first_ms,
	uint32_t every_ms, nuncio_timer_fn *fn, void *user)
{
	module_check(self);
	MODULE_CHECK_THREAD();
	CHECK(fn);
	struct modules *set = self->set;
	struct module_timer *t = ALLOC_NEW(struct module_timer);
	t->module = self;
	t->id = ++set->timer_id;
	t->fn = fn;
	t->user = user;
	t->is_once = every_ms == 0;
	map_add(&set->timers, &t->by_id, hash_u64(t->id));
	list_add(&self->timers, &t->node);
	self->timer_count++;
	loop_timer_init(&t->timer, on_timer, t);
	loop_timer_start(set->env.loop, &t->timer, first_ms, every_ms);
	return (struct nuncio_timer *)(uintptr_t)t->id;
}

static bool has_id(const struct map_node *node, const void *key)
{
	return CONTAINER_OF(node, struct module_timer, by_id)->id == *(const uint64_t *)key;
}

void nuncio_timer_stop(struct nuncio_timer **timer)
{
	struct modules *set = module_set();
	uint64_t id = (uint64_t)(uintptr_t)*timer;
	*timer = NULL;
	if (!id)
		return;
	MODULE_CHECK_THREAD();
	struct map_node *node = map_find(&set->timers, hash_u64(id), has_id, &id);
	if (node)
		stop_timer(CONTAINER_OF(node, struct module_timer, by_id));
}

void module_stop_timers(struct nuncio_module *self)
{
	LIST_EACH_SAFE (&self->timers, t, struct module_timer, node)
		stop_timer(t);
}

/* ---- Calls and work */

struct module_call {
	struct call call;
	struct nuncio_module *module;
	nuncio_work_fn *fn;
	void *user;
};

static void on_call(struct call *call)
{
	struct module_call *c = CONTAINER_OF(call, struct module_call, call);
	int64_t begun_ns = callback_begin();
	c->fn(c->user);
	callback_end(&c->module->call_stats, begun_ns);
	alloc_free(c);
}

int nuncio_on_logic(struct nuncio_module *self, nuncio_work_fn *fn, void *user)
{
	if (module_is_gone(self))
		return NUNCIO_E_GONE;
	struct module_call *c = ALLOC_NEW(struct module_call);
	c->call.fn = on_call;
	c->module = self;
	c->fn = fn;
	c->user = user;
	int rc = caller_post(self->set->env.caller, &c->call);
	if (rc < 0)
		alloc_free(c);
	return rc;
}

struct module_work {
	struct nuncio_module *module;
	nuncio_work_fn *work, *done;
	void *user;
	int64_t took_ns; /* on the worker */
};

static void on_work(void *user)
{
	struct module_work *w = user;
	int64_t begun_ns = callback_begin();
	w->work(w->user);
	w->took_ns = callback_begin() - begun_ns;
}

static void on_work_done(void *user)
{
	struct module_work *w = user;
	callback_took(&w->module->work_stats, w->took_ns);
	int64_t begun_ns = callback_begin();
	if (w->done)
		w->done(w->user);
	callback_end(&w->module->done_stats, begun_ns);
	w->module->work_count--;
	alloc_free(w);
}

int nuncio_work(struct nuncio_module *self, uint64_t shard, nuncio_work_fn *work,
	nuncio_work_fn *done, void *user)
{
	module_check(self);
	MODULE_CHECK_THREAD();
	CHECK(work);
	if (module_is_gone(self))
		return NUNCIO_E_GONE;
	struct module_work *w = ALLOC_NEW(struct module_work);
	w->module = self;
	w->work = work;
	w->done = done;
	w->user = user;
	/* Another module's equal number is another shard. */
	uint64_t own_shard = shard ^ hash_u64((uint64_t)self->order + 1);
	int rc = work_post(self->set->env.work, own_shard, on_work, on_work_done, w);
	if (rc < 0)
		alloc_free(w);
	else
		self->work_count++;
	return rc;
}

int64_t nuncio_mono_ms(void)
{
	const struct module_env *env = module_env();
	return env && loop_is_mine(env->loop) ? loop_now_ms(env->loop) : clock_mono_ms();
}

int64_t nuncio_wall_ms(void)
{
	return clock_wall_ms();
}

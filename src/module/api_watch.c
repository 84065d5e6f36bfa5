/* SPDX-License-Identifier: MIT */
/*
 * <nuncio/watch.h>. A watch that is stopped within its own function is freed when that is back. The
 * ones left over end after the module's fini, like its timers: a descriptor may be closed by then,
 * which the loop does not mind.
 */
#include <nuncio/watch.h>

#include "base/alloc.h"
#include "loop/loop.h"
#include "module/module_private.h"

enum { WATCH_MAGIC = 0x3a7c4000 };

struct nuncio_watch {
	uint32_t magic;
	struct list node; /* in its module */
	struct loop_io io;
	struct nuncio_module *module;
	nuncio_watch_fn *fn;
	void *user;
	bool is_running, is_stopped;
};

static void free_watch(struct nuncio_watch *watch)
{
	list_remove(&watch->node);
	watch->magic = 0;
	alloc_free(watch);
}

static void stop_watch(struct nuncio_watch *watch)
{
	loop_io_stop(watch->module->set->env.loop, &watch->io);
	watch->is_stopped = true;
	if (!watch->is_running)
		free_watch(watch);
}

static void on_io(struct loop *loop, struct loop_io *io, int events, void *user)
{
	struct nuncio_watch *watch = user;
	(void)loop;
	watch->is_running = true;
	int64_t begun_ns = callback_begin();
	watch->fn(loop_io_fd(io), events, watch->user);
	callback_end(&watch->module->watch_stats, begun_ns);
	watch->is_running = false;
	if (watch->is_stopped)
		free_watch(watch);
}

static void check_events(int events)
{
	CHECK((events & ~(NUNCIO_WATCH_READ | NUNCIO_WATCH_WRITE)) == 0);
}

_Static_assert((int)NUNCIO_WATCH_READ == (int)LOOP_READ, "same bits");
_Static_assert((int)NUNCIO_WATCH_WRITE == (int)LOOP_WRITE, "same bits");

struct nuncio_watch *nuncio_watch_start(
	struct nuncio_module *self, int fd, int events, nuncio_watch_fn *fn, void *user)
{
	module_check(self);
	MODULE_CHECK_THREAD();
	CHECK(fn && fd >= 0);
	check_events(events);
	struct nuncio_watch *watch = ALLOC_NEW(struct nuncio_watch);
	watch->magic = WATCH_MAGIC;
	watch->module = self;
	watch->fn = fn;
	watch->user = user;
	list_add(&self->watches, &watch->node);
	loop_io_init(&watch->io, fd, on_io, watch);
	loop_io_start(self->set->env.loop, &watch->io, events);
	return watch;
}

void nuncio_watch_set(struct nuncio_watch *watch, int events)
{
	CHECK_MAGIC(watch, WATCH_MAGIC);
	MODULE_CHECK_THREAD();
	check_events(events);
	if (!watch->is_stopped)
		loop_io_set(watch->module->set->env.loop, &watch->io, events);
}

void nuncio_watch_stop(struct nuncio_watch **watch)
{
	struct nuncio_watch *dead = *watch;
	*watch = NULL;
	if (!dead)
		return;
	CHECK_MAGIC(dead, WATCH_MAGIC);
	MODULE_CHECK_THREAD();
	stop_watch(dead);
}

void module_stop_watches(struct nuncio_module *self)
{
	LIST_EACH_SAFE (&self->watches, watch, struct nuncio_watch, node)
		stop_watch(watch);
}

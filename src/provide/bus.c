/* SPDX-License-Identifier: MIT */
/*
 * The way to the bus module. Knows nothing of what is in frames or topics. A question where
 * somebody is has a deadline, and is kept until the module answers it, however late, because the
 * module holds its address. Logic thread only.
 */
#include "provide/bus.h"

#include "base/alloc.h"
#include "base/check.h"
#include "base/list.h"
#include "base/metric.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "provide/sized.h"

enum { ASK_MAGIC = 0x4b05a500 };

struct bus {
	struct loop *loop;
	uint32_t find_ms;
	bool is_there, is_running;
	struct nuncio_bus_ops ops;
	void *impl;
	struct list asks; /* not answered by the module */
	size_t ask_count;
	struct metric *published, *too_large;
};

/* Lives until the module has answered, also when nobody waits any more. */
struct nuncio_bus_ask {
	uint32_t magic;
	struct bus *bus;
	struct list node;
	struct loop_timer deadline;
	size_t count;
	bus_found_fn *done; /* NULL: nobody waits */
	void *user;
};

static int64_t read_asks(void *user)
{
	return (int64_t)((const struct bus *)user)->ask_count;
}

struct bus *bus_new(struct loop *loop, struct metric_set *metrics, uint32_t find_ms)
{
	struct bus *bus = ALLOC_NEW(struct bus);
	bus->loop = loop;
	bus->find_ms = find_ms;
	list_init(&bus->asks);
	if (!metrics)
		return bus;
	bus->published = metric_new_counter(metrics, "nuncio_bus_published_total",
		"Frames handed to the bus for other nodes.", NULL);
	bus->too_large = metric_new_counter(
		metrics, "nuncio_bus_too_large_total", "Frames that no bus would carry.", NULL);
	metric_new_gauge_fn(metrics, "nuncio_bus_finds_waiting",
		"Questions to the bus where somebody is, not answered.", NULL, read_asks, bus);
	return bus;
}

static void free_ask(struct nuncio_bus_ask *ask)
{
	loop_timer_stop(ask->bus->loop, &ask->deadline);
	list_remove(&ask->node);
	ask->bus->ask_count--;
	ask->magic = 0;
	alloc_free(ask);
}

void bus_free(struct bus **bus)
{
	if (!*bus)
		return;
	LIST_EACH_SAFE (&(*bus)->asks, ask, struct nuncio_bus_ask, node)
		free_ask(ask);
	alloc_free(*bus);
	*bus = NULL;
}

void bus_use(struct bus *bus, const struct provider *p)
{
	bus->ops = (struct nuncio_bus_ops){ 0 };
	bus->impl = NULL;
	bus->is_there = p != NULL;
	if (!p)
		return;
	const struct nuncio_bus_ops *ops = p->ops;
	sized_take(&bus->ops, sizeof(bus->ops), ops, ops->size);
	bus->impl = p->impl;
}

void bus_start(struct bus *bus)
{
	bus->is_running = bus->is_there;
}

/* Tells the one who asked, if there still is one. The question itself stays. */
static void answer(struct nuncio_bus_ask *ask, int status, const unsigned char *yes)
{
	bus_found_fn *done = ask->done;
	ask->done = NULL;
	loop_timer_stop(ask->bus->loop, &ask->deadline);
	if (done)
		done(status, yes, status < 0 ? 0 : ask->count, ask->user);
}

void bus_stop(struct bus *bus)
{
	bus->is_running = false;
	LIST_EACH_SAFE (&bus->asks, ask, struct nuncio_bus_ask, node)
		answer(ask, NUNCIO_E_GONE, NULL);
}

bool bus_is_there(const struct bus *bus)
{
	return bus && bus->is_there;
}

bool bus_is_running(const struct bus *bus)
{
	return bus && bus->is_running;
}

void bus_publish(
	struct bus *bus, const struct nuncio_str *topics, size_t n, struct nuncio_str frame)
{
	if (!bus_is_running(bus))
		return;
	if (!frame.n || frame.n > BUS_FRAME_BYTES) {
		metric_add(bus->too_large, 1);
		return;
	}
	metric_add(bus->published, 1);
	bus->ops.publish(bus->impl, topics, n, frame);
}

void bus_interest(struct bus *bus, struct nuncio_str topic, bool on)
{
	if (bus_is_running(bus))
		bus->ops.interest(bus->impl, topic, on);
}

static void on_deadline(struct loop *loop, struct loop_timer *timer, void *user)
{
	(void)loop, (void)timer;
	answer(user, NUNCIO_E_TIMEOUT, NULL);
}

static int check_find(const struct bus *bus)
{
	if (!bus_is_running(bus) || !bus->ops.find)
		return NUNCIO_E_UNSUPPORTED;
	return bus->ask_count >= BUS_FINDS_MAX ? NUNCIO_E_BUSY : 0;
}

void bus_find(
	struct bus *bus, const struct nuncio_str *topics, size_t n, bus_found_fn *done, void *user)
{
	int rc = check_find(bus);
	if (rc < 0) {
		done(rc, NULL, 0, user);
		return;
	}
	struct nuncio_bus_ask *ask = ALLOC_NEW(struct nuncio_bus_ask);
	ask->magic = ASK_MAGIC;
	ask->bus = bus;
	ask->count = n;
	ask->done = done;
	ask->user = user;
	list_add(&bus->asks, &ask->node);
	bus->ask_count++;
	loop_timer_init(&ask->deadline, on_deadline, ask);
	loop_timer_start(bus->loop, &ask->deadline, bus->find_ms, 0);
	bus->ops.find(bus->impl, topics, n, ask);
}

void nuncio_bus_found(
	struct nuncio_bus_ask **ask_ptr, int status, const unsigned char *yes, size_t n)
{
	struct nuncio_bus_ask *ask = *ask_ptr;
	CHECK_MAGIC(ask, ASK_MAGIC);
	*ask_ptr = NULL;
	CHECK(status < 0 || n == ask->count);
	answer(ask, status < 0 ? status : 0, yes);
	free_ask(ask);
}

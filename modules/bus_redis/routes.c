/* SPDX-License-Identifier: MIT */
/*
 * Which nodes are interested in a topic. What Redis has said is remembered, also "nobody", and kept
 * right by what the other nodes tell of their changes; a change that comes while the answer is on
 * its way makes that answer worthless, and it is asked again. When changes may have been missed,
 * everything is forgotten. So a frame costs one round trip, or none.
 *
 * Frames leave in the order in which they were published: one that waits for an answer holds up
 * those behind it. They wait in a bounded queue; what does not fit is dropped and counted.
 */
#include "bus_redis.h"

#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

enum { JOBS_MOST = 20000, JOB_BYTES_MOST = 64 * 1024 * 1024, WORD_BITS = 64 };
enum { NODE_WORDS = REDIS_NODES_MAX / WORD_BITS };

/* Who waits for a route. */
struct waiter {
	struct waiter *next;
	struct job *job;
	size_t index; /* of the topic */
};

struct route {
	struct redis_entry by_text;
	struct redis_ring used;
	bool is_known, is_asked, is_stale;
	uint16_t node_count;
	uint16_t *nodes;
	struct waiter *waiters;
	char text[];
};

/* A frame, or a question, until all its routes are known. */
struct job {
	struct job *next;
	struct bus *bus;
	size_t waiting;
	bool is_failed;
	uint64_t nodes[NODE_WORDS]; /* who gets it */
	bool is_for_all;
	struct nuncio_bus_ask *ask; /* NULL: a frame */
	size_t topic_count;
	unsigned char *yes;
	size_t frame_bytes;
	char frame[];
};

struct question {
	struct bus *bus;
	struct route *route;
};

static void ask_route(struct bus *bus, struct route *route);

void routes_init(struct routes *routes, size_t cache_most)
{
	redis_map_init(&routes->all);
	redis_ring_init(&routes->used);
	routes->last = &routes->first;
	routes->cache_most = cache_most;
}

/* ---- jobs ---- */

static void job_free(struct job *job)
{
	free(job->yes);
	free(job);
}

static void finish_ask(struct job *job)
{
	if (job->is_failed)
		nuncio_bus_found(&job->ask, NUNCIO_E_FAIL, NULL, 0);
	else
		nuncio_bus_found(&job->ask, 0, job->yes, job->topic_count);
}

static void finish_frame(const struct job *job)
{
	struct bus *bus = job->bus;
	struct nuncio_str frame = { job->frame, job->frame_bytes };
	if (job->is_failed || !redis_member_is_held(&bus->member)) {
		bus_lost(bus, 1);
		return;
	}
	if (job->is_for_all) {
		outbox_add_all(bus, frame);
		return;
	}
	for (size_t word = 0; word < NODE_WORDS; word++)
		for (uint64_t bits = job->nodes[word]; bits; bits &= bits - 1)
			outbox_add(bus,
				(uint16_t)(word * WORD_BITS + (size_t)__builtin_ctzll(bits)),
				frame);
}

static void run_jobs(struct bus *bus)
{
	struct routes *routes = &bus->routes;
	struct job *job;
	while ((job = routes->first) && job->waiting == 0) {
		routes->first = job->next;
		if (!routes->first)
			routes->last = &routes->first;
		routes->job_count--;
		routes->job_bytes -= job->frame_bytes;
		if (job->ask)
			finish_ask(job);
		else
			finish_frame(job);
		job_free(job);
	}
	nuncio_gauge_set(bus->count.waiting, (int64_t)routes->job_count);
}

static struct job *job_add(struct bus *bus, struct nuncio_str frame)
{
	struct routes *routes = &bus->routes;
	struct job *job = nuncio_alloc(sizeof *job + frame.n);
	job->bus = bus;
	job->frame_bytes = frame.n;
	if (frame.n)
		memcpy(job->frame, frame.p, frame.n);
	*routes->last = job;
	routes->last = &job->next;
	routes->job_count++;
	routes->job_bytes += frame.n;
	return job;
}

static void job_take(struct job *job, size_t index, const struct route *route)
{
	const struct redis_lease *lease = job->bus->member.lease;
	for (uint16_t i = 0; i < route->node_count; i++) {
		uint16_t node = route->nodes[i];
		if (redis_lease_is_dead(lease, node))
			continue;
		job->nodes[node / WORD_BITS] |= UINT64_C(1) << (node % WORD_BITS);
		if (job->yes)
			job->yes[index] = 1;
	}
}

/* ---- routes ---- */

static void route_free(struct routes *routes, struct route *route)
{
	redis_ring_remove(&route->used);
	redis_map_remove(&routes->all, &route->by_text);
	free(route->nodes);
	free(route);
}

static void route_touch(struct routes *routes, struct route *route)
{
	redis_ring_remove(&route->used);
	redis_ring_add(&routes->used, &route->used);
}

static bool route_has(const struct route *route, uint16_t node, uint16_t *at_r)
{
	for (uint16_t i = 0; i < route->node_count; i++)
		if (route->nodes[i] == node) {
			*at_r = i;
			return true;
		}
	return false;
}

static void route_add(struct route *route, uint16_t node)
{
	uint16_t at;
	if (node == REDIS_NOBODY || route_has(route, node, &at))
		return;
	route->nodes = nuncio_resize(
		route->nodes, ((size_t)route->node_count + 1) * sizeof route->nodes[0]);
	route->nodes[route->node_count++] = node;
}

static void route_remove(struct route *route, uint16_t node)
{
	uint16_t at;
	if (node != REDIS_NOBODY && route_has(route, node, &at))
		route->nodes[at] = route->nodes[--route->node_count];
}

/* Those that are being asked stay, and so does `keep`. */
static void trim(struct bus *bus, const struct route *keep)
{
	struct routes *routes = &bus->routes;
	struct redis_ring *at = routes->used.next;
	while (routes->all.count > routes->cache_most && at != &routes->used) {
		struct route *route = REDIS_OF(at, struct route, used);
		at = at->next;
		if (route != keep && !route->is_asked)
			route_free(routes, route);
	}
	nuncio_gauge_set(bus->count.cached, (int64_t)routes->all.count);
}

static void tell_waiters(struct route *route, bool is_good)
{
	struct waiter *waiter = route->waiters;
	route->waiters = NULL;
	while (waiter) {
		struct waiter *next = waiter->next;
		waiter->job->waiting--;
		if (is_good)
			job_take(waiter->job, waiter->index, route);
		else
			waiter->job->is_failed = true;
		free(waiter);
		waiter = next;
	}
}

static void on_route(const redisReply *reply, void *user)
{
	struct question question = *(struct question *)user;
	struct bus *bus = question.bus;
	struct route *route = question.route;
	free(user);
	route->is_asked = false;
	bool is_good = reply && reply->type == REDIS_REPLY_ARRAY;
	if (is_good && route->is_stale && redis_is_up(bus->member.asks)) {
		ask_route(bus, route);
		return;
	}
	if (!is_good)
		redis_say_refused(bus->member.asks, "the nodes of a topic", reply);
	route->node_count = 0;
	for (size_t i = 0; is_good && i < reply->elements; i++)
		if (reply->element[i]->type == REDIS_REPLY_STRING)
			route_add(route, redis_lease_number(bus->member.lease,
						 (struct nuncio_str){ reply->element[i]->str,
							 reply->element[i]->len }));
	route->is_known = is_good && bus->member.has_all;
	tell_waiters(route, is_good);
	if (route->is_known)
		trim(bus, route);
	else
		route_free(&bus->routes, route);
	run_jobs(bus);
}

static void ask_route(struct bus *bus, struct route *route)
{
	struct nuncio_str key = bus_topic_key(bus, route->by_text.key);
	struct question *question = nuncio_alloc(sizeof *question);
	*question = (struct question){ bus, route };
	route->is_asked = true;
	route->is_stale = false;
	nuncio_counter_add(bus->count.lookups, 1);
	if (REDIS_ASK(bus->member.asks, key, on_route, question, nuncio_text("SMEMBERS"), key) == 0)
		return;
	free(question);
	route->is_asked = false;
	tell_waiters(route, false);
	route_free(&bus->routes, route);
}

static struct route *route_get(struct bus *bus, struct nuncio_str topic)
{
	struct redis_entry *entry = redis_map_find(&bus->routes.all, topic);
	if (entry)
		return REDIS_OF(entry, struct route, by_text);
	struct route *route = nuncio_alloc(sizeof *route + topic.n);
	memcpy(route->text, topic.p, topic.n);
	route->by_text.key = (struct nuncio_str){ route->text, topic.n };
	redis_ring_init(&route->used);
	redis_map_add(&bus->routes.all, &route->by_text);
	return route;
}

static void want_route(struct bus *bus, struct job *job, size_t index, struct nuncio_str topic)
{
	struct route *route = route_get(bus, topic);
	route_touch(&bus->routes, route);
	if (route->is_known) {
		nuncio_counter_add(bus->count.hits, 1);
		job_take(job, index, route);
		return;
	}
	struct waiter *waiter = nuncio_alloc(sizeof *waiter);
	*waiter = (struct waiter){ route->waiters, job, index };
	route->waiters = waiter;
	job->waiting++;
	if (!route->is_asked)
		ask_route(bus, route);
}

static void want_all(struct bus *bus, struct job *job, const struct nuncio_str *topics, size_t n)
{
	job->waiting = 1; /* this one: nothing runs before all are asked */
	for (size_t i = 0; i < n; i++)
		want_route(bus, job, i, topics[i]);
	job->waiting--;
	run_jobs(bus);
}

void routes_publish(
	struct bus *bus, const struct nuncio_str *topics, size_t n, struct nuncio_str frame)
{
	struct routes *routes = &bus->routes;
	if (!redis_member_is_held(&bus->member) || routes->job_count >= JOBS_MOST ||
		routes->job_bytes + frame.n > JOB_BYTES_MOST) {
		bus_lost(bus, 1);
		return;
	}
	struct job *job = job_add(bus, frame);
	job->is_for_all = n == 0;
	want_all(bus, job, topics, n);
}

void routes_find(
	struct bus *bus, const struct nuncio_str *topics, size_t n, struct nuncio_bus_ask *ask)
{
	if (!redis_member_is_held(&bus->member) || bus->routes.job_count >= JOBS_MOST) {
		nuncio_bus_found(&ask, NUNCIO_E_BUSY, NULL, 0);
		return;
	}
	struct job *job = job_add(bus, (struct nuncio_str){ NULL, 0 });
	job->ask = ask;
	job->topic_count = n;
	job->yes = nuncio_alloc(n);
	want_all(bus, job, topics, n);
}

/* ---- changes ---- */

void routes_changed(struct bus *bus, struct nuncio_str topic, uint16_t node, bool is_on)
{
	struct redis_entry *entry = redis_map_find(&bus->routes.all, topic);
	if (!entry)
		return;
	struct route *route = REDIS_OF(entry, struct route, by_text);
	if (route->is_asked)
		route->is_stale = true;
	else if (is_on)
		route_add(route, node);
	else
		route_remove(route, node);
}

void routes_forget(struct bus *bus)
{
	struct redis_ring *at = bus->routes.used.next;
	while (at != &bus->routes.used) {
		struct route *route = REDIS_OF(at, struct route, used);
		at = at->next;
		if (route->is_asked)
			route->is_stale = true;
		else
			route_free(&bus->routes, route);
	}
}

void routes_forget_node(struct bus *bus, uint16_t node)
{
	for (struct redis_ring *at = bus->routes.used.next; at != &bus->routes.used; at = at->next)
		route_remove(REDIS_OF(at, struct route, used), node);
}

void routes_fini(struct bus *bus)
{
	struct routes *routes = &bus->routes;
	while (routes->used.next != &routes->used) {
		struct route *route = REDIS_OF(routes->used.next, struct route, used);
		tell_waiters(route, false);
		route_free(routes, route);
	}
	run_jobs(bus);
	redis_map_fini(&routes->all);
}

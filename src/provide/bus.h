/* SPDX-License-Identifier: MIT */
#ifndef PROVIDE_BUS_H
#define PROVIDE_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nuncio/bus.h>

#include "provide/provider.h"

struct loop;
struct metric_set;

/*
 * Asking the bus between nodes. The object exists without a provider too: then a node is alone, and
 * everything here does nothing. It is usable from the end of its module's start to the beginning of
 * its stop; what is published or asked outside of that is as if nobody else were there. Everything
 * here: logic thread.
 */
struct bus;

enum {
	BUS_FRAME_BYTES = 128 * 1024,
	BUS_FINDS_MAX = 10000 /* questions that wait */
};

/* The answer to a question takes at most find_ms; metrics may be NULL. */
struct bus *bus_new(struct loop *loop, struct metric_set *metrics, uint32_t find_ms);
void bus_free(struct bus **bus); /* open questions are forgotten */
void bus_use(
	struct bus *bus, const struct provider *p); /* NULL: none; at the freeze, and the end */
void bus_start(struct bus *bus);                    /* its module has started */
void bus_stop(struct bus *bus);           /* its module stops: open questions get NUNCIO_E_GONE */
bool bus_is_there(const struct bus *bus); /* one was chosen; bus NULL: no */
bool bus_is_running(const struct bus *bus);

/* To nobody when the frame is empty or too large; that is counted. */
void bus_publish(
	struct bus *bus, const struct nuncio_str *topics, size_t n, struct nuncio_str frame);
void bus_interest(struct bus *bus, struct nuncio_str topic, bool on);

/*
 * Which topics somebody else is interested in: status 0 and n flags, or negative: could not be told
 * (UNSUPPORTED, BUSY, TIMEOUT, GONE, or the bus's own). done comes once, perhaps before this
 * returns.
 */
typedef void bus_found_fn(int status, const unsigned char *yes, size_t n, void *user);
void bus_find(
	struct bus *bus, const struct nuncio_str *topics, size_t n, bus_found_fn *done, void *user);

#endif

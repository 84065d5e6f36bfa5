/* SPDX-License-Identifier: MIT */
/*
 * With several nodes on one store one of them delivers: the one that holds the lease, a record that
 * it writes anew every quarter of its time. A node that sees the same version for as long as a
 * lease lasts, by its own clock, takes it; so clocks of nodes need not agree, and an expectation
 * lets one of several win. A holder counts from before its write, so it has stopped by the time
 * that another can begin. At a clean stop the lease is given up, and a node that comes back under
 * its own name need not wait for itself.
 *
 * Even two that deliver for a moment do no harm but to repeat something: each reads from the store
 * what is due before it posts, and posts in order.
 */
#include "webhook.h"

#include <nuncio/bus.h>
#include <nuncio/conf.h>
#include <nuncio/log.h>

#include <stdlib.h>
#include <string.h>

#define SPACE_LEASE "webhook.lease" /* owner "lease", empty key: the name of the holder's node */

enum { TICKS = 4, NODE_BYTES = 255 };

struct lease {
	struct webhook *w;
	struct nuncio_timer *tick;
	int64_t length_ms, until_ms, wrote_ms; /* nuncio_mono_ms */
	uint64_t version;                      /* that was seen last; 0: none */
	int64_t seen_ms;                       /* when it was new */
	bool is_held, is_asking;
};

static const struct nuncio_str owner = { "lease", 5 }, no_key = { "", 0 };

bool lease_is_held(const struct lease *lease)
{
	return lease->is_held && nuncio_mono_ms() < lease->until_ms;
}

static void set_held(struct lease *lease, bool is_held)
{
	struct webhook *w = lease->w;
	if (lease->is_held == is_held)
		return;
	lease->is_held = is_held;
	nuncio_gauge_set(w->count.delivering, is_held);
	nuncio_log(w->self, NUNCIO_INFO,
		is_held ? "this node delivers events from now on"
			: "another node delivers events from now on");
	if (is_held)
		outbox_scan(w->outbox);
	else
		outbox_pause(w->outbox);
}

static int write_lease(struct lease *lease, struct nuncio_str node, nuncio_written_fn *done)
{
	const struct nuncio_record_write write = { .size = sizeof write,
		.space = nuncio_text(SPACE_LEASE),
		.owner = owner,
		.key = no_key,
		.value = node,
		.expect = lease->version ? (int64_t)lease->version : NUNCIO_EXPECT_ABSENT };
	lease->wrote_ms = nuncio_mono_ms();
	return nuncio_store_write(lease->w->self, &write, 1, done, lease);
}

static void on_released(int status, void *user)
{
	(void)status;
	(void)user;
}

/* For the others, who need not wait then. */
static void release(struct lease *lease)
{
	if (lease_is_held(lease))
		write_lease(lease, nuncio_text(""), on_released);
	lease->is_held = false;
}

/* The store may have written what it says it could not: then the next look finds our own name. */
static void on_written(int status, void *user)
{
	struct lease *lease = user;
	lease->is_asking = false;
	if (status == 0) {
		if (!lease_is_held(lease)) /* for a moment: others may have delivered */
			set_held(lease, false);
		lease->version++;
		lease->seen_ms = lease->wrote_ms;
		lease->until_ms = lease->wrote_ms + lease->length_ms;
		if (lease->w->is_stopping) {
			lease->is_held = true;
			release(lease);
		} else {
			set_held(lease, true);
		}
	} else if (status == NUNCIO_E_CONFLICT || status == NUNCIO_E_EXISTS) {
		set_held(lease, false);
	}
}

/* Whether it is free, its holder silent, or the holder this node before it was started anew. */
static bool may_take(struct lease *lease, const struct nuncio_record *row)
{
	int64_t now_ms = nuncio_mono_ms();
	if (row->version != lease->version) {
		lease->version = row->version;
		lease->seen_ms = now_ms;
	}
	return !row->value.n || nuncio_text_same(row->value, nuncio_text(nuncio_conf_node())) ||
	       now_ms - lease->seen_ms >= lease->length_ms;
}

static void on_read(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct lease *lease = user;
	(void)more;
	lease->is_asking = false;
	if (lease->w->is_stopping) {
		release(lease);
		return;
	}
	if (status < 0 && status != NUNCIO_E_NOTFOUND)
		return;
	if (status == 0 && n && !may_take(lease, &rows[0])) {
		set_held(lease, false);
		return;
	}
	if (status == NUNCIO_E_NOTFOUND)
		lease->version = 0;
	lease->is_asking = write_lease(lease, nuncio_text(nuncio_conf_node()), on_written) == 0;
}

static void on_tick(void *user)
{
	struct lease *lease = user;
	struct webhook *w = lease->w;
	if (lease->is_held && !lease_is_held(lease))
		set_held(lease, false); /* the store is too slow, or does not answer */
	if (lease_is_held(lease))
		outbox_sweep(w->outbox);
	if (!lease->is_asking)
		lease->is_asking = nuncio_store_get(w->self, nuncio_text(SPACE_LEASE), owner,
					   no_key, on_read, lease) == 0;
}

struct lease *lease_start(struct webhook *w, int64_t length_ms)
{
	struct lease *lease = nuncio_alloc(sizeof *lease);
	lease->w = w;
	lease->length_ms = length_ms;
	lease->tick = nuncio_timer_start(w->self, 0, (uint32_t)(length_ms / TICKS), on_tick, lease);
	return lease;
}

void lease_stop(struct lease *lease)
{
	nuncio_timer_stop(&lease->tick);
	if (!lease->is_asking) /* else when the answer comes */
		release(lease);
}

void lease_free(struct lease **lease)
{
	free(*lease);
	*lease = NULL;
}
